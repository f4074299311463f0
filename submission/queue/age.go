package queue

import (
	"context"
	"encoding/binary"
	"errors"
	"sync"
	"time"

	"citron/engine/kv"
	"citron/submission"
	"citron/submission/dsn"
	"citron/wire/smtp"
)

// What comes with age, without a try: a message has one key in the index by
// age, of the first thing that will come. It is looked at when that time has
// come, by Maintain.

const (
	// ageAgain is when a message is looked at again of which something was out.
	ageAgain = time.Minute
	// agePostponed is when one is looked at again that is old enough to be
	// given up, but is held or was not tried.
	agePostponed = 15 * time.Minute
	// ageStep is how many messages a step looks at, ageBeside how many at a
	// time: they share transactions.
	ageStep, ageBeside = 256, 32
	// ageGroups is how many groups of a message one transaction takes.
	ageGroups = 32
)

// nextAge is when the next thing comes.
func (o *Options) nextAge(m *message) milli {
	var next milli
	if m.deadline != 0 && m.passed&passedDeadline == 0 {
		next = m.deadline
	}
	if m.held != 0 {
		return next
	}
	if m.passed&passedDelay == 0 && o.DelayReport > 0 {
		next = earlier(next, m.start.add(o.DelayReport))
	}
	return earlier(next, m.start.add(o.GiveUp))
}

// ageSome looks at messages whose time has come, a bounded number, and says
// when there is more to do; 0: not known. What fails is left for the next pass.
func (q *Queue) ageSome(ctx context.Context, now milli) (next milli, err error) {
	r := limited(kv.Prefix([]byte{keyAge}), ageStep).NoValues()
	if q.care.ageFrom != nil {
		r.From = q.care.ageFrom
	}
	page, err := q.scan(ctx, r)
	if err != nil {
		return 0, err
	}
	q.care.ageFrom = nil
	var beside sync.WaitGroup
	failed := make([]error, page.Len())
	turn := make(chan struct{}, ageBeside)
	for i := range page.Len() {
		key := page.Key(i)
		if at := milli(binary.BigEndian.Uint64(key[1:])); at > now {
			next = at
			break
		}
		if i == ageStep-1 {
			next, q.care.ageFrom = now, append(key, 0)
		}
		turn <- struct{}{}
		beside.Go(func() {
			failed[i] = q.tend(ctx, binary.BigEndian.Uint64(key[9:]), now)
			<-turn
		})
	}
	beside.Wait()
	return next, errors.Join(failed...)
}

// aging is what the age of a message asks for.
type aging struct {
	*work
	deadline, delay, giveUp bool // what is due
	held                    bool // by an operator
	busy                    bool // something must be looked at again
}

// tend does with a message what its age asks for.
func (q *Queue) tend(ctx context.Context, id uint64, now milli) error {
	values, err := q.read(ctx, messageKey(id), envelopeKey(id))
	if err != nil || values[0] == nil {
		return err
	}
	w := &work{q: q, id: id, now: now}
	if w.message, err = decodeMessage(values[0]); err != nil {
		return damaged("the record", id, err)
	}
	if w.envelope, err = submission.DecodeEnvelope(values[1]); err != nil {
		return damaged("the envelope", id, err)
	}
	m := w.message
	a := &aging{work: w, held: m.held != 0}
	a.deadline = m.deadline != 0 && m.deadline <= now && m.passed&passedDeadline == 0
	a.delay = !a.held && q.opt.DelayReport > 0 && m.start.add(q.opt.DelayReport) <= now && m.passed&passedDelay == 0
	a.giveUp = !a.held && m.start.add(q.opt.GiveUp) <= now
	for r := limited(kv.Prefix(key64(keyGroup, id)), ageGroups); r.From != nil; {
		if r.From, err = a.page(ctx, r); err != nil {
			return err
		}
	}
	return nil
}

// page looks at some groups of the message, and with the last ones at when it
// is to be looked at again.
func (a *aging) page(ctx context.Context, r kv.Range) (next []byte, err error) {
	pairs, err := a.q.scan(ctx, r)
	if err != nil {
		return nil, err
	}
	if pairs.Len() == r.Limit {
		next = append(pairs.Key(pairs.Len()-1), 0)
	}
	a.changes, a.untold = nil, nil
	var news []dsn.Recipient
	for i := range pairs.Len() {
		s := slot{a.id, binary.BigEndian.Uint32(pairs.Key(i)[9:])}
		g, err := decodeGroup(pairs.Value(i))
		if err != nil {
			return nil, damaged("a group", a.id, err)
		}
		if !a.q.reserve(g.domain, place{g.due, s}) {
			a.busy = true
			continue
		}
		defer a.q.free(g.domain, a.message.level, s, true)
		news = append(news, a.group(s, g)...)
	}
	if next == nil {
		a.finish()
	}
	if len(a.changes) == 0 && !a.aged {
		return next, nil
	}
	return next, a.commit(ctx, news)
}

// finish decides when the message is looked at again.
func (a *aging) finish() {
	a.aged = true
	m := *a.message
	if !a.busy {
		if a.deadline {
			a.passed |= passedDeadline
		}
		if a.delay {
			a.passed |= passedDelay
		}
		m.passed |= a.passed
	}
	switch a.age = a.q.opt.nextAge(&m); {
	case a.busy:
		a.age = a.now.add(ageAgain)
	case a.age != 0 && a.age <= a.now:
		a.age = a.now.add(agePostponed)
	}
}

// group decides about the recipients of a group that is reserved.
func (a *aging) group(s slot, g *group) (news []dsn.Recipient) {
	c := &change{slot: s, level: a.message.level, group: g}
	held := a.held || a.q.holds(g.domain)
	a.q.mu.Lock()
	down := a.q.schedule.isDown(g.domain)
	a.q.mu.Unlock()
	for _, r := range g.rcpts {
		if int(r.index) >= len(a.envelope.Rcpts) {
			continue // citron verify tells
		}
		notify := a.envelope.Rcpts[r.index].Notify
		said := reportOf(&r)
		was := r.state()
		giveUp := a.giveUp && !held && (r.attempts > 0 || down)
		switch {
		case a.deadline && a.message.mode == smtp.ByReturn, giveUp:
			_, why := a.q.opt.expired(a.message, a.now)
			said.Action, said.Status, said.Ended = dsn.Failed, failure(said.Status), why
			if a.deadline && a.message.mode == smtp.ByReturn {
				said.Status = statusExpired // RFC 2852 §4.1.3
			}
			c.end(r.index, was)
			if wantsFailure(notify) {
				news = append(news, said)
			} else {
				a.untold = append(a.untold, said)
			}
		case a.deadline && r.told&toldDeadline == 0, a.delay && !held && r.told == 0:
			said = a.delayed(said, down)
			if r.told |= toldDelay; a.deadline {
				r.told |= toldDeadline
			}
			c.keep(r, was)
			if notify == 0 || notify&smtp.NotifyDelay != 0 { // RFC 3461 §5.2.5
				news = append(news, said)
			}
		}
	}
	if len(c.ended)+len(c.kept) > 0 {
		c.marked = len(c.ended) == len(g.rcpts)
		a.changes = append(a.changes, c)
	}
	return news
}

// delayed is what a report of delay says.
func (a *aging) delayed(said dsn.Recipient, down bool) dsn.Recipient {
	said.Action = dsn.Delayed
	said.RetryUntil = a.message.start.add(a.q.opt.GiveUp).time()
	switch {
	case a.deadline:
		said.Status = smtp.Status{Class: 4, Subject: 4, Detail: 7} // RFC 2852 §4.1.3
	case said.Status.Class == 4:
	case down:
		said.Status = smtp.Status{Class: 4, Subject: 4, Detail: 1}
	default:
		said.Status = smtp.Status{Class: 4}
	}
	if said.Text == "" && said.Code == 0 {
		said.Text = "the message could not be delivered yet"
	}
	return said
}

// reserve is schedule.reserve.
func (q *Queue) reserve(domain string, p place) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.schedule.reserve(domain, p)
}
