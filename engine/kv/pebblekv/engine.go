// Package pebblekv is the embedded key-value engine: Pebble v2 over vfs.
//
// # Updates
//
// Updates of one account take turns; Updates of different accounts run
// together, and Pebble's commit pipeline makes all that are waiting durable
// with one sync of its log. The turn is held until the commit is durable, so
// whoever holds it finds in Pebble exactly what is durable of the account and
// reads it without a snapshot. Writes gather in a Pebble batch, which is
// indexed only if the transaction reads after it wrote.
//
// # Views
//
// Pebble makes a batch visible when it is in the memtable, before its log is
// synced; a View must not see it then, and must not wait either. So every
// commit first takes a Pebble snapshot of the moment before it and leaves it
// with the account: until the commit is durable, Views of that account read
// there. See accounts.go.
//
// # Failures
//
// When a write or a sync of the log fails nothing can be said any more about
// what is durable. The adapter to our file system sees the error first: it
// stops the engine (kv.ErrStopped to everybody) and calls Options.Fatal, which
// by default ends the process. Where it does not, Pebble never hears of the
// error: the call, and every later one that would change a file, is frozen.
// Commits under way report *kv.UnknownError; after reopening, Outcome compares
// the transaction's id with the one in the account's head. Other failures that
// Pebble cannot live with (Logger.Fatalf, background errors) take the same
// way, except a full volume in a flush or a compaction, which Pebble retries.
// Long before that, below Options.FreeFloor, Update refuses with kv.ErrNoSpace,
// and what makes room (kv.MakingRoom) below Options.LowFloor.
package pebblekv

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"

	"citron/engine/kv"
	"citron/engine/vfs"
)

// Engine is an open Pebble database.
type Engine struct {
	db                    *pebble.DB
	floor                 floor
	reads, views, updates atomic.Uint64
	shards                [shards]shard
	anchor                anchor
	survive               bool
	*stopper
}

var _ kv.Engine = (*Engine)(nil)

// Open opens the database in a directory of fs, making both if missing. The
// error wraps vfs.ErrLocked if another process has it open. After any other
// error the directory may stay locked until this process ends.
func Open(fs vfs.FS, dir string, o Options) (*Engine, error) {
	o = o.withDefaults()
	e := &Engine{
		survive: o.Survive,
		stopper: newStopper(o.Fatal),
	}
	e.floor.open(fs, o)
	for i := range e.shards {
		e.shards[i].accounts = make(map[kv.Account]*account)
		e.shards[i].idle.L = &e.shards[i].mu
	}
	// Pebble waits until the flush of what its log held succeeds, however
	// often it fails; we wait for the first failure.
	opened := make(chan error, 1)
	go func() { opened <- e.open(dir, o.pebble(&adapter{fs: fs, stopper: e.stopper})) }()
	select {
	case err := <-opened:
		if err == nil {
			return e, nil
		}
		return nil, fmt.Errorf("open %s: %w", dir, err)
	case <-e.halted:
		return nil, fmt.Errorf("open %s: %w", dir, e.cause())
	}
}

// open opens Pebble, which panics where its log cannot be made.
func (e *Engine) open(dir string, o *pebble.Options) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("pebble: %v", r)
		}
	}()
	if e.db, err = pebble.Open(dir, o); err != nil {
		return err
	}
	e.opened.Store(true)
	return e.cause() // of a failure that Pebble let pass
}

// View implements kv.Engine.
func (e *Engine) View(ctx context.Context, a kv.Account, fn func(kv.Reader) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s, err := e.view(a)
	if err != nil {
		return err
	}
	defer e.viewed(a, s)
	e.views.Add(1)
	return fn(&viewReader{engine: e, account: a, snapshot: s})
}

// Update implements kv.Engine.
func (e *Engine) Update(ctx context.Context, a kv.Account, fn func(kv.Tx) error) error {
	if err := e.admit(ctx); err != nil {
		return err
	}
	acct, err := e.acquire(ctx, a)
	if err != nil {
		return err
	}
	defer e.release(a, acct)
	if err := e.Stopped(); err != nil {
		return err
	}
	e.updates.Add(1)
	t := tx{engine: e, account: a, id: newTxID()}
	defer t.discard()
	if err := fn(&t); err != nil {
		return err
	}
	if err := t.failed(); err != nil {
		return err
	}
	if t.batch == nil {
		return nil
	}
	return e.commit(a, acct, &t)
}

// admit refuses what should not begin.
func (e *Engine) admit(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := e.Stopped(); err != nil {
		return err
	}
	return e.floor.check(kv.MakesRoom(ctx))
}

// commit makes the transaction durable, then visible. It is not given up for
// a context: once begun, only its end can tell what became of it.
func (e *Engine) commit(a kv.Account, acct *account, t *tx) error {
	e.floor.wrote(t.batch.Len())
	e.hide(a, acct)
	err := e.apply(t.batch)
	if err == nil {
		err = e.cause() // Pebble's Apply returns nil if Fatalf returned
	}
	if err != nil {
		// What was hidden stays so: the engine has stopped, and nobody may
		// see what may turn out not to have happened.
		return &kv.UnknownError{ID: t.id, Cause: err}
	}
	e.show(a, acct)
	return nil
}

// apply hands the batch to Pebble. One that is to survive a failure does not
// wait for a Pebble that will never answer.
func (e *Engine) apply(b *pebble.Batch) error {
	if !e.survive {
		return e.applyHere(b)
	}
	done := make(chan error, 1)
	go func() { done <- e.applyHere(b) }()
	select {
	case err := <-done:
		return err
	case <-e.halted:
		return e.cause()
	}
}

// applyHere turns Pebble's panic at a log it cannot write into a failure.
func (e *Engine) applyHere(b *pebble.Batch) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("commit: %v", r)
			e.stop(err)
		}
	}()
	return e.db.Apply(b, pebble.Sync)
}

// Outcome implements kv.Engine.
func (e *Engine) Outcome(ctx context.Context, a kv.Account, id kv.TxID) (bool, error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	s, err := e.view(a)
	if err != nil {
		return false, err
	}
	defer e.viewed(a, s)
	value, closer, err := s.Get(appendAccount(nil, a))
	if err == pebble.ErrNotFound {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("head of account %d: %w", a, err)
	}
	defer closer.Close()
	h, err := parseHead(value)
	if err != nil {
		return false, fmt.Errorf("account %d: %w", a, err)
	}
	return h.last == id, nil
}

// Stats implements kv.Engine.
func (e *Engine) Stats() kv.Stats {
	return kv.Stats{Reads: e.reads.Load(), Views: e.views.Load(), Updates: e.updates.Load()}
}

// Metrics gives Pebble's own figures, for diagnosis.
func (e *Engine) Metrics() *pebble.Metrics { return e.db.Metrics() }

// Close implements kv.Engine. A stopped engine is left as it is: its locks may
// be held for ever, and nothing of it is worth saving.
func (e *Engine) Close() error {
	for i := range e.shards {
		sh := &e.shards[i]
		sh.mu.Lock()
		if sh.closed {
			sh.mu.Unlock()
			return kv.ErrClosed
		}
		sh.closed = true
		sh.mu.Unlock()
	}
	for i := range e.shards {
		sh := &e.shards[i]
		sh.mu.Lock()
		for sh.running > 0 {
			sh.idle.Wait()
		}
		sh.mu.Unlock()
	}
	if e.Stopped() != nil {
		return nil
	}
	e.anchor.close()
	closed := make(chan error, 1)
	go func() { closed <- e.db.Close() }()
	select {
	case err := <-closed:
		return err
	case <-e.halted: // it failed to write the end of its log
		return e.cause()
	}
}
