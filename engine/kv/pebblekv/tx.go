package pebblekv

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"citron/engine/kv"
)

// tx is a transaction. Its writes go into a Pebble batch as they come, without
// an index: most transactions read, then write. A read after a write indexes
// the batch, once.
type tx struct {
	engine  *Engine
	account kv.Account
	id      kv.TxID
	budget  kv.Budget
	batch   *pebble.Batch // nil until the first write
	indexed bool
	err     error // of the batch; instead of committing
}

var _ kv.Tx = (*tx)(nil)

func newTxID() (id kv.TxID) {
	rand.Read(id[:])
	return id
}

// ID implements kv.Tx.
func (t *tx) ID() kv.TxID { return t.id }

// writable gives the batch. The head is its first write: it sorts before the
// account's keys, and Pebble's memtable takes what comes in order faster.
func (t *tx) writable() *pebble.Batch {
	if t.batch == nil {
		t.batch = t.engine.db.NewBatch()
		op := t.batch.SetDeferred(accountLen, headLen)
		t.putKey(op.Key, nil)
		head{last: t.id}.put(op.Value)
		t.finish(op)
	}
	return t.batch
}

// Set implements kv.Tx.
func (t *tx) Set(key, value []byte) {
	if t.budget.Write(key, value) {
		op := t.writable().SetDeferred(accountLen+len(key), len(value))
		t.putKey(op.Key, key)
		copy(op.Value, value)
		t.finish(op)
	}
}

// Delete implements kv.Tx.
func (t *tx) Delete(key []byte) {
	if t.budget.Write(key, nil) {
		op := t.writable().DeleteDeferred(accountLen + len(key))
		t.putKey(op.Key, key)
		t.finish(op)
	}
}

func (t *tx) putKey(into, key []byte) {
	binary.BigEndian.PutUint64(into, uint64(t.account))
	copy(into[accountLen:], key)
}

// DeleteRange implements kv.Tx.
func (t *tx) DeleteRange(from, to []byte) {
	if !t.budget.Range(from, to) {
		return
	}
	lower := appendFrom(nil, t.account, from)
	upper, ok := appendTo(nil, t.account, to)
	if !ok {
		upper = beyondAll
	}
	// Even an empty range makes a transaction that Outcome knows.
	batch := t.writable()
	if bytes.Compare(lower, upper) < 0 {
		t.keep(batch.DeleteRange(lower, upper, nil))
	}
}

// beyondAll is above every key of the last account.
var beyondAll = bytes.Repeat([]byte{0xff}, accountLen+kv.MaxKey+1)

func (t *tx) finish(op *pebble.DeferredBatchOp) { t.keep(op.Finish()) }

func (t *tx) keep(err error) {
	if err != nil && t.err == nil {
		t.err = fmt.Errorf("transaction: %w", err)
	}
}

// failed is the first thing that went wrong with the writes.
func (t *tx) failed() error {
	if err := t.budget.Err(); err != nil {
		return err
	}
	return t.err
}

// Read implements kv.Reader. The account's turn keeps what is in Pebble still,
// so a transaction that wrote nothing yet reads the database as it is.
func (t *tx) Read(ctx context.Context, want kv.Reads) (kv.Results, error) {
	t.engine.reads.Add(1)
	if t.batch == nil {
		return read(ctx, t.engine.db, t.account, want)
	}
	if err := t.index(); err != nil {
		return kv.Results{}, err
	}
	return read(ctx, t.batch, t.account, want)
}

// index makes the batch readable.
func (t *tx) index() error {
	if t.indexed {
		return nil
	}
	indexed := t.engine.db.NewIndexedBatch()
	if err := indexed.Apply(t.batch, nil); err != nil {
		indexed.Close()
		return fmt.Errorf("index the transaction: %w", err)
	}
	t.batch.Close()
	t.batch, t.indexed = indexed, true
	return nil
}

// discard gives the batch back. A batch whose commit failed is left to the
// collector, as Pebble may still hold it.
func (t *tx) discard() {
	if t.batch != nil && t.engine.Stopped() == nil {
		t.batch.Close()
	}
}
