package queue

import (
	"context"
	"time"

	"citron/engine/kv"
)

// Totals are what is in the queue.
type Totals struct {
	Messages, Recipients, Bytes uint64
}

// Totals counts what is in the queue, at no cost.
func (q *Queue) Totals() Totals {
	q.mu.Lock()
	defer q.mu.Unlock()
	return Totals{q.head.messages, q.head.recipients, q.head.bytes}
}

// DomainStats is what waits for a domain. What is held by its id or account is
// not counted.
type DomainStats struct {
	Domain string
	// Jobs is how many there are, Due how many of those could be tried now,
	// Out how many are.
	Jobs, Due, Out int
	// Next is when the first is due.
	Next time.Time
	// Failures is how often in a row no host could be talked to, DownUntil when
	// that is tried again.
	Failures  int
	DownUntil time.Time
	Held      bool // by an operator or the configuration
}

// Domains calls each for every domain for which something waits, in order. It
// reads the whole schedule.
func (q *Queue) Domains(ctx context.Context, each func(DomainStats) error) error {
	now := milliOf(q.opt.Now())
	var s DomainStats
	var next milli
	flush := func() error {
		if s.Jobs == 0 {
			return nil
		}
		s.Next = next.time()
		q.describeDomain(&s)
		err := each(s)
		s, next = DomainStats{}, 0
		return err
	}
	err := q.each(ctx, kv.Range{From: []byte{keySchedule}, To: []byte{keySchedule + 1}, KeysOnly: true}, func(key, _ []byte) error {
		domain, _, p, ok := parseSchedule(key)
		if !ok {
			return nil
		}
		if domain != s.Domain || s.Jobs == 0 {
			if err := flush(); err != nil {
				return err
			}
			s.Domain = domain
		}
		if s.Jobs++; p.due <= now {
			s.Due++
		}
		next = earlier(next, p.due)
		return nil
	})
	if err != nil {
		return err
	}
	return flush()
}

// describeDomain adds what is known in memory.
func (q *Queue) describeDomain(s *DomainStats) {
	s.Held = q.holds(s.Domain)
	q.mu.Lock()
	defer q.mu.Unlock()
	if d := q.schedule.domains[s.Domain]; d != nil {
		s.Out, s.Failures, s.DownUntil = len(d.out), d.failures, d.downUntil.time()
	}
}
