package account

import (
	"bytes"
	"testing"

	"citron/store/textindex"
)

// FuzzRecords reads values as each kind of record. What is accepted is stored
// again and must be read as the same.
func FuzzRecords(f *testing.F) {
	seeds := [][]byte{(*awaited)(nil).with([]uint64{1, 2}, 5).append(nil)}
	for _, r := range goldenRecords() {
		seeds = append(seeds, r.value)
	}
	for _, seed := range seeds {
		for kind := range fuzzKinds {
			f.Add(byte(kind), seed)
		}
	}
	f.Fuzz(func(t *testing.T, kind byte, value []byte) {
		again := fuzzKinds[int(kind)%len(fuzzKinds)]
		first, err := again(value)
		if err != nil {
			return
		}
		second, err := again(first)
		if err != nil || !bytes.Equal(first, second) {
			t.Fatalf("%x was stored as %x, then read as %x (%v)", value, first, second, err)
		}
	})
}

// fuzzKinds read a value and store what they read.
var fuzzKinds = []func([]byte) ([]byte, error){
	func(v []byte) ([]byte, error) { h, err := decodeHead(v); return h.append(nil), err },
	func(v []byte) ([]byte, error) { b, err := decodeBox(1, v); return b.append(nil), err },
	func(v []byte) ([]byte, error) { var e Entry; err := e.decode(v); return e.append(nil), err },
	func(v []byte) ([]byte, error) { o, err := decodeObject(v); return o.append(nil), err },
	func(v []byte) ([]byte, error) { l, err := decodeLog(v); return l.append(nil), err },
	func(v []byte) ([]byte, error) { n, err := decodeNames(v); return n.append(nil), err },
	func(v []byte) ([]byte, error) { g, err := decodeGrave(v); return g.append(nil), err },
	func(v []byte) ([]byte, error) {
		a, err := decodeAwaited(v)
		return a.append(nil), err
	},
	func(v []byte) ([]byte, error) {
		h, err := decodeTextHead(append([]byte(nil), v...))
		if err == nil && h.format != textindex.Format {
			h = newTextHead()
		}
		return h.append(nil), err
	},
	func(v []byte) ([]byte, error) {
		runs, err := decodeColumn(nil, v)
		return appendColumn(nil, runs), err
	},
	func(v []byte) ([]byte, error) { r, err := decodeAttempt(v); return r.append(nil), err },
	func(v []byte) ([]byte, error) { w, err := decodeWaiting(v); return w.append(nil), err },
	func(v []byte) ([]byte, error) { list, err := decodeSources(v); return appendSources(nil, list), err },
	func(v []byte) ([]byte, error) { l, err := decodeACL(v); return appendACL(nil, l), err },
	func(v []byte) ([]byte, error) { m, err := decodeMoved(1, v); return m.append(nil), err },
	func(v []byte) ([]byte, error) {
		name, value, err := decodeAnnotation(v)
		return (&annotation{name: name, value: value}).append(nil), err
	},
}
