package imap

import (
	"cmp"
	"iter"
	"math"
	"slices"
	"sort"
	"strconv"
)

// Range is an inclusive range of message sequence numbers or UIDs,
// 1 <= From <= To.
type Range struct{ From, To uint32 }

// Len is the count of numbers in r.
func (r Range) Len() uint64 { return uint64(r.To) - uint64(r.From) + 1 }

// NumSet is a set of message sequence numbers or UIDs: ranges in ascending
// order that neither overlap nor touch. The nil set is empty.
type NumSet []Range

// NumSetOf makes a set of nums, in any order.
func NumSetOf(nums ...uint32) NumSet {
	var s NumSet
	for _, n := range nums {
		s = append(s, Range{n, n})
	}
	return normalise(s)
}

// NumSetOfRanges makes a set of ranges in any order, overlapping or reversed.
func NumSetOfRanges(ranges ...Range) NumSet {
	return normalise(slices.Clone(NumSet(ranges)))
}

// normalise sorts and merges s in place. Ranges that touch are joined.
func normalise(s NumSet) NumSet {
	if len(s) == 0 {
		return nil
	}
	for i, r := range s {
		if r.From > r.To {
			s[i] = Range{r.To, r.From}
		}
	}
	if !slices.IsSortedFunc(s, byFrom) {
		slices.SortFunc(s, byFrom)
	}
	out := s[:1]
	for _, r := range s[1:] {
		last := &out[len(out)-1]
		if uint64(r.From) <= uint64(last.To)+1 {
			last.To = max(last.To, r.To)
			continue
		}
		out = append(out, r)
	}
	return out
}

func byFrom(a, b Range) int { return cmp.Compare(a.From, b.From) }

// Add returns s with n in it; it is fast when n is above all of s, which is
// how sets are built while walking a mailbox.
func (s NumSet) Add(n uint32) NumSet { return s.AddRange(n, n) }

// AddRange returns s with from … to in it, from <= to; fast when they are
// above all of s, else as slow as sorting s.
func (s NumSet) AddRange(from, to uint32) NumSet {
	if len(s) > 0 {
		last := &s[len(s)-1]
		switch {
		case from >= last.From && uint64(from) <= uint64(last.To)+1:
			last.To = max(last.To, to)
			return s
		case from < last.From:
			return normalise(append(s, Range{from, to}))
		}
	}
	return append(s, Range{from, to})
}

// Contains says whether n is in s, in logarithmic time.
func (s NumSet) Contains(n uint32) bool {
	i := sort.Search(len(s), func(i int) bool { return s[i].To >= n })
	return i < len(s) && s[i].From <= n
}

// Count is the count of numbers in s.
func (s NumSet) Count() uint64 {
	var n uint64
	for _, r := range s {
		n += r.Len()
	}
	return n
}

// Min is the least number in s, 0 when s is empty.
func (s NumSet) Min() uint32 {
	if len(s) == 0 {
		return 0
	}
	return s[0].From
}

// Max is the greatest number in s, 0 when s is empty.
func (s NumSet) Max() uint32 {
	if len(s) == 0 {
		return 0
	}
	return s[len(s)-1].To
}

// All yields the numbers of s in ascending order.
func (s NumSet) All() iter.Seq[uint32] {
	return func(yield func(uint32) bool) {
		for _, r := range s {
			for n := r.From; ; n++ {
				if !yield(n) {
					return
				}
				if n == r.To {
					break
				}
			}
		}
	}
}

// Intersect is the set of numbers in both s and o.
func (s NumSet) Intersect(o NumSet) NumSet {
	var out NumSet
	for len(s) > 0 && len(o) > 0 {
		from, to := max(s[0].From, o[0].From), min(s[0].To, o[0].To)
		if from <= to {
			out = append(out, Range{from, to})
		}
		if s[0].To < o[0].To {
			s = s[1:]
		} else {
			o = o[1:]
		}
	}
	return out
}

// String is s in wire form, "1:3,5"; empty when s is.
func (s NumSet) String() string { return string(AppendNumSet(nil, s)) }

// AppendNumSet appends s in wire form (RFC 9051 §9, uid-set), nothing when s is empty.
func AppendNumSet(dst []byte, s NumSet) []byte {
	for i, r := range s {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = strconv.AppendUint(dst, uint64(r.From), 10)
		if r.To != r.From {
			dst = append(dst, ':')
			dst = strconv.AppendUint(dst, uint64(r.To), 10)
		}
	}
	return dst
}

// SeqSet is a sequence-set as a client sends it (RFC 9051 §9): fixed numbers,
// perhaps a part that ends in "*", the largest number in use, or "$", the
// saved result of the last SEARCH.
type SeqSet struct {
	Nums NumSet
	// Star, if not 0, is the least n of all "n:*" in the set; a "*" alone
	// is math.MaxUint32, which means the same as 4294967295:*.
	Star uint32
	// Saved is set for "$" (RFC 5182); then all else is empty.
	Saved bool
}

// SeqSetOf makes a set of fixed numbers.
func SeqSetOf(nums ...uint32) SeqSet { return SeqSet{Nums: NumSetOf(nums...)} }

// Resolve gives the numbers s stands for where largest is the largest number
// in use. n:* includes largest even if n is above it. With largest 0 (an empty
// mailbox) "*" stands for nothing. Resolve is not meant for "$".
func (s SeqSet) Resolve(largest uint32) NumSet {
	if s.Star == 0 || largest == 0 {
		return s.Nums
	}
	star := Range{min(s.Star, largest), largest}
	return normalise(append(slices.Clone(s.Nums), star))
}

// Empty says that s names nothing at all.
func (s SeqSet) Empty() bool { return len(s.Nums) == 0 && s.Star == 0 && !s.Saved }

// String is s in wire form.
func (s SeqSet) String() string { return string(AppendSeqSet(nil, s)) }

// AppendSeqSet appends s in wire form (RFC 9051 §9, sequence-set).
func AppendSeqSet(dst []byte, s SeqSet) []byte {
	if s.Saved {
		return append(dst, '$')
	}
	dst = AppendNumSet(dst, s.Nums)
	if s.Star == 0 {
		return dst
	}
	if len(s.Nums) > 0 {
		dst = append(dst, ',')
	}
	if s.Star != math.MaxUint32 {
		dst = strconv.AppendUint(dst, uint64(s.Star), 10)
		dst = append(dst, ':')
	}
	return append(dst, '*')
}
