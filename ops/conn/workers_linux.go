package conn

import (
	"sync"
)

// workers run connections from a queue, in order. There are as many goroutines
// as there is work, up to a limit, and a few (one a processor) that wait for
// more.
type workers struct {
	max, keep int
	all       *sync.WaitGroup

	mu         sync.Mutex
	work       sync.Cond
	head, tail *pollConn
	running    int // goroutines
	idle       int // of them waiting and not yet called
	closed     bool
}

// keepIdle is how many workers wait for more when there is nothing to do: a new
// goroutine grows its stack, step by step, into the depths of storage.
const keepIdle = 64

func newWorkers(limit int, all *sync.WaitGroup) *workers {
	w := &workers{max: limit, keep: min(limit, keepIdle), all: all}
	w.work.L = &w.mu
	return w
}

// push queues a connection whose state says running. Each push calls a worker
// of its own, as far as there are: the one before may wait for the disk.
func (w *workers) push(c *pollConn) {
	w.mu.Lock()
	c.queued = nil
	if w.tail == nil {
		w.head = c
	} else {
		w.tail.queued = c
	}
	w.tail = c
	switch {
	case w.idle > 0:
		w.idle--
		w.mu.Unlock()
		w.work.Signal()
		return
	case w.running < w.max:
		w.running++
		w.all.Add(1)
		w.mu.Unlock()
		go w.run()
		return
	}
	w.mu.Unlock()
}

func (w *workers) run() {
	defer w.all.Done()
	var t Turn
	for c := w.pop(); c != nil; c = w.pop() {
		c.run(&t)
	}
}

// pop returns the next connection; nil tells the worker to end.
func (w *workers) pop() *pollConn {
	w.mu.Lock()
	defer w.mu.Unlock()
	for w.head == nil {
		if w.closed || w.idle >= w.keep {
			w.running--
			return nil
		}
		w.idle++
		w.work.Wait()
	}
	c := w.head
	if w.head = c.queued; w.head == nil {
		w.tail = nil
	}
	c.queued = nil
	return c
}

func (w *workers) close() {
	w.mu.Lock()
	w.closed, w.idle = true, 0
	w.mu.Unlock()
	w.work.Broadcast()
}
