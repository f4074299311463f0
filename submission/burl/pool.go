package burl

import (
	"context"
	"slices"
	"sync"
	"time"
)

// pool keeps connections to one store. Of the places there are, each connection
// in use has one; those idle are never more than the places, because a new one
// is made only where none is idle.
type pool struct {
	places chan struct{}
	keep   time.Duration // how long one may be idle

	mu     sync.Mutex
	idle   []*client // the last used last
	closed bool
}

func newPool(places int, keep time.Duration) pool {
	return pool{places: make(chan struct{}, places), keep: keep}
}

// enter takes a place, when there is one.
func (p *pool) enter(ctx context.Context) error {
	select {
	case p.places <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// leave gives a place back.
func (p *pool) leave() { <-p.places }

// take gives the connection that was used last, nil if none is idle.
func (p *pool) take() *client {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := len(p.idle) - 1
	if n < 0 {
		return nil
	}
	c := p.idle[n]
	p.idle[n], p.idle = nil, p.idle[:n]
	c.expiry.Stop()
	c.reused = true
	return c
}

// put keeps a connection for the next fetch, and gives its place back.
func (p *pool) put(c *client) {
	p.mu.Lock()
	closed := p.closed
	if !closed {
		c.idleSince = time.Now()
		c.expiry = time.AfterFunc(p.keep, func() { p.expire(c) })
		p.idle = append(p.idle, c)
	}
	p.mu.Unlock()
	if closed {
		c.logout()
	}
	p.leave()
}

// expire ends a connection that was idle for too long, unless it was taken just
// now.
func (p *pool) expire(c *client) {
	p.mu.Lock()
	i := slices.Index(p.idle, c)
	if i >= 0 {
		p.idle = slices.Delete(p.idle, i, i+1)
	}
	p.mu.Unlock()
	if i >= 0 {
		c.logout()
	}
}

func (p *pool) close() {
	p.mu.Lock()
	idle := p.idle
	p.idle, p.closed = nil, true
	p.mu.Unlock()
	for _, c := range idle {
		c.expiry.Stop()
		c.logout()
	}
}
