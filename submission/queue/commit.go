package queue

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"

	"citron/engine/body"
	"citron/engine/kv"
	"citron/engine/kv/line"
	"citron/engine/vfs"
	"citron/submission"
)

// Writers stand in a line (package line): the leader runs the operations of all
// who wait in one transaction, and publishes when that is durable.

// operation is what one writer does within the transaction.
type operation = func(t *txn) error

type request = line.Request[operation]

// leader is the queue as its line sees it.
type leader struct{ q *Queue }

// Update implements line.Owner.
func (l leader) Update(ctx context.Context, batch line.Batch[operation]) (line.Txn, error) {
	t := &txn{q: l.q, ctx: ctx, now: milliOf(l.q.opt.Now())}
	return t, l.q.engine.Update(ctx, kv.Queue, func(tx kv.Tx) error { return t.runAll(tx, batch) })
}

// Error implements line.Owner.
func (leader) Error(err error) error { return storageError(err) }

// Panicked implements line.Owner. What is in memory may be wrong, so the queue
// takes no more writes; a restart reads what is durable.
func (l leader) Panicked(p any) error {
	l.q.opt.Log.Error("an operation of the queue panicked; restart to recover", "err", p, "stack", string(debug.Stack()))
	return fmt.Errorf("%w: panic: %v", submission.ErrTemporary, p)
}

// txn is a transaction of the engine, shared by the operations of a batch.
type txn struct {
	q    *Queue
	ctx  context.Context
	tx   kv.Tx
	now  milli
	head head
	// known holds what was read, and what was written since: an operation
	// sees what those before it did.
	known  map[string][]byte
	writes int
	after  []func(committed bool)
	lines  []scheduled
}

// scheduled is a group that a transaction put into the schedule.
type scheduled struct {
	domain string
	level  byte
	place  place
}

// runAll is the inside of the engine's transaction.
func (t *txn) runAll(tx kv.Tx, batch line.Batch[operation]) error {
	t.tx, t.head = tx, t.q.head // only the leader writes q.head
	if err := batch.Read(t.ctx, tx); err != nil {
		return err
	}
	t.known = make(map[string][]byte)
	for _, r := range batch {
		for i, key := range r.Gets {
			t.known[string(key)] = r.Got[i]
		}
	}
	if err := batch.Run(t.run); err != nil {
		return err
	}
	if t.writes == 0 {
		return line.ErrNothing
	}
	t.set([]byte{keyHead}, t.head.append(nil))
	return nil
}

func (t *txn) run(r *request) (wrote bool, err error) {
	before := t.writes
	err = r.Run(t)
	return t.writes != before, err
}

// get gives a value that an operation declared, as it is now; nil: none.
func (t *txn) get(key []byte) []byte {
	value, ok := t.known[string(key)]
	if !ok {
		panic(fmt.Sprintf("key %q was not declared", key))
	}
	return value
}

func (t *txn) set(key, value []byte) {
	t.tx.Set(key, value)
	t.writes++
	if _, read := t.known[string(key)]; read {
		t.known[string(key)] = value
	}
}

func (t *txn) delete(key []byte) {
	t.tx.Delete(key)
	t.writes++
	if _, read := t.known[string(key)]; read {
		t.known[string(key)] = nil
	}
}

// Settled implements line.Txn: it publishes what is durable, and runs what
// waited for the outcome.
func (t *txn) Settled(committed bool) {
	if committed {
		t.q.mu.Lock()
		t.q.head = t.head
		for _, s := range t.lines {
			t.q.schedule.insert(s, t.now)
		}
		t.q.mu.Unlock()
	}
	for _, fn := range t.after {
		fn(committed)
	}
	t.after = nil
}

// storageError gives an error of the engine or the body store its kind.
func storageError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, submission.ErrTemporary), errors.Is(err, submission.ErrNoSpace), errors.Is(err, submission.ErrTooLarge),
		errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.Is(err, kv.ErrNoSpace), errors.Is(err, vfs.ErrNoSpace):
		return fmt.Errorf("%w: %w", submission.ErrNoSpace, err)
	case errors.Is(err, kv.ErrTooLarge):
		return fmt.Errorf("%w: %w", submission.ErrTooLarge, err)
	case errors.Is(err, body.ErrCorrupt):
		return fmt.Errorf("%w: the message's body is damaged: %w; run citron verify", submission.ErrTemporary, err)
	}
	return fmt.Errorf("%w: %w", submission.ErrTemporary, err)
}
