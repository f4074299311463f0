package queue_test

import (
	"context"
	"errors"
	"testing"

	"citron/submission"
	"citron/submission/queue"
)

// Who has no place for mail that leaves still gets what is for this server.
func TestNextHere(t *testing.T) {
	r := newRig(t, queue.Options{Here: func(domain string) bool { return domain == "example.org" }})
	for range 3 {
		r.commit(text, r.envelope("a@a.example", "b@b.example"))
	}
	came := make(chan submission.Job)
	ctx, stop := context.WithCancel(r.ctx)
	defer stop()
	ended := make(chan error)
	go func() {
		for {
			j, err := r.q.NextHere(ctx)
			if err != nil {
				ended <- err
				return
			}
			came <- j
		}
	}()
	for range 3 { // waited for, while others stand before it
		r.commit(text, r.envelope("c@c.example", "d@example.org"))
		equal(t, "domain", "example.org", (<-came).Domain())
	}
	seen := map[string]int{}
	for range 9 {
		j, err := r.q.Next(r.ctx)
		if err != nil {
			t.Fatal(err)
		}
		seen[j.Domain()]++
	}
	equal(t, "of a.example", 3, seen["a.example"])
	equal(t, "of c.example", 3, seen["c.example"])
	stop()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	r.commit(text, r.envelope("d@example.org"))
	j, err := r.q.Next(r.ctx) // gives those, too
	if err != nil || j.Domain() != "example.org" {
		t.Errorf("%v", err)
	}
}
