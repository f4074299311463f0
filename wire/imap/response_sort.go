package imap

import "iter"

// SortResponse is SORT (RFC 5256 §4): Numbers in their order, and the
// mod-sequence that goes with MODSEQ (RFC 7162 §3.1.6), 0 for none.
type SortResponse struct {
	Numbers []uint32
	ModSeq  uint64
}

// ThreadMember is a message in the answer to THREAD. An answer is a list of
// members, each followed by its descendants.
type ThreadMember struct {
	// Num is the message's number or UID; 0 for a parent that is not in the
	// answer itself.
	Num uint32
	// Depth is the number of its ancestors; 0 begins a thread.
	Depth uint32
	// Fork: it has siblings, which need parentheses of their own.
	Fork bool
}

// ThreadResponse is THREAD (RFC 5256 §4).
type ThreadResponse struct{ Members []ThreadMember }

// ComparatorResponse is COMPARATOR (RFC 5255 §4.8); Matching is nil when there
// is one match at most.
type ComparatorResponse struct {
	Active   string
	Matching []string
}

func (*SortResponse) response()       {}
func (*ThreadResponse) response()     {}
func (*ComparatorResponse) response() {}

// Numbers yields what ALL holds, in the order in which it was told.
func (d *SearchData) Numbers() iter.Seq[uint32] {
	return NumSet(d.all()).All()
}

// "SORT" *(SP nz-number) [SP "(" "MODSEQ" SP mod-sequence-value ")"]
func parseSortResponse(c *cursor) Response {
	r := &SortResponse{}
	for !c.atEnd() {
		c.sp()
		if c.take('(') {
			r.ModSeq = c.modSeqItem()
			break
		}
		r.Numbers = append(r.Numbers, c.nzNumber())
	}
	return r
}

// "MODSEQ" SP mod-sequence-value ")"
func (c *cursor) modSeqItem() uint64 {
	c.keyword("MODSEQ")
	c.sp()
	n := c.modSeq(1)
	c.expect(')')
	return n
}

// inOrder is a sequence-set whose order tells something.
func (c *cursor) inOrder() (sorted []Range) {
	for c.err == nil {
		from := c.nzNumber()
		to := from
		if c.take(':') {
			to = c.nzNumber()
		}
		sorted = AppendSorted(sorted, Range{min(from, to), max(from, to)})
		if !c.take(',') {
			break
		}
	}
	return sorted
}

// orderedSet is a sequence-set in an order. What ascends is a set, for which
// sorted is nil.
func (c *cursor) orderedSet() (set NumSet, sorted []Range) {
	sorted = c.inOrder()
	for i := 1; i < len(sorted); i++ {
		if sorted[i].From <= sorted[i-1].To {
			return nil, sorted
		}
	}
	return normalise(sorted), nil
}

// AppendSorted appends r to ranges that keep their order, joined to the last
// where that is the same (RFC 5267 §3.2: a range stands for its numbers in
// ascending order).
func AppendSorted(dst []Range, r Range) []Range {
	if n := len(dst); n > 0 && uint64(dst[n-1].To)+1 == uint64(r.From) {
		dst[n-1].To = r.To
		return dst
	}
	return append(dst, r)
}

// "RELEVANCY" SP "(" [score *(SP score)] ")" (RFC 6203 §7)
func (c *cursor) scoreList() []uint8 {
	scores := []uint8{}
	c.expect('(')
	for c.err == nil && !c.take(')') {
		if len(scores) > 0 {
			c.sp()
		}
		at := c.pos
		n := c.digits(100)
		if n == 0 {
			c.failAt(at, "a score is from 1 to 100")
		}
		scores = append(scores, uint8(n))
	}
	return scores
}

// "THREAD" [SP 1*thread-list]. There is no limit to the nesting, so nothing
// here is recursive.
func parseThreadResponse(c *cursor) Response {
	r := &ThreadResponse{}
	if c.atEnd() {
		return r
	}
	c.sp()
	// opened has, for each parenthesis open, the depth at which it began.
	var opened []uint32
	depth := uint32(0)
	begun := false // after "(", before its first member
	for c.err == nil && (!c.atEnd() || len(opened) > 0) {
		switch b := c.peek(); {
		case b == '(':
			c.pos++
			if begun { // ((3)(5)): a parent that is not there
				r.Members = append(r.Members, ThreadMember{Depth: depth, Fork: len(opened) > 1})
				depth++
			}
			opened, begun = append(opened, depth), true
		case b == ')' && len(opened) > 0 && !begun:
			c.pos++
			depth = opened[len(opened)-1]
			opened = opened[:len(opened)-1]
		case isDigit(b) && len(opened) > 0:
			r.Members = append(r.Members, ThreadMember{Num: c.nzNumber(), Depth: depth, Fork: begun && len(opened) > 1})
			depth++
			begun = false
		case b == ' ' && !begun:
			c.pos++
		default:
			c.fail("expected a thread")
		}
	}
	return r
}

// "COMPARATOR" SP comp-sel-quoted [SP "(" comp-id-quoted *(SP comp-id-quoted) ")"]
func parseComparatorResponse(c *cursor) Response {
	r := &ComparatorResponse{}
	c.sp()
	r.Active = c.astring()
	if c.ok() && !c.atEnd() {
		c.sp()
		c.list(func() { r.Matching = append(r.Matching, c.astring()) })
	}
	return r
}
