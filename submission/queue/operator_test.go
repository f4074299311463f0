package queue_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"citron/submission"
	"citron/submission/queue"
	"citron/wire/smtp"
)

func (r *rig) list(f queue.Filter) string {
	r.t.Helper()
	var lines []string
	err := r.q.List(r.ctx, f, func(s queue.Summary) error {
		line := fmt.Sprint(s.Recipients, " ", strings.Join(s.Domains, ","), " ", s.State)
		if s.Why != "" {
			line += ": " + s.Why
		}
		lines = append(lines, line)
		return nil
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return strings.Join(lines, "; ")
}

// must is for what returns a number and an error.
func (r *rig) must(n int, err error) int {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
	return n
}

func TestListAndShow(t *testing.T) {
	r := newRig(t, queue.Options{})
	first := r.commit(text, r.envelope("bob@example.com", "carol@example.net"))
	other := r.envelope("dan@example.net")
	other.Account, other.HoldUntil = 8, start.Add(time.Hour)
	second := r.commit(text, other)
	j := r.mustTake()
	if err := j.HandOver(r.ctx, "mx.example.com", []int{j.Due()[0].Index}); err != nil {
		t.Fatal(err)
	}
	equal(t, "all", "2 example.com,example.net out; 1 example.net waiting", r.list(queue.Filter{}))
	equal(t, "domain", "2 example.com,example.net out", r.list(queue.Filter{Domain: "EXAMPLE.com"}))
	eight := uint64(8)
	equal(t, "account", "1 example.net waiting", r.list(queue.Filter{Account: &eight}))
	equal(t, "state", "1 example.net waiting", r.list(queue.Filter{State: queue.Waiting}))
	equal(t, "first page", "2 example.com,example.net out", r.list(queue.Filter{Limit: 1}))
	equal(t, "second page", "1 example.net waiting", r.list(queue.Filter{Limit: 1, After: first}))

	// The process dies; the mark tells (RFC 1047).
	r.reopen()
	if log := r.log.String(); !strings.Contains(log, "may have been handed over") || !strings.Contains(log, first) {
		t.Errorf("not in the log: %s", log)
	}
	d, err := r.q.Show(r.ctx, first)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "pending", 2, len(d.Pending))
	equal(t, "handed over", fmt.Sprint([]queue.HandOver{{Host: "mx.example.com", At: start}}), fmt.Sprint(d.Pending[0].HandedOver, d.Pending[1].HandedOver)[:len(fmt.Sprint([]queue.HandOver{{Host: "mx.example.com", At: start}}))])
	for j := r.take(); j != nil; j = r.take() {
		r.settle(j, deferred)
	}
	if d, err = r.q.Show(r.ctx, first); err != nil || d.Pending[0].Last.Text != "later" || d.Pending[0].Attempts != 1 || len(d.Pending[0].HandedOver) != 1 {
		t.Errorf("%+v %v", d.Pending, err)
	}
	for _, id := range []string{"", "nothing", second + "0"} {
		if _, err := r.q.Show(r.ctx, id); !errors.Is(err, queue.ErrNoMessage) {
			t.Errorf("Show %q: %v", id, err)
		}
	}
}

func TestRetryByOperator(t *testing.T) {
	r := newRig(t, queue.Options{})
	id := r.commit(text, r.envelope("bob@example.com"))
	r.commit(text, r.envelope("carol@example.com"))
	r.settle(r.mustTake(), down)
	if r.take() != nil {
		t.Fatal("a job for a domain that is down")
	}
	for _, s := range []queue.Selection{{ID: id}, {Domain: "example.com"}, {All: true}} {
		r.must(r.q.Retry(r.ctx, s))
		r.settle(r.mustTake(), down)
	}
	if _, err := r.q.Retry(r.ctx, queue.Selection{ID: id, All: true}); !errors.Is(err, queue.ErrSelection) {
		t.Errorf("%v", err)
	}
}

func TestHoldByOperator(t *testing.T) {
	seven := uint64(7)
	why := map[string]string{"id": "by an operator", "domain": "all of its domain is, by an operator", "account": "all of its account is, by an operator"}
	for name, s := range map[string]func(id string) queue.Selection{
		"id":      func(id string) queue.Selection { return queue.Selection{ID: id} },
		"domain":  func(string) queue.Selection { return queue.Selection{Domain: "Example.COM"} },
		"account": func(string) queue.Selection { return queue.Selection{Account: &seven} },
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, queue.Options{})
			id := r.commit(text, r.envelope("bob@example.com"))
			r.must(r.q.Hold(r.ctx, s(id)))
			r.reopen()
			n := uint64(1)
			if name != "id" {
				r.commit(text, r.envelope("carol@example.com"))
				n++
			}
			for range 3 { // it does not age
				if r.take() != nil {
					t.Fatal("a job of what is held")
				}
				r.clock.Pass(4 * 24 * time.Hour)
				r.maintain()
			}
			equal(t, "state", strings.Join(slices.Repeat([]string{"1 example.com held: " + why[name]}, int(n)), "; "), r.list(queue.Filter{State: queue.Held}))
			r.must(r.q.Unhold(r.ctx, s(id)))
			r.reopen()
			r.maintain()
			for range n {
				j := r.mustTake()
				equal(t, "domain", "example.com", j.Domain())
				r.settle(j, delivered)
			}
			if j := r.take(); j != nil && name != "domain" { // a report of the delay is in order
				t.Errorf("a job to %s", j.Domain())
			}
		})
	}
}

func TestDelete(t *testing.T) {
	for _, report := range []bool{false, true} {
		r := newRig(t, queue.Options{InlineLimit: 10})
		id := r.commit(text, r.envelope("bob@example.com", "carol@example.net"))
		equal(t, "deleted", 1, r.must(r.q.Delete(r.ctx, queue.Selection{Domain: "example.com"}, report)))
		equal(t, "left", "1 example.net due", strings.Split(r.list(queue.Filter{}), ";")[0])
		var out = r.mustTake()
		for out.Domain() != "example.net" {
			r.settle(out, delivered)
			out = r.mustTake()
		}
		equal(t, "deleted", 1, r.must(r.q.Delete(r.ctx, queue.Selection{ID: id}, report)))
		r.settle(out, failed) // too late: no second report
		n := 0
		for r.report() != "" {
			n++
		}
		if want := map[bool]int{false: 0, true: 1}[report]; n < want || n > 2*want {
			t.Errorf("%d reports", n)
		}
		equal(t, "left", queue.Totals{}, r.q.Totals())
	}
}

// RFC 3461 §5.2.6: who wants to hear of failures hears of this one, whatever
// else he wants to hear of.
func TestDeleteReports(t *testing.T) {
	for notify, want := range map[smtp.Notify]bool{
		0: true, smtp.NotifyFailure: true, smtp.NotifyFailure | smtp.NotifyDelay: true, smtp.NotifySuccess | smtp.NotifyFailure: true,
		smtp.NotifyNever: false, smtp.NotifySuccess: false, smtp.NotifyDelay: false,
	} {
		r := newRig(t, queue.Options{})
		e := r.envelope("bob@example.com")
		e.Rcpts[0].Notify = notify
		r.must(r.q.Delete(r.ctx, queue.Selection{ID: r.commit(text, e)}, true))
		equal(t, fmt.Sprint("told with NOTIFY ", notify), want, r.report() != "")
		equal(t, "the log says that nobody is told", !want, strings.Contains(r.log.String(), "no sender is told"))
	}
}

func TestDomains(t *testing.T) {
	r := newRig(t, queue.Options{})
	for range 3 {
		r.commit(text, r.envelope("bob@example.com", "carol@example.net"))
	}
	r.settle(r.mustTake(), down)
	r.must(r.q.Hold(r.ctx, queue.Selection{Domain: "example.net"}))
	var lines []string
	err := r.q.Domains(r.ctx, func(s queue.DomainStats) error {
		lines = append(lines, fmt.Sprint(s.Domain, " ", s.Jobs, s.Due, s.Out, s.Failures, s.Held))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "domains", "example.com 3 2 0 1 false; example.net 3 3 0 0 true", strings.Join(lines, "; "))
}

// Of a domain that is down one message tries now and then: of the others the
// operator sees that, and when.
func TestListOfDownDomain(t *testing.T) {
	r := newRig(t, queue.Options{Retry: []time.Duration{time.Hour}})
	r.commit(text, r.envelope("bob@example.com"))
	second := r.commit(text, r.envelope("carol@example.com"))
	r.settle(r.mustTake(), down)
	equal(t, "states", "1 example.com waiting: domain is down; 1 example.com waiting: domain is down", r.list(queue.Filter{}))
	d, err := r.q.Show(r.ctx, second)
	if err != nil || !d.Next.Equal(start.Add(time.Hour)) || !d.Pending[0].Next.Equal(d.Next) {
		t.Errorf("%+v %v", d, err)
	}
	// What is held is waited for by nobody.
	r.must(r.q.Hold(r.ctx, queue.Selection{Domain: "example.com"}))
	if d, err = r.q.Show(r.ctx, second); err != nil || !d.Next.IsZero() || !d.Pending[0].Next.IsZero() {
		t.Errorf("%+v %v", d, err)
	}
}

// The directory may be slow to say which domains are this server's, or held:
// nobody else waits for it, and then each domain is taken as what it is.
func TestSlowAnswers(t *testing.T) {
	asked, answer := make(chan string, 100), make(chan struct{})
	slow := func(name string) bool {
		if name != "slow.example" {
			return false
		}
		asked <- name
		<-answer
		return true
	}
	for what, opt := range map[string]queue.Options{"here": {Here: slow}, "held": {HoldDomain: slow}} {
		r := newRig(t, opt)
		r.commit(text, r.envelope("bob@slow.example"))
		taken := make(chan submission.Job)
		go func() {
			j, err := r.q.Take(r.ctx)
			if err != nil {
				t.Error(err)
			}
			taken <- j
		}()
		<-asked
		r.commit(text, r.envelope("carol@example.com"))
		r.settle(r.mustTake(), delivered)
		equal(t, "messages", 1, r.q.Totals().Messages)
		answer <- struct{}{}
		j := <-taken
		equal(t, what, what == "here", j != nil)
		if what == "held" {
			equal(t, "state", "1 slow.example held: by configuration", r.list(queue.Filter{}))
		}
	}
}

// A domain that is found to be ready is taken at once: a thousand others need not
// be asked about before.
func TestAskedOneByOne(t *testing.T) {
	asked := 0
	r := newRig(t, queue.Options{Here: func(string) bool { asked++; return false }})
	for i := range 5 {
		r.commit(text, r.envelope(fmt.Sprintf("bob@%d.example", i)))
	}
	for want := 1; want <= 5; want++ {
		r.settle(r.mustTake(), delivered)
		equal(t, "asked about", want, asked)
	}
}

// What the configuration holds is asked again every now and then.
func TestHeldByConfiguration(t *testing.T) {
	held := true
	r := newRig(t, queue.Options{HoldDomain: func(name string) bool { return held && name == "example.com" }})
	r.commit(text, r.envelope("bob@example.com"))
	if r.take() != nil {
		t.Fatal("a job of what is held")
	}
	equal(t, "state", "1 example.com held: by configuration", r.list(queue.Filter{}))
	r.maintain()
	held = false
	r.clock.Pass(2 * time.Minute)
	r.maintain()
	r.settle(r.mustTake(), delivered)
}

// A clock that is set back does not end maintenance until it is where it was.
func TestMaintainedThoughClockGoesBack(t *testing.T) {
	held := true
	r := newRig(t, queue.Options{HoldDomain: func(string) bool { return held }})
	r.commit(text, r.envelope("bob@example.com"))
	if r.take() != nil {
		t.Fatal("a job of what is held")
	}
	r.maintain()
	r.clock.Pass(-time.Hour)
	held = false
	r.maintain()
	r.clock.Pass(time.Hour)
	r.settle(r.mustTake(), delivered)
}
