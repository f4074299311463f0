package queue_test

import (
	"flag"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"

	"citron/engine/body/segment"
	"citron/engine/enginetest"
	"citron/engine/kv/pebblekv"
	"citron/engine/vfs/osfs"
	"citron/submission/queue"
)

var deadMessages = flag.Int("dead.messages", 3000, "how many messages TestDeadDomain queues")

// A domain that is down costs memory for the domain, not for its messages;
// neither opening the queue nor a job for another domain reads them, and a
// probe writes to none but its own.
func TestDeadDomain(t *testing.T) {
	fs, err := osfs.New(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	engine, err := pebblekv.Open(fs, "kv", pebblekv.Options{NoFloor: true, Cache: 1 << 20, MemTable: 4 << 20})
	if err != nil {
		t.Fatal(err)
	}
	defer engine.Close()
	bodies, err := segment.Open(fs, "queue", segment.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer bodies.Close()
	r := &rig{t: t, ctx: t.Context(), engine: engine, bodies: bodies, opt: queue.Options{Retry: []time.Duration{time.Hour}}, clock: enginetest.Clock{Time: start}}
	before := heap()
	r.open()
	var beside sync.WaitGroup
	for i := range 64 {
		beside.Go(func() {
			for n := i; n < *deadMessages; n += 64 {
				if _, err := put(r.ctx, r.q, text, r.envelope(fmt.Sprintf("user%d@dead.example", n))); err != nil {
					t.Error(err)
				}
			}
		})
	}
	beside.Wait()
	for j := r.take(); j != nil; j = r.take() {
		r.settle(j, down)
	}
	reads := engine.Stats().Reads
	r.reopen()
	if n := engine.Stats().Reads - reads; n > 10 {
		t.Errorf("opening the queue took %d reads", n)
	}
	r.settle(r.mustTake(), down)

	writes, reads := engine.Stats().Updates, engine.Stats().Reads
	r.commit(text, r.envelope("bob@alive.example"))
	j := r.mustTake()
	equal(t, "domain", "alive.example", j.Domain())
	r.settle(j, delivered)
	if w, n := engine.Stats().Updates-writes, engine.Stats().Reads-reads; w != 2 || n > 6 {
		t.Errorf("a message for another domain took %d transactions and %d reads", w, n)
	}
	for range 3 {
		r.clock.Pass(2 * time.Hour)
		writes = engine.Stats().Updates
		r.settle(r.mustTake(), down)
		if r.take() != nil {
			t.Fatal("more than a probe")
		}
		equal(t, "transactions of a probe", 1, engine.Stats().Updates-writes)
	}
	grown := max(heap(), before) - before
	t.Logf("%d messages, heap grown by %d KiB", *deadMessages, grown>>10)
	if grown > 32<<20 {
		t.Errorf("the heap grew by %d bytes for %d messages", grown, *deadMessages)
	}
	equal(t, "messages", uint64(*deadMessages), r.q.Totals().Messages)
}

// heap is what is in use after a collection.
func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapInuse
}

// Domains beyond those that memory has room for are found when there is some.
func TestMoreDomainsThanRoom(t *testing.T) {
	r := newRig(t, queue.Options{MaxDomains: 10})
	const n = 300
	for i := range n {
		r.commit(text, r.envelope(fmt.Sprintf("bob@%d.example", i)))
	}
	r.reopen()
	seen := map[string]bool{}
	for range n {
		for j := r.take(); j != nil; j = r.take() {
			seen[j.Domain()] = true
			r.settle(j, delivered)
		}
		r.clock.Pass(time.Minute)
		r.maintain()
	}
	equal(t, "domains", n, len(seen))
}

// Of one priority the domains take turns, a higher one goes first (RFC 6710
// §5), and every now and then the one that waits longest.
func TestFairness(t *testing.T) {
	r := newRig(t, queue.Options{PerDomain: 1000})
	for range 40 {
		e := r.envelope("bob@slow.example")
		e.Mail.Priority.Level = -3
		r.commit(text, e)
	}
	r.clock.Pass(time.Second)
	for range 60 {
		e := r.envelope("bob@busy.example")
		e.Mail.Priority.Level = 3
		r.commit(text, e)
	}
	r.clock.Pass(time.Second)
	e := r.envelope("bob@small.example")
	e.Mail.Priority.Level = 3
	r.commit(text, e)
	slow, small := 0, 0
	for i := range 40 {
		switch j := r.mustTake(); j.Domain() {
		case "slow.example":
			slow++
		case "small.example":
			small = i
		}
	}
	if small > 4 {
		t.Errorf("a domain with one message waited for %d jobs", small)
	}
	if slow < 3 || slow > 8 {
		t.Errorf("%d of 40 jobs are of the low priority", slow)
	}
}

// More domains that are down than memory has room for do not keep mail for
// another from going out.
func TestMoreDeadDomainsThanRoom(t *testing.T) {
	r := newRig(t, queue.Options{MaxDomains: 20, Retry: []time.Duration{24 * time.Hour}})
	for i := range 60 {
		r.commit(text, r.envelope(fmt.Sprintf("bob@a%d.example", i)))
	}
	r.commit(text, r.envelope("bob@zebra.example"))
	for range 60 {
		for j := r.take(); j != nil; j = r.take() {
			if j.Domain() == "zebra.example" {
				r.settle(j, delivered)
				equal(t, "messages", 60, r.q.Totals().Messages)
				return
			}
			r.settle(j, down)
		}
		r.clock.Pass(time.Minute)
		r.maintain()
	}
	t.Error("the message for a domain that is up was not given")
}
