package queue_test

import (
	"math/rand/v2"
	"testing"

	"citron/engine/enginetest"
	"citron/engine/vfs/crashfs"
	"citron/submission"
	"citron/submission/queue"
)

// TestCrashAtEveryCall cuts the power at every call of a message's life: in,
// handed over, deferred, failed and reported. What was acknowledged is there;
// the step under way happened whole or not at all.
func TestCrashAtEveryCall(t *testing.T) {
	for n := uint64(1); ; n++ {
		fs := crashfs.New()
		opt := queue.Options{InlineLimit: 60}
		d := mount(t, fs, opt)
		at := fs.Calls() + n
		fs.OnCall(crashfs.PowerCut(at, nil))
		done := d.life(t)
		fs.OnCall(nil)
		over := fs.Calls() < at
		d = mount(t, fs.Crash(rand.New(rand.NewPCG(n, 3))), opt)
		d.verify(t)
		d.lived(t, n, done)
		d.close()
		if over || t.Failed() {
			return
		}
	}
}

// life goes through the steps until one fails, and says how many were done.
func (d *disk) life(t *testing.T) (done int) {
	r := rig{clock: enginetest.Clock{Time: start}}
	for _, text := range []string{text, text + "a message that is not kept in the engine, for it is too long\r\n"} {
		if _, err := put(t.Context(), d.q, text, r.envelope("bob@example.com")); err != nil {
			return done
		}
		done++
	}
	for range 2 {
		j, err := d.q.Take(t.Context())
		if j == nil || err != nil {
			return done
		}
		if j.HandOver(t.Context(), "mx", []int{0}) != nil {
			return done
		}
		done++
		if j.Settle(t.Context(), all(j, failed)) != nil {
			return done
		}
		done++
	}
	return done
}

// lived compares what is there with what was done.
func (d *disk) lived(t *testing.T, n uint64, done int) {
	t.Helper()
	messages, reports, marked := 0, 0, 0
	err := d.q.List(t.Context(), queue.Filter{}, func(s queue.Summary) error {
		if s.From.IsNull() {
			reports++
			return nil
		}
		messages++
		details, err := d.q.Show(t.Context(), s.ID)
		if err == nil {
			marked += len(details.Pending[0].HandedOver)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	// After so many steps; the next may have happened, too.
	want := [...][3]int{{0, 0, 0}, {1, 0, 0}, {2, 0, 0}, {2, 0, 1}, {1, 1, 0}, {1, 1, 1}, {0, 2, 0}}
	got := [3]int{messages, reports, marked}
	if got != want[done] && got != want[min(done+1, len(want)-1)] {
		t.Errorf("crash at call %d, %d steps done: messages, reports, marks %v, want %v or the step after", n, done, got, want[done])
	}
	var j submission.Job
	for j, err = d.q.Take(t.Context()); j != nil; j, err = d.q.Take(t.Context()) {
		bodyOf(t, j)
		if err := j.Settle(t.Context(), all(j, delivered)); err != nil {
			t.Fatal(err)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
}
