package store

import (
	"context"
	"errors"
	"io"
	"time"
)

// Filing takes in messages that come from outside: delivery's way to the
// store. All methods may be called concurrently.
type Filing interface {
	// Begin starts a message for one or more recipients. size is what the
	// sender announced (RFC 1870), 0 when unknown; it is a hint, never
	// trusted. Begin may refuse with an error of this package that concerns
	// all recipients. The caller does not change to, nor the prefixes in
	// it, before Commit or Abort returned.
	Begin(ctx context.Context, to []Recipient, size int64) (Incoming, error)
}

// Recipient is one copy to be filed into an account's INBOX.
type Recipient struct {
	// Account is the number of the receiving account. The same account may
	// be named twice: each is a copy of its own.
	Account uint64
	// Prefix holds complete header lines that this recipient's copy has in
	// front of the message: Return-Path, Delivered-To, Received.
	Prefix []byte
	// Detail is the subaddress ("list" of alice+list@example.org, RFC 5233),
	// empty when there was none.
	Detail string
	// Once, if its Key is not empty, has the account file this copy only once:
	// a second delivery with the same Once succeeds and files nothing.
	Once Once
}

// Once names a copy for a sender that may have to deliver again what it does
// not know to be filed.
type Once struct {
	// Key is of the sender's choice, at most MaxOnceKey octets.
	Key string
	// Since is a time, in whole seconds, that is the same in every attempt:
	// when the message came to be.
	Since time.Time
}

// MaxOnceKey bounds Once.Key, in octets.
const MaxOnceKey = 255

// OnceFiling is a Filing that also forgets what it filed once.
type OnceFiling interface {
	Filing
	// Forget drops the memory of copies that will not be delivered again. What
	// was never filed is no error, nor is an account that is gone. A memory
	// that nobody drops goes by itself, not before 30 days after the filing.
	Forget(ctx context.Context, account uint64, once ...Once) error
}

// Incoming receives one message. It is not safe for concurrent use.
//
// Write takes the message as it comes off the wire, without dot-stuffing and
// otherwise unchanged; it keeps none of p. After Write returned an error the
// caller calls Abort.
type Incoming interface {
	io.Writer
	// Commit files the message and returns when that is durable. The
	// result holds one error per recipient, in their order, nil where the
	// message is filed; a nil result says that all are.
	Commit(ctx context.Context) []error
	// Abort forgets the message; no-op after Commit.
	Abort()
}

// What may stand in the way of a message. Implementations wrap these, so that
// errors.Is finds the kind while the text keeps the cause; an error of no kind
// counts as ErrTemporary.
var (
	// ErrOverQuota: the account has no room; it may have later.
	ErrOverQuota = errors.New("account is over quota")
	// ErrNoSpace: the storage is (nearly) full; try later.
	ErrNoSpace = errors.New("storage is full")
	// ErrTooLarge: the message will never be accepted.
	ErrTooLarge = errors.New("message too large")
	// ErrNoAccount: the account does not exist, or no longer.
	ErrNoAccount = errors.New("no such account")
	// ErrTemporary: a fault on our side; try later.
	ErrTemporary = errors.New("temporary failure")
)
