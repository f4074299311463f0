package message

import "citron/wire/imap"

// edit is a place in the stored BODYSTRUCTURE that one of its other forms
// leaves out or writes differently.
type edit struct {
	kind     editKind
	from, to int    // in the structure
	text     []byte // what stands there instead
}

type editKind uint8

const (
	// extension data, which BODY does not have (RFC 9051 §7.5.2).
	editExtension editKind = iota
	// a parameter value that was encoded as in RFC 2231 §4: as the message
	// has it in the stored form, decoded for IMAP4rev2.
	editExtended
)

// appendStructure appends the body structure of part i and those within it
// (RFC 9051 §7.5.2), and notes the edits. It recurses as deep as Limits.Depth.
func (m *Message) appendStructure(dst []byte, i int32) []byte {
	n := &m.nodes[i]
	dst = append(dst, '(')
	if n.Kind == Multipart {
		for c := n.Child; c >= 0; c = m.nodes[c].Next {
			dst = m.appendStructure(dst, c)
		}
		_, sub := n.mediaType(m.arena)
		dst = append(dst, ' ')
		dst = appendUpper(dst, toUTF8(sub))
		from := len(dst)
		dst = append(dst, ' ')
		dst = m.appendTypeParams(dst, n)
		dst = m.appendExtension(dst, n)
		m.note(edit{kind: editExtension, from: from, to: len(dst)})
		return append(dst, ')')
	}
	dst = m.appendBasic(dst, n)
	if n.Kind == Embedded {
		dst = append(dst, ' ')
		dst = m.appendEnvelope(dst, &m.envs[m.nodes[n.Child].env])
		dst = append(dst, ' ')
		dst = m.appendStructure(dst, n.Child)
	}
	if n.Kind == Embedded || n.Flags&IsText != 0 {
		dst = append(dst, ' ')
		dst = imap.AppendUint(dst, uint64(n.Lines))
	}
	from := len(dst)
	dst = append(dst, ' ')
	dst = m.appendText(dst, n.fields[contentMD5])
	dst = m.appendExtension(dst, n)
	m.note(edit{kind: editExtension, from: from, to: len(dst)})
	return append(dst, ')')
}

// note keeps an edit, whose place is given in the buffer being written.
func (m *Message) note(e edit) {
	e.from -= m.work.structure
	e.to -= m.work.structure
	m.work.edits = append(m.work.edits, e)
}

// appendBasic appends type, subtype, parameters, id, description, encoding and
// size.
func (m *Message) appendBasic(dst []byte, n *node) []byte {
	typ, sub := n.mediaType(m.arena)
	dst = appendUpper(dst, toUTF8(typ))
	dst = append(dst, ' ')
	dst = appendUpper(dst, toUTF8(sub))
	dst = append(dst, ' ')
	dst = m.appendTypeParams(dst, n)
	dst = append(dst, ' ')
	dst = m.appendText(dst, n.fields[contentID])
	dst = append(dst, ' ')
	dst = m.appendText(dst, n.fields[contentDescription])
	dst = append(dst, ' ')
	dst = m.appendEncoding(dst, n)
	dst = append(dst, ' ')
	return imap.AppendUint(dst, uint64(n.Size()))
}

var encodingNames = [...]string{
	SevenBit: `"7BIT"`, EightBit: `"8BIT"`, Binary: `"BINARY"`,
	Base64: `"BASE64"`, QuotedPrintable: `"QUOTED-PRINTABLE"`,
}

func (m *Message) appendEncoding(dst []byte, n *node) []byte {
	if n.Encoding != UnknownEncoding {
		return append(dst, encodingNames[n.Encoding]...)
	}
	from := len(dst)
	dst = m.appendText(dst, n.fields[contentEncoding])
	upperASCII(dst[from:])
	return dst
}

// appendTypeParams appends the parameters of Content-Type.
func (m *Message) appendTypeParams(dst []byte, n *node) []byte {
	switch n.forced {
	case asText:
		return append(dst, `("CHARSET" "US-ASCII")`...)
	case asMessage, asOctets:
		return imap.AppendNIL(dst)
	}
	mt, _ := parseMediaType(n.fields[contentType].in(m.arena))
	return m.appendParams(dst, mt.params)
}

// appendParams appends a parameter list, or NIL.
func (m *Message) appendParams(dst, params []byte) []byte {
	if hasExtended(params) {
		return m.appendExtendedParams(dst, params)
	}
	start := len(dst)
	s := lexer{in: params}
	for range maxParams {
		p, ok := s.nextParam()
		if !ok {
			break
		}
		dst = openParam(dst, start)
		dst = appendUpper(dst, toUTF8(p.name))
		dst = append(dst, ' ')
		m.work.value = p.appendValue(m.work.value[:0])
		dst = appendString(dst, toUTF8(m.work.value))
	}
	return closeParams(dst, start)
}

func openParam(dst []byte, start int) []byte {
	if len(dst) == start {
		return append(dst, '(')
	}
	return append(dst, ' ')
}

func closeParams(dst []byte, start int) []byte {
	if len(dst) == start {
		return imap.AppendNIL(dst)
	}
	return append(dst, ')')
}

// appendExtendedParams appends parameters with continuations joined (RFC 2231
// §6). An encoded one keeps its asterisk: its value stays encoded, as clients
// of IMAP4rev1 expect it, and IMAP4rev2 has it decoded (RFC 9051 §7.5.2).
func (m *Message) appendExtendedParams(dst, params []byte) []byte {
	start := len(dst)
	for _, p := range decodeParams(params) {
		dst = openParam(dst, start)
		name := p.Name
		if p.Extended {
			name += "*"
		}
		dst = appendUpper(dst, toUTF8([]byte(name)))
		dst = append(dst, ' ')
		from := len(dst)
		if !p.Extended {
			dst = appendString(dst, []byte(p.Value))
			continue
		}
		dst = appendString(dst, toUTF8(p.appendEncoded(nil)))
		m.note(edit{editExtended, from, len(dst), appendString(nil, []byte(p.Value))})
	}
	return closeParams(dst, start)
}

// appendEncoded appends the value as one extended-initial-value of RFC 2231 §7,
// in UTF-8.
func (p *Param) appendEncoded(dst []byte) []byte {
	const hex = "0123456789ABCDEF"
	dst = append(dst, "utf-8'"...)
	dst = append(dst, p.Language...)
	dst = append(dst, '\'')
	for i := 0; i < len(p.Value); i++ {
		if c := p.Value[i]; c < 0x80 && isToken[c] && c != '*' && c != '\'' && c != '%' {
			dst = append(dst, c)
		} else {
			dst = append(dst, '%', hex[c>>4], hex[c&15])
		}
	}
	return dst
}

// appendExtension appends what follows parameters or MD5: disposition, language
// and location.
func (m *Message) appendExtension(dst []byte, n *node) []byte {
	dst = append(dst, ' ')
	dst = m.appendDisposition(dst, n)
	dst = append(dst, ' ')
	dst = m.appendLanguage(dst, n)
	dst = append(dst, ' ')
	return m.appendText(dst, n.fields[contentLocation])
}

// appendDisposition appends ("ATTACHMENT" (params)) (RFC 2183), or NIL.
func (m *Message) appendDisposition(dst []byte, n *node) []byte {
	s := lexer{in: n.fields[contentDisposition].in(m.arena)}
	s.space()
	typ := s.token()
	if len(typ) == 0 {
		return imap.AppendNIL(dst)
	}
	dst = append(dst, '(')
	dst = appendUpper(dst, toUTF8(typ))
	dst = append(dst, ' ')
	dst = m.appendParams(dst, s.in[s.pos:])
	return append(dst, ')')
}

// appendLanguage appends the language tags (RFC 3282): a string, or a list if
// there are several, or NIL.
func (m *Message) appendLanguage(dst []byte, n *node) []byte {
	s := lexer{in: n.fields[contentLanguage].in(m.arena)}
	start, count := len(dst), 0
	dst = append(dst, '(')
	for s.pos < len(s.in) {
		s.space()
		if tag := s.token(); len(tag) > 0 {
			if count++; count > 1 {
				dst = append(dst, ' ')
			}
			dst = appendString(dst, toUTF8(tag))
		} else if s.pos < len(s.in) {
			s.pos++
		}
	}
	switch count {
	case 0:
		return imap.AppendNIL(dst[:start])
	case 1:
		return append(dst[:start], dst[start+1:]...)
	}
	return append(dst, ')')
}
