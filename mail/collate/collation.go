package collate

// Collation is one of the collations of this package; compare by identity.
type Collation struct {
	name      string
	substring bool
	appendKey func(dst, s []byte) []byte
}

// The collations. Equality and ordering all have; UnicodeCasemap, ASCIICasemap
// and Octet have the substring operation, too.
var (
	UnicodeCasemap = &Collation{"i;unicode-casemap", true, appendUnicode} // RFC 5051
	ASCIICasemap   = &Collation{"i;ascii-casemap", true, appendASCII}     // RFC 4790 §9.2
	Octet          = &Collation{"i;octet", true, appendOctets}            // RFC 4790 §9.3
	ASCIINumeric   = &Collation{"i;ascii-numeric", false, appendNumeric}  // RFC 4790 §9.1
	all            = [...]*Collation{UnicodeCasemap, ASCIICasemap, Octet, ASCIINumeric}
)

// Default is what "default" stands for.
func Default() *Collation { return UnicodeCasemap }

// Name is the collation's identifier (RFC 4790 §3.1).
func (c *Collation) Name() string { return c.name }

// HasSubstring says whether the collation has the substring operation (RFC
// 4790 §4.2.3), which SEARCH needs.
func (c *Collation) HasSubstring() bool { return c.substring }

// AppendKey appends the key of s, which is UTF-8.
func (c *Collation) AppendKey(dst, s []byte) []byte { return c.appendKey(dst, s) }

// Key is the key of s.
func (c *Collation) Key(s string) []byte { return c.appendKey(nil, []byte(s)) }

// upper makes ASCII letters large, which is where RFC 4790 §9.2 puts them among
// the other characters.
var upper = func() (t [256]byte) {
	for i := range t {
		t[i] = byte(i)
		if 'a' <= i && i <= 'z' {
			t[i] -= 'a' - 'A'
		}
	}
	return t
}()

func appendOctets(dst, s []byte) []byte { return append(dst, s...) }

func appendASCII(dst, s []byte) []byte {
	for i := 0; i < len(s); {
		if n := asciiRun(s[i:]); n > 0 {
			dst = appendUpper(dst, s[i:i+n])
			i += n
			continue
		}
		dst = append(dst, s[i])
		i++
	}
	return dst
}

// appendNumeric: the number that s begins with as the count of its digits and
// the digits; infinity, after all numbers, if there is none.
func appendNumeric(dst, s []byte) []byte {
	n := 0
	for n < len(s) && s[n]-'0' < 10 {
		n++
	}
	if n == 0 {
		return append(dst, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF)
	}
	digits := s[:n]
	for len(digits) > 1 && digits[0] == '0' {
		digits = digits[1:]
	}
	n = len(digits)
	dst = append(dst, 0, byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
	return append(dst, digits...)
}
