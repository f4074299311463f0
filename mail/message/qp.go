package message

import "bytes"

// qpDecoder decodes quoted-printable (RFC 2045 §6.7). An equals sign that
// encodes nothing stays; white space at the end of a line is dropped, as rule 3
// asks.
type qpDecoder struct {
	held []byte // an escape or white space whose meaning is still open
}

// maxHeldSpace bounds the white space that is held back at a line's end.
const maxHeldSpace = 998

func (d *qpDecoder) decode(dst, src []byte) []byte {
	if len(d.held) > 0 {
		src = append(d.held, src...)
		d.held = nil
	}
	for len(src) > 0 {
		i := bytes.IndexAny(src, "= \t")
		if i < 0 {
			return append(dst, src...)
		}
		dst = append(dst, src[:i]...)
		src = src[i:]
		var n int
		if src[0] == '=' {
			dst, n = decodeEscape(dst, src)
		} else {
			dst, n = decodeSpace(dst, src)
		}
		if n == 0 {
			d.held = append([]byte(nil), src...)
			return dst
		}
		src = src[n:]
	}
	return dst
}

// finish reads what was held as it stands at the end of the body.
func (d *qpDecoder) finish(dst []byte) []byte {
	held := d.held
	d.held = nil
	if len(held) == 0 || held[0] != '=' {
		return dst
	}
	if len(bytes.TrimRight(held[1:], " \t\r")) == 0 {
		return dst // a soft line end before nothing
	}
	return append(dst, held...)
}

// decodeEscape decodes the escape that src begins with and gives its length;
// 0 if more is needed.
func decodeEscape(dst, src []byte) ([]byte, int) {
	if len(src) >= 3 && unhex[src[1]] < 16 && unhex[src[2]] < 16 {
		return append(dst, unhex[src[1]]<<4|unhex[src[2]]), 3
	}
	i := 1
	for i < len(src) && i < maxHeldSpace && (src[i] == ' ' || src[i] == '\t' || src[i] == '\r') {
		i++
	}
	switch {
	case i < len(src) && src[i] == '\n':
		return dst, i + 1 // soft line end
	case i == len(src) && i < maxHeldSpace, len(src) == 2 && unhex[src[1]] < 16:
		return dst, 0
	}
	return append(dst, '='), 1
}

// decodeSpace decodes the run of white space that src begins with and gives its
// length; 0 if more is needed.
func decodeSpace(dst, src []byte) ([]byte, int) {
	i := 1
	for i < len(src) && (src[i] == ' ' || src[i] == '\t') {
		i++
	}
	eol := i
	if eol < len(src) && src[eol] == '\r' {
		eol++
	}
	switch {
	case eol == len(src) && i < maxHeldSpace:
		return dst, 0
	case eol < len(src) && src[eol] == '\n':
		return dst, i
	}
	return append(dst, src[:i]...), i
}
