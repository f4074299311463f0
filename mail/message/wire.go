package message

import "citron/wire/imap"

// appendString appends s in IMAP's wire form: quoted if it is ASCII, else as a
// literal.
func appendString(dst, s []byte) []byte { return imap.AppendString(dst, s, false) }

// appendUpper appends s in upper case, the form in which RFC 9051 shows names.
func appendUpper(dst, s []byte) []byte {
	from := len(dst)
	dst = imap.AppendString(dst, s, false)
	upperASCII(dst[from:])
	return dst
}

func upperASCII(b []byte) {
	for i, c := range b {
		if 'a' <= c && c <= 'z' {
			b[i] = c - 'a' + 'A'
		}
	}
}

// appendText appends a field's value as a string, unfolded; NIL if the field is
// absent.
func (m *Message) appendText(dst []byte, v span) []byte {
	if v == (span{}) {
		return imap.AppendNIL(dst)
	}
	m.work.value = appendUnfolded(m.work.value[:0], v.in(m.arena))
	return appendString(dst, toUTF8(m.work.value))
}

// appendUnfolded appends a field's value on one line (RFC 5322 §2.2.3): line
// ends and NULs are dropped, and so is the space around the value.
func appendUnfolded(dst, v []byte) []byte {
	v = trimSpace(v)
	for {
		i := 0
		for i < len(v) && v[i] != '\r' && v[i] != '\n' && v[i] != 0 {
			i++
		}
		dst = append(dst, v[:i]...)
		if i == len(v) {
			return dst
		}
		v = v[i+1:]
	}
}

// trimSpace drops white space and line ends at both ends.
func trimSpace(v []byte) []byte {
	for len(v) > 0 && isSpace(v[0]) {
		v = v[1:]
	}
	for len(v) > 0 && isSpace(v[len(v)-1]) {
		v = v[:len(v)-1]
	}
	return v
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }
