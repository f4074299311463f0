package route

import (
	"context"
	"sync"
	"time"
)

// cache keeps answers of the DNS for as long as they are good, a bounded number
// of them, and lets who asks for the same at the same time wait for one answer.
type cache struct {
	max     int
	mu      sync.Mutex
	kept    map[question]*answer
	flights map[question]*flight
}

type question struct {
	name  string // in lower case, with its final dot
	qtype uint16
}

type flight struct {
	done   chan struct{}
	answer *answer
	err    error
	left   bool // who asked gave up: another is to ask
}

func newCache(max int) cache {
	return cache{max: max, kept: make(map[question]*answer), flights: make(map[question]*flight)}
}

// failureTTL is how long it is kept that nobody could answer (RFC 2308 §7 allows
// five minutes).
const failureTTL = 30 * time.Second

// get gives what is kept, or what ask gives.
func (c *cache) get(ctx context.Context, q question, now time.Time, ask func() (*answer, error)) (*answer, error) {
	for {
		c.mu.Lock()
		if a := c.kept[q]; a != nil && now.Before(a.expires) {
			c.mu.Unlock()
			return a, a.failed
		}
		f := c.flights[q]
		if f == nil {
			f = &flight{done: make(chan struct{})}
			c.flights[q] = f
			c.mu.Unlock()
			c.fly(ctx, f, q, now, ask)
			return f.answer, f.err
		}
		c.mu.Unlock()
		select {
		case <-f.done:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		if !f.left {
			return f.answer, f.err
		}
	}
}

// fly asks, and keeps what was answered.
func (c *cache) fly(ctx context.Context, f *flight, q question, now time.Time, ask func() (*answer, error)) {
	f.answer, f.err = ask()
	f.left = f.err != nil && ctx.Err() != nil
	c.mu.Lock()
	delete(c.flights, q)
	switch {
	case f.err == nil:
		c.room(now)
		c.kept[q] = f.answer
	case !f.left:
		c.room(now)
		c.kept[q] = &answer{failed: f.err, expires: now.Add(failureTTL)}
	}
	c.mu.Unlock()
	close(f.done)
}

// room makes room for one answer: of some, in no order, those go that are no
// longer good, and if none is, any.
func (c *cache) room(now time.Time) {
	if len(c.kept) < c.max {
		return
	}
	const look = 32
	var any question
	seen, dropped := 0, false
	for q, a := range c.kept {
		if !now.Before(a.expires) {
			delete(c.kept, q)
			dropped = true
		}
		any = q
		if seen++; seen == look {
			break
		}
	}
	if !dropped {
		delete(c.kept, any)
	}
}
