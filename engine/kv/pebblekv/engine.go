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
// stops the engine (kv.ErrStopped to everybody), then calls Options.Fatal,
// which by default ends the process, and only then lets Pebble know. Commits
// under way report *kv.UnknownError; after reopening, Outcome compares the
// transaction's id with the one in the account's head. Other failures that
// Pebble cannot live with (Logger.Fatalf, background errors) take the same
// way, except a full volume, which Pebble survives: it retries. Long before
// that, below Options.FreeFloor, Update refuses with kv.ErrNoSpace.
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
	stopper
}

var _ kv.Engine = (*Engine)(nil)

// Open opens the database in a directory of fs, making both if missing. The
// error wraps vfs.ErrLocked if another process has it open.
func Open(fs vfs.FS, dir string, o Options) (*Engine, error) {
	o = o.withDefaults()
	e := &Engine{
		floor:   floor{fs: fs, bytes: o.FreeFloor},
		stopper: stopper{fatal: o.Fatal},
	}
	for i := range e.shards {
		e.shards[i].accounts = make(map[kv.Account]*account)
		e.shards[i].idle.L = &e.shards[i].mu
	}
	db, err := pebble.Open(dir, o.pebble(&adapter{fs: fs, failed: e.stop}, &e.stopper))
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", dir, err)
	}
	if err := e.Stopped(); err != nil {
		db.Close()
		return nil, fmt.Errorf("open %s: %w", dir, e.cause())
	}
	e.db = db
	e.stopper.opened.Store(true)
	return e, nil
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
	return e.floor.check()
}

// commit makes the transaction durable, then visible. It is not given up for
// a context: once begun, only its end can tell what became of it.
func (e *Engine) commit(a kv.Account, acct *account, t *tx) error {
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

// apply hands the batch to Pebble, which panics when its log is broken.
func (e *Engine) apply(b *pebble.Batch) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("commit: %v", r)
			e.wedged.Store(true)
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

// Close implements kv.Engine. Of a stopped engine it saves nothing more.
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
	e.anchor.close()
	if e.Stopped() != nil {
		e.closeStopped()
		return nil
	}
	return e.db.Close()
}

// closeStopped gives back the memory of a database after a failure, as far as
// it can be had: a commit that panicked holds Pebble's locks for ever.
func (e *Engine) closeStopped() {
	if e.wedged.Load() {
		return
	}
	defer func() { recover() }() // Pebble minds that its log is broken
	e.db.Close()
}
