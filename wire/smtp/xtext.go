package smtp

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

const hexDigits = "0123456789ABCDEF"

// decodeXtext decodes
//
//	xtext   = *( xchar / hexchar )
//	xchar   = %x21-2A / %x2C-3C / %x3E-7E
//	hexchar = "+" 2HEXDIG
//
// (RFC 3461 §4). Hexadecimal digits may be small, as RFC 4954 §8 has them.
func decodeXtext(value []byte) (string, bool) {
	var out strings.Builder
	for i := 0; i < len(value); i++ {
		c := value[i]
		switch {
		case c == '+':
			if i+2 >= len(value) {
				return "", false
			}
			high, low := hexValue(value[i+1]), hexValue(value[i+2])
			if high < 0 || low < 0 {
				return "", false
			}
			c = byte(high<<4 | low)
			i += 2
		case c <= ' ' || c == '=' || c >= 0x7f:
			return "", false
		}
		out.WriteByte(c)
	}
	return out.String(), true
}

// appendXtext encodes what cannot stand for itself, and nothing else.
func appendXtext(dst []byte, s string) []byte {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c <= ' ' || c == '+' || c == '=' || c >= 0x7f {
			dst = append(dst, '+', hexDigits[c>>4], hexDigits[c&15])
		} else {
			dst = append(dst, c)
		}
	}
	return dst
}

// decodeUnitext decodes
//
//	utf-8-enc-addr      = 1*(QUCHAR / EmbeddedUnicodeChar)
//	EmbeddedUnicodeChar = "\x{" HEXPOINT "}"
//
// (RFC 6533 §3), where QUCHAR is any printable ASCII but "\", "+" and "=", or
// non-ASCII UTF-8.
func decodeUnitext(value []byte) (string, bool) {
	var out strings.Builder
	for len(value) > 0 {
		c := value[0]
		switch {
		case c == '\\':
			r, n := embeddedChar(value)
			if n == 0 {
				return "", false
			}
			out.WriteRune(r)
			value = value[n:]
			continue
		case c <= ' ' || c == '+' || c == '=' || c == 0x7f:
			return "", false
		}
		out.WriteByte(c)
		value = value[1:]
	}
	return out.String(), out.Len() > 0 && utf8.ValidString(out.String())
}

// embeddedChar takes an EmbeddedUnicodeChar of 2 to 6 digits off the front; n
// is 0 if there is none.
func embeddedChar(value []byte) (r rune, n int) {
	digits, ok := bytes.CutPrefix(value, []byte(`\x{`))
	end := bytes.IndexByte(digits, '}')
	if !ok || end < 2 || end > 6 {
		return 0, 0
	}
	for _, c := range digits[:end] {
		v := hexValue(c)
		if v < 0 {
			return 0, 0
		}
		r = r<<4 | rune(v)
	}
	if !utf8.ValidRune(r) {
		return 0, 0
	}
	return r, len(`\x{}`) + end
}

// AppendUnitext encodes what an ORCPT cannot carry; native says that UTF-8 may
// stand for itself (after SMTPUTF8), and then it does (RFC 6533 §3).
func AppendUnitext(dst []byte, s string, native bool) []byte {
	for _, r := range s {
		switch {
		case r >= utf8.RuneSelf && native:
			dst = utf8.AppendRune(dst, r)
		case r <= ' ' || r == '\\' || r == '+' || r == '=' || r >= 0x7f:
			dst = append(appendHexPoint(append(dst, `\x{`...), r), '}')
		default:
			dst = append(dst, byte(r))
		}
	}
	return dst
}

// appendHexPoint writes two digits or more.
func appendHexPoint(dst []byte, r rune) []byte {
	shift := 4
	for shift < 20 && r>>(shift+4) != 0 {
		shift += 4
	}
	for ; shift >= 0; shift -= 4 {
		dst = append(dst, hexDigits[r>>shift&15])
	}
	return dst
}

func hexValue(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return int(c|0x20-'a') + 10
	}
	return -1
}

// printable says that s is graphic characters and white space; of US-ASCII
// only, if ascii.
func printable(s string, ascii bool) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c < ' ' && c != '\t' || c == 0x7f || ascii && c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
