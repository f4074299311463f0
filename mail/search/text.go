package search

import (
	"bytes"
	"strings"

	"citron/mail/message"
	"citron/wire/imap"
)

// seeking is a string sought in bodies.
type seeking struct {
	needle  []byte // casemapped, not empty
	headers bool   // TEXT: in headers, too
}

// headerNames are the fields that the keys named after them look at.
var headerNames = map[imap.SearchOp]string{
	imap.SearchBcc: "bcc", imap.SearchCc: "cc", imap.SearchFrom: "from",
	imap.SearchTo: "to", imap.SearchSubject: "subject",
}

// text compiles a key that looks for a string.
func (c *compiler) text(k *imap.SearchKey) node {
	needle := casemap([]byte(k.Text))
	switch {
	case k.Op == imap.SearchHeader:
		return c.program.headerTest(k.Field, needle)
	case k.Op != imap.SearchBody && k.Op != imap.SearchText:
		return c.program.headerTest(headerNames[k.Op], needle)
	case len(needle) == 0:
		return entryTest(func(Candidate) bool { return true })
	}
	i := len(c.program.texts)
	c.program.texts = append(c.program.texts, seeking{needle, k.Op == imap.SearchText})
	return node{level: Body, test: func(s *subject) (Verdict, error) { return c.program.sought(s, i) }}
}

// headerTest looks for a string in the fields with a name; an empty string is
// in every field.
func (p *Program) headerTest(name string, needle []byte) node {
	return node{level: Header, test: func(s *subject) (Verdict, error) {
		if s.upTo < Header {
			return Unknown, nil
		}
		h, err := s.Header()
		if err != nil {
			return Unknown, err
		}
		for f := range message.Fields(h) {
			if len(f.Name) != len(name) || !strings.EqualFold(string(f.Name), name) {
				continue
			}
			p.value = casemap(f.AppendText(p.value[:0]))
			if bytes.Contains(p.value, needle) {
				return Yes, nil
			}
		}
		return No, nil
	}}
}

// sought says whether text i of the program is in the message. TEXT may be
// decided by the header alone; else the body is read, once for all texts.
func (p *Program) sought(s *subject, i int) (Verdict, error) {
	if s.upTo >= Header && p.texts[i].headers && !s.scanned {
		h, err := s.Header()
		if err != nil {
			return Unknown, err
		}
		if inHeader(h, p.texts[i].needle) {
			return Yes, nil
		}
	}
	if s.upTo < Body {
		return Unknown, nil
	}
	if !s.scanned {
		s.found = make([]bool, len(p.texts))
		if err := p.scan.message(s, p.texts, s.found); err != nil {
			return Unknown, err
		}
		s.scanned = true
	}
	return verdict(s.found[i]), nil
}

// casemap makes ASCII letters small, in place (RFC 4790 §9.2; which case does
// not matter as long as both sides have it).
func casemap(b []byte) []byte {
	for i, c := range b {
		if c-'A' < 26 {
			b[i] = c + ('a' - 'A')
		}
	}
	return b
}
