package message

import (
	"fmt"
	"strconv"
	"strings"
)

// sexpr is a parenthesized list, a string or an atom of IMAP's wire form, read
// by a reader of the tests' own.
type sexpr struct {
	list []sexpr
	str  string
	kind byte // '(' list, '"' quoted, '{' literal, 'a' atom
}

func (s sexpr) String() string {
	if s.kind == '(' {
		return fmt.Sprint(s.list)
	}
	return s.str
}

func (s sexpr) isNIL() bool { return s.kind == 'a' && s.str == "NIL" }

func (s sexpr) num() int64 {
	n, err := strconv.ParseInt(s.str, 10, 64)
	if err != nil || s.kind != 'a' {
		return -1
	}
	return n
}

// readSexpr reads one expression that must be all of b, and insists on what
// RFC 3501 allows: no 8-bit or line end outside literals, no NUL anywhere.
func readSexpr(b []byte) (sexpr, error) {
	s, rest, err := readOne(string(b))
	if err == nil && rest != "" {
		err = fmt.Errorf("left over: %q", rest)
	}
	return s, err
}

func readOne(b string) (sexpr, string, error) {
	if b == "" {
		return sexpr{}, "", fmt.Errorf("end of input")
	}
	switch b[0] {
	case '(':
		out := sexpr{kind: '('}
		b = b[1:]
		for {
			if strings.HasPrefix(b, ")") {
				return out, b[1:], nil
			}
			// A space separates, except that bodies of a multipart and
			// addresses follow one another without.
			if len(out.list) > 0 && b != "" && b[0] == ' ' {
				b = b[1:]
			} else if len(out.list) > 0 && out.list[len(out.list)-1].kind != '(' {
				return out, b, fmt.Errorf("no space at %.20q", b)
			}
			e, rest, err := readOne(b)
			if err != nil {
				return out, b, err
			}
			out.list, b = append(out.list, e), rest
		}
	case '"':
		return readQuoted(b[1:])
	case '{':
		n, rest, ok := strings.Cut(b[1:], "}\r\n")
		size, err := strconv.Atoi(n)
		if !ok || err != nil || size > len(rest) || strings.Contains(rest[:size], "\x00") {
			return sexpr{}, b, fmt.Errorf("bad literal at %.20q", b)
		}
		return sexpr{kind: '{', str: rest[:size]}, rest[size:], nil
	}
	i := strings.IndexAny(b, " ()\"{")
	if i < 0 {
		i = len(b)
	}
	if i == 0 || strings.ContainsFunc(b[:i], func(r rune) bool { return r <= ' ' || r > '~' }) {
		return sexpr{}, b, fmt.Errorf("bad atom at %.20q", b)
	}
	return sexpr{kind: 'a', str: b[:i]}, b[i:], nil
}

func readQuoted(b string) (sexpr, string, error) {
	var out strings.Builder
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case c == '"':
			return sexpr{kind: '"', str: out.String()}, b[i+1:], nil
		case c == '\\':
			i++
			if i == len(b) || b[i] != '"' && b[i] != '\\' {
				return sexpr{}, b, fmt.Errorf("bad escape")
			}
			out.WriteByte(b[i])
		case c == 0 || c == '\r' || c == '\n' || c > 127:
			return sexpr{}, b, fmt.Errorf("byte %#x in quoted string", c)
		default:
			out.WriteByte(c)
		}
	}
	return sexpr{}, b, fmt.Errorf("no closing quote")
}
