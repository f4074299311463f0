// Package submission is the vocabulary of mail on its way out (RFC 6409, RFC
// 5321): what its parts, which do not import each other, hand to one another.
//
//	phone ──587──▶ submission/session ──▶ submission/queue ◀── submission/relay ──▶ next hop
//	                      │                      ▲                    │
//	                      ▼ Fetcher              │ reports            ▼
//	               submission/burl         submission/dsn       store.Filing (local)
//
// A session takes a message in, mends its header (submission/fixup) and hands it
// to the Spool with its Envelope. When Commit has returned nil the message is
// durable, and from then on it ends delivered or reported for each recipient,
// whatever crashes. The relay takes Jobs from the queue, and tells it what
// became of each recipient; the queue decides when to try again, and writes the
// reports (RFC 3461) in the same transaction that ends a recipient.
package submission

import (
	"context"
	"errors"
	"io"
	"time"

	"citron/wire/smtp"
)

// Envelope is what was said of a message as it was accepted.
type Envelope struct {
	// Account is the number of the account that submitted it, and Sender its
	// name; 0 and "": the server itself (reports).
	Account uint64
	Sender  string
	Mail    smtp.Mail
	Rcpts   []smtp.Rcpt // at least one
	// Received is when the message was accepted: retries, DELIVERBY and
	// HOLDFOR count from it.
	Received time.Time
	// HoldUntil is when delivery may begin (RFC 4865); zero: at once.
	HoldUntil time.Time
	// Content is what the message turned out to be made of.
	Content Content
	// Origin, if not empty, names the attempt that this message comes of: the
	// queue takes a message of one Origin once, and answers the second with
	// the id of the first.
	Origin string
}

// Content is what a message is made of, which decides what a next hop must be
// able to do; found out as it passed, whatever MAIL said.
type Content struct {
	// EightBit: octets above 127 in the body. Binary: a NUL, a CR or LF alone,
	// or a line of more than 998 octets. UTF8Header: octets above 127 in the
	// header of the message or of a part (RFC 6532); those within a
	// message/rfc822, where there should be none, count as EightBit.
	EightBit, Binary, UTF8Header bool
	// TLSOptional: the header has "TLS-Required: No", which counts where MAIL
	// had no REQUIRETLS (RFC 8689 §4.1).
	TLSOptional bool
	// Hops is the number of Received fields (RFC 5321 §6.3).
	Hops int
	// MessageID is the field's value with its brackets; empty if it has more
	// than 998 octets.
	MessageID string
}

// Spool takes messages into the queue. Its methods may be called concurrently.
type Spool interface {
	// Begin starts a message. size is what the client announced (RFC 1870),
	// 0 when unknown: a hint, never trusted.
	Begin(ctx context.Context, size int64) (Incoming, error)
}

// Incoming receives one message. It is not safe for concurrent use.
//
// Write takes the message as it is to be sent, header mended, without
// dot-stuffing; it keeps none of p. After an error the caller calls Abort.
type Incoming interface {
	io.Writer
	// Commit queues the message and returns when that is durable; id names it
	// in the queue, for the reply and for `citron queue`.
	Commit(ctx context.Context, e Envelope) (id string, err error)
	// Abort forgets the message; no-op after Commit.
	Abort()
}

// What may stand in the way of a message. Implementations wrap these; an error
// of no kind counts as ErrTemporary.
var (
	// ErrTooLarge: the message will never be accepted.
	ErrTooLarge = errors.New("message too large")
	// ErrNoSpace: the storage is (nearly) full; try later.
	ErrNoSpace = errors.New("storage is full")
	// ErrTemporary: a fault on our side; try later.
	ErrTemporary = errors.New("temporary failure")
)
