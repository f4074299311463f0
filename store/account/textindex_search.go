package account

import (
	"bytes"
	"context"

	"citron/engine/kv"
	"citron/store/textindex"
	"citron/store/uidset"
)

// Limits of a search.
const (
	maxTail      = 1 << 16 // UIDs without a column of which entries are read
	segmentsRead = 8       // segments asked in one round trip
	maxRestarts  = 8       // because the index changed meanwhile
)

// TextIndex is the search index as one search in one mailbox uses it. It knows
// which object each UID has; what the index says of objects is asked anew by
// each Candidates.
type TextIndex struct {
	a       *Account
	ctx     context.Context
	breathe func() error
	told    *uidset.Set
	record  []byte // of head
	head    textHead
	runs    []objectRun
	unknown uidset.Ranges // without a column, too many to be looked up
	windows map[uint64]bool
}

// TextIndex opens the index for a view of a mailbox. breathe is called now and
// then; its error ends the work. Kind: Damaged when the index cannot be read,
// which a search need not mind.
func (a *Account) TextIndex(ctx context.Context, v View, breathe func() error) (*TextIndex, error) {
	x := &TextIndex{a: a, ctx: ctx, breathe: breathe, told: v.Set}
	got, err := a.view(ctx, kv.Reads{Gets: [][]byte{textHeadKey}, Ranges: []kv.Range{kv.Prefix(columnPrefix(v.Info.ID))}})
	if err != nil {
		return nil, err
	}
	if err := x.setHead(got.Values[0]); err != nil {
		return nil, err
	}
	if x.head.mark == 1 {
		x.unknown = v.Set.Ranges() // nothing is indexed
		return x, nil
	}
	next := x.head.column(v.Info.ID)
	for i := range got.Ranges[0].Len() {
		if next == 1 {
			break // of an older format
		}
		if x.runs, err = decodeColumn(x.runs, got.Ranges[0].Value(i)); err != nil {
			return nil, damaged("column", err)
		}
	}
	if next <= uint64(uidset.MaxUID) {
		if err := x.tail(v, UID(next)); err != nil {
			return nil, err
		}
	}
	x.windows = make(map[uint64]bool)
	for _, r := range x.runs {
		for w := windowOf(r.object); w <= windowOf(r.object+ObjectID(r.n-1)); w++ {
			x.windows[w] = true
		}
	}
	return x, nil
}

func (x *TextIndex) setHead(record []byte) (err error) {
	if x.head, err = decodeTextHead(record); err != nil {
		return damaged("search index", err)
	}
	if x.head.format != textindex.Format {
		x.head = newTextHead()
	}
	x.record = record
	return nil
}

// tail looks up the objects of the UIDs from one on.
func (x *TextIndex) tail(v View, from UID) error {
	uids := v.Set.Intersect(uidset.Ranges{{First: from, Last: uidset.MaxUID}})
	if uids.Count() > maxTail {
		x.unknown = uids
		return nil
	}
	return x.a.Entries(x.ctx, v, uids, func(list []Entry) error {
		for i := range list {
			x.runs = addRun(x.runs, list[i].UID, list[i].Object)
		}
		return x.breathe()
	})
}

// Candidates gives the UIDs of the view among which are all whose message
// matches the key of the query.
func (x *TextIndex) Candidates(q textindex.Query) (uidset.Ranges, error) {
	if x.head.mark == 1 {
		return x.unknown, nil
	}
	for range maxRestarts {
		found, err := x.match(q)
		if err != nil {
			return nil, err
		}
		if found != nil {
			return x.told.Intersect(x.uids(found).Union(x.unknown)), nil
		}
	}
	return x.told.Ranges(), nil
}

// match gives the candidates of each window; nil if the index changed on the
// way.
func (x *TextIndex) match(q textindex.Query) (map[uint64]*textindex.Bits, error) {
	found := make(map[uint64]*textindex.Bits)
	var segments []textSegment
	for _, s := range x.head.segments {
		if x.windows[s.window] {
			segments = append(segments, s)
			found[s.window] = new(textindex.Bits)
		}
	}
	lookups := q.Lookups()
	for len(segments) > 0 {
		some := segments[:min(segmentsRead, len(segments))]
		blocks, same, err := x.read(some, lookups)
		if err != nil {
			return nil, err
		}
		if !same {
			return nil, nil
		}
		for i, s := range some {
			if err := q.Match(blocks[i], found[s.window]); err != nil {
				return nil, damaged("search index", err)
			}
		}
		segments = segments[len(some):]
		if err := x.breathe(); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// read brings the blocks of some segments for each lookup, if the index is still
// what head says.
func (x *TextIndex) read(segments []textSegment, lookups []textindex.Lookup) (blocks [][][]textindex.Block, same bool, err error) {
	want := kv.Reads{Gets: [][]byte{textHeadKey}}
	for _, s := range segments {
		for _, l := range lookups {
			from := append(postingKey(s.number, l.From), 0)
			want.Ranges = append(want.Ranges, kv.Range{From: postingKey(s.number, 0), To: from, Limit: 1, Reverse: true})
			if l.To > l.From {
				want.Ranges = append(want.Ranges, kv.Range{From: from, To: append(postingKey(s.number, l.To), 0)})
			}
		}
	}
	got, err := x.a.view(x.ctx, want)
	if err != nil {
		return nil, false, err
	}
	if !bytes.Equal(got.Values[0], x.record) {
		return nil, false, x.setHead(got.Values[0])
	}
	ranges := got.Ranges
	for range segments {
		of := make([][]textindex.Block, len(lookups))
		for i, l := range lookups {
			of[i], ranges = appendBlocks(nil, ranges[0]), ranges[1:]
			if l.To > l.From {
				of[i], ranges = appendBlocks(of[i], ranges[0]), ranges[1:]
			}
		}
		blocks = append(blocks, of)
	}
	return blocks, true, nil
}

func appendBlocks(list []textindex.Block, p kv.Pairs) []textindex.Block {
	for i := range p.Len() {
		list = append(list, blockOf(p.Key(i), p.Value(i)))
	}
	return list
}

// uids gives the UIDs of what was found and of what is not indexed yet.
func (x *TextIndex) uids(found map[uint64]*textindex.Bits) (uids uidset.Ranges) {
	for _, o := range x.head.holes {
		b := found[windowOf(o)]
		if b == nil {
			b = new(textindex.Bits)
			found[windowOf(o)] = b
		}
		b.Add(uint16(o % textindex.WindowSize))
	}
	for _, r := range x.runs {
		end := r.object + ObjectID(r.n)
		for o, limit := r.object, min(end, x.head.mark); o < limit; {
			next, ok := nextFound(found, o)
			if o = next; ok && next < limit {
				uids.Add(r.uid + UID(next-r.object))
				o++
			}
		}
		if end > x.head.mark {
			first := max(r.object, x.head.mark)
			uids.AddRange(uidset.Range{First: r.uid + UID(first-r.object), Last: r.uid + UID(r.n-1)})
		}
	}
	return uids
}

// nextFound gives the first object found from one on in its window; if there is
// none, the next window's first number and false.
func nextFound(found map[uint64]*textindex.Bits, o ObjectID) (next ObjectID, ok bool) {
	from := ObjectID(windowOf(o) * textindex.WindowSize)
	if b := found[windowOf(o)]; b != nil {
		if next, ok := b.Next(uint16(o - from)); ok {
			return from + ObjectID(next), true
		}
	}
	return from + textindex.WindowSize, false
}
