package smtp

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// Path is an envelope address. The zero Path is the null reverse-path <>.
type Path struct {
	// Local is the local-part without quoting.
	Local string
	// Domain is a domain or an address literal with its brackets; empty for
	// the null path and for <Postmaster>.
	Domain string
}

// IsNull says that the path is <>.
func (p Path) IsNull() bool { return p == Path{} }

// ASCII says that the path needs no SMTPUTF8.
func (p Path) ASCII() bool { return isASCII(p.Local) && isASCII(p.Domain) }

// Append appends the path without angle brackets and with no more quoting than
// it needs (RFC 5321 §4.1.2).
func (p Path) Append(dst []byte) []byte {
	if dotString(p.Local) || p.IsNull() {
		dst = append(dst, p.Local...)
	} else {
		dst = append(dst, '"')
		for i := 0; i < len(p.Local); i++ {
			if c := p.Local[i]; c == '"' || c == '\\' {
				dst = append(dst, '\\')
			}
			dst = append(dst, p.Local[i])
		}
		dst = append(dst, '"')
	}
	if p.Domain != "" {
		dst = append(dst, '@')
		dst = append(dst, p.Domain...)
	}
	return dst
}

// String gives the path without angle brackets.
func (p Path) String() string { return string(p.Append(nil)) }

// errPath is what the functions below say; the caller knows which reply.
var errPath = Reply{501, Status{5, 1, 3}, "malformed address"}

// parsePath takes a path off the front of s:
//
//	Path = "<" [ A-d-l ":" ] Mailbox ">"
//
// "<>" gives the null Path, "<Postmaster>" one without domain. It is looser
// than RFC 5321 where mail would be lost for nothing: dots may stand anywhere
// in a local-part, underscores in a domain. A source route is dropped
// (appendix C).
func parsePath(s []byte) (p Path, rest []byte, err error) {
	if len(s) == 0 || s[0] != '<' {
		return Path{}, nil, errPath
	}
	s = s[1:]
	if len(s) > 0 && s[0] == '@' {
		colon := bytes.IndexByte(s, ':')
		if colon < 0 || !sourceRoute(s[:colon]) {
			return Path{}, nil, errPath
		}
		s = s[colon+1:]
	} else if len(s) > 0 && s[0] == '>' {
		return Path{}, s[1:], nil
	}
	local, s, err := parseLocal(s)
	if err != nil {
		return Path{}, nil, err
	}
	domain, s, err := parseDomain(s)
	switch {
	case err != nil:
		return Path{}, nil, err
	case len(local)+len(domain) > MaxPath || !utf8.ValidString(local) || !utf8.ValidString(domain):
		return Path{}, nil, errPath
	case domain == "" && !strings.EqualFold(local, "postmaster"):
		return Path{}, nil, errPath
	}
	return Path{local, domain}, s, nil
}

// parseLocal takes a local-part, Dot-string or Quoted-string, off the front.
func parseLocal(s []byte) (local string, rest []byte, err error) {
	if len(s) == 0 || s[0] != '"' {
		n := 0
		for n < len(s) && (isAtext(s[n]) || s[n] == '.') {
			n++
		}
		if n == 0 {
			return "", nil, errPath
		}
		return string(s[:n]), s[n:], nil
	}
	var unquoted []byte
	for i := 1; i < len(s); i++ {
		c := s[i]
		if c == '"' {
			if len(unquoted) == 0 {
				return "", nil, errPath
			}
			return string(unquoted), s[i+1:], nil
		}
		if c == '\\' {
			if i++; i == len(s) || s[i] >= utf8.RuneSelf {
				return "", nil, errPath
			}
			c = s[i]
		}
		if c < ' ' || c == 0x7f {
			return "", nil, errPath
		}
		unquoted = append(unquoted, c)
	}
	return "", nil, errPath
}

// parseDomain takes "@" Domain ">" or "@" address-literal ">" or ">" off the
// front.
func parseDomain(s []byte) (domain string, rest []byte, err error) {
	end := bytes.IndexByte(s, '>')
	if end == 0 {
		return "", s[1:], nil
	}
	if end < 2 || s[0] != '@' {
		return "", nil, errPath
	}
	d := s[1:end]
	if !validDomain(d) && !addressLiteral(d) {
		return "", nil, errPath
	}
	return string(d), s[end+1:], nil
}

// validDomain checks labels of letters, digits, hyphens, underscores and
// non-ASCII characters (RFC 6531 §3.3), parted by single dots, up to 255 octets.
func validDomain(d []byte) bool {
	if len(d) == 0 || len(d) > 255 {
		return false
	}
	last := byte('.')
	for _, c := range d {
		switch {
		case c == '.':
			if last == '.' || last == '-' {
				return false
			}
		case c == '-':
			if last == '.' {
				return false
			}
		case isAlpha(c), c >= '0' && c <= '9', c == '_', c >= utf8.RuneSelf:
		default:
			return false
		}
		last = c
	}
	return last != '.' && last != '-'
}

// addressLiteral checks "[" … "]" around dcontent (RFC 5321 §4.1.3).
func addressLiteral(d []byte) bool {
	if len(d) < 3 || len(d) > 255 || d[0] != '[' || d[len(d)-1] != ']' {
		return false
	}
	for _, c := range d[1 : len(d)-1] {
		if c <= ' ' || c >= 0x7f || c >= '[' && c <= ']' {
			return false
		}
	}
	return true
}

// sourceRoute checks At-domain *( "," At-domain ).
func sourceRoute(s []byte) bool {
	for hop := range bytes.SplitSeq(s, []byte{','}) {
		if len(hop) < 2 || hop[0] != '@' || !validDomain(hop[1:]) {
			return false
		}
	}
	return true
}

// dotString says whether a local-part may stand unquoted:
// Atom *("." Atom).
func dotString(s string) bool {
	if s == "" || s[0] == '.' || s[len(s)-1] == '.' || strings.Contains(s, "..") {
		return false
	}
	for i := 0; i < len(s); i++ {
		if !isAtext(s[i]) && s[i] != '.' {
			return false
		}
	}
	return true
}

// isAtext is RFC 5322's atext with RFC 6531's UTF8-non-ascii.
func isAtext(c byte) bool {
	switch {
	case isAlpha(c), c >= '0' && c <= '9', c >= utf8.RuneSelf:
		return true
	}
	return strings.IndexByte("!#$%&'*+-/=?^_`{|}~", c) >= 0
}

func isASCII(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
