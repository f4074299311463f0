package client

import (
	"context"
	"crypto/tls"
	"fmt"

	"citron/wire/smtp"
)

// startTLS turns to TLS as the policy wants (RFC 3207). What the host said
// before, in its answers or behind them, is forgotten, and it is greeted again
// (§4.2).
func (c *Conn) startTLS(ctx context.Context) error {
	const op = "STARTTLS"
	if _, on := c.TLS(); on || c.opt.Policy == TLSNone {
		return nil
	}
	required := c.opt.Policy == TLSRequired
	if !c.offer.Has(&smtp.StartTLS) {
		if required {
			return &Error{Op: op, Reply: replyHostNoTLS, Err: ErrNoTLS}
		}
		return nil
	}
	r, err := c.command(op, c.opt.Timeouts.TLS, "STARTTLS\r\n")
	switch {
	case err != nil:
		return err
	case r.Code == 220:
	case required:
		return &Error{Op: op, Reply: replyOf(r), Err: ErrNoTLS}
	default:
		return c.broken
	}
	tc := tls.Client(c.nc, c.opt.TLS)
	c.replace(tc)
	c.readWithin(c.opt.Timeouts.TLS)
	c.writeWithin(c.opt.Timeouts.TLS)
	if err := tc.HandshakeContext(ctx); err != nil {
		err = c.fail(op, fmt.Errorf("%w: %w", ErrHandshake, c.why(err)))
		return err
	}
	return c.hello()
}
