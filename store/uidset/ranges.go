package uidset

import (
	"slices"
	"sort"
)

// UID is a message's unique identifier within its mailbox, 1 … 2^32-1
// (RFC 9051 §2.3.1.1).
type UID uint32

// MaxUID is the largest UID.
const MaxUID UID = 1<<32 - 1

// Range is all numbers from First to Last, both included; First ≤ Last.
type Range struct{ First, Last UID }

// Ranges is a set of numbers as ranges that ascend, do not touch and do not
// overlap. The zero value is empty.
type Ranges []Range

// Everything is the set of all UIDs.
func Everything() Ranges { return Ranges{{1, MaxUID}} }

// Single is the set of one number.
func Single(u UID) Ranges { return Ranges{{u, u}} }

// Of gives the set of the numbers given, in any order, repeated or not.
func Of(uids ...UID) Ranges {
	list := make([]Range, len(uids))
	for i, u := range uids {
		list[i] = Range{u, u}
	}
	return Normalize(list)
}

// Normalize sorts and joins ranges in any order into Ranges; it uses the
// memory of the list it is given.
func Normalize(list []Range) Ranges {
	if len(list) == 0 {
		return nil
	}
	slices.SortFunc(list, func(a, b Range) int {
		if a.First < b.First {
			return -1
		}
		return 1
	})
	out := list[:1]
	for _, r := range list[1:] {
		last := &out[len(out)-1]
		switch {
		case last.Last == MaxUID || r.First <= last.Last+1:
			last.Last = max(last.Last, r.Last)
		default:
			out = append(out, r)
		}
	}
	return out
}

// Add appends u, which must be above every number in the set or equal to its
// last.
func (r *Ranges) Add(u UID) { r.AddRange(Range{u, u}) }

// AddRange appends a range that begins at or above the set's last number.
func (r *Ranges) AddRange(a Range) {
	if n := len(*r); n > 0 {
		last := &(*r)[n-1]
		if last.Last == MaxUID || a.First <= last.Last+1 {
			last.Last = max(last.Last, a.Last)
			return
		}
	}
	*r = append(*r, a)
}

// Count is how many numbers the set holds.
func (r Ranges) Count() uint64 {
	n := uint64(0)
	for _, x := range r {
		n += uint64(x.Last-x.First) + 1
	}
	return n
}

// Contains says whether u is in the set.
func (r Ranges) Contains(u UID) bool {
	i := sort.Search(len(r), func(i int) bool { return r[i].Last >= u })
	return i < len(r) && r[i].First <= u
}

// Each calls fn for every number in ascending order until fn says false.
func (r Ranges) Each(fn func(UID) bool) {
	for _, x := range r {
		for u := x.First; ; u++ {
			if !fn(u) {
				return
			}
			if u == x.Last {
				break
			}
		}
	}
}

// Union gives what is in either set.
func (r Ranges) Union(o Ranges) Ranges {
	if len(r) == 0 {
		return o
	}
	if len(o) == 0 {
		return r
	}
	return Normalize(slices.Concat(r, o))
}

// Intersect gives what is in both sets.
func (r Ranges) Intersect(o Ranges) Ranges {
	var out Ranges
	for len(r) > 0 && len(o) > 0 {
		first := max(r[0].First, o[0].First)
		last := min(r[0].Last, o[0].Last)
		if first <= last {
			out.AddRange(Range{first, last})
		}
		if r[0].Last < o[0].Last {
			r = r[1:]
		} else {
			o = o[1:]
		}
	}
	return out
}

// Subtract gives what is in r and not in o.
func (r Ranges) Subtract(o Ranges) Ranges {
	var out Ranges
	for _, x := range r {
		for len(o) > 0 && o[0].Last < x.First {
			o = o[1:]
		}
		first, done := x.First, false
		for _, y := range o {
			if y.First > x.Last {
				break
			}
			if y.First > first {
				out.AddRange(Range{first, y.First - 1})
			}
			if y.Last >= x.Last {
				done = true
				break
			}
			first = y.Last + 1
		}
		if !done {
			out.AddRange(Range{first, x.Last})
		}
	}
	return out
}

// Cut splits off the lowest n numbers.
func (r Ranges) Cut(n uint64) (low, rest Ranges) {
	for i, x := range r {
		size := uint64(x.Last-x.First) + 1
		if n == 0 {
			return low, r[i:]
		}
		if size > n {
			mid := x.First + UID(n)
			low = append(low, Range{x.First, mid - 1})
			rest = append(rest, Range{mid, x.Last})
			return low, append(rest, r[i+1:]...)
		}
		low, n = append(low, x), n-size
	}
	return low, nil
}

// Rank is how many numbers of the set are ≤ u.
func (r Ranges) Rank(u UID) uint64 {
	n := uint64(0)
	for _, x := range r {
		if x.First > u {
			break
		}
		n += uint64(min(x.Last, u)-x.First) + 1
	}
	return n
}
