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
// chunks never change once made.
package uidset

// Set is which UIDs a mailbox has; immutable. A nil Set is empty.
type Set struct{}

// Flags are what a Set knows of a message beside its presence.
type Flags uint8

// Bits of Flags.
const (
	Seen Flags = 1 << iota
	Deleted
)

// Len is the number of messages (EXISTS).
func (s *Set) Len() uint32 { return 0 }

// Unseen and Deleted count messages without \Seen and with \Deleted.
func (s *Set) Unseen() uint32  { return 0 }
func (s *Set) Deleted() uint32 { return 0 }

// Size is the sum of RFC822.SIZE.
func (s *Set) Size() uint64 { return 0 }

// Contains says whether u is there.
func (s *Set) Contains(u UID) bool { return false }

// Seq gives a UID's sequence number, 1 or more.
func (s *Set) Seq(u UID) (seq uint32, ok bool) { return 0, false }

// Rank is the number of UIDs ≤ u.
func (s *Set) Rank(u UID) uint32 { return 0 }

// UID gives the UID of a sequence number; 0 if it is 0 or above Len.
func (s *Set) UID(seq uint32) UID { return 0 }

// Last is the highest UID; 0 when empty.
func (s *Set) Last() UID { return 0 }

// FirstUnseen is the first message without \Seen; 0, 0 if there is none.
func (s *Set) FirstUnseen() (seq uint32, u UID) { return 0, 0 }

// Count is how many UIDs from first to last there are.
func (s *Set) Count(r Range) uint32 { return 0 }

// Intersect gives the UIDs of r that are there.
func (s *Set) Intersect(r Ranges) Ranges { return nil }

// BySeq gives the UIDs of the messages with these sequence numbers (Ranges
// of sequence numbers, here); what is above Len is left out.
func (s *Set) BySeq(seqs Ranges) Ranges { return nil }

// Ranges gives all UIDs.
func (s *Set) Ranges() Ranges { return nil }

// WithDeleted, Unseen etc. as sets.
func (s *Set) DeletedIn(r Ranges) Ranges { return nil }

// Each calls fn for the UIDs of r that are there with sequence number and flags.
func (s *Set) Each(r Range, fn func(seq uint32, u UID, f Flags) bool) {}

// Diff says what old has and new has not (gone), and the reverse (came); it
// looks only at chunks that differ.
func Diff(old, new *Set) (gone, came Ranges) { return nil, nil }
