package session

import "time"

// commit ends a message: it is in the queue, durable, when err is nil.
func (x *transaction) commit(now time.Time) (id string, err error) {
	if x.failed != nil {
		return "", x.failed
	}
	e := x.service.rates.take(x.envelope.Account, len(x.envelope.Rcpts), now)
	if err := x.service.tooMuch(e, x.envelope.Sender); err != nil {
		return "", err
	}
	x.envelope.HoldUntil = holdUntil(x.mail.Hold, x.envelope.Received)
	incoming := x.incoming
	id, err = incoming.Commit(x.service.ctx, x.envelope)
	if err != nil {
		x.fail(err)
	}
	x.incoming = nil
	return id, err
}
