package queue

import (
	"context"
	"errors"
)

// Hold keeps a message, or all mail of an account or to a domain, what comes
// later included, from being tried, until Unhold. A message that is held does
// not age, but for the time that its sender gave (RFC 2852). What is out is not
// called back. n is how many messages were changed; holding a domain changes
// none.
func (q *Queue) Hold(ctx context.Context, s Selection) (n int, err error) {
	if s, err = s.check(false); err != nil {
		return 0, err
	}
	why := byte(heldByID)
	switch {
	case s.Domain != "":
		return 0, q.setHold(ctx, holdDomainKey(s.Domain), func(h hold) { q.schedule.held[s.Domain] = h }, s.Domain)
	case s.Account != nil:
		why = heldByAccount
		if err := q.setHold(ctx, holdAccountKey(*s.Account), func(h hold) { q.accounts[*s.Account] = h }, ""); err != nil {
			return 0, err
		}
	}
	return q.eachSelected(ctx, s, func(id uint64, _ *message) (bool, error) {
		return unlessGone(s)(q.edit(ctx, id, func(t *txn, m *message, groups []*group) (bool, error) {
			if m.held&why != 0 {
				return false, nil
			}
			if m.held == 0 {
				m.heldFrom = t.now
			}
			m.held |= why
			for _, g := range groups {
				g.due = 0
			}
			t.setAge(id, m, q.opt.nextAge(m))
			return true, nil
		}))
	})
}

// Unhold undoes Hold. A message is let go whyever it was held.
func (q *Queue) Unhold(ctx context.Context, s Selection) (n int, err error) {
	if s, err = s.check(false); err != nil {
		return 0, err
	}
	why := byte(heldByID | heldByAccount)
	switch {
	case s.Domain != "":
		return 0, q.endHold(ctx, holdDomainKey(s.Domain), func() { delete(q.schedule.held, s.Domain) }, s.Domain)
	case s.Account != nil:
		why = heldByAccount
		if err := q.endHold(ctx, holdAccountKey(*s.Account), func() { delete(q.accounts, *s.Account) }, ""); err != nil {
			return 0, err
		}
	}
	return q.eachSelected(ctx, s, func(id uint64, _ *message) (bool, error) {
		return unlessGone(s)(q.edit(ctx, id, func(t *txn, m *message, groups []*group) (bool, error) {
			if m.held&why == 0 {
				return false, nil
			}
			if m.held &^= why; m.held == 0 {
				m.release(t.now)
				for _, g := range groups {
					g.due = g.earliest()
				}
				t.setAge(id, m, q.opt.nextAge(m))
			}
			return true, nil
		}))
	})
}

// release has the age of a message go on from where it was.
func (m *message) release(now milli) {
	if from := max(m.heldFrom, m.start); now > from {
		m.start += now - from
	}
	m.heldFrom = 0
}

// unlessGone takes it for nothing done when a message that was not asked for by
// its id ended meanwhile.
func unlessGone(s Selection) func(bool, error) (bool, error) {
	return func(done bool, err error) (bool, error) {
		if errors.Is(err, ErrNoMessage) && s.ID == "" {
			return false, nil
		}
		return done, err
	}
}

func (q *Queue) setHold(ctx context.Context, key []byte, remember func(hold), domain string) error {
	h := hold{milliOf(q.opt.Now())}
	return q.changeHold(ctx, domain, func() { remember(h) }, func(t *txn) { t.set(key, h.append(nil)) })
}

func (q *Queue) endHold(ctx context.Context, key []byte, forget func(), domain string) error {
	return q.changeHold(ctx, domain, forget, func(t *txn) { t.delete(key) })
}

// changeHold writes a hold and, when that is durable, has it count.
func (q *Queue) changeHold(ctx context.Context, domain string, count func(), write func(*txn)) error {
	return q.line.Do(&request{Ctx: makesRoom(ctx), Run: func(t *txn) error {
		write(t)
		t.after = append(t.after, func(committed bool) {
			q.mu.Lock()
			defer q.mu.Unlock()
			if !committed {
				return
			}
			count()
			if d := q.schedule.domains[domain]; d != nil {
				q.schedule.place(d, t.now)
				q.arm(t.now)
			}
		})
		return nil
	}})
}
