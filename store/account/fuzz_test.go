package account

import (
	"bytes"
	"testing"
	"time"

	"citron/engine/body"
	"citron/store/textindex"
	"citron/store/uidset"
)

// FuzzRecords reads values as each kind of record. What is accepted is stored
// again and must be read as the same.
func FuzzRecords(f *testing.F) {
	at := time.Unix(1e9, 0)
	h := head{nextMailbox: 2, nextObject: 9, modseq: 300, used: 1 << 40}
	b := h.newBox(at, inboxName)
	b.Keywords, b.SpecialUse = []string{"$Junk", "x"}, []string{`\Sent`}
	b.extents = []extent{{first: 5, n: 3, id: 1, modseq: 7}}
	e := Entry{Object: 7, ModSeq: 300, Flags: Seen, Size: 1234, InternalDate: at, SaveDate: at.Add(time.Hour), Keywords: Keywords{}.With(0).With(127)}
	o := object{refs: 2, size: 10, arrived: at, ref: body.Ref{Segment: 1, Offset: 2, Length: 10}}
	l := logRecord{at: 1, came: uidset.Of(1, 2, 5), gone: uidset.Of(9)}
	n := namesRecord{at: 1, changes: []NameChange{{1, "a", "b"}}}
	x := newTextHead()
	x.segments, x.holes, x.columns = []textSegment{{1, 2, 3}}, []ObjectID{7, 9}, []columnMark{{1, 513}}
	runs := []objectRun{{1, 5, 300}, {400, 2, 1}}
	sent := attempt{at: 1e9, draft: DraftID{"Drafts", 3, 1e9, 7}, validity: 1e9, uid: 4, queued: "id"}
	for _, seed := range [][]byte{sent.append(nil), (&waiting{7, []byte("envelope")}).append(nil), appendSources(nil, []Source{{1, 2, 3, false}}), x.append(nil), appendColumn(nil, runs), h.append(nil), b.append(nil), e.append(nil), o.append(nil), l.append(nil), n.append(nil),
		(&grave{uids: uidset.Of(3)}).append(nil), (&grave{mailbox: true, extents: b.extents}).append(nil), (*awaited)(nil).with([]uint64{1, 2}, 5).append(nil)} {
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
}
