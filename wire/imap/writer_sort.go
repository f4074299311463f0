package imap

// SortStart begins SORT (RFC 5256 §4): SearchNumber for each number in their
// order, then SearchEnd.
func (w *Writer) SortStart() { w.raw("* SORT") }

// ThreadWriter writes THREAD (RFC 5256 §4) member by member.
type ThreadWriter struct {
	w *Writer
	// opened has, for each parenthesis open, the depth at which it began.
	opened []uint32
	any    bool
	// parent: the member before was one with a number.
	parent bool
}

// Thread begins THREAD: then Member for each member, and End.
func (w *Writer) Thread() ThreadWriter {
	w.raw("* THREAD")
	return ThreadWriter{w: w}
}

// Member writes a member. Its descendants follow, then its next sibling.
func (t *ThreadWriter) Member(m ThreadMember) {
	if !t.any {
		t.w.raw(" ")
	}
	t.any = true
	for n := len(t.opened); n > 0 && t.opened[n-1] >= m.Depth; n-- {
		t.opened = t.opened[:n-1]
		t.parent = false
		t.w.raw(")")
	}
	if t.parent && m.Depth > 0 {
		t.w.raw(" ")
	}
	if m.Fork || m.Depth == 0 {
		t.opened = append(t.opened, m.Depth)
		t.w.raw("(")
	}
	if t.parent = m.Num != 0; t.parent {
		t.w.uint(uint64(m.Num))
	}
}

// End ends THREAD.
func (t *ThreadWriter) End() {
	for range t.opened {
		t.w.raw(")")
	}
	t.w.CRLF()
}

// Comparator writes COMPARATOR (RFC 5255 §4.8); of one match or none, only the
// active comparator is told.
func (w *Writer) Comparator(active string, matching []string) {
	w.raw("* COMPARATOR ")
	w.Buf = AppendAString(w.Buf, active, w.UTF8)
	if len(matching) > 1 {
		w.raw(" (")
		for i, name := range matching {
			if i > 0 {
				w.raw(" ")
			}
			w.Buf = AppendAString(w.Buf, name, w.UTF8)
		}
		w.raw(")")
	}
	w.CRLF()
}
