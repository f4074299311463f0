package message

import "citron/wire/imap"

// Span is a range of a message's bytes: From ≤ offset < To.
type Span struct{ From, To int64 }

// Len is the number of bytes.
func (s Span) Len() int64 { return s.To - s.From }

// Find gives the part with a section number (RFC 9051 §6.4.5.1), or false. The
// root, of an empty path, is the message itself.
//
// The numbers count the children of a multipart. A message that is none has one
// part, 1, itself; so has a message within a message, whose parts follow the
// number of the part that contains it.
func (t Tree) Find(path []uint32) (int, bool) {
	at, root := int32(0), true
	for _, n := range path {
		switch {
		case t[at].Kind == Multipart:
			at, root = t.child(at, n), false
		case root && n == 1:
			root = false // the message's own body
		case !root && t[at].Kind == Embedded:
			at = t[at].Child
			if root = t[at].Kind != Multipart; !root {
				at = t.child(at, n)
			} else if n != 1 {
				return 0, false
			} else {
				root = false
			}
		default:
			return 0, false
		}
		if at < 0 {
			return 0, false
		}
	}
	return int(at), true
}

// Section gives the bytes that a section names; false if there is no such part,
// or it has no such text: HEADER and TEXT of a part are those of the message
// within it. HEADER.FIELDS and HEADER.FIELDS.NOT give the header to select from
// (FieldFilter). A header includes its blank line.
func (t Tree) Section(path []uint32, text imap.SectionText) (Span, bool) {
	i, ok := t.Find(path)
	if !ok {
		return Span{}, false
	}
	p := &t[i]
	switch text {
	case imap.SectionAll:
		if len(path) == 0 {
			return Span{p.Header, p.End}, true
		}
		return Span{p.Body, p.End}, true
	case imap.SectionMIME:
		return Span{p.Header, p.Body}, len(path) > 0
	}
	if len(path) > 0 {
		if p.Kind != Embedded {
			return Span{}, false
		}
		p = &t[p.Child]
	}
	if text == imap.SectionBody {
		return Span{p.Body, p.End}, true
	}
	return Span{p.Header, p.Body}, true
}
