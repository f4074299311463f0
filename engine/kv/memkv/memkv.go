// Package memkv is the key-value engine that keeps everything in memory: the
// model that other engines are compared with, and the fast ground of tests.
//
// It can act like an engine far away (Options.Delay per round trip, in time
// that testing/synctest controls) and like one that fails (Options.Decide
// gives each commit its fate, unknown outcomes among them).
//
// # Invariants
//
// An account's keys are one immutable tree (see node). An Update works on a
// tree of its own and publishes the root under Engine.mu when it commits, so a
// View is one pointer read, never waits and never sees half a transaction.
package memkv

import (
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"citron/engine/kv"
)

// Fate is what becomes of a commit.
type Fate int

const (
	// Commit keeps the transaction.
	Commit Fate = iota
	// Refuse drops it; Update returns the error given with it.
	Refuse
	// UnknownKept keeps it, but Update returns *kv.UnknownError.
	UnknownKept
	// UnknownDropped drops it, but Update returns *kv.UnknownError.
	UnknownDropped
	// Stop drops it and all that follows: kv.ErrStopped from now on.
	Stop
)

// Options change how the engine behaves. The zero value is a perfect engine.
type Options struct {
	// Delay is waited out in each Read and each commit, as a network would.
	Delay time.Duration
	// Decide, if not nil, is asked before each commit. The error is the one
	// Update returns (Refuse), or the cause of its *kv.UnknownError.
	Decide func(a kv.Account, id kv.TxID) (Fate, error)
}

// Engine keeps accounts in memory.
type Engine struct {
	options               Options
	reads, views, updates atomic.Uint64

	running sync.WaitGroup // transactions; Add only under mu while not closed

	mu       sync.Mutex
	closed   bool
	stopped  bool
	accounts map[kv.Account]*account
}

// account is one account's state. It is made at its first Update and stays.
type account struct {
	lock chan struct{} // holds one token while an Update runs
	root *node         // guarded by Engine.mu
	last kv.TxID       // id of the last transaction kept; guarded by Engine.mu
}

var _ kv.Engine = (*Engine)(nil)

// New makes an empty engine.
func New(o Options) *Engine {
	return &Engine{options: o, accounts: make(map[kv.Account]*account)}
}

// enter registers a running transaction and, if there is one, gives the
// account. The caller calls e.running.Done unless there is an error.
func (e *Engine) enter(ctx context.Context, a kv.Account, create bool) (*account, *node, error) {
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return nil, nil, kv.ErrClosed
	}
	if e.stopped {
		return nil, nil, kv.ErrStopped
	}
	e.running.Add(1)
	acct := e.accounts[a]
	if acct == nil {
		if !create {
			return nil, nil, nil
		}
		acct = &account{lock: make(chan struct{}, 1)}
		e.accounts[a] = acct
	}
	return acct, acct.root, nil
}

// View implements kv.Engine.
func (e *Engine) View(ctx context.Context, a kv.Account, fn func(kv.Reader) error) error {
	_, root, err := e.enter(ctx, a, false)
	if err != nil {
		return err
	}
	defer e.running.Done()
	e.views.Add(1)
	return fn(&reader{engine: e, root: root})
}

// Update implements kv.Engine.
func (e *Engine) Update(ctx context.Context, a kv.Account, fn func(kv.Tx) error) error {
	acct, _, err := e.enter(ctx, a, true)
	if err != nil {
		return err
	}
	defer e.running.Done()
	select {
	case acct.lock <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-acct.lock }()
	e.updates.Add(1)

	t := &tx{reader: reader{engine: e, root: e.rootOf(acct)}}
	rand.Read(t.id[:])
	if err := fn(t); err != nil {
		return err
	}
	if err := t.budget.Err(); err != nil {
		return err
	}
	if !t.written {
		return nil
	}
	return e.commit(a, acct, t)
}

func (e *Engine) rootOf(acct *account) *node {
	e.mu.Lock()
	defer e.mu.Unlock()
	return acct.root
}

// commit publishes the transaction, as its fate will have it.
func (e *Engine) commit(a kv.Account, acct *account, t *tx) error {
	time.Sleep(e.options.Delay) // a commit under way cannot be called back
	fate, cause := Commit, error(nil)
	if e.options.Decide != nil {
		fate, cause = e.options.Decide(a, t.id)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case e.stopped:
		return kv.ErrStopped
	case fate == Refuse:
		if cause == nil {
			cause = errors.New("commit refused")
		}
		return cause
	case fate == Stop:
		e.stopped = true
		return &kv.UnknownError{ID: t.id, Cause: cause}
	case fate == UnknownDropped:
		return &kv.UnknownError{ID: t.id, Cause: cause}
	}
	acct.root, acct.last = t.root, t.id
	if fate == UnknownKept {
		return &kv.UnknownError{ID: t.id, Cause: cause}
	}
	return nil
}

// Outcome implements kv.Engine.
func (e *Engine) Outcome(ctx context.Context, a kv.Account, id kv.TxID) (bool, error) {
	acct, _, err := e.enter(ctx, a, false)
	if err != nil {
		return false, err
	}
	defer e.running.Done()
	if acct == nil {
		return false, nil
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	return acct.last == id, nil
}

// Accounts implements kv.Engine.
func (e *Engine) Accounts(ctx context.Context, after kv.Account, limit int) ([]kv.Account, error) {
	if _, _, err := e.enter(ctx, 0, false); err != nil {
		return nil, err
	}
	defer e.running.Done()
	e.mu.Lock()
	defer e.mu.Unlock()
	var found []kv.Account
	for a, acct := range e.accounts {
		if a > after && acct.root != nil {
			found = append(found, a)
		}
	}
	slices.Sort(found)
	return found[:min(len(found), max(limit, 0))], nil
}

// Stats implements kv.Engine.
func (e *Engine) Stats() kv.Stats {
	return kv.Stats{Reads: e.reads.Load(), Views: e.views.Load(), Updates: e.updates.Load()}
}

// Close implements kv.Engine. What was kept stays readable to Reopen.
func (e *Engine) Close() error {
	e.mu.Lock()
	if e.closed {
		e.mu.Unlock()
		return kv.ErrClosed
	}
	e.closed = true
	e.mu.Unlock()
	e.running.Wait()
	return nil
}

// Reopen gives a new engine with what a closed or stopped one kept, as if from
// its disk.
func (e *Engine) Reopen(o Options) *Engine {
	e.mu.Lock()
	defer e.mu.Unlock()
	again := New(o)
	for a, acct := range e.accounts {
		again.accounts[a] = &account{lock: make(chan struct{}, 1), root: acct.root, last: acct.last}
	}
	return again
}
