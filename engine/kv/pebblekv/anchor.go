package pebblekv

import (
	"sync"
	"time"
)

// anchor keeps one snapshot open a little longer than its commit needs it.
// Whenever the earliest of all snapshots is closed, Pebble looks for a
// compaction that may have become possible; without an anchor that would be
// at nearly every commit (5% of its cost at 64 writers, more at few). It lives
// for anchorAge at most, so that what an idle engine deleted last is not kept
// from being reclaimed.
type anchor struct {
	mu       sync.Mutex
	snapshot *snapshot
	closed   bool
}

const anchorAge = time.Second

// offer makes a snapshot the anchor if there is none.
func (a *anchor) offer(s *snapshot) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.snapshot != nil || a.closed {
		return
	}
	s.users.Add(1)
	a.snapshot = s
	time.AfterFunc(anchorAge, a.drop)
}

// drop lets the anchor go.
func (a *anchor) drop() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.snapshot != nil {
		a.snapshot.release()
		a.snapshot = nil
	}
}

// close drops the anchor and takes no other.
func (a *anchor) close() {
	a.drop()
	a.mu.Lock()
	a.closed = true
	a.mu.Unlock()
}
