package textindex

import (
	"encoding/binary"
	"errors"
	"math/bits"
	"slices"
)

// WindowBits and WindowSize: how many objects have postings together. An
// object's offset in its window is a uint16.
const (
	WindowBits = 16
	WindowSize = 1 << WindowBits
)

var errPosting = errors.New("a posting of the search index is malformed")

// Bits is a set of the objects of a window.
type Bits [WindowSize / 64]uint64

// Add adds an object to the set.
func (b *Bits) Add(offset uint16) { b[offset/64] |= 1 << (offset % 64) }

// Has says whether an object is in the set.
func (b *Bits) Has(offset uint16) bool { return b[offset/64]>>(offset%64)&1 != 0 }

func (b *Bits) or(o *Bits) {
	for i, w := range o {
		b[i] |= w
	}
}

func (b *Bits) and(o *Bits) {
	for i, w := range o {
		b[i] &= w
	}
}

// Count is how many there are.
func (b *Bits) Count() (n int) {
	for _, w := range b {
		n += bits.OnesCount64(w)
	}
	return n
}

// Next gives the first in the set from an offset on; false if there is none.
func (b *Bits) Next(from uint16) (offset uint16, ok bool) {
	w := b[from/64] >> (from % 64) << (from % 64)
	for i := int(from / 64); ; w = b[i] {
		if w != 0 {
			return uint16(i*64 + bits.TrailingZeros64(w)), true
		}
		if i++; i == len(b) {
			return 0, false
		}
	}
}

// A posting is ascending offsets, as the shorter of two: a bitmap, the number
// of the first byte and bytes, the lowest offset in the lowest bit; or a list of
// the first and of distances less one, all uvarints.
type posting struct {
	bytes  []byte
	bitmap bool
}

// appendPosting appends offsets, which are ascending and not none.
func appendPosting(dst []byte, offsets []uint16) (_ []byte, bitmap bool) {
	first, last := int(offsets[0]), int(offsets[len(offsets)-1])
	if last/8-first/8 < len(offsets) {
		dst = binary.AppendUvarint(dst, uint64(first/8))
		from := len(dst)
		dst = append(dst, make([]byte, last/8-first/8+1)...)
		for _, o := range offsets {
			dst[from+int(o)/8-first/8] |= 1 << (o % 8)
		}
		return dst, true
	}
	next := 0
	for _, o := range offsets {
		dst = binary.AppendUvarint(dst, uint64(int(o)-next))
		next = int(o) + 1
	}
	return dst, false
}

// each calls fn with the offsets in order.
func (p posting) each(fn func(uint16)) error {
	if p.bitmap {
		first, bytes, err := p.bits()
		for i, c := range bytes {
			for ; c != 0; c &= c - 1 {
				fn(uint16((first+i)*8 + bits.TrailingZeros8(c)))
			}
		}
		return err
	}
	next := uint64(0)
	for b := p.bytes; len(b) > 0; {
		distance, n := binary.Uvarint(b)
		if n <= 0 || distance >= WindowSize || next+distance >= WindowSize {
			return errPosting
		}
		fn(uint16(next + distance))
		next, b = next+distance+1, b[n:]
	}
	return nil
}

// addTo adds the offsets to a set.
func (p posting) addTo(set *Bits) error {
	if !p.bitmap {
		return p.each(set.Add)
	}
	first, bytes, err := p.bits()
	for i, c := range bytes {
		set[(first+i)/8] |= uint64(c) << ((first + i) % 8 * 8)
	}
	return err
}

// bits gives the bytes of a bitmap, and the number of the first.
func (p posting) bits() (first int, bytes []byte, err error) {
	at, n := binary.Uvarint(p.bytes)
	if n <= 0 || at > WindowSize/8 || int(at)+len(p.bytes)-n > WindowSize/8 {
		return 0, nil, errPosting
	}
	return int(at), p.bytes[n:], nil
}

// appendTo appends the offsets to a list.
func (p posting) appendTo(list []uint16) ([]uint16, error) {
	list = slices.Grow(list, len(p.bytes))
	err := p.each(func(o uint16) { list = append(list, o) })
	return list, err
}
