package pebblekv

import (
	"context"
	"fmt"
	"io"
	"sync"

	"github.com/cockroachdb/pebble/v2"

	"citron/engine/kv"
)

// source is what can be read: the database, a snapshot or an indexed batch.
type source interface {
	Get(key []byte) (value []byte, closer io.Closer, err error)
	NewIter(o *pebble.IterOptions) (*pebble.Iterator, error)
}

// viewReader is the Reader of a View.
type viewReader struct {
	engine   *Engine
	account  kv.Account
	snapshot *snapshot
}

// Read implements kv.Reader.
func (r *viewReader) Read(ctx context.Context, want kv.Reads) (kv.Results, error) {
	r.engine.reads.Add(1)
	return read(ctx, r.snapshot, r.account, want)
}

// read runs one batch of reads.
func read(ctx context.Context, src source, a kv.Account, want kv.Reads) (kv.Results, error) {
	if err := ctx.Err(); err != nil {
		return kv.Results{}, err
	}
	var got kv.Results
	if len(want.Gets) > 0 {
		values, err := readGets(src, a, want.Gets)
		if err != nil {
			return kv.Results{}, fmt.Errorf("account %d: read: %w", a, err)
		}
		got.Values = values
	}
	if len(want.Ranges) > 0 {
		ranges, err := readRanges(ctx, src, a, want.Ranges, want.Into)
		if err != nil {
			return kv.Results{}, fmt.Errorf("account %d: read: %w", a, err)
		}
		got.Ranges = ranges
	}
	return got, nil
}

func readGets(src source, a kv.Account, keys [][]byte) ([][]byte, error) {
	var found arena
	values := make([][]byte, len(keys))
	stored := appendAccount(make([]byte, 0, 64), a)
	for i, key := range keys {
		if len(key) == 0 {
			continue // the head is nobody's
		}
		stored = append(stored[:accountLen], key...)
		value, closer, err := src.Get(stored)
		if err == pebble.ErrNotFound {
			continue
		}
		if err != nil {
			return nil, err
		}
		values[i] = found.keep(value)
		if err := closer.Close(); err != nil {
			return nil, err
		}
	}
	return values, nil
}

// arena keeps copies of values in few allocations.
type arena struct {
	room  []byte
	chunk int // size of the last allocation
}

// arenaMax bounds an allocation for values that are smaller: one that is kept
// keeps its neighbours.
const arenaMax = 16 << 10

// keep copies a value; never to nil.
func (m *arena) keep(value []byte) []byte {
	if m.room == nil || len(value) > cap(m.room)-len(m.room) {
		m.chunk = max(len(value), min(2*m.chunk, arenaMax))
		m.room = make([]byte, 0, m.chunk)
	}
	start := len(m.room)
	m.room = append(m.room, value...)
	return m.room[start:len(m.room):len(m.room)]
}

// readRanges reads all ranges with one iterator, and so of one moment.
func readRanges(ctx context.Context, src source, a kv.Account, ranges []kv.Range, lent *kv.Results) ([]kv.Pairs, error) {
	if lent != nil {
		all := kv.Lend(lent, len(ranges))
		return all, eachRange(ctx, src, a, ranges, func(i int) *kv.Pairs { return &all[i] }, nil)
	}
	all := make([]kv.Pairs, len(ranges))
	found := pairsPool.Get().(*kv.Pairs)
	defer putPairs(found)
	err := eachRange(ctx, src, a, ranges,
		func(int) *kv.Pairs { return found },
		func(i int) { all[i] = found.Clone() })
	return all, err
}

// eachRange collects the ranges one after the other in what into gives, and
// says when each is complete.
func eachRange(ctx context.Context, src source, a kv.Account, ranges []kv.Range, into func(int) *kv.Pairs, done func(int)) error {
	var iter *pebble.Iterator
	for i, r := range ranges {
		lower := appendFrom(nil, a, r.From)
		upper, _ := appendTo(nil, a, r.To)
		if r.To != nil && string(lower) >= string(upper) {
			continue
		}
		if iter == nil {
			var err error
			iter, err = src.NewIter(&pebble.IterOptions{
				LowerBound: lower, UpperBound: upper, KeyTypes: pebble.IterKeyTypePointsOnly,
			})
			if err != nil {
				return err
			}
			defer iter.Close()
		} else {
			iter.SetBounds(lower, upper)
		}
		found := into(i)
		found.Reset()
		if err := readRange(ctx, iter, r, found); err != nil {
			return err
		}
		if done != nil {
			done(i)
		}
	}
	return nil
}

// pairsPool lends the memory in which a range is collected: what is handed out
// is a copy of the right size, made once, where growing would copy many times.
var pairsPool = sync.Pool{New: func() any { return new(kv.Pairs) }}

// maxPooled is the largest such memory that is kept, in bytes.
const maxPooled = 1 << 20

func putPairs(p *kv.Pairs) {
	if p.Bytes() <= maxPooled {
		pairsPool.Put(p)
	}
}

func readRange(ctx context.Context, iter *pebble.Iterator, r kv.Range, into *kv.Pairs) error {
	start, next := iter.First, iter.Next
	if r.Reverse {
		start, next = iter.Last, iter.Prev
	}
	for valid := start(); valid; valid = next() {
		var value []byte
		if !r.KeysOnly {
			var err error
			if value, err = iter.ValueAndErr(); err != nil {
				return err
			}
		}
		into.Append(iter.Key()[accountLen:], value)
		n := into.Len()
		if n == r.Limit {
			break
		}
		if n%1024 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return iter.Error()
}
