// Package window is the prototype of a live CONTEXT (RFC 5267 §4.3): the
// messages that match a search program, in a sort order, at their positions.
// It showed that the account's key layout needs nothing for it; the command
// itself is not built yet.
//
// # Shape
//
// A Sequence is immutable: chunks of at most 1,024 items under a root with
// running counts. A change copies one chunk and the root. All sessions with the
// same program and order share a Window, which has the newest Sequence; each
// session holds the Sequence it was last told, and Changes of the two says what
// to tell it, looking only at chunks that differ. So nothing queues up behind a
// session that is not told for long.
package window

import (
	"cmp"
	"slices"
	"sort"
	"sync/atomic"

	"citron/store/uidset"
)

// Item is a message in its place: by Key, then by UID.
type Item struct {
	Key string // sort key; empty for the order of UIDs
	UID uidset.UID
}

func compare(a, b Item) int {
	return cmp.Or(cmp.Compare(a.Key, b.Key), cmp.Compare(a.UID, b.UID))
}

// chunkMax is how many items a chunk holds at most; one that is full is split.
const chunkMax = 1024

// Sequence is an ordered set of items. The zero value is empty.
type Sequence struct {
	chunks []ref
	modseq uint64
}

// ref is a chunk and how many items are before it.
type ref struct {
	*chunk
	before int
}

type chunk struct{ items []Item } // never empty, never changed

// New makes a sequence of items in any order, as of a modseq.
func New(items []Item, modseq uint64) *Sequence {
	items = slices.Clone(items)
	slices.SortFunc(items, compare)
	s := &Sequence{modseq: modseq}
	for part := range slices.Chunk(items, chunkMax/2) {
		s.chunks = append(s.chunks, ref{chunk: &chunk{part}})
	}
	return s.counted()
}

func (s *Sequence) counted() *Sequence {
	n := 0
	for i := range s.chunks {
		s.chunks[i].before = n
		n += len(s.chunks[i].items)
	}
	return s
}

// Len is how many items there are.
func (s *Sequence) Len() int {
	if len(s.chunks) == 0 {
		return 0
	}
	last := s.chunks[len(s.chunks)-1]
	return last.before + len(last.items)
}

// ModSeq is what the sequence was told last.
func (s *Sequence) ModSeq() uint64 { return s.modseq }

// At gives the item at a position from 1 to Len.
func (s *Sequence) At(position int) Item {
	i := sort.Search(len(s.chunks), func(i int) bool { return s.chunks[i].before >= position }) - 1
	return s.chunks[i].items[position-1-s.chunks[i].before]
}

// find gives the chunk where an item is or belongs, and its place there.
func (s *Sequence) find(it Item) (at, in int, found bool) {
	at = sort.Search(len(s.chunks), func(i int) bool { return compare(s.chunks[i].items[0], it) > 0 }) - 1
	if at = max(at, 0); at == len(s.chunks) {
		return at, 0, false
	}
	in, found = slices.BinarySearchFunc(s.chunks[at].items, it, compare)
	return at, in, found
}

// Position gives an item's position, 1 or more; false if it is not there.
func (s *Sequence) Position(it Item) (position int, ok bool) {
	at, in, found := s.find(it)
	if !found {
		return 0, false
	}
	return s.chunks[at].before + in + 1, true
}

// With gives the sequence with an item more; itself if that is there.
func (s *Sequence) With(it Item, modseq uint64) *Sequence {
	at, in, found := s.find(it)
	switch {
	case found:
		return s
	case at == len(s.chunks):
		return New([]Item{it}, modseq)
	}
	old := s.chunks[at].items
	items := make([]Item, 0, len(old)+1)
	items = append(append(append(items, old[:in]...), it), old[in:]...)
	if len(items) <= chunkMax {
		return s.replace(at, modseq, ref{chunk: &chunk{items}})
	}
	half := len(items) / 2
	return s.replace(at, modseq, ref{chunk: &chunk{slices.Clip(items[:half])}}, ref{chunk: &chunk{slices.Clone(items[half:])}})
}

// Without gives the sequence with an item less; itself if that is not there.
func (s *Sequence) Without(it Item, modseq uint64) *Sequence {
	at, in, found := s.find(it)
	if !found {
		return s
	}
	old := s.chunks[at].items
	if len(old) == 1 {
		return s.replace(at, modseq)
	}
	return s.replace(at, modseq, ref{chunk: &chunk{slices.Concat(old[:in], old[in+1:])}})
}

// replace copies the root with other chunks in one's place.
func (s *Sequence) replace(at int, modseq uint64, with ...ref) *Sequence {
	t := &Sequence{modseq: modseq, chunks: make([]ref, 0, len(s.chunks)+1)}
	t.chunks = append(append(append(t.chunks, s.chunks[:at]...), with...), s.chunks[at+1:]...)
	return t.counted()
}

// Placed is an item and the position to tell with it.
type Placed struct {
	Position int
	Item
}

// Changes says how a client that was told the one sequence comes to know the
// other: REMOVEFROM in the order given, then ADDTO in the order given. Each
// position holds when all before it are done (RFC 5267 §4.3.3, §4.3.4).
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
	slices.Reverse(removed) // from the end, so that positions hold
	return removed, added
}

// alone gives the items of chunks that other does not share.
func alone(s, other *Sequence) (items []Placed) {
	shared := make(map[*chunk]bool, len(other.chunks))
	for _, c := range other.chunks {
		shared[c.chunk] = true
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

// Window is the newest Sequence of one program and order, shared by sessions.
// One writer at a time may call Set.
type Window struct{ now atomic.Pointer[Sequence] }

// Set publishes a sequence.
func (w *Window) Set(s *Sequence) { w.now.Store(s) }

// Session is what one session was told of a Window.
type Session struct {
	window *Window
	told   *Sequence
}

// Join begins with what is there now.
func (w *Window) Join() *Session { return &Session{w, w.now.Load()} }

// Tell gives what is new since it was asked last.
func (s *Session) Tell() (removed, added []Placed) {
	now := s.window.now.Load()
	removed, added = Changes(s.told, now)
	s.told = now
	return removed, added
}
