package search

import (
	"slices"

	"citron/mail/collate"
	"citron/wire/imap"
)

// Verdict is what is known of a message.
type Verdict uint8

const (
	No Verdict = iota
	Yes
	Unknown // a higher Level would tell
)

// Program is a compiled search key. It is used by one goroutine at a time.
type Program struct {
	root  node
	texts []seeking // what is sought in bodies
	scan  scanner
	// collation compares the strings; what of it is compared are keys.
	collation *collate.Collation
	value     []byte // of a header field, decoded
	key       []byte // of value
	relevancy uint8
}

// node is a search key. A leaf has a test; the others have children, the
// cheapest first.
type node struct {
	op    nodeOp
	level Level // at which it is decided at the latest
	kids  []node
	test  func(*subject) (Verdict, error)
}

type nodeOp uint8

const (
	opTest nodeOp = iota
	opAnd
	opOr
	opNot
)

// subject is a candidate under test, with what was read of it.
type subject struct {
	Candidate
	upTo    Level
	scanned bool
	found   []uint8      // scores, by index of Program.texts
	fuzzy   []fuzzyFound // by index of Program.texts; empty without FUZZY
	// sum and strings are of the scores of strings under FUZZY that matched.
	sum, strings int
}

// find notes that text i of the program was found with a score.
func (s *subject) find(i int, score uint8) { s.found[i] = max(s.found[i], score) }

// scored makes a verdict of a string's score.
func (s *subject) scored(t *seeking, score uint8) Verdict {
	if score > 0 && t.fuzzy != nil {
		s.sum += int(score)
		s.strings++
	}
	return verdict(score > 0)
}

// Compile makes a program of a search key, whose strings are UTF-8 (see
// imap.Search.MapStrings).
func Compile(key *imap.SearchKey, env Env) *Program {
	p := &Program{collation: env.Collation}
	if p.collation == nil {
		p.collation = collate.Default()
	}
	c := compiler{env: env, program: p}
	p.root = c.node(key)
	return p
}

// Level is the highest level that the program may need.
func (p *Program) Level() Level { return p.root.level }

// Match says whether the program matches. The error is the candidate's.
func (p *Program) Match(c Candidate) (bool, error) {
	v, err := p.Try(c, Body)
	return v == Yes, err
}

// Try tests with no more than a level of the message; with Body the verdict is
// never Unknown. The error is the candidate's.
func (p *Program) Try(c Candidate, upTo Level) (Verdict, error) {
	s := subject{Candidate: c, upTo: upTo}
	v, err := p.root.eval(&s)
	if err != nil {
		return Unknown, err
	}
	p.relevancy = scoreSame
	if s.strings > 0 {
		p.relevancy = uint8(s.sum / s.strings)
	}
	return v, nil
}

// Relevancy is the score, from 1 to 100, of the message that Try or Match has
// just found to match (RFC 6203 §4).
func (p *Program) Relevancy() uint8 { return p.relevancy }

// eval tests a node. Its depth is bounded by that of the parser.
func (n *node) eval(s *subject) (Verdict, error) {
	switch n.op {
	case opAnd:
		return n.evalList(s, Yes, No)
	case opOr:
		return n.evalList(s, No, Yes)
	case opNot:
		v, err := n.kids[0].eval(s)
		switch v {
		case Yes:
			return No, err
		case No:
			return Yes, err
		}
		return Unknown, err
	}
	return n.test(s)
}

// evalList gives decides if any child gives it, else neutral.
func (n *node) evalList(s *subject, neutral, decides Verdict) (Verdict, error) {
	result := neutral
	for i := range n.kids {
		v, err := n.kids[i].eval(s)
		switch {
		case err != nil:
			return Unknown, err
		case v == decides:
			return v, nil
		case v == Unknown:
			result = Unknown
		}
	}
	return result, nil
}

// join makes a node of several, cheapest first. Nodes of the same kind are
// taken in.
func join(op nodeOp, kids []node) node {
	var flat []node
	for _, k := range kids {
		if k.op == op {
			flat = append(flat, k.kids...)
		} else {
			flat = append(flat, k)
		}
	}
	slices.SortStableFunc(flat, func(a, b node) int { return int(a.level) - int(b.level) })
	n := node{op: op, kids: flat}
	if len(flat) > 0 {
		n.level = flat[len(flat)-1].level
	}
	return n
}
