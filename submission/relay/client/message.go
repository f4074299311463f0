package client

import (
	"context"
	"io"

	"citron/wire/smtp"
)

// Message is one transaction.
type Message struct {
	// Mail is what is to be said; Size is set by Send, and what the host did
	// not offer to understand is left out. What must not be left out is a
	// refusal: Body (6.3: convert the message first), UTF8, By in mode return
	// (RFC 2852 §4.1.4) and RequireTLS (RFC 8689 §4.2.1, but for reports). Hold
	// and Atomic are not for next hops and never sent.
	Mail  smtp.Mail
	Rcpts []smtp.Rcpt
	// Body is the message, Size octets of it. Unless Mail.Body is BodyBinary
	// its lines end with CRLF; a bare CR or LF goes out as CRLF.
	Body io.ReaderAt
	Size int64
	// HandOver, if not nil, is called once, when everything but the end of
	// the message has been sent, with the indices of the recipients that the
	// host accepted. After an error the message is not sent.
	HandOver func(ctx context.Context, rcpts []int) error
}

// Send sends a message and gives one Reply for each of Rcpts, in their order,
// whatever happens. The error, an *Error, is for a log: it says why the
// connection broke, and whether it did is also what Usable says.
//
// At most MaxRcpts recipients are tried; the others are told "4.5.3, later".
func (c *Conn) Send(ctx context.Context, m *Message) ([]Reply, error) {
	defer c.obey(ctx)()
	defer c.endWithin(0)
	c.endWithin(c.opt.Timeouts.transaction(len(m.Rcpts), m.Size))
	t := &transaction{Conn: c, Message: m, replies: make([]Reply, len(m.Rcpts))}
	err := t.run(ctx)
	return t.replies, err
}

// DefaultMaxRcpts is how many recipients every host takes in a transaction (RFC
// 5321 §4.5.3.1.8), if it does not say otherwise.
const DefaultMaxRcpts = 100

// MaxRcpts is how many recipients Send tries (RCPTMAX, RFC 9422 §4.2).
func (c *Conn) MaxRcpts() int {
	if limit := c.offer.Limits().Rcpts; limit > 0 {
		return limit
	}
	return DefaultMaxRcpts
}
