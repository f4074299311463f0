package segment

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
)

// A run covers only those who called before it began, and those who come
// meanwhile share the next.
func TestFlusherSharesRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		runs := 0
		gate := make(chan struct{})
		f := flusher{run: func() error { runs++; <-gate; return nil }}
		var ended atomic.Int32
		call := func() {
			go func() {
				if err := f.flush(); err != nil {
					t.Error(err)
				}
				ended.Add(1)
			}()
		}
		call()
		synctest.Wait()
		for range 10 {
			call()
		}
		synctest.Wait()
		if runs != 1 || ended.Load() != 0 {
			t.Fatalf("%d runs, %d ended, while the first is held", runs, ended.Load())
		}
		gate <- struct{}{}
		synctest.Wait()
		if runs != 2 || ended.Load() != 1 {
			t.Fatalf("%d runs, %d ended, after the first", runs, ended.Load())
		}
		call()
		synctest.Wait()
		gate <- struct{}{}
		synctest.Wait()
		if runs != 3 || ended.Load() != 11 {
			t.Fatalf("%d runs, %d ended, after the second", runs, ended.Load())
		}
		gate <- struct{}{}
		synctest.Wait()
		if ended.Load() != 12 {
			t.Fatal("the last caller was forgotten")
		}
	})
}

// After a failure nothing is run again, and nobody is told that it went well.
func TestFlusherStaysBroken(t *testing.T) {
	bad := errors.New("input/output error")
	runs := 0
	f := flusher{run: func() error { runs++; return bad }}
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if err := f.flush(); err != bad {
				t.Errorf("flush: %v", err)
			}
		})
	}
	all.Wait()
	if runs != 1 {
		t.Errorf("%d runs after a failure", runs)
	}
}

// What was written before the call is covered by the run that answers it.
func TestFlusherCovers(t *testing.T) {
	var written, synced atomic.Int64
	f := flusher{run: func() error {
		synced.Store(written.Load())
		return nil
	}}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 2000 {
				mine := written.Add(1)
				if err := f.flush(); err != nil {
					t.Error(err)
				}
				if got := synced.Load(); got < mine {
					t.Errorf("%d written, %d synced", mine, got)
					return
				}
			}
		})
	}
	all.Wait()
}
