package textindex

import "slices"

// Block is a block with the term of its key.
type Block struct {
	First Term
	Bytes []byte
}

// Feed gives the next blocks of a segment, in order; none at its end.
type Feed func() ([]Block, error)

// Merge writes the segments of one window as one and says how many objects it
// has. alive, if not nil, says which objects are worth keeping. pause is called
// now and then.
func Merge(feeds []Feed, alive *Bits, emit Emit, pause func() error) (objects int, err error) {
	heads := make([]*head, 0, len(feeds))
	for _, feed := range feeds {
		h := &head{feed: feed}
		if more, err := h.next(); err != nil {
			return 0, err
		} else if more {
			heads = append(heads, h)
		}
	}
	w := blockWriter{emit: emit}
	var offsets []uint16
	for n := 0; len(heads) > 0; n++ {
		if n%256 == 0 {
			if err := pause(); err != nil {
				return 0, err
			}
		}
		term := heads[0].term
		for _, h := range heads[1:] {
			term = min(term, h.term)
		}
		if offsets, heads, err = gather(term, heads, offsets[:0]); err != nil {
			return 0, err
		}
		if alive != nil {
			offsets = slices.DeleteFunc(offsets, func(o uint16) bool { return !alive.Has(o) })
		}
		if len(offsets) == 0 {
			continue
		}
		if term == All.wild() {
			objects = len(offsets)
		}
		if err := w.add(term, offsets); err != nil {
			return 0, err
		}
	}
	return objects, w.flush()
}

// head is where a segment is in a merge.
type head struct {
	blockReader
	feed   Feed
	blocks []Block
}

// next goes to the segment's next term; false at its end.
func (h *head) next() (bool, error) {
	for {
		if more, err := h.blockReader.next(); more || err != nil {
			return more, err
		}
		if len(h.blocks) == 0 {
			var err error
			if h.blocks, err = h.feed(); err != nil || len(h.blocks) == 0 {
				return false, err
			}
		}
		if err := h.open(h.blocks[0].First, h.blocks[0].Bytes); err != nil {
			return false, err
		}
		h.blocks = h.blocks[1:]
	}
}

// gather takes the postings of a term from all that are at it, and those heads
// on.
func gather(term Term, heads []*head, offsets []uint16) ([]uint16, []*head, error) {
	sorted, left := true, heads[:0]
	for _, h := range heads {
		if h.term != term {
			left = append(left, h)
			continue
		}
		n := len(offsets)
		var err error
		if offsets, err = h.posting.appendTo(offsets); err != nil {
			return nil, nil, err
		}
		if n > 0 && len(offsets) > n && offsets[n] <= offsets[n-1] {
			sorted = false
		}
		more, err := h.next()
		if err != nil {
			return nil, nil, err
		}
		if more {
			left = append(left, h)
		}
	}
	if !sorted {
		slices.Sort(offsets)
		offsets = slices.Compact(offsets)
	}
	return offsets, left, nil
}
