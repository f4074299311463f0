package kvtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"citron/engine/kv"
)

// Model is what an account holds, kept in the plainest way.
type Model map[string]string

// Read answers as an engine would.
func (m Model) Read(want kv.Reads) (got kv.Results) {
	for _, key := range want.Gets {
		value, ok := m[string(key)]
		if !ok {
			got.Values = append(got.Values, nil)
			continue
		}
		got.Values = append(got.Values, []byte(value))
	}
	for _, r := range want.Ranges {
		var pairs kv.Pairs
		keys := slices.Sorted(maps.Keys(m))
		if r.Reverse {
			slices.Reverse(keys)
		}
		for _, key := range keys {
			outside := key < string(r.From) || r.To != nil && key >= string(r.To)
			if outside || r.Limit > 0 && pairs.Len() == r.Limit {
				continue
			}
			value := m[key]
			if r.KeysOnly {
				value = ""
			}
			pairs.Append([]byte(key), []byte(value))
		}
		got.Ranges = append(got.Ranges, pairs)
	}
	return got
}

// Write is one write of a transaction: Key alone deletes, To makes it a range.
type Write struct {
	Key, To []byte
	Range   bool
	Set     bool
	Value   []byte
}

// Apply does the write to the model.
func (m Model) Apply(w Write) {
	switch {
	case w.Set:
		m[string(w.Key)] = string(w.Value)
	case w.Range:
		maps.DeleteFunc(m, func(key, _ string) bool {
			return key >= string(w.Key) && (w.To == nil || key < string(w.To))
		})
	default:
		delete(m, string(w.Key))
	}
}

// Do does the write to a transaction.
func (w Write) Do(tx kv.Tx) {
	switch {
	case w.Set:
		tx.Set(w.Key, w.Value)
	case w.Range:
		tx.DeleteRange(w.Key, w.To)
	default:
		tx.Delete(w.Key)
	}
}

// randomKey draws from few keys, some of them prefixes of others.
func randomKey(rng *rand.Rand) []byte {
	key := []byte{"\x00aM\xff"[rng.IntN(4)]}
	for rng.IntN(3) > 0 && len(key) < 5 {
		key = append(key, "\x00b\xff"[rng.IntN(3)])
	}
	return key
}

func randomBound(rng *rand.Rand) []byte {
	if rng.IntN(5) == 0 {
		return nil
	}
	return randomKey(rng)
}

// RandomWrite draws a write; mostly sets, of up to size bytes.
func RandomWrite(rng *rand.Rand, size int) Write {
	switch n := rng.IntN(20); {
	case n == 0:
		return Write{Range: true, Key: randomBound(rng), To: randomBound(rng)}
	case n < 6:
		return Write{Key: randomKey(rng)}
	default:
		value := bytes.Repeat([]byte{byte('a' + rng.IntN(26))}, rng.IntN(size+1))
		return Write{Set: true, Key: randomKey(rng), Value: value}
	}
}

func randomReads(rng *rand.Rand) (want kv.Reads) {
	for range rng.IntN(4) {
		want.Gets = append(want.Gets, randomKey(rng))
	}
	for range rng.IntN(3) {
		want.Ranges = append(want.Ranges, kv.Range{
			From: randomBound(rng), To: randomBound(rng), Limit: rng.IntN(6),
			Reverse: rng.IntN(2) == 0, KeysOnly: rng.IntN(4) == 0,
		})
	}
	return want
}

// same compares two answers, nil and empty values apart.
func same(got, want kv.Results) error {
	for i, value := range want.Values {
		if (value == nil) != (got.Values[i] == nil) || !bytes.Equal(value, got.Values[i]) {
			return fmt.Errorf("get %d: %q, want %q", i, got.Values[i], value)
		}
	}
	for i, pairs := range want.Ranges {
		if g, w := show(got.Ranges[i]), show(pairs); g != w {
			return fmt.Errorf("range %d: %q, want %q", i, g, w)
		}
	}
	return nil
}

// testModel runs a random history on a few accounts and compares every read.
func testModel(t *testing.T, o Opener) {
	for seed := range uint64(4) {
		runModel(t, o.open(t), rand.New(rand.NewPCG(seed, 1)))
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
		// The next history goes on in a reopened store.
	}
}

func runModel(t *testing.T, e kv.Engine, rng *rand.Rand) {
	ctx := context.Background()
	models := make([]Model, 3)
	for a := range models {
		models[a] = make(Model)
		update(t, e, kv.Account(a), func(tx kv.Tx) { tx.DeleteRange(nil, nil) })
	}
	compare := func(r kv.Reader, m Model) error {
		want := randomReads(rng)
		got, err := r.Read(ctx, want)
		if err != nil {
			return err
		}
		if err := same(got, m.Read(want)); err != nil {
			return fmt.Errorf("%w; of %+v", err, want)
		}
		return nil
	}
	changedMind := errors.New("changed my mind")
	for step := range 200 {
		a := rng.IntN(len(models))
		working := maps.Clone(models[a])
		err := e.Update(ctx, kv.Account(a), func(tx kv.Tx) error {
			for range rng.IntN(12) {
				if rng.IntN(4) == 0 {
					if err := compare(tx, working); err != nil {
						return err
					}
				}
				w := RandomWrite(rng, 100)
				w.Do(tx)
				working.Apply(w)
			}
			if rng.IntN(5) == 0 {
				return changedMind
			}
			return nil
		})
		switch {
		case err == nil:
			models[a] = working
		case !errors.Is(err, changedMind):
			t.Fatalf("step %d, in the transaction: %v", step, err)
		}
		b := rng.IntN(len(models))
		err = e.View(ctx, kv.Account(b), func(r kv.Reader) error { return compare(r, models[b]) })
		if err != nil {
			t.Fatalf("step %d, account %d: %v", step, b, err)
		}
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
}
