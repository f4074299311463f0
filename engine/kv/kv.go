// Package kv is the interface between the account and whatever keeps its
// keys: an ordered map of bytes per account with transactions on one account
// at a time.
//
// # Model
//
// An account is a number; its keys are invisible to every other account. A
// View reads one snapshot. An Update reads and writes under the account's own
// lock: Updates of one account run one after the other, Updates of different
// accounts run together and share the cost of becoming durable.
//
// Reads are declared in batches (Reads) because an engine may be a network
// away: one call of Read is one round trip whatever it asks for. Engines count
// the calls (Stats), and each IMAP command has a budget of them.
//
// # Outcomes
//
// Update returns nil: everything is durable, and only then visible to Views.
// It returns the function's own error, or any error but *UnknownError: nothing
// happened. It returns *UnknownError: the engine cannot tell; the account's
// head keeps the id of its last transaction, and Outcome tells later which it
// was. After a failed sync an engine refuses all further work with ErrStopped.
package kv

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
)

// Account numbers an account. Zero is the directory's own (auth/directory);
// those from Reserved on belong to other roles and hold no mailboxes.
type Account uint64

// Reserved is the first number that no account of a user has; Queue is the
// submission queue's (submission/queue), Outboxes the list of accounts that have
// sent and may have more to hand to the queue (store/account), Policies are what
// domains said of how mail is to reach them (submission/relay/policies).
const (
	Reserved Account = 1 << 63
	Queue            = Reserved
	Outboxes         = Reserved + 1
	Policies         = Reserved + 2
)

// TxID names one transaction; random, never reused.
type TxID [16]byte

func (id TxID) String() string { return hex.EncodeToString(id[:]) }

// Engine keeps keys. All methods may be called concurrently.
//
// Keys are 1 to MaxKey bytes, compared bytewise; values 0 to MaxValue bytes.
type Engine interface {
	// View calls fn with a Reader over one snapshot, valid until fn returns.
	// It never waits for an Update.
	View(ctx context.Context, a Account, fn func(Reader) error) error
	// Update calls fn, once, with a transaction on the account and commits
	// it durably when fn returns nil. fn must not call the engine.
	Update(ctx context.Context, a Account, fn func(Tx) error) error
	// Outcome tells whether the transaction of an UnknownError is durable.
	// It must be asked before the account's next Update.
	Outcome(ctx context.Context, a Account, id TxID) (done bool, err error)
	// Accounts lists, in order, up to limit accounts after the given one
	// that hold any key.
	Accounts(ctx context.Context, after Account, limit int) ([]Account, error)
	// Stats counts calls since the engine was opened.
	Stats() Stats
	// Close waits for running transactions.
	Close() error
}

// Limits of keys and values, in bytes.
const (
	MaxKey   = 2 << 10
	MaxValue = 4 << 20
)

// Reader reads one snapshot of one account.
type Reader interface {
	// Read runs all the reads in one round trip. What it returns must not be
	// modified and stays valid after the transaction.
	Read(ctx context.Context, r Reads) (Results, error)
}

// Tx is a Reader that sees its own writes, and writes. Writes are kept in
// memory until the commit; ErrTooLarge beyond MaxTx bytes. The slices given are
// copied: the caller may use them again at once.
type Tx interface {
	Reader
	Set(key, value []byte)
	Delete(key []byte)
	// DeleteRange deletes from ≤ key < to; a nil to means to the account's
	// end.
	DeleteRange(from, to []byte)
	// ID is the id the account's head will carry.
	ID() TxID
}

// MaxTx bounds the bytes written by one transaction.
const MaxTx = 64 << 20

// Reads declares what one round trip shall bring.
type Reads struct {
	Gets   [][]byte
	Ranges []Range
	// Into, if not nil, lends the memory of earlier results to these: an
	// engine may overwrite what they held. For walks through much, batch by
	// batch.
	Into *Results
}

// Range asks for keys From ≤ key < To; a nil To means to the account's end.
type Range struct {
	From, To []byte
	Limit    int  // at most so many pairs; 0: no limit
	Reverse  bool // from the end
	KeysOnly bool // Values are empty
}

// Results holds what Reads asked for, index by index.
type Results struct {
	Values [][]byte // per Get; nil: no such key (an empty value is not nil)
	Ranges []Pairs  // per Range
}

// Pairs is a list of keys and values in one allocation.
type Pairs struct {
	data []byte
	ends []uint32 // end of key i, end of value i, …
}

// Len is the number of pairs.
func (p Pairs) Len() int { return len(p.ends) / 2 }

// Key is pair i's key, without the account.
func (p Pairs) Key(i int) []byte {
	from := uint32(0)
	if i > 0 {
		from = p.ends[2*i-1]
	}
	return p.data[from:p.ends[2*i]:p.ends[2*i]]
}

// Value is pair i's value.
func (p Pairs) Value(i int) []byte {
	return p.data[p.ends[2*i]:p.ends[2*i+1]:p.ends[2*i+1]]
}

// Append adds a pair; for engines.
func (p *Pairs) Append(key, value []byte) {
	p.data = append(p.data, key...)
	p.ends = append(p.ends, uint32(len(p.data)))
	p.data = append(p.data, value...)
	p.ends = append(p.ends, uint32(len(p.data)))
}

// Reset empties p and keeps its memory, for an engine that collects pairs and
// hands out a Clone.
func (p *Pairs) Reset() { p.data, p.ends = p.data[:0], p.ends[:0] }

// Lend gives n empty Pairs made of the memory of earlier results; for engines.
func Lend(r *Results, n int) []Pairs {
	if cap(r.Ranges) < n {
		r.Ranges = append(r.Ranges[:cap(r.Ranges)], make([]Pairs, n-cap(r.Ranges))...)
	}
	r.Ranges = r.Ranges[:n]
	for i := range r.Ranges {
		r.Ranges[i].Reset()
	}
	return r.Ranges
}

// Bytes is the memory that keys and values take.
func (p *Pairs) Bytes() int { return cap(p.data) }

// Clone gives a copy in memory of just its size.
func (p *Pairs) Clone() Pairs {
	if len(p.ends) == 0 {
		return Pairs{}
	}
	data, ends := make([]byte, len(p.data)), make([]uint32, len(p.ends))
	copy(data, p.data)
	copy(ends, p.ends)
	return Pairs{data: data, ends: ends}
}

// Stats counts round trips and transactions.
type Stats struct {
	Reads, Views, Updates uint64
}

var (
	// ErrStopped: the engine saw a failure after which it must not go on.
	ErrStopped = errors.New("storage engine has stopped after a failure; restart to recover")
	// ErrNoSpace: refused because the volume is (nearly) full; try later.
	ErrNoSpace = errors.New("storage is full")
	// ErrTooLarge: a key, a value or the transaction is beyond its limit.
	ErrTooLarge = errors.New("transaction too large")
	// ErrClosed: the engine was closed.
	ErrClosed = errors.New("storage engine is closed")
)

// UnknownError says that a commit may or may not have happened.
type UnknownError struct {
	ID    TxID
	Cause error
}

func (e *UnknownError) Error() string {
	return fmt.Sprintf("outcome of transaction %s unknown: %v", e.ID, e.Cause)
}

func (e *UnknownError) Unwrap() error { return e.Cause }
