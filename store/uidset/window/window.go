// Package window keeps the messages that match a search program, in a sort
// order, at their positions: what a live CONTEXT=SORT is made of (RFC 5267
// §4.3).
//
// # Shape
//
// A Sequence is immutable: chunks of at most 1,024 items under a root with
// running counts. A change copies the chunks it touches and the root. All
// sessions with the same program and order share the newest Sequence; each
// holds the one it was last told, and Changes of the two says what to tell it,
// looking only at chunks that differ. So nothing queues up behind a session that
// is not told for long.
package window

import (
	"cmp"
	"iter"
	"slices"
	"sort"

	"citron/store/uidset"
)

// Item is a message in its place: by Key, then by UID.
type Item struct {
	Key string // sort key, in the order of its bytes
	UID uidset.UID
}

func compare(a, b Item) int {
	return cmp.Or(cmp.Compare(a.Key, b.Key), cmp.Compare(a.UID, b.UID))
}

// chunkMax is how many items a chunk holds at most; a fuller one is split.
const chunkMax = 1024

// Sequence is an ordered set of items. A nil Sequence is empty.
type Sequence struct{ chunks []ref }

// ref is a chunk and how many items are before it.
type ref struct {
	*chunk
	before int
}

type chunk struct{ items []Item } // never empty, never changed

// New makes a sequence of items in any order, all different.
func New(items []Item) *Sequence { return (*Sequence)(nil).Apply(nil, items) }

// Len is how many items there are.
func (s *Sequence) Len() int {
	if s == nil || len(s.chunks) == 0 {
		return 0
	}
	last := s.chunks[len(s.chunks)-1]
	return last.before + len(last.items)
}

// At gives the item at a position from 1 to Len.
func (s *Sequence) At(position int) Item {
	i := sort.Search(len(s.chunks), func(i int) bool { return s.chunks[i].before >= position }) - 1
	return s.chunks[i].items[position-1-s.chunks[i].before]
}

// All yields the items in order.
func (s *Sequence) All() iter.Seq[Item] {
	return func(yield func(Item) bool) {
		if s == nil {
			return
		}
		for _, c := range s.chunks {
			for _, it := range c.items {
				if !yield(it) {
					return
				}
			}
		}
	}
}

// Apply gives the sequence without some items and with others, each in any
// order and all different. What is not there to be taken away, or there
// already, changes nothing.
func (s *Sequence) Apply(without, with []Item) *Sequence {
	without, with = sorted(without), sorted(with)
	t := &Sequence{}
	if s == nil || len(s.chunks) == 0 {
		t.add(with)
		return t
	}
	t.chunks = make([]ref, 0, len(s.chunks)+1)
	for i, c := range s.chunks {
		var out, in []Item
		if i+1 == len(s.chunks) {
			out, in = without, with
		} else {
			next := s.chunks[i+1].items[0]
			out, without = split(without, next)
			in, with = split(with, next)
		}
		if len(out) == 0 && len(in) == 0 {
			t.share(c.chunk)
			continue
		}
		items := merge(c.items, out, in)
		if slices.Equal(items, c.items) {
			t.share(c.chunk)
		} else {
			t.add(items)
		}
	}
	return t
}

// sorted gives the items in order; it does not change the slice it is given.
func sorted(items []Item) []Item {
	if slices.IsSortedFunc(items, compare) {
		return items
	}
	items = slices.Clone(items)
	slices.SortFunc(items, compare)
	return items
}

// split cuts items where next belongs.
func split(items []Item, next Item) (before, rest []Item) {
	n, _ := slices.BinarySearchFunc(items, next, compare)
	return items[:n], items[n:]
}

// merge gives have without out and with in; all are in order.
func merge(have, out, in []Item) []Item {
	items := make([]Item, 0, len(have)+len(in))
	for len(have) > 0 || len(in) > 0 {
		var it Item
		if len(in) == 0 || len(have) > 0 && compare(have[0], in[0]) <= 0 {
			if len(in) > 0 && have[0] == in[0] {
				in = in[1:]
			}
			it, have = have[0], have[1:]
		} else {
			it, in = in[0], in[1:]
			items = append(items, it)
			continue
		}
		for len(out) > 0 && compare(out[0], it) < 0 {
			out = out[1:]
		}
		if len(out) == 0 || out[0] != it {
			items = append(items, it)
		}
	}
	return items
}

func (s *Sequence) share(c *chunk) { s.chunks = append(s.chunks, ref{c, s.Len()}) }

// add appends items in order, in chunks that have room to grow when there are
// more than one.
func (s *Sequence) add(items []Item) {
	if len(items) == 0 {
		return
	}
	size := chunkMax
	if len(items) > chunkMax {
		size = chunkMax / 2
	}
	for part := range slices.Chunk(items, size) {
		s.share(&chunk{slices.Clip(part)})
	}
}

// Placed is an item and the position to tell with it.
type Placed struct {
	Position int
	Item
}

// Changes says how a client that was told the one sequence comes to know the
// other: take away what was removed, from the last to the first, each from its
// position in told; then add what was added in the order given, each at its
// position in now (RFC 5267 §4.3.3, §4.3.4).
func Changes(told, now *Sequence) (removed, added []Placed) {
	gone, came := alone(told, now), alone(now, told)
	for len(gone) > 0 || len(came) > 0 {
		switch {
		case len(came) == 0 || len(gone) > 0 && compare(gone[0].Item, came[0].Item) < 0:
			removed = append(removed, gone[0])
			gone = gone[1:]
		case len(gone) == 0 || compare(gone[0].Item, came[0].Item) > 0:
			added = append(added, came[0])
			came = came[1:]
		default:
			gone, came = gone[1:], came[1:]
		}
	}
	slices.Reverse(removed)
	return removed, added
}

// alone gives the items of chunks that other does not share.
func alone(s, other *Sequence) (items []Placed) {
	if s == other || s == nil {
		return nil
	}
	shared := map[*chunk]bool{}
	if other != nil {
		for _, c := range other.chunks {
			shared[c.chunk] = true
		}
	}
	for _, c := range s.chunks {
		if shared[c.chunk] {
			continue
		}
		for i, it := range c.items {
			items = append(items, Placed{c.before + i + 1, it})
		}
	}
	return items
}
