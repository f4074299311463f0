package segment

import "sync"

// flusher shares one slow operation, a sync, among all who need one. A caller
// of flush is answered by a run that began after the call, so what the caller
// wrote before is covered. Runs follow each other without a pause for as long
// as there are callers: while one goes on, the next gathers.
//
// After a run failed the flusher is broken: every later call gets the same
// error and run is not called again. A kernel that could not write a page may
// call the next sync a success.
type flusher struct {
	run func() error

	mu      sync.Mutex
	running bool
	next    *batch // who waits for the run after this one; nil: nobody
	err     error
}

// batch is the callers of one run.
type batch struct {
	lead chan struct{} // one token: its taker runs
	done chan struct{} // closed after the run
	err  error
}

// flush returns after a run that began after the call.
func (f *flusher) flush() error {
	f.mu.Lock()
	if !f.running {
		f.running = true
		f.mu.Unlock()
		return f.perform(nil)
	}
	b := f.next
	if b == nil {
		b = &batch{lead: make(chan struct{}, 1), done: make(chan struct{})}
		f.next = b
	}
	f.mu.Unlock()
	select {
	case <-b.lead:
		// From here on newcomers belong to the run after this one.
		f.mu.Lock()
		f.next = nil
		f.mu.Unlock()
		return f.perform(b)
	case <-b.done:
		return b.err
	}
}

// perform runs once for the batch and hands over to the next.
func (f *flusher) perform(b *batch) error {
	f.mu.Lock()
	err := f.err
	f.mu.Unlock()
	if err == nil {
		err = f.run()
	}
	f.mu.Lock()
	f.err = err
	if f.next != nil {
		f.next.lead <- struct{}{}
	} else {
		f.running = false
	}
	f.mu.Unlock()
	if b != nil {
		b.err = err
		close(b.done)
	}
	return err
}
