package message

import "bytes"

// param is one parameter of a Content-Type or Content-Disposition field as it
// stands there.
type param struct {
	name   []byte
	value  []byte // without the quotes, quoted-pairs and folding still in it
	quoted bool
}

// nextParam reads the next parameter; false at the end. It looks for the next
// semicolon where what it finds is none, and does without one between a value
// and what follows it.
func (s *lexer) nextParam() (param, bool) {
	for {
		s.space()
		for s.accept(';') {
			s.space()
		}
		if s.pos >= len(s.in) {
			return param{}, false
		}
		name := s.token()
		s.space()
		if len(name) > 0 && s.accept('=') {
			s.space()
			p := param{name: name}
			if p.quoted = s.accept('"'); p.quoted {
				p.value = s.quotedString()
			} else {
				p.value = s.looseValue()
			}
			return p, true
		}
		if len(name) == 0 {
			s.pos++ // a byte that begins nothing
		}
	}
}

// quotedString reads up to the closing quote, or to the end if there is none.
func (s *lexer) quotedString() []byte {
	from := s.pos
	for ; s.pos < len(s.in); s.pos++ {
		switch s.in[s.pos] {
		case '\\':
			s.pos++
		case '"':
			v := s.in[from:s.pos]
			s.pos++
			return v
		}
	}
	s.pos = len(s.in)
	return bytes.TrimRight(s.in[from:], " \t\r\n")
}

// looseValue reads a value without quotes: up to the semicolon, so that file
// names with spaces and boundaries with tspecials are read whole; but not over
// a comment or what looks like a parameter whose semicolon was forgotten.
func (s *lexer) looseValue() []byte {
	rest := s.in[s.pos:]
	if i := bytes.IndexByte(rest, ';'); i >= 0 {
		rest = rest[:i]
	}
	equals := bytes.LastIndexByte(rest, '=')
	for i := 0; i < len(rest); i++ {
		if c := rest[i]; c != ' ' && c != '\t' && c != '\r' && c != '\n' {
			continue
		}
		after := bytes.TrimLeft(rest[i:], " \t\r\n")
		if len(after) > 0 && (after[0] == '(' || equals > len(rest)-len(after)) {
			rest = rest[:i]
			break
		}
		i = len(rest) - len(after) - 1
	}
	s.pos += len(rest)
	return bytes.TrimRight(rest, " \t\r\n")
}

// appendValue appends the value with quoted-pairs and folding resolved.
func (p param) appendValue(dst []byte) []byte {
	for i := 0; i < len(p.value); i++ {
		switch c := p.value[i]; {
		case c == '\r' || c == '\n' || c == 0:
		case c == '\\' && p.quoted && i+1 < len(p.value) && (p.value[i+1] == '"' || p.value[i+1] == '\\'):
			// Only these two: unescaped backslashes in Windows paths
			// are more common than needless quoted-pairs.
			i++
			dst = append(dst, p.value[i])
		default:
			dst = append(dst, c)
		}
	}
	return dst
}

// appendParam appends the value of the parameter with a name (lower case),
// joined and decoded as RFC 2231 says; nothing if it is absent.
func appendParam(dst, params []byte, name string) []byte {
	extended := false
	s := lexer{in: params}
	for range maxParams {
		p, ok := s.nextParam()
		if !ok {
			break
		}
		if equalFold(p.name, name) {
			return p.appendValue(dst)
		}
		extended = extended || len(p.name) > len(name) && p.name[len(name)] == '*'
	}
	if extended {
		for _, p := range decodeParams(params) {
			if p.Name == name {
				return append(dst, p.Value...)
			}
		}
	}
	return dst
}
