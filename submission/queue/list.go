package queue

import (
	"context"
	"encoding/binary"
	"time"

	"citron/engine/kv"
	"citron/submission"
	"citron/wire/smtp"
)

// State is what a message, or a recipient, is in.
type State uint8

const (
	AnyState State = iota // of a Filter
	// Waiting for its time.
	Waiting
	// Due: to be tried as soon as a worker is free and the domain is not down.
	Due
	// Out: being tried.
	Out
	// Held by an operator or by configuration.
	Held
)

var states = [...]string{AnyState: "any", Waiting: "waiting", Due: "due", Out: "out", Held: "held"}

func (s State) String() string { return states[s] }

// Filter says which messages List gives; the zero Filter: all.
type Filter struct {
	Domain  string  // with recipients there, in any spelling
	Account *uint64 // that submitted it
	State   State
	// After is the last id of the page before, which was the first of all if
	// it is empty.
	After string
	// Limit is how many messages there are in a page; 0: no limit.
	Limit int
}

// Summary is a message in a list.
type Summary struct {
	ID       string
	Account  uint64
	From     smtp.Path
	Size     int64
	Received time.Time
	// Recipients is how many are not done.
	Recipients uint64
	// Domains are where they are, the first few.
	Domains []string
	State   State
	// Why is what keeps it besides its time, for people; empty: nothing.
	Why string
	// Next is when it is due; zero if it is held.
	Next time.Time
	// Last is how the last try at one of them ended; zero before the first.
	Last Attempt
}

// Attempt is how a try ended.
type Attempt struct {
	At     time.Time
	Status smtp.Status
	Code   int
	Text   string // on one line, without enhanced codes
	Host   string
}

func (a *attempt) public() Attempt {
	return Attempt{a.at.time(), a.status, a.code, smtp.Plain(a.code, a.text), a.host}
}

// maxDomains is how many domains a Summary names.
const maxDomains = 5

// List calls each for messages in the order in which they came, page by page:
// messages that come or go meanwhile are there or not.
func (q *Queue) List(ctx context.Context, f Filter, each func(Summary) error) error {
	if f.Domain != "" {
		f.Domain = normalize(f.Domain)
	}
	r := kv.Prefix([]byte{keyMessage})
	if f.After != "" {
		id := parseID(f.After)
		if id == 0 {
			return ErrNoMessage
		}
		r.From = messageKey(id + 1)
	}
	n := 0
	return q.each(ctx, r, func(key, value []byte) error {
		id := binary.BigEndian.Uint64(key[1:])
		m, err := decodeMessage(value)
		if err != nil {
			q.opt.Log.Error("a message of the queue cannot be read; run citron verify", "id", formatID(id), "err", err)
			return nil
		}
		if f.Account != nil && *f.Account != m.account {
			return nil
		}
		s, there, err := q.summary(ctx, id, m, f.Domain)
		if err != nil {
			return err
		}
		if !there || f.State != AnyState && f.State != s.State {
			return nil
		}
		if err := each(s); err != nil {
			return err
		}
		if n++; n == f.Limit {
			return errEnough
		}
		return nil
	})
}

// summary describes a message; there says whether it has recipients in the
// domain, if one is named.
func (q *Queue) summary(ctx context.Context, id uint64, m *message, domain string) (s Summary, there bool, err error) {
	s = Summary{
		ID: formatID(id), Account: m.account, From: m.from, Size: m.size, Received: m.received.time(), Recipients: m.pending,
	}
	now, next, seen := milliOf(q.opt.Now()), milli(0), map[string]bool{}
	err = q.groupsOf(ctx, id, func(at slot, g *group) error {
		there = there || domain == "" || g.domain == domain
		if !seen[g.domain] && len(s.Domains) < maxDomains {
			seen[g.domain] = true
			s.Domains = append(s.Domains, g.domain)
		}
		state, why, due := q.stateOf(m, g, at, now)
		next = earlier(next, due)
		if state > s.State || state == s.State && s.Why == "" {
			s.State, s.Why = max(s.State, state), why
		}
		for i := range g.rcpts {
			if last := &g.rcpts[i].last; last.at > milliOf(s.Last.At) {
				s.Last = last.public()
			}
		}
		if there && len(s.Domains) == maxDomains {
			return errEnough
		}
		return nil
	})
	s.Next = next.time()
	return s, there, err
}

// stateOf is what a group is in, why it is not tried though its time may have
// come, and when it will be; 0: not while it is held.
func (q *Queue) stateOf(m *message, g *group, at slot, now milli) (s State, why string, next milli) {
	held := q.holds(g.domain)
	q.mu.Lock()
	defer q.mu.Unlock()
	_, operator := q.schedule.held[g.domain]
	switch {
	case q.schedule.isOut(g.domain, at):
		return Out, "", g.due
	case m.held&heldByID != 0:
		return Held, "by an operator", 0
	case m.held&heldByAccount != 0:
		return Held, "all of its account is, by an operator", 0
	case operator:
		return Held, "all of its domain is, by an operator", 0
	case held:
		return Held, "by configuration", 0
	case q.schedule.isDown(g.domain):
		return Waiting, "domain is down", max(g.due, q.schedule.domains[g.domain].downUntil)
	case g.due > now:
		return Waiting, "", g.due
	}
	return Due, "", g.due
}

// Details are all that is known of a message.
type Details struct {
	Summary
	Envelope *submission.Envelope
	// Deadline is the end of the time that the sender gave (RFC 2852), GiveUp
	// when the queue ends it; zero: none, while it is held.
	Deadline, GiveUp time.Time
	Pending          []Recipient
}

// Recipient is one that is not done.
type Recipient struct {
	Index    int // in Envelope.Rcpts
	Domain   string
	State    State
	Why      string // as in Summary; or that the sender wants it held (RFC 4865)
	Attempts int
	Next     time.Time // zero if it is held
	Last     Attempt
	// HandedOver are hosts that may have the message without the queue having
	// heard of it (RFC 1047), or are being given it.
	HandedOver []HandOver
}

// HandOver says that a host was about to get the message.
type HandOver struct {
	Host string
	At   time.Time
}

// Show gives all that is known of a message.
func (q *Queue) Show(ctx context.Context, id string) (*Details, error) {
	n := parseID(id)
	values, err := q.read(ctx, messageKey(n), envelopeKey(n))
	if err != nil {
		return nil, err
	}
	if values[0] == nil {
		return nil, ErrNoMessage
	}
	m, err := decodeMessage(values[0])
	if err != nil {
		return nil, damaged("the record", n, err)
	}
	d := &Details{Deadline: m.deadline.time()}
	if m.held == 0 {
		d.GiveUp = m.start.add(q.opt.GiveUp).time()
	}
	if d.Envelope, err = submission.DecodeEnvelope(values[1]); err != nil {
		return nil, damaged("the envelope", n, err)
	}
	if d.Summary, _, err = q.summary(ctx, n, m, ""); err != nil {
		return nil, err
	}
	now := milliOf(q.opt.Now())
	err = q.groupsOf(ctx, n, func(at slot, g *group) error {
		values, err := q.read(ctx, markKey(at))
		if err != nil {
			return err
		}
		var marked marks
		if values[0] != nil {
			if marked, err = decodeMarks(values[0]); err != nil {
				return damaged("a mark", n, err)
			}
		}
		state, why, due := q.stateOf(m, g, at, now)
		if why == "" && milliOf(d.Envelope.HoldUntil) > now {
			why = "its sender wants it held"
		}
		for i := range g.rcpts {
			p := marked.describe(&g.rcpts[i], g)
			p.State, p.Why = state, why
			if due != 0 {
				p.Next = max(due, g.rcpts[i].due).time()
			}
			d.Pending = append(d.Pending, p)
		}
		return nil
	})
	return d, err
}

func (list marks) describe(r *rcpt, g *group) Recipient {
	p := Recipient{Index: int(r.index), Domain: g.domain, Attempts: int(r.attempts), Last: r.last.public()}
	for _, m := range list {
		for _, index := range m.rcpts {
			if index == r.index {
				p.HandedOver = append(p.HandedOver, HandOver{m.host, m.at.time()})
			}
		}
	}
	return p
}
