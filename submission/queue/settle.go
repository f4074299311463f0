package queue

import (
	"context"
	"fmt"
	"time"

	"citron/engine/kv"
	"citron/submission"
	"citron/submission/dsn"
	"citron/wire/smtp"
)

// statusExpired is "delivery time expired" (RFC 3463 §3.5), of a message that
// is given up or whose deadline is over.
var statusExpired = smtp.Status{Class: 5, Subject: 4, Detail: 7}

// Settle implements submission.Job. After an error the job is still out: it is
// to be settled again, or released.
func (j *job) Settle(ctx context.Context, outcomes []submission.Outcome) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.over {
		return errOver
	}
	if err := j.check(outcomes); err != nil {
		return err
	}
	now := milliOf(j.q.opt.Now())
	c := &change{slot: j.slot, level: j.level, group: j.group, marked: len(j.own)+len(j.lost) > 0}
	w := &work{q: j.q, id: j.slot.id, message: j.message, envelope: j.envelope, now: now, changes: []*change{c}}
	var news []dsn.Recipient
	for i := range outcomes {
		said, wanted := j.settleOne(c, &outcomes[i], now)
		if wanted {
			news = append(news, said)
		} else if c.ends(uint32(said.Index)) && said.Action == dsn.Failed {
			w.untold = append(w.untold, said)
		}
	}
	c.marks = j.lost.without(c.ends)
	if err := w.commit(ctx, news); err != nil {
		return err
	}
	j.over = true
	j.finish(outcomes)
	return nil
}

// check sees that each recipient of the job has one outcome.
func (j *job) check(outcomes []submission.Outcome) error {
	seen := make(map[int]bool, len(outcomes))
	for i := range outcomes {
		seen[outcomes[i].Index] = true
	}
	for _, d := range j.due {
		if !seen[d.Index] {
			return fmt.Errorf("no outcome for recipient %d", d.Index)
		}
	}
	if len(seen) != len(outcomes) || len(outcomes) != len(j.due) {
		return fmt.Errorf("%d outcomes for %d recipients", len(outcomes), len(j.due))
	}
	return nil
}

// settleOne decides what becomes of a recipient, and what its sender hears.
func (j *job) settleOne(c *change, o *submission.Outcome, now milli) (news dsn.Recipient, ok bool) {
	r := *c.find(uint32(o.Index))
	was := r.state()
	r.attempts++
	r.last = attempt{at: now, status: o.Status, code: o.Code, text: cut(o.Text, maxText), host: cut(o.Host, maxHost)}
	if o.Code < 0 || o.Code > 999 {
		r.last.code = 0
	}
	news = reportOf(&r)
	if o.Result == submission.Deferred {
		if ended, why := j.q.opt.expired(j.message, now); ended {
			news.Action = dsn.Failed
			news.Status, news.Ended = failure(news.Status), why
			c.end(r.index, was)
			return news, j.wants(o, news.Action)
		}
		r.due = max(now.add(j.q.opt.pause(int(r.attempts))), milliOf(o.NotBefore))
		c.keep(r, was)
		return news, false
	}
	c.end(r.index, was)
	news.Action = actions[o.Result]
	return news, j.wants(o, news.Action)
}

// actions is what a report calls the end of a recipient.
var actions = map[submission.Result]dsn.Action{
	submission.Delivered: dsn.Delivered, submission.Relayed: dsn.Relayed, submission.RelayedBlind: dsn.Relayed, submission.Failed: dsn.Failed,
}

// wants says whether the sender is to hear of an outcome.
func (j *job) wants(o *submission.Outcome, action dsn.Action) bool {
	notify := j.envelope.Rcpts[o.Index].Notify
	switch action {
	case dsn.Failed:
		return wantsFailure(notify)
	case dsn.Delivered: // RFC 3461 §5.2.3
		return notify&smtp.NotifySuccess != 0
	}
	if notify&smtp.NotifyNever != 0 {
		return false
	}
	// RFC 2852 §4.1.4, RFC 3461 §5.2.2.
	return o.TellRelayed || o.Result == submission.RelayedBlind && notify&smtp.NotifySuccess != 0
}

// wantsFailure says whether the sender is to hear of a failure (RFC 3461 §5.2.6).
func wantsFailure(notify smtp.Notify) bool { return notify == 0 || notify&smtp.NotifyFailure != 0 }

// finish tells the schedule how the job went.
func (j *job) finish(outcomes []submission.Outcome) {
	down := true
	for i := range outcomes {
		down = down && outcomes[i].DomainDown
	}
	now := milliOf(j.q.opt.Now())
	j.q.mu.Lock()
	j.q.schedule.heard(j.domain, down, j.began, now)
	j.q.schedule.free(j.domain, j.level, j.slot, false, now)
	j.q.arm(now)
	j.q.mu.Unlock()
}

// reportOf is what a report says of the last try at a recipient.
func reportOf(r *rcpt) dsn.Recipient {
	return dsn.Recipient{Index: int(r.index), Status: r.last.status, Code: r.last.code, Text: r.last.text, Host: r.last.host, Attempted: r.last.at.time()}
}

// failure makes a status one of failure: what was temporary is so no more (RFC
// 3464 §2.3.4).
func failure(s smtp.Status) smtp.Status {
	if s == (smtp.Status{}) || s.Class != 4 {
		return statusExpired
	}
	s.Class = 5
	return s
}

// expired says whether a recipient that cannot be had now is to be given up,
// and why.
func (o *Options) expired(m *message, now milli) (bool, string) {
	switch {
	case m.mode == smtp.ByReturn && m.deadline <= now:
		return true, "the time that the sender gave is over"
	case m.start.add(o.GiveUp) <= now:
		return true, "no delivery was possible for " + roughly(o.GiveUp)
	}
	return false, ""
}

// roughly gives a duration in days, hours or minutes.
func roughly(d time.Duration) string {
	for _, u := range [...]struct {
		unit time.Duration
		name string
	}{{24 * time.Hour, "day"}, {time.Hour, "hour"}, {time.Minute, "minute"}} {
		if n := d / u.unit; n > 0 {
			if n == 1 {
				return "a " + u.name
			}
			return fmt.Sprintf("%d %ss", n, u.name)
		}
	}
	return d.String()
}

func cut(s string, n int) string { return s[:min(len(s), n)] }

// makesRoom is how settling and deleting are done, on a full disk, too.
func makesRoom(ctx context.Context) context.Context { return kv.MakingRoom(ctx) }
