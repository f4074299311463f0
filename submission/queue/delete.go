package queue

import (
	"context"
	"errors"

	"citron/submission"
	"citron/submission/dsn"
	"citron/wire/smtp"
)

// Delete removes messages, or their recipients in a domain, whether they are out
// or held. report: the senders are told, as of a failure. n is how many messages
// were changed.
func (q *Queue) Delete(ctx context.Context, s Selection, report bool) (n int, err error) {
	if s, err = s.check(true); err != nil {
		return 0, err
	}
	return q.eachSelected(ctx, s, func(id uint64, m *message) (bool, error) {
		for {
			done, err := q.drop(ctx, id, s.Domain, report)
			if !errors.Is(err, errStale) {
				return unlessGone(s)(done, err)
			}
		}
	})
}

// drop deletes a message as it is now; errStale if it changed meanwhile.
func (q *Queue) drop(ctx context.Context, id uint64, domain string, report bool) (bool, error) {
	values, err := q.read(ctx, messageKey(id), envelopeKey(id))
	if err != nil {
		return false, err
	}
	if values[0] == nil {
		return false, ErrNoMessage
	}
	w := &work{q: q, id: id, now: milliOf(q.opt.Now())}
	if w.message, err = decodeMessage(values[0]); err != nil {
		return false, damaged("the record", id, err)
	}
	if w.envelope, err = submission.DecodeEnvelope(values[1]); err != nil {
		return false, damaged("the envelope", id, err)
	}
	var news []dsn.Recipient
	err = q.groupsOf(ctx, id, func(s slot, g *group) error {
		if domain != "" && g.domain != domain {
			return nil
		}
		c := &change{slot: s, level: w.message.level, group: g, marked: true}
		for _, r := range g.rcpts {
			c.end(r.index, r.state())
			if !report || int(r.index) >= len(w.envelope.Rcpts) {
				continue
			}
			said := reportOf(&r)
			said.Action, said.Status = dsn.Failed, smtp.Status{Class: 5}
			said.Ended = "the operator removed the message"
			if wantsFailure(w.envelope.Rcpts[r.index].Notify) {
				news = append(news, said)
			} else {
				w.untold = append(w.untold, said)
			}
		}
		w.changes = append(w.changes, c)
		return nil
	})
	if err != nil || len(w.changes) == 0 {
		return false, err
	}
	if err := w.tryCommit(ctx, news); err != nil {
		return false, err
	}
	q.opt.Log.Info("an operator removed a message", "id", formatID(id), "domain", domain, "reported", len(news) > 0)
	return true, nil
}
