// Package uidset keeps which UIDs a mailbox has: an immutable, copy-on-write
// order-statistics set. Sequence number to UID and back, counts of unseen and
// deleted, and the first unseen message cost a binary search over chunks and
// a few population counts, however many messages were expunged in between.
//
// # Shape
//
// A chunk covers 4,096 consecutive UIDs (number k: UIDs k×4096 … k×4096+4095)
// with three bitmaps: present, seen, deleted; and the sum of sizes. A Set is a
// slice of its chunks that hold anything, with running counts. A change copies
// the chunks it touches and that slice; all else is shared, so that a session
// may hold the Set it was last told for as long as it likes, and Diff of two
// Sets looks only at chunks that are not the same.
//
// # Invariants
//
// seen ⊆ present, deleted ⊆ present; no chunk of a Set is empty; a Set and its
// chunks never change once made. The sequence numbers are those of RFC 9051
// §2.3.1.2: ranks in ascending order of UID.
package uidset

import "sort"

// Set is which UIDs a mailbox has; immutable. A nil Set is empty.
type Set struct {
	refs    []ref
	n       uint32
	seen    uint32
	deleted uint32
	size    uint64
}

// ref is a chunk in its place: with the counts of all chunks before it.
type ref struct {
	*chunk
	before       uint32 // messages
	unseenBefore uint32
}

// Flags are what a Set knows of a message beside its presence.
type Flags uint8

// Bits of Flags.
const (
	Seen Flags = 1 << iota
	Deleted
)

// newSet counts what the chunks hold; it keeps refs.
func newSet(refs []ref) *Set {
	s := &Set{refs: refs}
	for i := range refs {
		r := &refs[i]
		r.before, r.unseenBefore = s.n, s.n-s.seen
		s.n += uint32(r.n)
		s.seen += uint32(r.seenN)
		s.deleted += uint32(r.deletedN)
		s.size += r.size
	}
	return s
}

// chunks gives the refs, of a nil Set too.
func (s *Set) chunks() []ref {
	if s == nil {
		return nil
	}
	return s.refs
}

// at is the index of the first chunk whose number is not below u's.
func (s *Set) at(u UID) int {
	number := uint32(u / ChunkSize)
	return sort.Search(len(s.refs), func(i int) bool { return s.refs[i].number >= number })
}

// find gives the chunk that covers u, if there is one.
func (s *Set) find(u UID) (r *ref, bit uint) {
	if s == nil {
		return nil, 0
	}
	if i := s.at(u); i < len(s.refs) && s.refs[i].number == uint32(u/ChunkSize) {
		return &s.refs[i], uint(u % ChunkSize)
	}
	return nil, 0
}

// Len is the number of messages (EXISTS).
func (s *Set) Len() uint32 {
	if s == nil {
		return 0
	}
	return s.n
}

// Unseen is the number of messages without \Seen.
func (s *Set) Unseen() uint32 {
	if s == nil {
		return 0
	}
	return s.n - s.seen
}

// Deleted is the number of messages with \Deleted.
func (s *Set) Deleted() uint32 {
	if s == nil {
		return 0
	}
	return s.deleted
}

// Size is the sum of RFC822.SIZE, in bytes.
func (s *Set) Size() uint64 {
	if s == nil {
		return 0
	}
	return s.size
}

// Contains says whether u is there.
func (s *Set) Contains(u UID) bool {
	r, bit := s.find(u)
	return r != nil && has(r.present, bit)
}

// Flags gives what is known of u; false if it is not there.
func (s *Set) Flags(u UID) (Flags, bool) {
	r, bit := s.find(u)
	if r == nil || !has(r.present, bit) {
		return 0, false
	}
	return r.flags(bit), true
}

// Seq gives a UID's sequence number, 1 or more; false if it is not there.
func (s *Set) Seq(u UID) (seq uint32, ok bool) {
	r, bit := s.find(u)
	if r == nil || !has(r.present, bit) {
		return 0, false
	}
	return r.before + rank(r.present, bit) + 1, true
}

// Rank is the number of UIDs ≤ u.
func (s *Set) Rank(u UID) uint32 {
	if s == nil {
		return 0
	}
	i := s.at(u)
	if i == len(s.refs) {
		return s.n
	}
	r := &s.refs[i]
	if r.number != uint32(u/ChunkSize) {
		return r.before
	}
	return r.before + rank(r.present, uint(u%ChunkSize)+1)
}

// UID gives the UID of a sequence number; 0 if it is 0 or above Len.
func (s *Set) UID(seq uint32) UID {
	if seq == 0 || seq > s.Len() {
		return 0
	}
	i := sort.Search(len(s.refs), func(i int) bool { return s.refs[i].before >= seq }) - 1
	r := &s.refs[i]
	return r.first() + UID(nth(r.present, seq-1-r.before))
}

// Last is the highest UID; 0 when empty.
func (s *Set) Last() UID {
	if s.Len() == 0 {
		return 0
	}
	r := &s.refs[len(s.refs)-1]
	return r.first() + UID(last(r.present))
}

// FirstUnseen is the first message without \Seen; 0, 0 if there is none.
func (s *Set) FirstUnseen() (seq uint32, u UID) {
	if s.Unseen() == 0 {
		return 0, 0
	}
	i := sort.Search(len(s.refs), func(i int) bool { return s.refs[i].unseenBefore > 0 }) - 1
	r := &s.refs[i]
	var scratch [words]uint64
	bit := nth(r.of(WithoutSeen, &scratch), 0)
	return r.before + rank(r.present, bit) + 1, r.first() + UID(bit)
}

// Count is how many UIDs of the range there are.
func (s *Set) Count(r Range) uint32 {
	if r.First == 0 {
		return s.Rank(r.Last)
	}
	return s.Rank(r.Last) - s.Rank(r.First-1)
}

// Ranges gives all UIDs.
func (s *Set) Ranges() Ranges { return s.Select(All, Ranges{{0, MaxUID}}) }

// Select gives the UIDs of a kind that are in r.
func (s *Set) Select(k Kind, r Ranges) Ranges {
	var out Ranges
	var scratch [words]uint64
	s.overlaps(r, func(c *ref, from, to uint) bool {
		runs(c.of(k, &scratch), from, to, func(first, last uint) {
			out.AddRange(Range{c.first() + UID(first), c.first() + UID(last)})
		})
		return true
	})
	return out
}

// Intersect gives the UIDs of r that are there.
func (s *Set) Intersect(r Ranges) Ranges { return s.Select(All, r) }

// BySeq turns ranges of sequence numbers into ranges of UIDs; what is above
// Len is left out. A range of UIDs covers numbers in between that are not
// there; what is asked with it is always what is both there and covered.
func (s *Set) BySeq(seqs Ranges) Ranges {
	var out Ranges
	for _, r := range seqs {
		first, last := max(uint32(r.First), 1), min(uint32(r.Last), s.Len())
		if first <= last {
			out.AddRange(Range{s.UID(first), s.UID(last)})
		}
	}
	return out
}

// Each calls fn for the UIDs of r that are there, in ascending order, with
// sequence number and flags, until it says false.
func (s *Set) Each(r Ranges, fn func(seq uint32, u UID, f Flags) bool) {
	s.overlaps(r, func(c *ref, from, to uint) bool {
		seq := c.before + rank(c.present, from)
		for i := next(c.present, from, 0); i <= to; i = next(c.present, i+1, 0) {
			seq++
			if !fn(seq, c.first()+UID(i), c.flags(i)) {
				return false
			}
		}
		return true
	})
}

// overlaps calls fn for each chunk that shares numbers with r, with the bits
// shared (both included), until it says false.
func (s *Set) overlaps(r Ranges, fn func(c *ref, from, to uint) bool) { s.overlapsFrom(r, 0, fn) }

// overlapsFrom is overlaps for what of r is not below a UID.
func (s *Set) overlapsFrom(r Ranges, above UID, fn func(c *ref, from, to uint) bool) {
	if s == nil {
		return
	}
	for _, x := range r {
		x.First = max(x.First, above)
		for i := s.at(x.First); i < len(s.refs); i++ {
			c := &s.refs[i]
			if c.first() > x.Last {
				break
			}
			from, to := uint(0), uint(ChunkSize-1)
			if x.First > c.first() {
				from = uint(x.First - c.first())
			}
			if span := x.Last - c.first(); span < ChunkSize-1 {
				to = uint(span)
			}
			if !fn(c, from, to) {
				return
			}
		}
	}
}

// Take gives the lowest n UIDs of r that are there and not below from.
func (s *Set) Take(r Ranges, from UID, n uint32) (taken Ranges) {
	r = r[sort.Search(len(r), func(i int) bool { return r[i].Last >= from }):]
	s.overlapsFrom(r, from, func(c *ref, low, high uint) bool {
		runs(bitsOf(c.present), low, high, func(first, last uint) {
			if n == 0 {
				return
			}
			last = min(last, first+uint(n)-1)
			n -= uint32(last-first) + 1
			taken.AddRange(Range{c.first() + UID(first), c.first() + UID(last)})
		})
		return n > 0
	})
	return taken
}
