package uidset

import "math/bits"

// ChunkSize is how many UIDs a chunk covers.
const ChunkSize = 4096

const words = ChunkSize / 64

// bitmap is one bit for each UID of a chunk; nil is all zero.
type bitmap = *[words]uint64

var none [words]uint64

// bitsOf gives something to read, never to write.
func bitsOf(b bitmap) *[words]uint64 {
	if b == nil {
		return &none
	}
	return b
}

func has(b bitmap, i uint) bool { return b != nil && b[i/64]>>(i%64)&1 != 0 }

func count(b bitmap) int {
	if b == nil {
		return 0
	}
	n := 0
	for _, w := range b {
		n += bits.OnesCount64(w)
	}
	return n
}

// rank counts the bits below i; i ≤ ChunkSize.
func rank(b *[words]uint64, i uint) uint32 {
	n := 0
	for _, w := range b[:i/64] {
		n += bits.OnesCount64(w)
	}
	if r := i % 64; r != 0 {
		n += bits.OnesCount64(b[i/64] & (1<<r - 1))
	}
	return uint32(n)
}

// nth gives the position of the k-th one bit, from 0; it must exist.
func nth(b *[words]uint64, k uint32) uint {
	for i, w := range b {
		if n := uint32(bits.OnesCount64(w)); k >= n {
			k -= n
			continue
		}
		for ; k > 0; k-- {
			w &= w - 1
		}
		return uint(i)*64 + uint(bits.TrailingZeros64(w))
	}
	return ChunkSize
}

// last gives the position of the highest one bit; it must exist.
func last(b *[words]uint64) uint {
	for i := words - 1; i >= 0; i-- {
		if b[i] != 0 {
			return uint(i)*64 + 63 - uint(bits.LeadingZeros64(b[i]))
		}
	}
	return 0
}

// next gives the first position ≥ i whose bit is one (or, with flip ^0, zero);
// ChunkSize if there is none.
func next(b *[words]uint64, i uint, flip uint64) uint {
	if i >= ChunkSize {
		return ChunkSize
	}
	w := (b[i/64] ^ flip) >> (i % 64) << (i % 64)
	for k := i / 64; ; w = b[k] ^ flip {
		if w != 0 {
			return k*64 + uint(bits.TrailingZeros64(w))
		}
		if k++; k == words {
			return ChunkSize
		}
	}
}

// runs calls fn for each run of ones between from and to (both included).
func runs(b *[words]uint64, from, to uint, fn func(first, last uint)) {
	for i := next(b, from, 0); i <= to && i < ChunkSize; {
		end := min(next(b, i, ^uint64(0)), to+1)
		fn(i, end-1)
		i = next(b, end, 0)
	}
}

// clone copies a bitmap; nil becomes all zero.
func clone(b bitmap) bitmap {
	c := new([words]uint64)
	if b != nil {
		*c = *b
	}
	return c
}
