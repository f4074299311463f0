package conn

import (
	"container/heap"
	"sync"
	"time"
)

// timers keep the deadlines of parked connections in one heap under one
// runtime timer. They are lazy: a deadline that moves away leaves its entry,
// which then fires early and is renewed by the connection; so a session that
// pushes its autologout ahead with every command costs nothing.
type timers struct {
	epoch time.Time

	mu      sync.Mutex
	heap    timerHeap
	timer   *time.Timer
	set     int64 // what timer is set to; 0: not set
	stopped bool
}

func (t *timers) init() { t.epoch = time.Now() }

// deadline converts a time for arm: nanoseconds since the epoch, at least 1,
// or 0 for none.
func (t *timers) deadline(when time.Time) int64 {
	if when.IsZero() {
		return 0
	}
	return max(1, int64(when.Sub(t.epoch)))
}

func (t *timers) now() int64 { return t.deadline(time.Now()) }

// arm has evTimer posted to the connection at the given time or earlier.
func (t *timers) arm(c *pollConn, at int64) {
	if armed := c.armed.Load(); armed != 0 && armed <= at {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.stopped {
		return
	}
	if c.armed.Swap(at) == 0 {
		heap.Push(&t.heap, c)
	} else {
		heap.Fix(&t.heap, c.timerIndex)
	}
	t.reset()
}

// disarm takes a closed connection out.
func (t *timers) disarm(c *pollConn) {
	if c.armed.Load() == 0 {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if c.armed.Load() != 0 {
		heap.Remove(&t.heap, c.timerIndex)
		c.armed.Store(0)
	}
}

// reset sets the runtime timer to the first deadline.
func (t *timers) reset() {
	if len(t.heap) == 0 || t.stopped {
		return
	}
	first := t.heap[0].armed.Load()
	if t.set != 0 && t.set <= first {
		return
	}
	t.set = first
	d := max(0, time.Duration(first-t.now()))
	if t.timer == nil {
		t.timer = time.AfterFunc(d, t.fire)
	} else {
		t.timer.Reset(d)
	}
}

// fire posts to all whose time has come. An entry is disarmed before its post,
// so that a connection about to park either sees the flag or arms anew.
func (t *timers) fire() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.set = 0
	now := t.now()
	for len(t.heap) > 0 && t.heap[0].armed.Load() <= now {
		c := heap.Pop(&t.heap).(*pollConn)
		c.armed.Store(0)
		c.post(evTimer)
	}
	t.reset()
}

func (t *timers) stop() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.stopped = true
	if t.timer != nil {
		t.timer.Stop()
	}
}

// timerHeap has the earliest deadline on top.
type timerHeap []*pollConn

func (h timerHeap) Len() int           { return len(h) }
func (h timerHeap) Less(i, j int) bool { return h[i].armed.Load() < h[j].armed.Load() }
func (h timerHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].timerIndex, h[j].timerIndex = i, j
}
func (h *timerHeap) Push(x any) {
	c := x.(*pollConn)
	c.timerIndex = len(*h)
	*h = append(*h, c)
}
func (h *timerHeap) Pop() any {
	old := *h
	c := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return c
}
