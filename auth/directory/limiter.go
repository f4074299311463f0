package directory

import (
	"context"
	"runtime"
	"sync"
)

// limiter bounds what hashing uses at one time, first come, first served.
type limiter struct {
	mu      sync.Mutex
	size    int64
	free    int64
	waiting []*waiter
}

type waiter struct {
	cost  int64
	ready chan struct{}
}

func newLimiter(size int64) *limiter { return &limiter{size: size, free: size} }

// acquire waits until cost, at most the limiter's size, is free.
func (l *limiter) acquire(ctx context.Context, cost int64) error {
	l.mu.Lock()
	if len(l.waiting) == 0 && cost <= l.free {
		l.free -= cost
		l.mu.Unlock()
		return nil
	}
	w := &waiter{cost, make(chan struct{})}
	l.waiting = append(l.waiting, w)
	l.mu.Unlock()
	select {
	case <-w.ready:
		return nil
	case <-ctx.Done():
		l.leave(w)
		return ctx.Err()
	}
}

// leave takes back what w was waiting for, or was just given.
func (l *limiter) leave(w *waiter) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, other := range l.waiting {
		if other == w {
			l.waiting = append(l.waiting[:i], l.waiting[i+1:]...)
			l.admit()
			return
		}
	}
	l.free += w.cost
	l.admit()
}

func (l *limiter) release(cost int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.free += cost
	l.admit()
}

func (l *limiter) admit() {
	for len(l.waiting) > 0 && l.waiting[0].cost <= l.free {
		w := l.waiting[0]
		l.waiting = l.waiting[1:]
		l.free -= w.cost
		close(w.ready)
	}
}

// scramCost is the share of the limiter that PBKDF2 takes: it needs no memory
// but a processor, so that as many run as there are processors.
func (d *Directory) scramCost() int64 {
	return max(1, d.opts.HashMemory/int64(runtime.GOMAXPROCS(0)))
}
