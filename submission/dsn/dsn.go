// Package dsn writes delivery status notifications (RFC 3461 §6, RFC 3464, RFC
// 6522, RFC 6533): what a sender is told of what became of a message.
package dsn

import (
	"errors"
	"io"
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
	// Expanded into several recipients.
	Expanded
)

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
	// ID makes the report's Message-ID and boundaries: letters and digits,
	// unique. The same report with the same ID is the same octets.
	ID string
}

// Recipient is what became of one recipient.
type Recipient struct {
	// Index in Envelope.Rcpts.
	Index  int
	Action Action
	Status smtp.Status
	// Code is the SMTP reply's, 0 if there was none, and Text what it said or,
	// without a reply, what we say.
	Code int
	Text string
	// Host is the next hop that said so; empty: we ourselves.
	Host string
	// Attempted is when delivery was last tried, RetryUntil until when it will
	// be (Delayed only); zero: not said.
	Attempted, RetryUntil time.Time
}

// NewEnvelope is what the report is queued with: from the null reverse-path to
// the sender of the message. c is what Write gave.
func (r *Report) NewEnvelope(c submission.Content) submission.Envelope {
	return submission.Envelope{}
}

// Write writes the report. original is the message of size octets; the report
// holds it, or its header, as RET and the actions ask (RFC 3461 §4.3, §6.2).
// Content is what the report is made of.
func Write(w io.Writer, r *Report, original io.ReaderAt, size int64) (submission.Content, error) {
	return submission.Content{}, errors.ErrUnsupported
}
