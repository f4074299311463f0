package main

import (
	"context"
	"time"
)

// maintain runs background work: all the steps that are due, one after the
// other, and every now and then a sweep of the bodies they left behind.
func (s *server) maintain(ctx context.Context) {
	every := time.Duration(s.cfg.Store.SweepEvery)
	swept := time.Now()
	for {
		next := s.maintainDue(ctx)
		if time.Since(swept) >= every {
			if err := s.node.accounts.SweepBodies(ctx); err != nil && ctx.Err() == nil {
				s.log.Error("sweeping of bodies failed; it will be tried again", "error", err)
			}
			swept = time.Now()
		}
		pause := time.NewTimer(min(every, max(time.Until(next), time.Second)))
		select {
		case <-ctx.Done():
			pause.Stop()
			return
		case <-pause.C:
		}
	}
}

// maintainDue takes steps until none is due, and says when the next one is.
func (s *server) maintainDue(ctx context.Context) (next time.Time) {
	for ctx.Err() == nil {
		now := time.Now()
		next, err := s.node.accounts.Maintain(ctx, now)
		if err != nil && ctx.Err() == nil {
			s.log.Error("background maintenance failed; it will be tried again", "error", err)
			return next
		}
		if next.After(now) {
			return next
		}
	}
	return next
}

// maintainQueue does what is due in the queue that no delivery brings about:
// delays reported, messages given up, what is done forgotten.
func (s *server) maintainQueue(ctx context.Context) {
	for ctx.Err() == nil {
		now := time.Now()
		next, err := s.node.queue.Maintain(ctx, now)
		if err != nil && ctx.Err() == nil {
			s.log.Error("maintenance of the queue failed; it will be tried again", "error", err)
		}
		if err == nil && !next.After(now) {
			continue
		}
		pause := time.NewTimer(min(time.Duration(s.cfg.Store.SweepEvery), max(time.Until(next), time.Second)))
		select {
		case <-ctx.Done():
			pause.Stop()
		case <-pause.C:
		}
	}
}
