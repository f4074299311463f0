package queue

import (
	"fmt"
	"strings"

	"golang.org/x/net/idna"

	"citron/submission"
	"citron/wire/smtp"
)

// maxOrigin bounds an Origin in octets, so that it fits a key.
const maxOrigin = 512

// entry is a message about to be queued.
type entry struct {
	id       uint64
	message  message
	envelope []byte
	origin   string
	groups   []*group
}

// newEntry prepares what the queue keeps of an envelope.
func (q *Queue) newEntry(id uint64, e *submission.Envelope) (*entry, error) {
	n := &entry{id: id, origin: e.Origin, envelope: submission.AppendEnvelope(nil, e)}
	switch {
	case len(e.Rcpts) == 0:
		return nil, fmt.Errorf("%w: no recipients", submission.ErrTemporary)
	case len(n.envelope) > submission.MaxEnvelope:
		return nil, fmt.Errorf("%w: an envelope of %d octets", submission.ErrTooLarge, len(n.envelope))
	case len(e.Origin) > maxOrigin:
		return nil, fmt.Errorf("%w: an origin of %d octets", submission.ErrTooLarge, len(e.Origin))
	}
	received := milliOf(e.Received)
	if received == 0 {
		received = milliOf(q.opt.Now())
	}
	m := &n.message
	m.account, m.from, m.level = e.Account, e.Mail.From, level(e.Mail.Priority.Level)
	m.received, m.start = received, max(received, milliOf(e.HoldUntil))
	m.pending = uint64(len(e.Rcpts))
	if m.mode = e.Mail.By.Mode; m.mode != smtp.ByUnsaid {
		m.deadline = received.add(e.Mail.By.Within)
	}
	n.groups = q.split(e.Rcpts, m.start)
	m.groups = uint32(len(n.groups))
	m.age = q.opt.nextAge(m)
	return n, nil
}

// split sorts recipients into groups, by domain.
func (q *Queue) split(rcpts []smtp.Rcpt, due milli) []*group {
	var groups []*group
	open := make(map[string]*group)
	for i := range rcpts {
		domain := normalize(rcpts[i].To.Domain)
		g := open[domain]
		if g == nil || len(g.rcpts) >= q.opt.GroupSize {
			g = &group{domain: domain, due: due}
			open[domain] = g
			groups = append(groups, g)
		}
		g.rcpts = append(g.rcpts, rcpt{index: uint32(i), due: due})
	}
	return groups
}

// normalize gives a domain in lower case and A-labels, or an address literal.
// What cannot be mapped stays as it is, for the relay to refuse.
func normalize(domain string) string {
	domain = strings.TrimSuffix(strings.ReplaceAll(domain, "\x00", ""), ".")
	if strings.HasPrefix(domain, "[") {
		return strings.ToLower(domain)
	}
	if ascii, err := idna.Lookup.ToASCII(domain); err == nil {
		domain = ascii
	}
	domain = strings.ToLower(domain)
	return domain[:min(len(domain), 1024)]
}

// enter writes a new message and its keys.
func (t *txn) enter(n *entry) {
	m := &n.message
	m.held, m.heldFrom = 0, 0
	if t.q.holdsAccount(m.account) {
		m.held, m.heldFrom = heldByAccount, t.now
		m.age = t.q.opt.nextAge(m)
	}
	for i, g := range n.groups {
		s := slot{n.id, uint32(i)}
		if m.held != 0 {
			g.due = 0
		}
		t.set(groupKey(s), g.append(nil))
		t.scheduleGroup(g, m.level, s)
	}
	t.set(messageKey(n.id), m.append(nil))
	t.set(envelopeKey(n.id), n.envelope)
	if m.age != 0 {
		t.set(ageKey(m.age, n.id), nil)
	}
	if n.origin != "" {
		o := origin{id: n.id}
		t.set(originKey(n.origin), o.append(nil))
	}
	t.head.next = max(t.head.next, n.id+1)
	t.head.messages++
	t.head.recipients += m.pending
	t.head.bytes += uint64(m.size)
}

// scheduleGroup gives a group its key in the schedule, if it has one.
func (t *txn) scheduleGroup(g *group, level byte, s slot) {
	if g.due == 0 {
		return
	}
	p := place{g.due, s}
	t.set(scheduleKey(g.domain, level, p), nil)
	t.lines = append(t.lines, scheduled{g.domain, level, p})
}

// unscheduleGroup takes it away.
func (t *txn) unscheduleGroup(g *group, level byte, s slot) {
	if g.due != 0 {
		t.delete(scheduleKey(g.domain, level, place{g.due, s}))
	}
}

// dropMessage ends a message whose groups are gone.
func (t *txn) dropMessage(id uint64, m *message, originName string) {
	t.delete(messageKey(id))
	t.delete(envelopeKey(id))
	if m.age != 0 {
		t.delete(ageKey(m.age, id))
	}
	if originName != "" {
		o := origin{id: id, done: t.now}
		t.set(originKey(originName), o.append(nil))
		t.set(oldestKey(t.now, originName), nil)
	}
	t.head.messages--
	t.head.bytes -= uint64(m.size)
	if m.ref.Segment == 0 {
		t.delete(bodyKey(id))
		return
	}
	bodies, owner, ref := t.q.bodies, ownerOf(id), m.ref
	t.after = append(t.after, func(committed bool) {
		if committed {
			bodies.Release(owner, ref)
		}
	})
}
