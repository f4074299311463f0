package store

import (
	"context"
	"errors"
)

// Outbox is how a message is sent and filed in one step (docs/atomic-send.md).
// Its methods may be called concurrently.
type Outbox interface {
	// Send checks that the URL is authorized for submission on behalf of the
	// user (submit+user, RFC 4467), that it names a whole message of the user's
	// own account, and then, in one transaction of that account: records the
	// attempt with its envelope, files a copy of the draft in the target
	// mailbox, sets $Submitted and clears $SubmitPending on the draft, and sets
	// \Answered or $Forwarded on what the draft answers or forwards. When it
	// returns nil all of that is durable.
	//
	// An attempt that was recorded before gives what it gave then, and changes
	// nothing; with another URL, target or envelope it is ErrAttemptReused.
	// Errors wrap ErrNoURL, ErrNoTarget, ErrAttemptReused, ErrOverQuota,
	// ErrNoSpace or ErrTemporary.
	Send(ctx context.Context, s SendRequest) (Sent, error)
	// Open opens the message of a recorded attempt, as the draft was at Send.
	Open(ctx context.Context, account uint64, attempt string) (URLContent, error)
	// Queued records that the queue has the message of an attempt, by the id
	// that repeated attempts are answered with.
	Queued(ctx context.Context, account uint64, attempt, id string) error
	// Waiting lists attempts that are recorded and not Queued, of all accounts:
	// what a crash left over. It may take long.
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
	// Envelope is kept for the queue; opaque to the store, at most 1 MiB.
	Envelope []byte
}

// Sent is a recorded attempt.
type Sent struct {
	Account  uint64
	Attempt  string
	Envelope []byte
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
