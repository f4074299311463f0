package message

import (
	"bytes"
	"encoding/binary"
)

// The fields that every entity may have (RFC 2045, 2183, 1864, 3282, 2557), as
// indexes of node.fields.
const (
	contentType = iota
	contentEncoding
	contentID
	contentDescription
	contentDisposition
	contentMD5
	contentLanguage
	contentLocation
	contentFields
)

// The fields that a message has (RFC 5322 §3.6), as indexes of envelopeFields.
const (
	envDate = iota
	envSubject
	envFrom
	envSender
	envReplyTo
	envTo
	envCc
	envBcc
	envInReplyTo
	envMessageID
	envReferences
	envFields
)

// envelopeFields are the fields of one message: of each the first, and of To,
// Cc and Bcc all. A zero span is an absent field: no value begins at 0.
type envelopeFields struct {
	fields [envFields]span
	more   []moreField
}

type moreField struct {
	field int
	value span
}

// room is the number of bytes that may still be kept of the current header.
func (p *Parser) room() int {
	kept := len(p.arena) - int(p.top().head.from)
	return max(min(p.limits.Header-kept, p.limits.HeaderTotal-len(p.arena)), 0)
}

// headerLine takes the next line of the header, and reads its field if it
// begins one that is known. It says false if the header ended before the line:
// a delimiter, or a first line that no header begins with.
func (p *Parser) headerLine(l line) bool {
	n := p.top()
	switch {
	case blank(l.b):
		p.keep(n, l)
		p.endHeader()
		return true
	case l.b[0] == ' ' || l.b[0] == '\t':
		if p.pos == n.Header && colonAt(l.b) < 0 {
			p.endHeader()
			return false
		}
		p.continueField(n, l)
		return true
	case l.b[0] == '-' && p.armed > 0:
		if level, _ := p.match(l.b); level >= 0 {
			p.endHeader()
			return false
		}
	}
	colon := colonAt(l.b)
	name := fieldName(l.b, colon)
	if name == nil && p.pos == n.Header && !mboxFrom(l.b) {
		p.endHeader()
		return false
	}
	from := len(p.arena)
	p.keep(n, l)
	p.field = nil
	if name != nil && from+colon < len(p.arena) {
		p.beginField(n, p.arena[from:from+len(name)], span{int32(from + colon + 1), int32(len(p.arena))})
	}
	return true
}

// keep counts a header line and keeps what the limits allow.
func (p *Parser) keep(n *node, l line) {
	kept := l.b
	if room := p.room(); len(kept) > room || int64(len(kept)) < l.n {
		kept = kept[:min(room, len(kept))]
		n.Flags |= Truncated
	}
	if l.nul {
		n.Flags |= HeaderNUL
	}
	if n.Flags&Header8Bit == 0 && !isASCII(kept) {
		n.Flags |= Header8Bit
	}
	p.arena = append(p.arena, kept...)
	n.head.to = int32(len(p.arena))
	p.count(l)
}

// continueField adds a folded line to the field before it.
func (p *Parser) continueField(n *node, l line) {
	p.keep(n, l)
	if p.field != nil {
		p.field.to = int32(len(p.arena))
	}
}

// beginField notes where the value of a known field lies.
func (p *Parser) beginField(n *node, name []byte, value span) {
	kind, of := knownField(name)
	switch of {
	case ofEntity:
		if n.fields[kind] == (span{}) {
			n.fields[kind] = value
			p.field = &n.fields[kind]
		}
	case ofMessage:
		if n.env < 0 {
			return
		}
		e := &p.msg.envs[n.env]
		switch {
		case e.fields[kind] == (span{}):
			e.fields[kind] = value
			p.field = &e.fields[kind]
		case kind == envTo || kind == envCc || kind == envBcc:
			e.more = append(e.more, moreField{kind, value})
			p.field = &e.more[len(e.more)-1].value
		}
	}
}

// blank says whether a line has nothing but its line end.
func blank(l []byte) bool {
	return l[0] == '\n' || l[0] == '\r' && len(l) == 2 && l[1] == '\n'
}

// mboxFrom says whether a line is the separator of an mbox file that strayed
// into the message.
func mboxFrom(l []byte) bool {
	return bytes.HasPrefix(l, []byte("From ")) || bytes.HasPrefix(l, []byte(">From "))
}

// maxFieldName is the longest field name that is honoured, with the space after
// it, in bytes; a line may have 998 (RFC 5322 §2.1.1).
const maxFieldName = 998

// colonAt gives the index of the colon that ends a field's name; -1 if there is
// none where one could be.
func colonAt(l []byte) int { return bytes.IndexByte(l[:min(len(l), maxFieldName+1)], ':') }

// fieldName gives the name of the field that a line begins, or nil: printable
// bytes other than colon, then (obsolete, RFC 5322 §4.5) white space, then the
// colon at index colon.
func fieldName(l []byte, colon int) []byte {
	if colon <= 0 {
		return nil
	}
	name := bytes.TrimRight(l[:colon], " \t")
	if len(name) == 0 {
		return nil
	}
	for _, c := range name {
		if c <= ' ' || c == 127 {
			return nil
		}
	}
	return name
}

type fieldOwner uint8

const (
	ofNobody fieldOwner = iota
	ofEntity
	ofMessage
)

// knownField finds the field of a name.
func knownField(name []byte) (kind int, of fieldOwner) {
	if len(name) >= len(fieldsByLength) {
		return 0, ofNobody
	}
	for _, f := range fieldsByLength[len(name)] {
		if equalFold(name, f.name) {
			return f.kind, f.of
		}
	}
	return 0, ofNobody
}

type knownName struct {
	name string // lower case
	kind int
	of   fieldOwner
}

var fieldsByLength = [26][]knownName{
	2:  {{"to", envTo, ofMessage}, {"cc", envCc, ofMessage}},
	3:  {{"bcc", envBcc, ofMessage}},
	4:  {{"from", envFrom, ofMessage}, {"date", envDate, ofMessage}},
	6:  {{"sender", envSender, ofMessage}},
	7:  {{"subject", envSubject, ofMessage}},
	8:  {{"reply-to", envReplyTo, ofMessage}},
	10: {{"message-id", envMessageID, ofMessage}, {"references", envReferences, ofMessage}, {"content-id", contentID, ofEntity}},
	11: {{"in-reply-to", envInReplyTo, ofMessage}, {"content-md5", contentMD5, ofEntity}},
	12: {{"content-type", contentType, ofEntity}},
	16: {{"content-language", contentLanguage, ofEntity}, {"content-location", contentLocation, ofEntity}},
	19: {{"content-disposition", contentDisposition, ofEntity}, {"content-description", contentDescription, ofEntity}},
	25: {{"content-transfer-encoding", contentEncoding, ofEntity}},
}

// equalFold compares name with a lower-case ASCII string, ignoring ASCII case.
func equalFold(name []byte, lower string) bool {
	if len(name) != len(lower) {
		return false
	}
	for i := 0; i < len(lower); i++ {
		c := name[i]
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}

// isASCII says whether no byte is above 127.
func isASCII(b []byte) bool {
	for len(b) >= 8 {
		if binary.LittleEndian.Uint64(b)&0x8080808080808080 != 0 {
			return false
		}
		b = b[8:]
	}
	for _, c := range b {
		if c >= 0x80 {
			return false
		}
	}
	return true
}
