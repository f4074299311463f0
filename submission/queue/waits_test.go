package queue_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"citron/engine/body/segment"
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
			r := rig{clock: clock{now: time.Now()}}
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
