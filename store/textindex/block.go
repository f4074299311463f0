package textindex

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
)

// A block is a version byte, the CRC-32C of the rest, little endian, and for each
// of its terms: its distance from the term before (of the first: from the term
// in the block's key, 0), the length of its posting times two and 1 if that is a
// bitmap, all uvarints, and the posting. A block that is not as it was written
// would make searches miss messages; so each is checked when it is read.

// blockVersion is the first byte of every block.
const blockVersion = 1

// blockHead is how many bytes stand before the first term.
const blockHead = 5

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// blockSize is how long blocks are, in bytes, about: one posting more.
const blockSize = 16 << 10

var errBlock = errors.New("a block of the search index is malformed")

// Emit takes a finished block, which it must not keep.
type Emit func(first Term, block []byte) error

// blockWriter packs postings into blocks.
type blockWriter struct {
	emit    Emit
	first   Term
	last    Term
	buf     []byte
	scratch []byte
}

// add takes the next term.
func (w *blockWriter) add(t Term, offsets []uint16) error {
	if len(w.buf) == 0 {
		w.buf, w.first, w.last = append(w.buf, blockVersion, 0, 0, 0, 0), t, t
	}
	var bitmap bool
	w.scratch, bitmap = appendPosting(w.scratch[:0], offsets)
	size := uint64(len(w.scratch)) << 1
	if bitmap {
		size |= 1
	}
	w.buf = binary.AppendUvarint(w.buf, uint64(t-w.last))
	w.buf = binary.AppendUvarint(w.buf, size)
	w.buf, w.last = append(w.buf, w.scratch...), t
	if len(w.buf) < blockSize {
		return nil
	}
	return w.flush()
}

// flush ends the block.
func (w *blockWriter) flush() error {
	if len(w.buf) == 0 {
		return nil
	}
	binary.LittleEndian.PutUint32(w.buf[1:], crc32.Checksum(w.buf[blockHead:], castagnoli))
	err := w.emit(w.first, w.buf)
	w.buf = w.buf[:0]
	return err
}

// blockReader walks through a block.
type blockReader struct {
	term    Term
	posting posting
	rest    []byte
}

// open begins a block. The first term is that of its key.
func (r *blockReader) open(first Term, block []byte) error {
	if len(block) < blockHead || block[0] != blockVersion || crc32.Checksum(block[blockHead:], castagnoli) != binary.LittleEndian.Uint32(block[1:]) {
		return errBlock
	}
	r.term, r.rest = first, block[blockHead:]
	return nil
}

// next goes to the next term; false at the end.
func (r *blockReader) next() (bool, error) {
	if len(r.rest) == 0 {
		return false, nil
	}
	distance, n := binary.Uvarint(r.rest)
	if n <= 0 || distance > uint64(tags)<<tagShift {
		return false, errBlock
	}
	size, m := binary.Uvarint(r.rest[n:])
	if m <= 0 || size>>1 > uint64(len(r.rest)-n-m) || size>>1 == 0 {
		return false, errBlock
	}
	from := n + m
	to := from + int(size>>1)
	r.term += Term(distance)
	r.posting = posting{r.rest[from:to], size&1 != 0}
	r.rest = r.rest[to:]
	return true, nil
}

// CheckBlock reads a whole block of a segment, after one that ended with last,
// and gives its own last term and the objects it counts as the segment's.
func CheckBlock(b Block, last Term) (end Term, all []uint16, err error) {
	var r blockReader
	if err := r.open(b.First, b.Bytes); err != nil {
		return last, nil, err
	}
	var offsets []uint16
	for {
		more, err := r.next()
		if err != nil || !more {
			return last, all, err
		}
		if r.term <= last && r.term != All.wild() {
			return last, nil, errBlock
		}
		last = r.term
		if offsets, err = r.posting.appendTo(offsets[:0]); err != nil {
			return last, nil, err
		}
		if r.term == All.wild() {
			all = append(all, offsets...)
		}
	}
}
