package collate

import (
	"encoding/binary"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// UnicodeVersion is that of the tables behind i;unicode-casemap: of letters and
// of decompositions.
const UnicodeVersion = unicode.Version + "/" + norm.Version

// invalid goes before the key of a string that is not UTF-8: no UTF-8 has it,
// and it sorts after all UTF-8 (RFC 5255 §4.6, step c).
const invalid = 0xFF

// appendUnicode is RFC 5051 §2. Titlecase has, as UnicodeData.txt, one code
// point for each; the decomposition is that of each code point by itself, so
// that marks out of order stay so, and Hangul syllables, which UnicodeData.txt
// does not decompose, stay whole.
func appendUnicode(dst, s []byte) []byte {
	from := len(dst)
	for i := 0; i < len(s); {
		if n := asciiRun(s[i:]); n > 0 {
			dst = appendUpper(dst, s[i:i+n])
			i += n
			continue
		}
		r, n := utf8.DecodeRune(s[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			return append(append(dst[:from], invalid), s...)
		case r < tabled:
			dst = append(dst, table[r]...)
		default:
			dst = appendRune(dst, r)
		}
		i += n
	}
	return dst
}

func appendRune(dst []byte, r rune) []byte {
	at := len(dst)
	dst = utf8.AppendRune(dst, unicode.ToTitle(r))
	if d := norm.NFKD.Properties(dst[at:]).Decomposition(); d != nil {
		dst = append(dst[:at], d...)
	}
	return dst
}

// tabled is the first code point that is not in table: all of two octets in
// UTF-8 are, which is most of the alphabets in use.
const tabled = 0x800

var table = func() (t [tabled]string) {
	for r := range t {
		t[r] = string(appendRune(nil, rune(r)))
	}
	return t
}()

const (
	ones = 0x0101010101010101
	tops = 0x80 * ones
)

// asciiRun is how many octets of ASCII s begins with.
func asciiRun(s []byte) int {
	n := 0
	for len(s)-n >= 8 && binary.LittleEndian.Uint64(s[n:])&tops == 0 {
		n += 8
	}
	for n < len(s) && s[n] < utf8.RuneSelf {
		n++
	}
	return n
}

// appendUpper appends ASCII with its letters large, eight at a time: the top
// bit of each octet is free to tell that it is from "a" to "z".
func appendUpper(dst, s []byte) []byte {
	for ; len(s) >= 8; s = s[8:] {
		x := binary.LittleEndian.Uint64(s)
		small := (x + (0x80-'a')*ones) &^ (x + (0x80-'z'-1)*ones) & tops
		dst = binary.LittleEndian.AppendUint64(dst, x^small>>2)
	}
	for _, b := range s {
		dst = append(dst, upper[b])
	}
	return dst
}
