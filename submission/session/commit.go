package session

import "time"

// commit ends a message: it is in the queue, durable, when err is nil.
func (x *transaction) commit(now time.Time) (id string, err error) {
	if x.failed != nil {
		return "", x.failed
	}
	if x.envelope.Content, err = x.filter.Close(); err != nil {
		return "", err
	}
	e := x.service.rates.take(x.envelope.Account, len(x.envelope.Rcpts), now)
	if err := x.service.tooMuch(e, x.envelope.Sender); err != nil {
		return "", err
	}
	x.envelope.HoldUntil = holdUntil(x.mail.Hold, x.envelope.Received)
	return x.incoming.Commit(x.service.ctx, x.envelope)
}
