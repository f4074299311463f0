package queue_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"citron/submission"
	"citron/submission/queue"
	"citron/wire/smtp"
)

// report takes the report that is due at the sender's domain, ends it and gives
// its text; "" if there is none.
func (r *rig) report() string {
	r.t.Helper()
	j := r.take()
	if j == nil {
		return ""
	}
	e := j.Envelope()
	if !e.Mail.From.IsNull() || e.Account != 0 || len(e.Rcpts) != 1 || e.Rcpts[0].To != path("alice@example.org") {
		r.t.Errorf("a report from %q to %v of account %d", e.Mail.From, e.Rcpts, e.Account)
	}
	if e.Rcpts[0].Notify&^smtp.NotifyNever != 0 || e.Mail.Return != smtp.ReturnUnsaid {
		r.t.Errorf("RFC 3461 §6.1: NOTIFY %v RET %v", e.Rcpts[0].Notify, e.Mail.Return)
	}
	text := r.text(j)
	r.settle(j, delivered)
	return text
}

// action is what a report says of the first recipient.
func action(report string) string {
	_, after, _ := strings.Cut(report, "\r\nAction: ")
	line, _, _ := strings.Cut(after, "\r\n")
	return line
}

// Who is told what: RFC 3461 §5.2.2, §5.2.3, §5.2.6; RFC 2852 §4.1.4.
func TestWhoIsTold(t *testing.T) {
	blind, speaks := delivered, delivered
	blind.Result, speaks.Result = submission.RelayedBlind, submission.Relayed
	owed := speaks
	owed.TellRelayed = true
	for _, c := range []struct {
		notify  smtp.Notify
		outcome submission.Outcome
		action  string
	}{
		{0, failed, "failed"},
		{smtp.NotifyFailure, failed, "failed"},
		{smtp.NotifySuccess | smtp.NotifyDelay, failed, ""},
		{smtp.NotifyNever, failed, ""},
		{0, delivered, ""},
		{smtp.NotifyFailure, delivered, ""},
		{smtp.NotifySuccess, delivered, "delivered"},
		{smtp.NotifyNever, delivered, ""},
		{0, blind, ""},
		{smtp.NotifySuccess, blind, "relayed"},
		{smtp.NotifyFailure, blind, ""},
		{smtp.NotifySuccess, speaks, ""},
		{0, owed, "relayed"},
		{smtp.NotifyFailure, owed, "relayed"},
		{smtp.NotifyNever, owed, ""},
	} {
		t.Run(fmt.Sprint(c.notify, c.outcome.Result, c.outcome.TellRelayed), func(t *testing.T) {
			r := newRig(t, queue.Options{})
			e := r.envelope("bob@example.com")
			e.Rcpts[0].Notify = c.notify
			e.Mail.Priority = smtp.Priority{Said: true, Level: 3}
			r.commit(text, e)
			r.settle(r.mustTake(), c.outcome)
			r.reopen()
			equal(t, "action", c.action, action(r.report()))
			equal(t, "left", queue.Totals{}, r.q.Totals())
		})
	}
}

// A report that fails, or is old, is followed by none (RFC 5321 §6.1).
func TestNoReportOfAReport(t *testing.T) {
	r := newRig(t, queue.Options{})
	r.commit(text, r.envelope("bob@example.com"))
	r.settle(r.mustTake(), failed)
	r.settle(r.mustTake(), failed)
	equal(t, "left", queue.Totals{}, r.q.Totals())
	if !strings.Contains(r.log.String(), "no sender is told") {
		t.Error("not in the log:", r.log.String())
	}
}

func TestReturnOfContent(t *testing.T) {
	long := "Subject: long\r\n\r\n" + strings.Repeat("much\r\n", 10_000)
	for _, c := range []struct {
		ret   smtp.Return
		max   int64
		whole bool
	}{{smtp.ReturnFull, 1 << 20, true}, {smtp.ReturnFull, 1000, false}, {smtp.ReturnHeaders, 1 << 20, false}} {
		r := newRig(t, queue.Options{MaxReturned: c.max, InlineLimit: 2000})
		e := r.envelope("bob@example.com")
		e.Mail.Return, e.Mail.EnvelopeID = c.ret, "QQ314159"
		r.commit(long, e)
		r.settle(r.mustTake(), failed)
		report := r.report()
		equal(t, fmt.Sprint(c.ret, " of at most ", c.max, ": whole"), c.whole, strings.Count(report, "much\r\n") == 10_000)
		if !strings.Contains(report, "Subject: long") || !strings.Contains(report, "QQ314159") {
			t.Errorf("report: %.2000s", report)
		}
	}
}

// RFC 5321 §4.5.4.1: in the end the sender hears of it; of a delay once, and
// only if it may (RFC 3461 §5.2.5).
func TestDelayThenGivenUp(t *testing.T) {
	for _, c := range []struct {
		notify        smtp.Notify
		delay, failed string
	}{
		{0, "delayed", "failed"}, {smtp.NotifyDelay, "delayed", ""}, {smtp.NotifyFailure, "", "failed"}, {smtp.NotifyNever, "", ""},
	} {
		r := newRig(t, queue.Options{Retry: []time.Duration{time.Hour}, GiveUp: 5 * time.Hour, DelayReport: 3 * time.Hour})
		e := r.envelope("bob@example.com")
		e.Rcpts[0].Notify = c.notify
		r.commit(text, e)
		var told []string
		for range 7 {
			r.maintain()
			for j := r.take(); j != nil; j = r.take() {
				if j.Domain() == "example.com" {
					r.settle(j, deferred)
				} else {
					told = append(told, action(r.text(j)))
					r.settle(j, delivered)
				}
			}
			r.clock.Pass(time.Hour)
		}
		want := strings.Fields(c.delay + " " + c.failed)
		equal(t, fmt.Sprint(c.notify), fmt.Sprint(want), fmt.Sprint(told))
		equal(t, "left", queue.Totals{}, r.q.Totals())
	}
}

// The messages of a domain that is down are given up and reported, without a
// try of each.
func TestDownDomainGivenUp(t *testing.T) {
	r := newRig(t, queue.Options{Retry: []time.Duration{time.Hour}, GiveUp: 5 * time.Hour, DelayReport: -1})
	for range 20 {
		r.commit(text, r.envelope("bob@example.com"))
	}
	tries := 0
	reports := 0
	for range 7 {
		r.maintain()
		for j := r.take(); j != nil; j = r.take() {
			if j.Domain() == "example.com" {
				tries++
				r.settle(j, down)
			} else {
				reports++
				r.settle(j, delivered)
			}
		}
		r.clock.Pass(time.Hour)
	}
	equal(t, "tries", 5, tries) // the first, then a probe each hour until the age of five
	equal(t, "reports", 20, reports)
	equal(t, "left", queue.Totals{}, r.q.Totals())
}

// RFC 2852 §4.1.3.
func TestDeliverBy(t *testing.T) {
	for _, c := range []struct {
		mode   smtp.ByMode
		within time.Duration
		notify smtp.Notify
		action string
		left   uint64
	}{
		{smtp.ByReturn, time.Minute, 0, "failed 5.4.7", 0},
		{smtp.ByReturn, time.Minute, smtp.NotifyDelay, "", 0},
		{smtp.ByNotify, time.Minute, 0, "delayed 4.4.7", 1},
		{smtp.ByNotify, -time.Minute, 0, "delayed 4.4.7", 1},
		{smtp.ByNotify, time.Minute, smtp.NotifyFailure, "", 1},
	} {
		for _, maintained := range []bool{true, false} {
			r := newRig(t, queue.Options{})
			e := r.envelope("bob@example.com")
			e.Mail.By = smtp.DeliverBy{Mode: c.mode, Within: c.within}
			e.Rcpts[0].Notify = c.notify
			r.commit(text, e)
			r.clock.Pass(2 * time.Minute)
			if maintained {
				r.maintain()
				r.maintain() // once is enough
			} else if c.mode != smtp.ByReturn {
				continue
			}
			var told []string
			for j := r.take(); j != nil; j = r.take() {
				if !j.Envelope().Mail.From.IsNull() {
					r.settle(j, deferred)
					continue
				}
				report := r.text(j)
				_, status, _ := strings.Cut(report, "\r\nStatus: ")
				told = append(told, action(report)+" "+status[:5])
				r.settle(j, delivered)
			}
			equal(t, fmt.Sprint(c, maintained), c.action, strings.Join(told, ","))
			equal(t, fmt.Sprint(c, maintained, " left"), c.left, r.q.Totals().Messages)
		}
	}
}

// RFC 4865 §4.2, items 5 and 6: not released before; and not given up for
// having been held.
func TestHoldUntil(t *testing.T) {
	r := newRig(t, queue.Options{GiveUp: 24 * time.Hour, DelayReport: time.Hour})
	e := r.envelope("bob@example.com")
	e.HoldUntil = start.Add(10 * 24 * time.Hour)
	r.commit(text, e)
	for range 10 {
		r.maintain()
		if r.take() != nil {
			t.Fatal("released before its time")
		}
		r.clock.Pass(24*time.Hour - time.Millisecond)
	}
	r.reopen()
	if r.take() != nil {
		t.Fatal("released before its time")
	}
	r.clock.Pass(10 * time.Millisecond)
	r.settle(r.mustTake(), delivered)
	equal(t, "left", queue.Totals{}, r.q.Totals())
}
