package message

import "bytes"

// AddressKind tells an address from the markers of a group.
type AddressKind uint8

const (
	Mailbox AddressKind = iota
	GroupStart
	GroupEnd
)

// Address is a mailbox, or the beginning or end of a group (RFC 5322 §3.4). The
// fields are without quotes, comments and folding, and may lie in the value
// that was read or in the AddressReader: use them before the next call.
type Address struct {
	Kind AddressKind
	// Name is the display name, encoded-words undecoded; for a mailbox
	// without one the comment after it; of a GroupStart the group's name.
	Name []byte
	// Route is the obsolete source route, like "@a,@b".
	Route []byte
	// Mailbox and Host are what stands left and right of the last at sign.
	// Without one, all is Mailbox.
	Mailbox, Host []byte
}

// AddressReader reads the addresses of a field's value. It takes whatever there
// is between separators for an address and never fails.
type AddressReader struct {
	in      lexer
	group   bool
	buf     []byte // the words of the current address
	at      int    // where the last at sign outside quotes stands in buf; -1
	comment []byte // the last one
}

// NewAddressReader reads the value of an address field, folded or not.
func NewAddressReader(value []byte) *AddressReader {
	r := &AddressReader{}
	r.reset(value)
	return r
}

func (r *AddressReader) reset(value []byte) {
	r.in, r.group = lexer{in: value}, false
}

// Next reads the next address or marker into a; false at the end.
func (r *AddressReader) Next(a *Address) bool {
	*a = Address{}
	for {
		r.buf, r.at, r.comment = r.buf[:0], -1, nil
		r.space()
		switch {
		case r.in.pos >= len(r.in.in), r.in.accept(';'):
			if r.group { // at the end the semicolon is missing
				r.group = false
				a.Kind = GroupEnd
				return true
			}
			if r.in.pos >= len(r.in.in) {
				return false
			}
		case r.in.accept(','):
		case r.read(a):
			return true
		}
	}
}

// read reads an address or the beginning of a group; false if there was
// nothing.
func (r *AddressReader) read(a *Address) bool {
	for {
		gap := r.space()
		if r.in.pos >= len(r.in.in) {
			return r.bare(a)
		}
		switch c := r.in.in[r.in.pos]; {
		case c == ',' || c == ';':
			return r.bare(a)
		case c == ':' && r.at < 0 && !r.group:
			r.in.pos++
			if len(r.buf) > 0 {
				a.Kind, a.Name, r.group = GroupStart, r.buf, true
				return true
			}
		case c == '<':
			r.in.pos++
			return r.angle(a)
		default:
			r.word(gap)
		}
	}
}

// bare finishes an address without angle brackets.
func (r *AddressReader) bare(a *Address) bool {
	if len(r.buf) == 0 {
		return false
	}
	a.Name = r.comment
	r.split(a, 0)
	return true
}

// angle reads what follows "<": a route, an address and ">", which may be
// missing. The words before are the name.
func (r *AddressReader) angle(a *Address) bool {
	name := len(r.buf)
	r.at = -1
	r.space()
	if r.in.pos < len(r.in.in) && r.in.in[r.in.pos] == '@' {
		r.route(a)
	}
	for {
		gap := r.space()
		if r.in.pos >= len(r.in.in) || r.in.in[r.in.pos] == ',' || r.in.accept('>') {
			break
		}
		r.word(gap && len(r.buf) > name)
	}
	r.split(a, name)
	a.Name = r.buf[:name:name]
	if name == 0 {
		a.Name = r.comment
	}
	return true
}

// route reads an obsolete source route up to its colon (RFC 5322 §4.4), if it
// is one.
func (r *AddressReader) route(a *Address) {
	rest := r.in.in[r.in.pos:]
	end := bytes.IndexByte(rest, ':')
	if gt := bytes.IndexByte(rest, '>'); end < 0 || gt >= 0 && gt < end {
		return
	}
	r.in.pos += end + 1
	a.Route = bytes.TrimRight(rest[:end], " \t\r\n")
	if bytes.ContainsAny(a.Route, " \t\r\n") {
		a.Route = bytes.Join(bytes.Fields(a.Route), nil)
	}
}

// split takes the words from index from on for an address.
func (r *AddressReader) split(a *Address, from int) {
	spec := r.buf[from:len(r.buf):len(r.buf)]
	if r.at < 0 {
		a.Mailbox = closeGaps(spec)
		return
	}
	a.Mailbox = closeGaps(spec[:r.at-from])
	a.Host = closeGaps(spec[r.at-from+1:])
}

// closeGaps drops the space around dots and at the ends, in place (RFC 5322
// §4.4, obs-local-part).
func closeGaps(b []byte) []byte {
	if bytes.IndexByte(b, ' ') < 0 {
		return b
	}
	b = bytes.Trim(b, " ")
	out := b[:0]
	for i, c := range b {
		if c == ' ' && (b[i-1] == '.' || b[i+1] == '.') {
			continue
		}
		out = append(out, c)
	}
	return out
}

// space skips white space and comments, keeps the last comment, and says
// whether there were any.
func (r *AddressReader) space() bool {
	from := r.in.pos
	for r.in.pos < len(r.in.in) {
		switch r.in.in[r.in.pos] {
		case ' ', '\t', '\r', '\n', 0:
			r.in.pos++
		case '(':
			start := r.in.pos
			r.in.comment()
			if c := r.in.in[start+1 : r.in.pos]; len(c) > 0 {
				r.comment = bytes.TrimSpace(c[:len(c)-1])
			}
		default:
			return r.in.pos > from
		}
	}
	return r.in.pos > from
}

// word adds the next word or special to buf, after a space if gap is set.
func (r *AddressReader) word(gap bool) {
	if gap && len(r.buf) > 0 {
		r.buf = append(r.buf, ' ')
	}
	rest := r.in.in[r.in.pos:]
	n := 0
	switch rest[0] {
	case '"':
		if n = r.quoted(rest); n > 0 {
			r.in.pos += n
			return
		}
	case '[':
		n = bytes.IndexByte(rest[:min(len(rest), maxLiteral)], ']') + 1
	case '=':
		n = encodedWordLen(rest)
	case '@':
		r.at, n = len(r.buf), 1
	}
	if n == 0 {
		for n = 1; n < len(rest) && isAtomLike(rest[n]); n++ {
		}
	}
	r.buf = append(r.buf, rest[:n]...)
	r.in.pos += n
}

// maxLiteral is the longest domain literal, in bytes.
const maxLiteral = 1000

// isAtomLike says whether an address goes on with c without looking further.
func isAtomLike(c byte) bool { return isToken[c] || c == '/' || c == '?' || c == '=' || c == ']' }

// quoted adds the contents of a quoted string and gives its length with the
// quotes; 0 if it is not closed.
func (r *AddressReader) quoted(in []byte) int {
	from := len(r.buf)
	for i := 1; i < len(in) && r.in.unclosed < maxUnclosed; i++ {
		switch in[i] {
		case '"':
			return i + 1
		case '\r', '\n', 0:
		case '\\':
			if i++; i < len(in) {
				r.buf = append(r.buf, in[i])
			}
		default:
			r.buf = append(r.buf, in[i])
		}
	}
	r.in.unclosed++
	r.buf = r.buf[:from]
	return 0
}
