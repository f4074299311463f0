package uidset

import "slices"

// Editor makes a Set from another. It copies what it touches, once, and is of
// no use after Done.
type Editor struct {
	refs    []ref
	touched []uint32
	at      int // index of the chunk used last
}

// Edit begins a change.
func (s *Set) Edit() *Editor {
	return &Editor{refs: slices.Clone(s.chunks())}
}

// chunkOf gives the chunk of u for writing; nil if there is none and !make.
func (e *Editor) chunkOf(u UID, make bool) *chunk {
	number := uint32(u / ChunkSize)
	if e.at >= len(e.refs) || e.refs[e.at].number != number {
		i, found := e.search(number)
		if !found {
			if !make {
				return nil
			}
			fresh := &chunk{number: number, owned: ownChunk | ownPresent, present: clone(nil)}
			e.refs = slices.Insert(e.refs, i, ref{chunk: fresh})
			e.touched = append(e.touched, number)
		}
		e.at = i
	}
	c := e.refs[e.at].chunk
	if c.owned == 0 {
		mine := *c
		mine.owned = ownChunk
		c = &mine
		e.refs[e.at].chunk = c
		e.touched = append(e.touched, number)
	}
	return c
}

// search looks at the end first: most changes are appends.
func (e *Editor) search(number uint32) (int, bool) {
	if n := len(e.refs); n == 0 || e.refs[n-1].number < number {
		return n, false
	}
	return slices.BinarySearchFunc(e.refs, number, func(r ref, n uint32) int {
		return int(int64(r.number) - int64(n))
	})
}

// set changes one bit of a bitmap the chunk may share, and says whether it
// was different.
func (c *chunk) set(b *bitmap, own uint8, bit uint, on bool) bool {
	if has(*b, bit) == on {
		return false
	}
	if c.owned&own == 0 {
		*b = clone(*b)
		c.owned |= own
	}
	(*b)[bit/64] ^= 1 << (bit % 64)
	return true
}

// Add adds a message, size in bytes; false if the UID is there already.
func (e *Editor) Add(u UID, size int64, f Flags) bool {
	c, bit := e.chunkOf(u, true), uint(u%ChunkSize)
	if !c.set(&c.present, ownPresent, bit, true) {
		return false
	}
	c.n++
	c.size += uint64(size)
	c.setFlags(bit, f)
	return true
}

// Remove takes a message away; size must be what Add was told. False if it
// was not there.
func (e *Editor) Remove(u UID, size int64) bool {
	c, bit := e.chunkOf(u, false), uint(u%ChunkSize)
	if c == nil || !has(c.present, bit) {
		return false
	}
	c.setFlags(bit, 0)
	c.set(&c.present, ownPresent, bit, false)
	c.n--
	c.size -= uint64(size)
	return true
}

// SetFlags replaces a message's flags; nothing if it is not there.
func (e *Editor) SetFlags(u UID, f Flags) {
	if c := e.chunkOf(u, false); c != nil && has(c.present, uint(u%ChunkSize)) {
		c.setFlags(uint(u%ChunkSize), f)
	}
}

func (c *chunk) setFlags(bit uint, f Flags) {
	if c.set(&c.seen, ownSeen, bit, f&Seen != 0) {
		c.seenN = step(c.seenN, f&Seen != 0)
	}
	if c.set(&c.deleted, ownDeleted, bit, f&Deleted != 0) {
		c.deletedN = step(c.deletedN, f&Deleted != 0)
	}
}

func step(n uint16, up bool) uint16 {
	if up {
		return n + 1
	}
	return n - 1
}

// Touched gives the numbers of the chunks that were written, each once.
func (e *Editor) Touched() []uint32 { return e.touched }

// Done gives the changed Set.
func (e *Editor) Done() *Set {
	for _, number := range e.touched {
		if i, found := e.search(number); found {
			if c := e.refs[i].chunk; c.n == 0 {
				e.refs = slices.Delete(e.refs, i, i+1)
			} else {
				c.settle()
			}
		}
	}
	return newSet(e.refs)
}
