package client

import (
	"context"

	"citron/wire/smtp"
)

// data sends the message as DATA has it, after the host's answer to that.
func (t *transaction) data(ctx context.Context) error {
	r := *t.started
	switch {
	case r.Code >= 400:
		t.settle(replyOf(r))
		return nil
	case r.Code != 354:
		return t.fail("DATA", ErrProtocol)
	case len(t.accepted) == 0:
		// RFC 2920 §3.1: a host that wants a message for nobody gets an
		// empty one.
		_, err := t.command("DATA", t.opt.Timeouts.End, ".\r\n")
		return err
	}
	if err := t.nothingMore("DATA"); err != nil {
		return err
	}
	e := t.listen(true)
	var end smtp.DotEncoder
	err := t.text(e, &end)
	if err == nil {
		err = t.handOver(ctx, e)
	}
	if err == nil {
		t.ending(e)
		err = t.write(end.End(nil), t.opt.Timeouts.Block, e.no)
	}
	if err != nil {
		return t.abandon("DATA", e, err)
	}
	return t.verdict("DATA", e)
}

// text sends everything but the end.
func (t *transaction) text(e *ears, dots *smtp.DotEncoder) error {
	var lines crlf
	var text, stuffed []byte
	send := func() error {
		stuffed = dots.Append(stuffed[:0], text)
		return t.write(stuffed, t.opt.Timeouts.Block, e.no)
	}
	err := t.pieces(func(p []byte) error {
		text = lines.append(text[:0], p)
		return send()
	})
	if text = lines.end(text[:0]); err == nil && len(text) > 0 {
		err = send()
	}
	return err
}
