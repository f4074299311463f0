package textindex

import (
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// code is a folded character: 0 is a boundary, below wideCode a letter or digit
// of a script that writes words, above one of Chinese or Japanese. Different
// characters may have one code: that costs selectivity, not correctness.
type code uint16

const (
	codeBits = 13 // of a code in a term
	codeMask = 1<<codeBits - 1
	wide     = code(1 << 15) // beside the bits of the code
)

// asciiCodes are the codes of US-ASCII.
var asciiCodes = func() (t [128]code) {
	for c := range t {
		switch {
		case c >= '0' && c <= '9', c >= 'a' && c <= 'z':
			t[c] = code(c)
		case c >= 'A' && c <= 'Z':
			t[c] = code(c + 'a' - 'A')
		}
	}
	return t
}()

// cacheSize is how many characters a folder remembers; a power of two.
const cacheSize = 1024

// folder gives the codes of characters beyond US-ASCII.
type folder struct {
	cache [cacheSize]folded
}

// folded is what a character became.
type folded struct {
	of    rune
	codes []code
}

// codes folds a character. i;unicode-casemap (RFC 5051 §2) makes it titlecase
// and decomposes it; then combining marks are dropped, and each character by
// itself made a code. So the key that any collation of package collate gives of
// a string has the codes of the string, and strings whose keys match have the
// same codes.
func (f *folder) codes(r rune) []code {
	slot := &f.cache[r%cacheSize]
	if slot.codes == nil || slot.of != r {
		*slot = folded{r, fold(r)}
	}
	return slot.codes
}

// fold is never nil; it is empty for a combining mark.
func fold(r rune) []code {
	codes := []code{}
	for _, c := range norm.NFKD.String(string(unicode.ToTitle(r))) {
		if c = unicode.ToLower(unicode.ToTitle(c)); c != iotaLetter && norm.NFKD.PropertiesString(string(c)).CCC() == 0 {
			codes = append(codes, codeOf(c))
		}
	}
	return codes
}

// iotaLetter has no code, because the titlecase of the mark U+0345, which is dropped
// where another letter was decomposed into it, is the letter.
const iotaLetter = '\u03b9'

func codeOf(r rune) code {
	switch {
	case r < 128:
		return asciiCodes[r]
	case !unicode.IsLetter(r) && !unicode.IsNumber(r) && !unicode.IsMark(r):
		return 0
	}
	c := code(128 + uint32(r)*0x9E3779B1>>8%(1<<codeBits-128))
	if isWide(r) {
		c |= wide
	}
	return c
}

// isWide says that a character is of a script without spaces whose characters
// tell much: Han and kana. (Hangul is decomposed into letters.)
func isWide(r rune) bool {
	return r >= 0x3041 && r <= 0x30FF || r >= 0x31F0 && r <= 0x31FF || r >= 0x3400 && r <= 0x9FFF ||
		r >= 0xF900 && r <= 0xFAFF || r >= 0x20000 && r <= 0x3FFFF
}
