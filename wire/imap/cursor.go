package imap

import (
	"unicode/utf8"

	"citron/wire/imap/utf7"
)

// Bounds on what one command may hold, beside those of its octets (Limits):
// they bound what parsing costs in memory and time per octet received.
const (
	maxListItems   = 1000 // elements of one parenthesised list
	maxSearchKeys  = 5000
	maxSearchDepth = 500
)

// cursor reads the elements of a frame from left to right. The first failure
// sticks: after it every method returns a zero value at once, so that parse
// functions read like the grammar.
type cursor struct {
	buf   []byte
	pos   int
	frame *Frame
	sinks int  // placeholders passed
	utf8  bool // names are UTF-8 rather than modified UTF-7
	uid   bool // after UID
	err   error
	// reached: the literal of a pending frame was come upon; inString: as a
	// string.
	reached, inString bool
	// client is set when reading responses, which may break rules that
	// commands must keep.
	client bool
}

func (c *cursor) ok() bool { return c.err == nil }

// atEnd says that nothing is left, or that parsing failed.
func (c *cursor) atEnd() bool { return c.err != nil || c.pos >= len(c.buf) }

// partial says that the frame ends in a literal announced but not yet there,
// and that it was reached.
func (c *cursor) partial() bool { return c.frame != nil && c.frame.pending && c.atEnd() }

// peek is the next octet, 0 at the end.
func (c *cursor) peek() byte { return c.peekAt(0) }

func (c *cursor) peekAt(n int) byte {
	if c.err != nil || c.pos+n >= len(c.buf) {
		return 0
	}
	return c.buf[c.pos+n]
}

func (c *cursor) fail(msg string) { c.failAt(c.pos, msg) }

func (c *cursor) failAt(pos int, msg string) { c.failKind(BadSyntax, pos, msg) }

func (c *cursor) failKind(kind ErrorKind, pos int, msg string) {
	if c.err == nil {
		c.err = &Error{Kind: kind, Pos: pos, Msg: msg}
	}
}

// expect takes the octet b.
func (c *cursor) expect(b byte) {
	if c.peek() != b {
		c.fail("expected " + string(rune(b)))
		return
	}
	c.pos++
}

// take takes the octet b if it is next.
func (c *cursor) take(b byte) bool {
	if c.peek() != b || c.err != nil {
		return false
	}
	c.pos++
	return true
}

// sp takes exactly one space.
func (c *cursor) sp() {
	switch {
	case c.err != nil:
	case c.pos >= len(c.buf):
		c.fail("an argument is missing")
	case c.buf[c.pos] != ' ':
		c.fail("expected a space")
	default:
		c.pos++
		for c.client && c.peek() == ' ' {
			c.pos++
		}
		if c.peek() == ' ' {
			c.fail("a space too many")
		}
	}
}

// rest takes everything that is left.
func (c *cursor) rest() []byte {
	if c.err != nil {
		return nil
	}
	b := c.buf[c.pos:]
	c.pos = len(c.buf)
	return b
}

// span takes the longest run of octets of a class; empty fails.
func (c *cursor) span(class uint8, what string) []byte {
	if c.err != nil {
		return nil
	}
	end := c.pos
	for end < len(c.buf) && classes[c.buf[end]]&class != 0 {
		end++
	}
	b := c.buf[c.pos:end]
	if len(b) == 0 {
		c.fail("expected " + what)
	}
	c.pos = end
	return b
}

func (c *cursor) atom() []byte { return c.span(classAtom, "an atom") }

// upperAtom is an atom in upper case.
func (c *cursor) upperAtom() string { return upper(c.atom()) }

// keyword takes the atom name, given in upper case, in any case.
func (c *cursor) keyword(name string) {
	at := c.pos
	if !equalUpper(c.atom(), name) {
		c.failAt(at, "expected "+name)
	}
}

// nil takes NIL if it is next.
func (c *cursor) nil() bool {
	if c.err != nil || len(c.buf)-c.pos < 3 || !equalUpper(c.buf[c.pos:c.pos+3], "NIL") {
		return false
	}
	if c.pos+3 < len(c.buf) && classes[c.buf[c.pos+3]]&classAString != 0 {
		return false
	}
	c.pos += 3
	return true
}

// list takes "(" item *(SP item) ")".
func (c *cursor) list(item func()) { c.items(false, item) }

// listOrEmpty takes "(" [item *(SP item)] ")".
func (c *cursor) listOrEmpty(item func()) { c.items(true, item) }

func (c *cursor) items(mayBeEmpty bool, item func()) {
	c.expect('(')
	if mayBeEmpty && c.take(')') {
		return
	}
	for n := 1; c.err == nil; n++ {
		if n > maxListItems {
			c.failKind(TooLarge, c.pos, "too many elements in a list")
			return
		}
		item()
		if c.take(')') {
			return
		}
		c.sp()
	}
}

// astring = 1*ASTRING-CHAR / string
func (c *cursor) astring() string { return string(c.astringBytes(classAString)) }

func (c *cursor) astringBytes(class uint8) []byte {
	switch c.peek() {
	case '"', '{':
		return c.strBytes()
	}
	return c.span(class, "a string")
}

// str is a string: quoted or literal.
func (c *cursor) str() string { return string(c.strBytes()) }

// strBytes may alias the frame.
func (c *cursor) strBytes() []byte {
	switch b := c.peek(); {
	case b == '"':
		return c.quoted()
	case b == '{', b == '~' && c.client:
		at := c.pos
		lit := c.literal()
		switch {
		case c.ok() && lit.Sink >= 0:
			c.failAt(at, "a literal that long is not accepted here")
		case c.partial():
			c.inString = true
			c.fail("literal is not there yet")
		}
		return lit.Data
	}
	c.fail("expected a string")
	return nil
}

// nstring = string / nil; ok is false for NIL.
func (c *cursor) nstring() (s string, ok bool) {
	if c.nil() {
		return "", false
	}
	return c.str(), c.ok()
}

// quoted = DQUOTE *QUOTED-CHAR DQUOTE. UTF-8 is taken in any session: RFC 9051
// has it in the grammar, and refusing it helps nobody.
func (c *cursor) quoted() []byte {
	start := c.pos
	c.expect('"')
	if c.err != nil {
		return nil
	}
	escaped, eightBit := false, false
	i := c.pos
	for ; i < len(c.buf) && c.buf[i] != '"'; i++ {
		b := c.buf[i]
		switch {
		case classes[b]&classQuoted != 0:
		case b >= utf8.RuneSelf:
			eightBit = true
		case b == '\\' && i+1 < len(c.buf) && (c.buf[i+1] == '"' || c.buf[i+1] == '\\'):
			escaped = true
			i++
		case b == '\\' && c.client && i+1 < len(c.buf):
			escaped = true
		default:
			c.failAt(i, "not allowed in a quoted string")
			return nil
		}
	}
	if i >= len(c.buf) {
		c.failAt(start, "quoted string without end")
		return nil
	}
	s := c.buf[c.pos:i]
	c.pos = i + 1
	if eightBit && !c.client && !utf8.Valid(s) {
		c.failAt(start, "quoted string is not UTF-8")
		return nil
	}
	if escaped {
		s = unescape(s)
	}
	return s
}

func unescape(s []byte) []byte {
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) && (s[i+1] == '"' || s[i+1] == '\\') {
			i++
		}
		out = append(out, s[i])
	}
	return out
}

// literal takes a literal or literal8. Data aliases the frame.
func (c *cursor) literal() (lit Literal) {
	lit.Sink = -1
	lit.Binary = c.take('~')
	at := c.pos
	c.expect('{')
	lit.Size = c.number64()
	c.take('+')
	c.expect('}')
	c.expect('\r')
	c.expect('\n')
	if c.err != nil {
		c.err.(*Error).Msg = "expected a literal"
		return lit
	}
	if f := c.frame; f != nil && c.sinks < len(f.sinks) && f.sinks[c.sinks] == c.pos {
		lit.Sink = c.sinks
		c.sinks++
		return lit
	}
	if c.partial() {
		c.reached = true
		return lit
	}
	if lit.Size > int64(len(c.buf)-c.pos) {
		c.failAt(at, "literal is cut short")
		return lit
	}
	lit.Data = c.buf[c.pos : c.pos+int(lit.Size) : c.pos+int(lit.Size)]
	c.pos += int(lit.Size)
	return lit
}

// mailbox = "INBOX" / astring, as UTF-8.
func (c *cursor) mailbox() string {
	at := c.pos
	return c.decodeName(at, c.astringBytes(classAString))
}

// reference is the first argument of LIST: a mailbox name, or empty.
func (c *cursor) reference() string {
	return c.decodePattern(c.astringBytes(classAString))
}

// list-mailbox = 1*list-char / string
func (c *cursor) listPattern() string {
	return c.decodePattern(c.astringBytes(classList))
}

// decodePattern gives noMatch for what is no name, such as "*&*" in modified
// UTF-7: a pattern that is not accepted is silently ignored (RFC 9051 §6.3.9).
func (c *cursor) decodePattern(raw []byte) string {
	if c.err != nil {
		return ""
	}
	name, wrong := c.decode(raw)
	if wrong != "" {
		return noMatch
	}
	return name
}

func (c *cursor) decodeName(at int, raw []byte) string {
	if equalUpper(raw, "INBOX") {
		return "INBOX"
	}
	if c.err == nil && len(raw) == 0 {
		c.failKind(BadName, at, "mailbox name is empty")
	}
	return c.decodeRaw(at, raw)
}

func (c *cursor) decodeRaw(at int, raw []byte) string {
	if c.err != nil {
		return ""
	}
	name, wrong := c.decode(raw)
	if wrong != "" {
		c.failKind(BadName, at, wrong)
	}
	return name
}

// decode gives a name as UTF-8, or says what is wrong with it. A client takes
// names as they come.
func (c *cursor) decode(raw []byte) (name, wrong string) {
	if c.utf8 {
		if !utf8.Valid(raw) && !c.client {
			return "", "mailbox name is not UTF-8"
		}
		return string(raw), ""
	}
	name, err := utf7.Decode(raw)
	switch {
	case err == nil:
		return name, ""
	case c.client:
		return string(raw), ""
	}
	return "", "mailbox name is not modified UTF-7"
}
