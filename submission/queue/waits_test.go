package queue_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"citron/engine/body/segment"
	"citron/engine/enginetest"
	"citron/engine/kv/memkv"
	"citron/engine/vfs/crashfs"
	"citron/submission"
	"citron/submission/queue"
)

// Who waits in Next is woken by a message that comes, by one whose time comes,
// and by the end of the wait; each job is given to one of them.
func TestNextWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bodies, err := segment.Open(crashfs.New(), "queue", segment.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer bodies.Close()
		q, err := queue.Open(t.Context(), memkv.New(memkv.Options{}), bodies, queue.Options{
			Retry: []time.Duration{time.Minute}, Random: func() float64 { return 0 },
		})
		if err != nil {
			t.Fatal(err)
		}
		defer q.Close()
		ctx, cancel := context.WithCancel(t.Context())
		var mu sync.Mutex
		tries := map[string][]time.Duration{}
		began := time.Now()
		var workers sync.WaitGroup
		for range 20 {
			workers.Go(func() {
				for {
					j, err := q.Next(ctx)
					if err != nil {
						if !errors.Is(err, context.Canceled) {
							t.Error(err)
						}
						return
					}
					mu.Lock()
					tries[j.ID()] = append(tries[j.ID()], time.Since(began))
					n := len(tries[j.ID()])
					mu.Unlock()
					o := deferred
					if n == 3 {
						o = delivered
					}
					if err := j.Settle(ctx, all(j, o)); err != nil {
						t.Error(err)
					}
				}
			})
		}
		synctest.Wait()
		for range 50 {
			r := rig{clock: enginetest.Clock{Time: time.Now()}}
			if _, err := put(ctx, q, text, r.envelope("bob@example.com")); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(10 * time.Minute)
		cancel()
		workers.Wait()
		equal(t, "messages", 50, len(tries))
		for id, at := range tries {
			if len(at) != 3 || at[0] > time.Second || at[1] < time.Minute || at[1] > 62*time.Second || at[2] > 124*time.Second {
				t.Errorf("%s was tried after %v", id, at)
			}
		}
		equal(t, "left", queue.Totals{}, q.Totals())
	})
}

// A clock that is set back does not leave a message to lie for as long as no
// other comes: when its time has come by the clock, it is tried.
func TestClockGoesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bodies, err := segment.Open(crashfs.New(), "queue", segment.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer bodies.Close()
		var back atomic.Int64
		q, err := queue.Open(t.Context(), memkv.New(memkv.Options{}), bodies, queue.Options{
			Retry: []time.Duration{10 * time.Minute}, Random: func() float64 { return 0 },
			Now: func() time.Time { return time.Now().Add(-time.Duration(back.Load())) },
		})
		if err != nil {
			t.Fatal(err)
		}
		defer q.Close()
		r := rig{clock: enginetest.Clock{Time: time.Now()}}
		if _, err := put(t.Context(), q, text, r.envelope("bob@example.com")); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		for _, o := range []submission.Outcome{deferred, delivered} {
			ctx, cancel := context.WithTimeout(t.Context(), 24*time.Hour)
			j, err := q.Next(ctx)
			cancel()
			if err != nil {
				t.Fatalf("after %v: %v", time.Since(began), err)
			}
			if err := j.Settle(t.Context(), all(j, o)); err != nil {
				t.Fatal(err)
			}
			time.AfterFunc(time.Minute, func() { back.Store(int64(time.Hour)) })
		}
		if wait := time.Since(began); wait < 69*time.Minute || wait > 71*time.Minute {
			t.Errorf("tried again after %v", wait)
		}
	})
}

// RFC 5321 §7.8: a queue that is full takes no more, but for its own reports.
func TestFullQueue(t *testing.T) {
	r := newRig(t, queue.Options{MaxMessages: 2})
	for range 2 {
		r.commit(text, r.envelope("bob@example.com"))
	}
	if _, err := r.q.Begin(r.ctx, 0); !errors.Is(err, submission.ErrNoSpace) {
		t.Errorf("%v", err)
	}
	r.settle(r.mustTake(), failed)
	if _, err := r.q.Begin(r.ctx, 0); !errors.Is(err, submission.ErrNoSpace) {
		t.Errorf("with a report in the place of the message: %v", err)
	}
}
