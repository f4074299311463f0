package queue

import (
	"context"
	"errors"
	"slices"

	"citron/submission"
	"citron/submission/dsn"
	"citron/wire/smtp"
)

// change is what becomes of the recipients of a group.
type change struct {
	slot   slot
	level  byte
	group  *group            // as it was read
	ended  map[uint32]uint64 // by index, each with the state it was in
	kept   map[uint32]rcpt   // those that changed
	before map[uint32]uint64 // the states they were in
	marked bool              // there are marks; marks are those that stay
	marks  marks
}

func (c *change) find(index uint32) *rcpt {
	i := slices.IndexFunc(c.group.rcpts, func(r rcpt) bool { return r.index == index })
	return &c.group.rcpts[i]
}

// state tells whether a recipient is as it was: it counts what only who
// reserved its group changes.
func (r *rcpt) state() uint64 { return uint64(r.attempts)<<8 | uint64(r.told) }

// end ends a recipient that was in a state.
func (c *change) end(index uint32, was uint64) {
	if c.ended == nil {
		c.ended = make(map[uint32]uint64)
	}
	c.ended[index] = was
}

// keep gives a recipient a new state.
func (c *change) keep(r rcpt, was uint64) {
	if c.kept == nil {
		c.kept, c.before = make(map[uint32]rcpt), make(map[uint32]uint64)
	}
	c.kept[r.index], c.before[r.index] = r, was
}

func (c *change) ends(index uint32) bool {
	_, ended := c.ended[index]
	return ended
}

// work is a transaction about one message whose groups are reserved: changes of
// recipients, and the report of them.
type work struct {
	q        *Queue
	id       uint64
	message  *message
	envelope *submission.Envelope
	now      milli
	changes  []*change
	untold   []dsn.Recipient // failures of which the sender does not want to hear
	// passed are the bits to be set in the message, and age its next time in
	// the index by age; without aged neither is touched.
	aged   bool
	passed byte
	age    milli
}

var errStale = errors.New("what was to be changed is no longer there")

// commit makes the changes and queues the report, all or nothing. What an
// operator deleted meanwhile stays so.
func (w *work) commit(ctx context.Context, news []dsn.Recipient) error {
	err := w.tryCommit(ctx, news)
	if errors.Is(err, errStale) {
		w.q.opt.Log.Info("a message was deleted while it was out", "id", formatID(w.id))
		return nil
	}
	return err
}

// tryCommit is commit, but gives errStale.
func (w *work) tryCommit(ctx context.Context, news []dsn.Recipient) error {
	report, err := w.report(ctx, news)
	if err != nil {
		return err
	}
	err = w.q.line.Do(w.request(ctx, report))
	if report != nil {
		report.in.Abort()
	}
	if err == nil {
		w.log(news, report)
	}
	return err
}

func (w *work) request(ctx context.Context, report *report) *request {
	o := &request{Ctx: makesRoom(ctx), Gets: [][]byte{messageKey(w.id)}, Weight: 4096}
	for _, c := range w.changes {
		o.Gets = append(o.Gets, groupKey(c.slot))
		o.Weight += 256 * (len(c.group.rcpts))
	}
	if report != nil {
		o.Weight += report.in.weight(report.entry)
	}
	o.Run = func(t *txn) error {
		m, groups, err := w.current(t)
		if err != nil {
			return err
		}
		for i, c := range w.changes {
			t.change(m, groups[i], c)
		}
		if report != nil {
			report.in.put(t, report.entry)
		}
		if w.aged {
			t.setAge(w.id, m, w.age)
			m.passed |= w.passed
		}
		if m.pending == 0 {
			t.dropMessage(w.id, m, w.envelope.Origin)
		} else {
			t.set(messageKey(w.id), m.append(nil))
		}
		return nil
	}
	return o
}

// current reads what is to be changed as it is now; errStale if recipients are
// not as they were.
func (w *work) current(t *txn) (*message, []*group, error) {
	value := t.get(messageKey(w.id))
	if value == nil {
		return nil, nil, errStale
	}
	m, err := decodeMessage(value)
	if err != nil {
		return nil, nil, damaged("the record", w.id, err)
	}
	groups := make([]*group, len(w.changes))
	for i, c := range w.changes {
		if value = t.get(groupKey(c.slot)); value == nil {
			return nil, nil, errStale
		}
		if groups[i], err = decodeGroup(value); err != nil {
			return nil, nil, damaged("a group", w.id, err)
		}
		if !c.fits(groups[i]) {
			return nil, nil, errStale
		}
	}
	return m, groups, nil
}

// fits says whether the recipients to be changed are as they were.
func (c *change) fits(now *group) bool {
	states := make(map[uint32]uint64, len(now.rcpts))
	for i := range now.rcpts {
		states[now.rcpts[i].index] = now.rcpts[i].state() + 1 // 0 is of none
	}
	for _, before := range [...]map[uint32]uint64{c.ended, c.before} {
		for index, was := range before {
			if states[index] != was+1 {
				return false
			}
		}
	}
	return true
}

// change writes what becomes of a group, which is as it is now.
func (t *txn) change(m *message, g *group, c *change) {
	t.unscheduleGroup(g, c.level, c.slot)
	left := g.rcpts[:0:0]
	for _, r := range g.rcpts {
		if c.ends(r.index) {
			m.pending--
			t.head.recipients--
			continue
		}
		if changed, ok := c.kept[r.index]; ok {
			r = changed
		}
		left = append(left, r)
	}
	if g.rcpts = left; len(left) == 0 {
		t.delete(groupKey(c.slot))
	} else {
		g.due = g.earliest()
		if m.held != 0 {
			g.due = 0
		}
		t.set(groupKey(c.slot), g.append(nil))
		t.scheduleGroup(g, c.level, c.slot)
	}
	switch {
	case len(left) > 0 && len(c.marks) > 0:
		t.set(markKey(c.slot), c.marks.append(nil))
	case c.marked:
		t.delete(markKey(c.slot))
	}
}

// setAge moves a message in the index by age.
func (t *txn) setAge(id uint64, m *message, age milli) {
	if age == m.age {
		return
	}
	if m.age != 0 {
		t.delete(ageKey(m.age, id))
	}
	if m.age = age; age != 0 {
		t.set(ageKey(age, id), nil)
	}
}

// log tells who is told what, and what nobody is told.
func (w *work) log(news []dsn.Recipient, report *report) {
	for _, r := range news {
		if report != nil {
			w.q.opt.Log.Info("reported to the sender", append(w.attrs(&r), "report", formatID(report.entry.id))...)
		}
	}
	if report == nil {
		w.untold = append(w.untold, news...)
	}
	for _, r := range w.untold {
		if r.Action == dsn.Failed {
			w.q.opt.Log.Warn("failed, and no sender is told", w.attrs(&r)...)
		}
	}
}

func (w *work) attrs(r *dsn.Recipient) []any {
	attrs := []any{"id", formatID(w.id), "to", w.envelope.Rcpts[r.Index].To.String(), "status", r.Status.String(), "text", smtp.Plain(r.Code, r.Text), "host", r.Host}
	if r.Ended != "" {
		attrs = append(attrs, "ended", r.Ended)
	}
	return attrs
}
