// Package body is the interface to the store of message bodies: written once,
// never changed, read at any offset.
//
// # Life of a body
//
// A Writer takes the bytes as they come from the network, holding a bounded
// number of them in memory, and Commit makes them durable and gives their Ref.
// Only then may a key-value transaction refer to the Ref, and when the fate of
// that transaction is known the caller says so with Done: until then the body
// is safe from Sweep, although nothing refers to it yet.
//
//	w, err := store.Create(ctx, owner)
//	defer w.Done()
//	… w.Write …
//	ref, err := w.Commit(ctx)
//	err = engine.Update(… refers to ref …)
//	if nothing happened { store.Release(owner, ref) }
//
// A body that no transaction came to refer to is an orphan and is swept. The
// reference is the account's object record and nothing else: a body (segment,
// offset) is alive exactly while the record of its owner names that very Ref.
// Release is a hint that it no longer does; Sweep asks the owner to make sure.
// A body found dead must never be referred to again.
//
// # Failures
//
// A full volume is vfs.ErrNoSpace: nothing is damaged, and the store works
// again when there is room. After a failed sync the store refuses every Create
// and Commit with ErrStopped and keeps reading, as far as its process lives on;
// a restart recovers.
package body

import (
	"context"
	"errors"
	"io"
)

// Owner says to whom a body belongs: the account's number and its object
// number within the account. It is written beside the body, so that a sweep
// can ask whether it is alive.
type Owner struct {
	Account uint64
	Object  uint64
}

// Ref locates a body. The zero Ref refers to nothing.
type Ref struct {
	Segment uint64 // 1 or more
	Offset  uint64 // of the frame within the segment
	Length  uint64 // of the body, in bytes
}

// Store keeps bodies. All methods may be called concurrently.
type Store interface {
	// Create starts a body.
	Create(ctx context.Context, o Owner) (Writer, error)
	// Open reads a body. ErrGone if it was swept: who read the Ref from a
	// record reads the record again, for a sweep may have moved the body.
	// ErrCorrupt if its frame does not hold what the Ref says.
	Open(ctx context.Context, r Ref) (Reader, error)
	// Release says that a committed transaction dropped the last reference.
	Release(o Owner, r Ref)
	// Sweep rewrites what is more than half dead and deletes what is dead.
	// It calls keep for bodies it has no count of, never for one whose
	// Writer is not Done; and move after it made a durable copy of one that
	// shall live on: move replaces the reference in one transaction and
	// says whether the old Ref was still the one in force. Where keep or
	// move fails, nothing is deleted.
	Sweep(ctx context.Context, keep func(Owner, Ref) (alive bool, err error),
		move func(o Owner, from, to Ref) (moved bool, err error)) error
	// Check reads every byte and reports each body that is damaged; for
	// citron verify.
	Check(ctx context.Context, report func(o Owner, r Ref, err error)) error
	// Usage gives live and total bytes on disk, as far as known.
	Usage() (live, total uint64)
	Close() error
}

// Writer receives one body. It is not safe for concurrent use.
type Writer interface {
	io.Writer
	// Len is the number of bytes written so far.
	Len() int64
	// ReadAt reads back what was written, before Commit or after.
	io.ReaderAt
	// Commit makes the body durable; concurrent Commits share one sync.
	// After an error the body is lost and the Writer only good for Done.
	// The context is looked at before the first byte is sent to the disk,
	// not while the disk works.
	Commit(ctx context.Context) (Ref, error)
	// Abort forgets the body; no-op after Commit.
	Abort()
	// Done ends the Writer and gives its memory back; it must be called
	// once, and after that no other method. Before Commit it aborts. After
	// Commit it says that the transaction referring to the body is durable,
	// or that there will be none: from now on Sweep may ask for the body.
	// While the outcome of the transaction is unknown, do not call it; a
	// restart forgets the Writer.
	Done()
}

// Reader reads one body; it stays readable until closed, whatever is swept.
type Reader interface {
	io.ReaderAt
	io.Closer
	Size() int64
}

var (
	ErrGone    = errors.New("body is gone")
	ErrCorrupt = errors.New("body is damaged")
	// ErrStopped: a sync failed, after which the store must not go on.
	ErrStopped = errors.New("body store has stopped after a failure; restart to recover")
	// ErrClosed: the store was closed.
	ErrClosed = errors.New("body store is closed")
)
