package queue

import (
	"context"
	"errors"
)

// Retry makes messages due at once and forgets that their domains were down. n
// is how many messages were changed; those held stay so.
func (q *Queue) Retry(ctx context.Context, s Selection) (n int, err error) {
	if s, err = s.check(true); err != nil {
		return 0, err
	}
	n, err = q.eachSelected(ctx, s, func(id uint64, m *message) (bool, error) {
		if m.held != 0 {
			return false, nil
		}
		return q.retry(ctx, id, s)
	})
	if s.Domain != "" || s.All {
		q.forgive(s.Domain)
	}
	return n, err
}

// retry makes a message's groups due, all or those of a domain.
func (q *Queue) retry(ctx context.Context, id uint64, s Selection) (bool, error) {
	var domains []string
	changed, err := q.edit(ctx, id, func(t *txn, m *message, groups []*group) (changed bool, err error) {
		if m.held != 0 {
			return false, nil
		}
		for _, g := range groups {
			if s.Domain != "" && g.domain != s.Domain {
				continue
			}
			domains = append(domains, g.domain)
			for i := range g.rcpts {
				if g.rcpts[i].due > t.now {
					g.rcpts[i].due, changed = t.now, true
				}
			}
			g.due = g.earliest()
		}
		return changed, nil
	})
	if errors.Is(err, ErrNoMessage) && s.ID == "" {
		return false, nil // it ended meanwhile
	}
	for _, name := range domains {
		q.forgive(name)
	}
	return changed || s.ID != "" && err == nil, err
}

// forgive forgets that a domain was down; all of them if none is named.
func (q *Queue) forgive(name string) {
	now := milliOf(q.opt.Now())
	q.mu.Lock()
	defer q.mu.Unlock()
	if name != "" {
		q.schedule.heard(name, false, now, now)
	} else {
		for name := range q.schedule.domains {
			q.schedule.heard(name, false, now, now)
		}
	}
	q.arm(now)
}
