package imap

import "bytes"

// MetadataStart begins METADATA with values (RFC 5464 §4.4.1), to be followed
// by at least one MetadataEntry and MetadataEnd.
func (w *Writer) MetadataStart(mailbox string) {
	w.raw("* METADATA ")
	w.Buf = AppendMailbox(w.Buf, mailbox, w.UTF8)
	w.raw(" (")
	w.space = false
}

// MetadataEntry writes an entry with its value, nil for NIL. One that holds a
// NUL is a literal8.
func (w *Writer) MetadataEntry(name string, value []byte) {
	w.item("")
	w.Buf = AppendAString(w.Buf, name, w.UTF8)
	w.raw(" ")
	if bytes.IndexByte(value, 0) >= 0 {
		w.Buf = AppendLiteral8Head(w.Buf, int64(len(value)))
		w.Buf = append(w.Buf, value...)
		return
	}
	w.Buf = AppendNString(w.Buf, value, w.UTF8)
}

// MetadataEnd ends METADATA.
func (w *Writer) MetadataEnd() { w.raw(")\r\n") }

// MetadataChanged writes METADATA without values: the entries named, at least
// one, have changed (RFC 5464 §4.4.2).
func (w *Writer) MetadataChanged(mailbox string, names []string) {
	w.raw("* METADATA ")
	w.Buf = AppendMailbox(w.Buf, mailbox, w.UTF8)
	for _, name := range names {
		w.raw(" ")
		w.Buf = AppendAString(w.Buf, name, w.UTF8)
	}
	w.CRLF()
}

// MetadataResponse is METADATA; Entries have values, Changed have none.
type MetadataResponse struct {
	Mailbox string // "": the server
	Entries []MetadataEntry
	Changed []string
}

func (*MetadataResponse) response() {}

// metadata-resp = "METADATA" SP mailbox SP (entry-values / entry-list)
func parseMetadataResponse(c *cursor) Response {
	c.sp()
	r := &MetadataResponse{Mailbox: c.anyMailbox()}
	c.sp()
	if c.peek() == '(' {
		c.list(func() {
			e := MetadataEntry{Name: c.astring()}
			c.sp()
			e.Value = c.metadataValue()
			r.Entries = append(r.Entries, e)
		})
		return r
	}
	r.Changed = append(r.Changed, c.astring())
	for !c.atEnd() {
		c.sp()
		r.Changed = append(r.Changed, c.astring())
	}
	return r
}

// CodeMetadata is METADATA (RFC 5464 §5): what kept SETMETADATA from being
// done, or GETMETADATA from giving all.
type CodeMetadata struct {
	Kind string // LONGENTRIES, MAXSIZE, TOOMANY or NOPRIVATE
	Size uint32 // octets, of the first two
}

// CodeName is METADATA.
func (CodeMetadata) CodeName() string { return "METADATA" }

func (m CodeMetadata) hasSize() bool { return m.Kind == "LONGENTRIES" || m.Kind == "MAXSIZE" }

func (m CodeMetadata) appendArg(dst []byte) []byte {
	dst = append(append(dst, ' '), m.Kind...)
	if m.hasSize() {
		dst = appendSPUint(dst, uint64(m.Size))
	}
	return dst
}

func parseCodeMetadata(c *cursor) Code {
	c.sp()
	m := CodeMetadata{Kind: c.upperAtom()}
	if m.hasSize() {
		c.sp()
		m.Size = c.number()
	}
	return m
}
