package imap

// PartialRange is the window of PARTIAL (RFC 9394 §4, RFC 5267 §4.4): results
// From to To, each at least 1, in either order as the client sent them. Last
// counts from the end: -1 is the last result.
type PartialRange struct {
	From, To uint32
	Last     bool
}

// Window gives the first and the last of n results, counted from 1, that the
// range names; first > last when it names none.
func (p PartialRange) Window(n uint64) (first, last uint64) {
	low, high := uint64(min(p.From, p.To)), uint64(max(p.From, p.To))
	if !p.Last {
		return low, min(high, n)
	}
	if low > n {
		return 1, 0
	}
	return n + 1 - min(high, n), n + 1 - low
}

// partial-range = nz-number ":" nz-number / "-" nz-number ":" "-" nz-number
func (c *cursor) partialRange() (p PartialRange) {
	p.Last = c.take('-')
	p.From = c.nzNumber()
	c.expect(':')
	if p.Last {
		c.expect('-')
	}
	p.To = c.nzNumber()
	return p
}

// appendPartialRange appends p in wire form.
func appendPartialRange(dst []byte, p PartialRange) []byte {
	sign := ""
	if p.Last {
		sign = "-"
	}
	dst = AppendUint(append(dst, sign...), uint64(p.From))
	return AppendUint(append(append(dst, ':'), sign...), uint64(p.To))
}

// ret-data-partial = "PARTIAL" SP "(" partial-range SP partial-results ")"
func (c *cursor) partialData(d *SearchData) {
	c.expect('(')
	d.Window = c.partialRange()
	c.sp()
	if d.Partial = nil; !c.nil() {
		d.Partial = c.inOrder()
	}
	c.expect(')')
}

func (w *Writer) partialData(d *SearchData) {
	w.raw(" PARTIAL (")
	w.Buf = appendPartialRange(w.Buf, d.Window)
	w.raw(" ")
	if len(d.Partial) == 0 {
		w.raw("NIL)")
		return
	}
	w.Buf = AppendNumSet(w.Buf, d.Partial)
	w.raw(")")
}
