package message

// mediaType is a Content-Type (RFC 2045 §5.1) as it stands in the header.
type mediaType struct {
	typ, sub []byte
	params   []byte // from the first semicolon on
}

// parseMediaType reads the value of a Content-Type field; false if there is no
// type "/" subtype.
func parseMediaType(v []byte) (mediaType, bool) {
	s := lexer{in: v}
	s.space()
	typ := s.token()
	s.space()
	if len(typ) == 0 || !s.accept('/') {
		return mediaType{}, false
	}
	s.space()
	sub := s.token()
	if len(sub) == 0 {
		return mediaType{}, false
	}
	return mediaType{typ: typ, sub: sub, params: s.in[s.pos:]}, true
}

// parseEncoding reads the value of a Content-Transfer-Encoding field; a missing
// one is 7bit (RFC 2045 §6.1).
func parseEncoding(v []byte) Encoding {
	s := lexer{in: v}
	s.space()
	t := s.token()
	switch {
	case len(t) == 0 && s.pos == len(s.in), equalFold(t, "7bit"), equalFold(t, "7-bit"):
		return SevenBit
	case equalFold(t, "8bit"), equalFold(t, "8-bit"):
		return EightBit
	case equalFold(t, "base64"):
		return Base64
	case equalFold(t, "quoted-printable"):
		return QuotedPrintable
	case equalFold(t, "binary"):
		return Binary
	}
	return UnknownEncoding
}

// lexer reads the structured field bodies of RFC 2045, tolerantly: folding and
// comments are white space.
type lexer struct {
	in  []byte
	pos int
	// unclosed counts the comments and quoted strings that had no end: they
	// are plain characters, and after maxUnclosed no end is looked for, so
	// that a field is read in linear time.
	unclosed int
}

const maxUnclosed = 10

// space skips white space, line ends and comments (RFC 5322 §3.2.2, CFWS).
func (s *lexer) space() {
	for s.pos < len(s.in) {
		switch s.in[s.pos] {
		case ' ', '\t', '\r', '\n', 0:
			s.pos++
		case '(':
			s.comment()
		default:
			return
		}
	}
}

// comment skips the comment that is next, or the parenthesis alone if the
// comment has no end.
func (s *lexer) comment() {
	depth := 0
	for i := s.pos; i < len(s.in) && s.unclosed < maxUnclosed; i++ {
		switch s.in[i] {
		case '\\':
			i++
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				s.pos = i + 1
				return
			}
		}
	}
	s.unclosed++
	s.pos++
}

// accept skips c if it is next.
func (s *lexer) accept(c byte) bool {
	if s.pos < len(s.in) && s.in[s.pos] == c {
		s.pos++
		return true
	}
	return false
}

// token reads a token (RFC 2045 §5.1); empty if there is none. Bytes above 127
// are taken as part of it.
func (s *lexer) token() []byte {
	from := s.pos
	for s.pos < len(s.in) && isToken[s.in[s.pos]] {
		s.pos++
	}
	return s.in[from:s.pos]
}

// isToken is the set of token characters: not space, control or tspecials.
var isToken = func() (t [256]bool) {
	for c := 0x21; c < 0x100; c++ {
		t[c] = c != 0x7f
	}
	for _, c := range []byte(`()<>@,;:\"/[]?=`) {
		t[c] = false
	}
	return t
}()
