package store

import (
	"context"
	"errors"
	"time"
)

// Outbox is how a message is sent and filed in one step (docs/atomic-send.md).
// Its methods may be called concurrently.
type Outbox interface {
	// Send checks that the URL is authorized for submission on behalf of the
	// user (submit+user, RFC 4467), that it names a whole message of the user's
	// own account at this server, and then, in one transaction of that account: records the
	// attempt with its envelope, files a copy of the draft in the target
	// mailbox, sets $Submitted and clears $SubmitPending on the draft, and sets
	// \Answered or $Forwarded on what the draft answers or forwards. When it
	// returns nil all of that is durable.
	//
	// An attempt that was recorded before gives what it gave then, and changes
	// nothing, whatever became of the draft and of the URL's token meanwhile;
	// of another draft, or with another target or envelope, it is
	// ErrAttemptReused. Errors wrap ErrNoURL, ErrNoTarget, ErrAttemptReused,
	// ErrOverQuota, ErrNoSpace, ErrTooLarge (the envelope) or ErrTemporary.
	Send(ctx context.Context, s SendRequest) (Sent, error)
	// Open opens the message of an attempt that is not Queued, as the draft was
	// at Send. binary: parts with binary content come as they are; otherwise in
	// a form that 8BITMIME allows. Errors wrap ErrNoURL (no such attempt, or it
	// is Queued) or ErrTemporary.
	Open(ctx context.Context, account uint64, attempt string, binary bool) (URLContent, error)
	// Queued records that the queue has the message of an attempt, by the id
	// that repeated attempts are answered with. Said twice, the first id holds.
	// Errors wrap ErrNoURL (no such attempt) or ErrTemporary.
	Queued(ctx context.Context, account uint64, attempt, id string) error
	// Waiting lists attempts that are recorded and not Queued, of all accounts:
	// what a crash, or a queue that refused, left over; those that are just on
	// their way into the queue among them. It is for the beginning, and for
	// every minute or so: it costs what is waiting and who has sent since it
	// was last called, not how many accounts there are.
	Waiting(ctx context.Context, each func(Sent) error) error
}

// SendRequest is one attempt to send.
type SendRequest struct {
	Account uint64 // the authenticated user's
	User    string // its canonical name
	// Attempt is the client's name for this attempt, 1 to 64 octets.
	Attempt string
	// URL is the draft's, with its authorization.
	URL string
	// Target is the mailbox for the sent copy, in UTF-8; empty: none is kept.
	Target string
	// Envelope is kept for the queue; opaque to the store, at most 1 MiB. A
	// repeated attempt is known by having the same, octet for octet: it holds
	// what the client said, and nothing of the moment (Sent.At is that).
	Envelope []byte
	// KnownOnly: an attempt that is not known is not made, and is ErrNoURL:
	// the caller could not look at the draft.
	KnownOnly bool
}

// Sent is a recorded attempt.
type Sent struct {
	Account  uint64
	Attempt  string
	At       time.Time // when it was recorded, in whole seconds
	Envelope []byte    // nil once it is Queued
	// Queued is the id that the queue gave; empty: it has not got it yet.
	Queued string
	// Repeated: it was recorded before this call.
	Repeated bool
	// UIDValidity and UID are those of the sent copy; 0 without one.
	UIDValidity uint32
	UID         uint32
}

var (
	// ErrNoTarget: the mailbox for the sent copy is not there, or not one into
	// which the user may put messages.
	ErrNoTarget = errors.New("no mailbox for the sent copy")
	// ErrAttemptReused: the attempt is known, and was another one.
	ErrAttemptReused = errors.New("this attempt was another message")
)
