package relay

import (
	"context"
	"errors"

	"citron/mail/recode"
	"citron/submission"
	"citron/submission/relay/client"
	"citron/wire/smtp"
)

var statusPrepare = own(4, 3, 0, "the message cannot be read or signed now")

// message makes the transaction for a host: the message in a form that it takes,
// and what is said about it. What the host does not understand the client leaves
// out, or refuses.
func (w *away) message(ctx context.Context, c *conn, rcpts []int) (*client.Message, *submission.Outcome) {
	offer, e := c.Offer(), w.envelope
	f, body := formFor(e.Content, offer)
	p, err := w.prepare(ctx, f)
	switch {
	case errors.Is(err, recode.ErrImpossible):
		o := statusNoForm.outcome(submission.Failed)
		return nil, &o
	case err != nil:
		w.opt.Log.Warn("a message cannot be made ready", "id", w.job.ID(), "err", err)
		o := statusPrepare.outcome(submission.Deferred)
		return nil, &o
	}
	now := w.opt.Now()
	if w.expired(now) {
		// It was not when the attempt began; BY=0;R must not be said (RFC 2852 §4).
		w.stop = true
		o := statusExpired.outcome(submission.Failed)
		return nil, &o
	}
	m := &client.Message{Mail: e.Mail, Body: p.body, Size: p.size}
	m.Mail.Body, m.Mail.By = body, w.by(now)
	w.addresses(m, offer, rcpts)
	for i := range m.Rcpts {
		m.Rcpts[i].Notify = notify(m.Rcpts[i].Notify, m.Mail.By, offer)
	}
	return m, nil
}

// addresses fills in the recipients, and asks for SMTPUTF8 only if something
// needs it: its header, or an address that cannot be had in ASCII. A recipient
// that needs it does not keep it from the others (RFC 6531 §3.2).
func (w *away) addresses(m *client.Message, offer smtp.Offer, rcpts []int) {
	m.Mail.UTF8 = w.envelope.Content.UTF8Header
	from, plain := asciiPath(m.Mail.From)
	if !plain {
		m.Mail.UTF8 = true
	}
	offered := offer.Has(&smtp.UTF8)
	for _, i := range rcpts {
		r := w.envelope.Rcpts[i]
		if to, plain := asciiPath(r.To); plain && !offered {
			r.To = to
		} else if !plain && offered {
			m.Mail.UTF8 = true
		}
		if offered && !r.To.ASCII() {
			m.Mail.UTF8 = true
		}
		m.Rcpts = append(m.Rcpts, r)
	}
	if !m.Mail.UTF8 || !offered {
		m.Mail.From = from
	}
}
