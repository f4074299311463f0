package imap

// SearchData is the result of SEARCH as an ESEARCH or SEARCH response shows it.
type SearchData struct {
	Tag string // of the command; ESEARCH only, "" for none
	// Mailbox, if not "", is where it was found, under its UIDVALIDITY (RFC
	// 7377 §2.1).
	Mailbox     string
	UIDValidity uint32
	UID         bool // numbers are UIDs; ESEARCH only
	// Return says which of the following to show.
	Return   SearchReturn
	Min, Max uint32 // 0 when nothing was found
	Count    uint32
	All      NumSet
	// Sorted, if not nil, is what SORT has for All, in its order (RFC 5267
	// §3.2; see AppendSorted). It is nil where that order is ascending.
	Sorted []Range
	// Relevancy has a score from 1 to 100 for each number of All or Sorted,
	// in the same order (RFC 6203 §4).
	Relevancy []uint8
	Window    PartialRange // what Partial is of the results (RFC 9394 §3.1)
	Partial   []Range      // in the order of the results (AppendSorted)
	// ModSeq, if not 0, is the highest mod-sequence of what is shown (RFC
	// 7162 §3.1.5).
	ModSeq uint64
	// Changes are what came to the results of an earlier command and went
	// from them (RFC 5267 §4.3.2), in the order in which they hold.
	Changes []ContextChange
}

// ESearch writes ESEARCH (RFC 9051 §7.3.4). MIN, MAX and ALL are left out when
// nothing was found (RFC 4731 §3.1).
func (w *Writer) ESearch(d *SearchData) {
	w.ESearchStart(d)
	if all := d.all(); d.Return&ReturnAll != 0 && len(all) > 0 {
		w.ESearchAll(all, true)
	}
	w.ESearchEnd(d)
}

// ESearchStart begins ESEARCH for a session that sends a long ALL in pieces:
// ESearchAll for each piece, then ESearchEnd.
func (w *Writer) ESearchStart(d *SearchData) {
	w.raw("* ESEARCH")
	if d.Tag != "" {
		w.raw(" (TAG ")
		w.Buf = AppendString(w.Buf, d.Tag, false)
		if d.Mailbox != "" && d.UIDValidity != 0 {
			w.raw(" MAILBOX ")
			w.Buf = AppendMailbox(w.Buf, d.Mailbox, w.UTF8)
			w.raw(" UIDVALIDITY ")
			w.uint(uint64(d.UIDValidity))
		}
		w.raw(")")
	}
	if d.UID {
		w.raw(" UID")
	}
	if d.Return&ReturnMin != 0 && d.Min != 0 {
		w.raw(" MIN ")
		w.uint(uint64(d.Min))
	}
	if d.Return&ReturnMax != 0 && d.Max != 0 {
		w.raw(" MAX ")
		w.uint(uint64(d.Max))
	}
}

// ESearchAll writes a piece of ALL, which is not empty.
func (w *Writer) ESearchAll(piece []Range, first bool) {
	if first {
		w.raw(" ALL ")
	} else {
		w.raw(",")
	}
	w.Buf = AppendNumSet(w.Buf, piece)
}

// ESearchEnd writes what goes after ALL.
func (w *Writer) ESearchEnd(d *SearchData) {
	if d.Return&ReturnCount != 0 {
		w.raw(" COUNT ")
		w.uint(uint64(d.Count))
	}
	if d.Return&ReturnPartial != 0 {
		w.partialData(d)
	}
	if d.ModSeq != 0 {
		w.raw(" MODSEQ ")
		w.uint(d.ModSeq)
	}
	if d.Return&ReturnRelevancy != 0 {
		w.scores(d.Relevancy)
	}
	w.contextChanges(d.Changes)
	w.CRLF()
}

func (w *Writer) scores(scores []uint8) {
	w.raw(" RELEVANCY (")
	for i, score := range scores {
		if i > 0 {
			w.raw(" ")
		}
		w.uint(uint64(score))
	}
	w.raw(")")
}

// all is what ALL shows, in its order.
func (d *SearchData) all() []Range {
	if d.Sorted != nil {
		return d.Sorted
	}
	return d.All
}

// Search writes SEARCH with All and, when something was found, ModSeq (RFC
// 3501 §7.2.5, RFC 7162 §3.1.5).
func (w *Writer) Search(d *SearchData) {
	w.SearchStart()
	for n := range d.All.All() {
		w.SearchNumber(n)
	}
	modSeq := d.ModSeq
	if len(d.All) == 0 {
		modSeq = 0
	}
	w.SearchEnd(modSeq)
}

// SearchStart begins SEARCH for a session that sends a long one in pieces:
// SearchNumber for each number, then SearchEnd.
func (w *Writer) SearchStart() { w.raw("* SEARCH") }

// SearchNumber writes one number of SEARCH.
func (w *Writer) SearchNumber(n uint32) {
	w.Buf = append(w.Buf, ' ')
	w.uint(uint64(n))
}

// SearchEnd ends SEARCH with a mod-sequence, 0 for none.
func (w *Writer) SearchEnd(modSeq uint64) {
	if modSeq != 0 {
		w.raw(" (MODSEQ ")
		w.uint(modSeq)
		w.raw(")")
	}
	w.CRLF()
}
