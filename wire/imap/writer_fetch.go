package imap

import "time"

// A FETCH response is FetchStart or UIDFetchStart, one Fetch… method per data item, FetchEnd.
// Octets of messages are streamed by the session: FetchBodyHead announces a
// literal, the session sends its octets, and goes on with the next item.

// FetchStart begins "* seq FETCH (".
func (w *Writer) FetchStart(seq uint32) {
	w.numbered(seq, " FETCH (")
	w.space = false
}

// UIDFetchStart begins "* uid UIDFETCH (", which stands in the place of FETCH
// for a client that has enabled UIDONLY (RFC 9586 §3.3).
func (w *Writer) UIDFetchStart(uid uint32) {
	w.numbered(uid, " UIDFETCH (")
	w.space = false
}

// FetchEnd ends the response.
func (w *Writer) FetchEnd() { w.raw(")\r\n") }

// FetchUID writes UID.
func (w *Writer) FetchUID(uid uint32) {
	w.item("UID ")
	w.uint(uint64(uid))
}

// FetchFlags writes FLAGS; keywords are atoms.
func (w *Writer) FetchFlags(system SystemFlags, keywords []string) {
	w.FetchFlagsStart(system)
	for _, k := range keywords {
		w.FetchKeyword(k)
	}
	w.FetchFlagsEnd()
}

// FetchFlagsStart begins FLAGS for callers that have keywords one by one:
// FetchKeyword for each, then FetchFlagsEnd.
func (w *Writer) FetchFlagsStart(system SystemFlags) {
	w.item("FLAGS (")
	w.Buf = AppendSystemFlags(w.Buf, system)
	w.space = system != 0
}

// FetchKeyword writes one keyword within FLAGS.
func (w *Writer) FetchKeyword(keyword string) { w.item(keyword) }

// FetchFlagsEnd ends FLAGS.
func (w *Writer) FetchFlagsEnd() {
	w.raw(")")
	w.space = true
}

// FetchInternalDate writes INTERNALDATE.
func (w *Writer) FetchInternalDate(t time.Time) {
	w.item("INTERNALDATE ")
	w.Buf = AppendDateTime(w.Buf, t)
}

// FetchSaveDate writes SAVEDATE, NIL for the zero time (RFC 8514).
func (w *Writer) FetchSaveDate(t time.Time) {
	w.item("SAVEDATE ")
	w.date(t)
}

// FetchSize writes RFC822.SIZE, in octets.
func (w *Writer) FetchSize(size int64) {
	w.item("RFC822.SIZE ")
	w.uint(uint64(size))
}

// FetchModSeq writes MODSEQ (RFC 7162 §3.1.4.2).
func (w *Writer) FetchModSeq(modseq uint64) {
	w.item("MODSEQ (")
	w.uint(modseq)
	w.raw(")")
}

// FetchEmailID writes EMAILID (RFC 8474 §5.1).
func (w *Writer) FetchEmailID(id string) {
	w.item("EMAILID (")
	w.raw(id)
	w.raw(")")
}

// FetchThreadID writes THREADID, NIL for "" (RFC 8474 §5.2).
func (w *Writer) FetchThreadID(id string) {
	w.item("THREADID ")
	if id == "" {
		w.raw("NIL")
		return
	}
	w.raw("(")
	w.raw(id)
	w.raw(")")
}

// FetchRaw writes an item whose value is in wire form already: ENVELOPE, BODY
// and BODYSTRUCTURE as mail/message prepares them.
func (w *Writer) FetchRaw(kind FetchKind, value []byte) {
	w.item(kind.String())
	w.raw(" ")
	w.Buf = append(w.Buf, value...)
}

// FetchPreview writes PREVIEW (RFC 8970): ok false is NIL, not yet known. text
// is UTF-8.
func (w *Writer) FetchPreview(text string, ok bool) {
	w.item("PREVIEW ")
	if !ok {
		w.raw("NIL")
		return
	}
	w.Buf = AppendString(w.Buf, text, w.UTF8)
}

// FetchBinarySize writes BINARY.SIZE of a part.
func (w *Writer) FetchBinarySize(item *FetchItem, size int64) {
	w.bodyName(item)
	w.uint(uint64(size))
}

// FetchBody writes an item of octets at hand: BODY[…], BINARY[…] or an RFC822
// form; nil is NIL. With binary, the octets may hold NULs (literal8).
func (w *Writer) FetchBody(item *FetchItem, octets []byte, binary bool) {
	if octets == nil {
		w.bodyName(item)
		w.raw("NIL")
		return
	}
	w.FetchBodyHead(item, int64(len(octets)), binary)
	w.Buf = append(w.Buf, octets...)
}

// FetchBodyHead writes an item's name and announces size octets, which the
// session sends next.
func (w *Writer) FetchBodyHead(item *FetchItem, size int64, binary bool) {
	w.bodyName(item)
	if binary {
		w.Buf = AppendLiteral8Head(w.Buf, size)
		return
	}
	w.Buf = AppendLiteralHead(w.Buf, size)
}

// bodyName writes the name of an item with section and origin octet.
func (w *Writer) bodyName(item *FetchItem) {
	w.item(item.Kind.String())
	switch item.Kind {
	case FetchSection, FetchBinary, FetchBinarySize:
		w.Buf = AppendSection(w.Buf, &item.Section)
	}
	if item.Partial != nil {
		w.raw("<")
		w.uint(uint64(item.Partial.Offset))
		w.raw(">")
	}
	w.raw(" ")
}
