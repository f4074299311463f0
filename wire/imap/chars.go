package imap

// Classes of octets (RFC 9051 §9).
const (
	classAtom    = 1 << iota // ATOM-CHAR
	classAString             // ASTRING-CHAR: ATOM-CHAR and "]"
	classList                // list-char: ASTRING-CHAR, "%" and "*"
	classTag                 // ASTRING-CHAR without "+"
	classQuoted              // may stand in a quoted string as it is, 7-bit
)

// classes is indexed by octet.
var classes = buildClasses()

func buildClasses() (t [256]uint8) {
	for c := 1; c < 0x80; c++ {
		if c != '"' && c != '\\' && c != '\r' && c != '\n' {
			t[c] |= classQuoted
		}
		if c <= ' ' || c == 0x7f {
			continue
		}
		switch c {
		case '(', ')', '{', '"', '\\':
		case '%', '*':
			t[c] |= classList
		case ']':
			t[c] |= classList | classAString | classTag
		case '+':
			t[c] |= classList | classAString | classAtom
		default:
			t[c] |= classList | classAString | classAtom | classTag
		}
	}
	return t
}

// upper is s in upper case, ASCII only.
func upper(s []byte) string {
	var stack [32]byte
	b := append(stack[:0], s...)
	for i, c := range b {
		if 'a' <= c && c <= 'z' {
			b[i] = c - ('a' - 'A')
		}
	}
	return string(b)
}

// lookup finds name, in any case, in a table whose keys are in upper case. It
// does not allocate.
func lookup[V any](table map[string]V, name []byte) (v V, ok bool) {
	var stack [32]byte
	if len(name) > len(stack) {
		return v, false
	}
	b := append(stack[:0], name...)
	for i, c := range b {
		if 'a' <= c && c <= 'z' {
			b[i] = c - ('a' - 'A')
		}
	}
	v, ok = table[string(b)]
	return v, ok
}

// equalUpper says that s is upper (upper case, ASCII) ignoring case.
func equalUpper(s []byte, upper string) bool {
	if len(s) != len(upper) {
		return false
	}
	for i, c := range s {
		if 'a' <= c && c <= 'z' {
			c -= 'a' - 'A'
		}
		if c != upper[i] {
			return false
		}
	}
	return true
}
