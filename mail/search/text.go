package search

import (
	"bytes"
	"strings"

	"citron/mail/message"
	"citron/wire/imap"
)

// seeking is a string sought in bodies.
type seeking struct {
	needle  []byte     // the string's key, not empty
	headers bool       // TEXT: in headers, too
	fuzzy   *fuzzyText // under FUZZY; else nil
}

// most is the best score of the string in a body.
func (t *seeking) most() uint8 {
	if t.fuzzy == nil {
		return scoreSame
	}
	return inBody(scoreSame)
}

// inBody is what a score counts in a body.
func inBody(score uint8) uint8 {
	if score == 0 {
		return 0
	}
	return max(1, uint8(int(score)*bodyShare/100))
}

// headerNames are the fields that the keys named after them look at.
var headerNames = map[imap.SearchOp]string{
	imap.SearchBcc: "bcc", imap.SearchCc: "cc", imap.SearchFrom: "from",
	imap.SearchTo: "to", imap.SearchSubject: "subject",
}

// text compiles a key that looks for a string.
func (c *compiler) text(k *imap.SearchKey) node {
	t := seeking{needle: c.program.collation.Key(k.Text), headers: k.Op == imap.SearchText}
	if c.fuzzy {
		t.fuzzy = c.fuzzyText(k.Text)
	}
	switch {
	case k.Op == imap.SearchHeader:
		return c.program.headerTest(k.Field, &t)
	case k.Op != imap.SearchBody && k.Op != imap.SearchText:
		return c.program.headerTest(headerNames[k.Op], &t)
	case len(t.needle) == 0:
		return entryTest(func(Candidate) bool { return true })
	}
	i := len(c.program.texts)
	c.program.texts = append(c.program.texts, t)
	return node{level: Body, test: func(s *subject) (Verdict, error) { return c.program.sought(s, i) }}
}

// headerTest looks for a string in the fields with a name; an empty string is
// in every field.
func (p *Program) headerTest(name string, t *seeking) node {
	return node{level: Header, test: func(s *subject) (Verdict, error) {
		if s.upTo < Header {
			return Unknown, nil
		}
		h, err := s.Header()
		if err != nil {
			return Unknown, err
		}
		best := uint8(0)
		for f := range message.Fields(h) {
			if len(f.Name) != len(name) || !strings.EqualFold(string(f.Name), name) {
				continue
			}
			p.value = f.AppendText(p.value[:0])
			if best = max(best, p.score(p.value, t)); best == scoreSame {
				break
			}
		}
		return s.scored(t, best), nil
	}}
}

// score says how well a text has a string: 100 as it is, 0 not at all.
func (p *Program) score(text []byte, t *seeking) uint8 {
	p.key = p.collation.AppendKey(p.key[:0], text)
	switch {
	case bytes.Contains(p.key, t.needle):
		return scoreSame
	case t.fuzzy == nil:
		return 0
	}
	var found fuzzyFound
	t.fuzzy.look(&found, text)
	t.fuzzy.end(&found)
	return t.fuzzy.score(&found)
}

// sought says whether text i of the program is in the message. TEXT may be
// decided by the header alone; else the body is read, once for all texts.
func (p *Program) sought(s *subject, i int) (Verdict, error) {
	t := &p.texts[i]
	if s.upTo >= Header && t.headers && !s.scanned {
		h, err := s.Header()
		if err != nil {
			return Unknown, err
		}
		// A better score, as a body may give, is not worth reading it.
		if score := p.inHeader(h, t); score > 0 {
			return s.scored(t, score), nil
		}
	}
	if s.upTo < Body {
		return Unknown, nil
	}
	if !s.scanned {
		s.found = make([]uint8, len(p.texts))
		s.fuzzy = make([]fuzzyFound, p.fuzzyTexts())
		if err := p.scan.message(p, s); err != nil {
			return Unknown, err
		}
		s.scanned = true
	}
	return s.scored(t, s.found[i]), nil
}

// fuzzyTexts is the length of subject.fuzzy: none is needed without FUZZY.
func (p *Program) fuzzyTexts() int {
	for i := range p.texts {
		if p.texts[i].fuzzy != nil {
			return len(p.texts)
		}
	}
	return 0
}
