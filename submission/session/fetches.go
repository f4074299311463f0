package session

import (
	"context"
	"sync"
)

// fetches bounds how many URLs are fetched at a time, so that a store that is
// slow costs only so much, and one account cannot have them all.
type fetches struct {
	slots chan struct{} // holds one for each fetch under way
	each  int           // of one account, waiting ones included

	mu sync.Mutex
	by map[uint64]int
}

func newFetches(most int) *fetches {
	return &fetches{slots: make(chan struct{}, most), each: max(1, most/4), by: map[uint64]int{}}
}

// enter waits for a slot; false if there is none for the account, or none before
// ctx is done.
func (f *fetches) enter(ctx context.Context, account uint64) bool {
	f.mu.Lock()
	ok := f.by[account] < f.each
	if ok {
		f.by[account]++
	}
	f.mu.Unlock()
	if !ok {
		return false
	}
	select {
	case f.slots <- struct{}{}:
		return true
	case <-ctx.Done():
		f.forget(account)
		return false
	}
}

func (f *fetches) leave(account uint64) {
	<-f.slots
	f.forget(account)
}

func (f *fetches) forget(account uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.by[account]--; f.by[account] == 0 {
		delete(f.by, account)
	}
}
