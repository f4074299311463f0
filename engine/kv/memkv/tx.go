package memkv

import (
	"bytes"
	"context"
	"time"

	"citron/engine/kv"
)

// reader reads one root.
type reader struct {
	engine *Engine
	root   *node
}

// Read implements kv.Reader.
func (r *reader) Read(ctx context.Context, want kv.Reads) (kv.Results, error) {
	if err := r.engine.roundTrip(ctx); err != nil {
		return kv.Results{}, err
	}
	got := kv.Results{Values: make([][]byte, len(want.Gets)), Ranges: make([]kv.Pairs, len(want.Ranges))}
	for i, key := range want.Gets {
		got.Values[i] = r.root.get(key)
	}
	for i, rg := range want.Ranges {
		r.readRange(rg, &got.Ranges[i])
	}
	return got, nil
}

func (r *reader) readRange(rg kv.Range, into *kv.Pairs) {
	visit := func(n *node) bool {
		if rg.KeysOnly {
			into.Append(n.key, nil)
		} else {
			into.Append(n.key, n.value)
		}
		return rg.Limit == 0 || into.Len() < rg.Limit
	}
	if rg.Reverse {
		r.root.descend(rg.From, rg.To, visit)
	} else {
		r.root.ascend(rg.From, rg.To, visit)
	}
}

// roundTrip counts a Read and takes as long as one to a distant engine.
func (e *Engine) roundTrip(ctx context.Context) error {
	e.reads.Add(1)
	if e.options.Delay == 0 {
		return ctx.Err()
	}
	wait := time.NewTimer(e.options.Delay)
	defer wait.Stop()
	select {
	case <-wait.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// tx is a reader of its own tree, which nobody else has seen yet.
type tx struct {
	reader
	id      kv.TxID
	budget  kv.Budget
	written bool
}

// Set implements kv.Tx.
func (t *tx) Set(key, value []byte) {
	if t.budget.Write(key, value) {
		t.written = true
		t.root = t.root.set(bytes.Clone(key), append([]byte{}, value...))
	}
}

// Delete implements kv.Tx.
func (t *tx) Delete(key []byte) {
	if t.budget.Write(key, nil) {
		t.written = true
		t.root = t.root.deleteKey(key)
	}
}

// DeleteRange implements kv.Tx.
func (t *tx) DeleteRange(from, to []byte) {
	if t.budget.Range(from, to) {
		t.written = true
		t.root = t.root.deleteRange(from, to)
	}
}

// ID implements kv.Tx.
func (t *tx) ID() kv.TxID { return t.id }
