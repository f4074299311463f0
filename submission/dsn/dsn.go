// Package dsn writes delivery status notifications (RFC 3461 §6, RFC 3464, RFC
// 6522, RFC 6533): what a sender is told of what became of a message.
//
// A report is a multipart/report of three parts: a text for people, the status
// for programs, and the message or its header. What next hops said is hostile:
// it is cut to a length, freed of everything that is not text and folded, so
// that it makes no fields or parts of its own.
//
// A report that cannot be sent is lost, so that it asks of the way back only what
// the sender's address or message itself do: the message is returned as it is,
// with 8 bits or binary, only if it can be converted on the way (mail/recode),
// otherwise only its header is (RFC 6522 §3).
package dsn

import (
	"errors"
	"time"

	"citron/submission"
	"citron/wire/smtp"
)

// Action is what happened to a recipient (RFC 3464 §2.3.3).
type Action uint8

const (
	Failed Action = iota
	Delayed
	Delivered
	// Relayed to a host that does not send reports.
	Relayed
)

// There is no "expanded": what is delivered to several accounts of this server
// is "delivered" when all have it (see relay), and nothing is forwarded.

// Report is one notification about one message. All recipients that there is
// news of at a time go in one.
type Report struct {
	// Hostname is this server's (Reporting-MTA), in A-labels.
	Hostname string
	// QueueID names the message in the log, for who asks the postmaster.
	QueueID string
	// Envelope is that of the message reported on.
	Envelope   *submission.Envelope
	Recipients []Recipient // at least one
	// Now is when the report is made, in the zone in which it says so.
	Now time.Time
	// ID makes the report's Message-ID and boundary: 1 to 60 letters and digits
	// that nobody can foresee. The same report with the same ID is the same
	// octets.
	ID string
	// MaxReturn bounds the message that is returned whole where RET asks for it,
	// in octets; of a longer one there is only the header (RFC 3461 §6.2).
	// Default 32 MiB. Where RET was not said it is 64 KiB at most.
	MaxReturn int64
}

// Recipient is what became of one recipient.
type Recipient struct {
	// Index in Envelope.Rcpts.
	Index  int
	Action Action
	Status smtp.Status
	// Code is the SMTP reply's, 0 if there was none, and Text what it said behind
	// the code, enhanced code included, in lines separated by LF, or, without a
	// reply, what we say.
	Code int
	Text string
	// Host is the next hop that said so, or about which we do where Code is 0;
	// empty: we ourselves.
	Host string
	// Ended is why it is not tried again though what Status, Code, Text and Host
	// tell of was temporary; empty: it was not.
	Ended string
	// Attempted is when delivery was last tried, RetryUntil until when it will
	// be (Delayed only); zero: not said.
	Attempted, RetryUntil time.Time
}

// ErrNoSender: the message has the null reverse-path, to which no report is ever
// sent (RFC 5321 §4.5.5).
var ErrNoSender = errors.New("a message without a sender is not reported on")

// NewEnvelope is what the report is queued with: from the null reverse-path to
// the sender of the message, with the message's priority (RFC 6710 §4.6), and
// REQUIRETLS if it had that (RFC 8689 §5). c is what Write gave.
func (r *Report) NewEnvelope(c submission.Content) submission.Envelope {
	m := &r.Envelope.Mail
	e := submission.Envelope{
		Mail: smtp.Mail{
			UTF8:     c.UTF8Header || !m.From.ASCII(),
			Priority: m.Priority, RequireTLS: m.RequireTLS,
		},
		// RFC 3461 §6.1: no report on a report.
		Rcpts:    []smtp.Rcpt{{To: m.From, Notify: smtp.NotifyNever}},
		Received: r.Now,
		Content:  c,
	}
	switch {
	case c.Binary:
		e.Mail.Body = smtp.BodyBinary
	case c.EightBit:
		e.Mail.Body = smtp.Body8Bit
	}
	return e
}

// has says whether a recipient met with an action.
func (r *Report) has(a Action) bool {
	for i := range r.Recipients {
		if r.Recipients[i].Action == a {
			return true
		}
	}
	return false
}

// rcpt is the recipient as it was in the envelope.
func (r *Report) rcpt(c *Recipient) *smtp.Rcpt { return &r.Envelope.Rcpts[c.Index] }

// raw says that the sender's own address needs SMTPUTF8, so that the way back
// must be able to do 8 bits and headers in UTF-8. Every other way gets what is
// not ASCII encoded (RFC 6533 §4.5).
func (r *Report) raw() bool { return !r.Envelope.Mail.From.ASCII() }
