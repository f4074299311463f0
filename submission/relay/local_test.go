package relay

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"citron/engine/enginetest"
	"citron/store"
	"citron/submission"
)

func TestLocalOutcomes(t *testing.T) {
	r := newRig(t, Options{})
	equal(t, "outcomes", "alice delivered 2.0.0\nnobody failed 5.1.1\ngone deferred 4.2.1\nall delivered 2.0.0",
		r.deliver(newJob("a: b\r\n\r\nc\r\n", "alice@example.org", "nobody@example.org", "gone@example.org", "all@example.org")))
	equal(t, "alice's copies", 2, len(r.boxes.mail[1]))
	equal(t, "bob's copies", 1, len(r.boxes.mail[2]))
	equal(t, "copies of who is disabled", 0, len(r.boxes.mail[3]))
	// RFC 5321 §4.4: Return-Path first, and one of ours alone.
	equal(t, "message", "Return-Path: <alice@example.org>\r\nDelivered-To: alice@example.org\r\n"+
		"Received: by mx.example.org id q1\r\n\tfor <alice@example.org>; Mon, 23 Nov 2026 12:01:00 +0000\r\na: b\r\n\r\nc\r\n", r.boxes.mail[1][0])
}

// What is in the way of filing.
func TestLocalRefusals(t *testing.T) {
	for _, test := range []struct {
		err  error
		want string
	}{
		{store.ErrOverQuota, "alice deferred 4.2.2"},
		{store.ErrNoSpace, "alice deferred 4.3.1"},
		{store.ErrTooLarge, "alice failed 5.3.4"},
		{store.ErrNoAccount, "alice failed 5.1.1"},
		{fmt.Errorf("disk: %w", errFault), "alice deferred 4.3.0"},
	} {
		r := newRig(t, Options{})
		r.boxes.faults[1] = test.err
		equal(t, test.err.Error(), test.want, r.deliver(newJob("a", "alice@example.org")))
		r.boxes.faults[1], r.boxes.begin = nil, test.err
		equal(t, test.err.Error()+" at once", test.want, r.deliver(newJob("a", "alice@example.org")))
		r.boxes.begin = nil
		j := newJob("a", "alice@example.org")
		j.openErr = errFault
		equal(t, "a body that cannot be read", "alice deferred 4.3.0", r.deliver(j))
	}
	r := newRig(t, Options{})
	equal(t, "no directory", "a deferred 4.3.0", r.deliver(newJob("a", "a@broken.example")))
}

// An alias of which one account takes mail and the other does not is tried
// again, and the first gets no second copy. It is "delivered" only when both have
// it: nothing can fail after that, as it could after the "expanded" of RFC 3461
// §5.2.7.3.
func TestAliasHalfFiled(t *testing.T) {
	var now enginetest.Clock
	now.Pass(time.Hour)
	r := newRig(t, Options{Now: now.Now})
	r.boxes.faults[2] = store.ErrOverQuota
	equal(t, "first", "all deferred 4.2.2", r.deliver(newJob("a", "all@example.org")))
	r.boxes.faults[2] = nil
	now.Pass(time.Hour)
	equal(t, "second", "all delivered 2.0.0", r.deliver(newJob("a", "all@example.org")))
	equal(t, "alice's copies", 1, len(r.boxes.mail[1]))
	equal(t, "bob's copies", 1, len(r.boxes.mail[2]))
}

// What the queue has settled the store need not remember.
func TestForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Options{})
		r.deliver(newJob("a", "all@example.org"))
		synctest.Wait()
		equal(t, "remembered", 2, r.boxes.remembered())
		<-r.boxes.forgot
		<-r.boxes.forgot
		synctest.Wait()
		equal(t, "remembered", 0, r.boxes.remembered())
	})
}

// A queue that cannot take the outcome is told again, and nothing delivered
// twice for it.
func TestSettleFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Options{})
		j := newJob("a", "alice@example.org")
		j.settleErrs = []error{errFault, errFault, errFault}
		equal(t, "outcome", "alice delivered 2.0.0", r.deliver(j))
		equal(t, "copies", 1, len(r.boxes.mail[1]))
	})
}

// A message over which we stumble stops nobody else's.
func TestPanic(t *testing.T) {
	r := newRig(t, Options{})
	j := newJob("a", "alice@example.org")
	j.due = []submission.Due{{Index: 0}}
	r.boxes.begin = panics{}
	equal(t, "outcome", "alice deferred 4.3.0", r.deliver(j))
	r.boxes.begin = nil
	equal(t, "the next", "alice delivered 2.0.0", r.deliver(newJob("a", "alice@example.org")))
}

// panics is an error over which its reader stumbles.
type panics struct{}

func (panics) Error() string { panic("no words") }
func (panics) Is(error) bool { panic("no kind") }
