package account

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"

	"citron/engine/kv"
	"citron/engine/kv/line"
)

// Writers of one account stand in a line (package line): the leader runs the
// operations of all who wait in one transaction, and publishes when that is
// durable.

// operation is what one writer does within the transaction; got is what it
// declared to be read.
type operation = func(t *txn, got [][]byte) error

type request = line.Request[operation]

// update runs one operation; it returns when the operation is durable and
// published, or refused, or failed. run may be called only once, in the
// goroutine of another writer. weight is the bytes it will write, about.
func (a *Account) update(ctx context.Context, gets [][]byte, weight int, run operation) error {
	return a.line.Do(&request{Ctx: ctx, Gets: gets, Weight: weight, Run: run})
}

// write is update for an operation without reads declared beforehand.
func (a *Account) write(ctx context.Context, run func(t *txn) error) error {
	return a.update(ctx, nil, 0, func(t *txn, _ [][]byte) error { return run(t) })
}

// leader is the account as its line sees it.
type leader struct{ a *Account }

// Update implements line.Owner.
func (l leader) Update(ctx context.Context, batch line.Batch[operation]) (line.Txn, error) {
	s := l.a.store
	scratch := s.scratch.Get().(*[]byte)
	t := &txn{a: l.a, ctx: ctx, now: s.opt.Now(), buf: *scratch}
	err := s.engine.Update(ctx, l.a.id, func(tx kv.Tx) error { return t.runAll(tx, batch) })
	s.giveBack(scratch, t.buf)
	t.buf = nil
	if _, unknown := errors.AsType[*kv.UnknownError](err); unknown {
		t.held = true
		l.a.hold()
	}
	return t, err
}

// Error implements line.Owner.
func (leader) Error(err error) error { return storageError(err) }

// Panicked implements line.Owner. What the account has in memory may be wrong,
// so it leaves the memory; who opens it again reads what is durable.
func (l leader) Panicked(p any) error {
	a := l.a
	fault := &Error{Kind: Temporary, Text: ErrTemporary.Text, Cause: fmt.Errorf("panic: %v\n%s", p, debug.Stack())}
	a.store.opt.Log.Error("an operation panicked; the account is closed", "account", a.id, "err", fault)
	a.store.forget(a)
	return fault
}

// runAll is the inside of the engine's transaction.
func (t *txn) runAll(tx kv.Tx, batch line.Batch[operation]) error {
	t.tx, t.head = tx, t.a.head // only the leader writes a.head
	if t.a.gone {
		return &Error{Kind: Gone, Text: "the account was deleted"}
	}
	if err := batch.Read(t.ctx, tx); err != nil {
		return err
	}
	if err := batch.Run(t.run); err != nil {
		return err
	}
	if t.writes == 0 && len(t.works) == 0 {
		return line.ErrNothing
	}
	t.flush()
	return nil
}

// run runs one operation, with a modseq of its own.
func (t *txn) run(r *request) (wrote bool, err error) {
	t.begin()
	before := t.writes
	if err = r.Run(t, r.Got); err == nil {
		t.end()
	}
	return t.writes != before || t.op != 0, err
}

// Settled implements line.Txn: it publishes what is durable, and runs what
// waited for the outcome.
func (t *txn) Settled(committed bool) {
	if committed {
		t.publish()
	}
	for _, fn := range t.after {
		fn(committed)
	}
	t.after = nil
	if t.held {
		t.a.Close()
	}
}
