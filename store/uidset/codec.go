package uidset

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
)

// The stored form of a chunk, after the version byte 1: sum of sizes as an
// unsigned varint, then present, seen and deleted, each in the shortest of
// four forms, named by a byte:
//
//	0  no bit
//	1  all bits (of present), the bits of present (of seen and deleted)
//	2  runs: how many, then for each run the zeros before it (since the run
//	   before) and its ones less one; all unsigned varints
//	3  512 bytes: 64 words, little endian, lowest UID in the lowest bit
const (
	chunkVersion = 1

	formEmpty = 0
	formFull  = 1
	formRuns  = 2
	formRaw   = 3

	rawBytes = ChunkSize / 8
)

var errChunk = errors.New("chunk record is malformed")

// AppendChunk appends the stored form of a chunk to dst; ok is false, and dst
// as it was, when the Set has no such chunk.
func (s *Set) AppendChunk(dst []byte, number uint32) (out []byte, ok bool) {
	r, _ := s.find(UID(number) * ChunkSize)
	if r == nil {
		return dst, false
	}
	dst = append(dst, chunkVersion)
	dst = binary.AppendUvarint(dst, r.size)
	dst = appendBitmap(dst, r.present, &full)
	dst = appendBitmap(dst, r.seen, r.present)
	return appendBitmap(dst, r.deleted, r.present), true
}

var full = func() (all [words]uint64) {
	for i := range all {
		all[i] = ^uint64(0)
	}
	return all
}()

func appendBitmap(dst []byte, b, whole bitmap) []byte {
	switch {
	case b == nil || *b == none:
		return append(dst, formEmpty)
	case b == whole || *b == *whole:
		return append(dst, formFull)
	}
	start := len(dst)
	dst = append(dst, formRuns)
	dst = binary.AppendUvarint(dst, uint64(runCount(b)))
	at := uint(0)
	for i := next(b, 0, 0); i < ChunkSize; i = next(b, at, 0) {
		end := next(b, i, ^uint64(0))
		dst = binary.AppendUvarint(dst, uint64(i-at))
		dst = binary.AppendUvarint(dst, uint64(end-i-1))
		if at = end; len(dst)-start > rawBytes {
			return appendRaw(dst[:start], b)
		}
	}
	return dst
}

// runCount counts the runs of ones.
func runCount(b bitmap) int {
	n, carry := 0, uint64(0)
	for _, w := range b {
		n += bits.OnesCount64(w &^ (w<<1 | carry))
		carry = w >> 63
	}
	return n
}

func appendRaw(dst []byte, b bitmap) []byte {
	dst = append(dst, formRaw)
	for _, w := range b {
		dst = binary.LittleEndian.AppendUint64(dst, w)
	}
	return dst
}

// Loader makes a Set of stored chunks.
type Loader struct{ refs []ref }

// Add takes the stored form of the next chunk, in ascending order of numbers.
func (l *Loader) Add(number uint32, value []byte) error {
	if n := len(l.refs); n > 0 && l.refs[n-1].number >= number {
		return fmt.Errorf("%w: chunk %d after chunk %d", errChunk, number, l.refs[n-1].number)
	}
	if number > uint32(MaxUID/ChunkSize) {
		return fmt.Errorf("%w: chunk number %d", errChunk, number)
	}
	c, err := decodeChunk(number, value)
	if err != nil {
		return fmt.Errorf("chunk %d: %w", number, err)
	}
	l.refs = append(l.refs, ref{chunk: c})
	return nil
}

// Set gives the Set of all chunks added.
func (l *Loader) Set() *Set { return newSet(l.refs) }

func decodeChunk(number uint32, v []byte) (*chunk, error) {
	if len(v) == 0 || v[0] != chunkVersion {
		return nil, fmt.Errorf("%w: unknown version", errChunk)
	}
	size, n := binary.Uvarint(v[1:])
	if n <= 0 {
		return nil, errChunk
	}
	c := &chunk{number: number, size: size}
	rest := v[1+n:]
	var err error
	if c.present, rest, err = decodeBitmap(rest, &full); err != nil {
		return nil, err
	}
	if c.seen, rest, err = decodeBitmap(rest, c.present); err != nil {
		return nil, err
	}
	if c.deleted, rest, err = decodeBitmap(rest, c.present); err != nil {
		return nil, err
	}
	c.n, c.seenN, c.deletedN = uint16(count(c.present)), uint16(count(c.seen)), uint16(count(c.deleted))
	switch {
	case len(rest) != 0:
		return nil, fmt.Errorf("%w: %d bytes too many", errChunk, len(rest))
	case c.n == 0:
		return nil, fmt.Errorf("%w: no UID", errChunk)
	case !within(c.seen, c.present) || !within(c.deleted, c.present):
		return nil, fmt.Errorf("%w: a flag on a UID that is not present", errChunk)
	}
	c.settle()
	return c, nil
}

func within(a, b bitmap) bool {
	for i, w := range bitsOf(a) {
		if w&^b[i] != 0 {
			return false
		}
	}
	return true
}

func decodeBitmap(v []byte, whole bitmap) (b bitmap, rest []byte, err error) {
	if len(v) == 0 {
		return nil, nil, errChunk
	}
	form, v := v[0], v[1:]
	switch {
	case form == formEmpty:
		return nil, v, nil
	case form == formFull:
		return whole, v, nil
	case form == formRaw && len(v) >= rawBytes:
		b = new([words]uint64)
		for i := range b {
			b[i] = binary.LittleEndian.Uint64(v[i*8:])
		}
		return b, v[rawBytes:], nil
	case form == formRuns:
		return decodeRuns(v)
	}
	return nil, nil, errChunk
}

func decodeRuns(v []byte) (b bitmap, rest []byte, err error) {
	next := func() uint64 {
		x, n := binary.Uvarint(v)
		if n <= 0 || x > ChunkSize {
			err = errChunk
			return 0
		}
		v = v[n:]
		return x
	}
	b = new([words]uint64)
	at := uint64(0)
	for n := next(); n > 0 && err == nil; n-- {
		at += next()
		end := at + next() + 1
		if err != nil || end > ChunkSize {
			return nil, nil, errChunk
		}
		fill(b, at, end)
		at = end
	}
	return b, v, err
}

// fill sets the bits from ≤ i < to; from < to.
func fill(b bitmap, from, to uint64) {
	for i := from / 64; i <= (to-1)/64; i++ {
		w := ^uint64(0)
		if i == from/64 {
			w = w >> (from % 64) << (from % 64)
		}
		if i == (to-1)/64 {
			w = w << (63 - (to-1)%64) >> (63 - (to-1)%64)
		}
		b[i] |= w
	}
}
