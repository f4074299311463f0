package search

import (
	"bytes"
	"unicode/utf8"

	"citron/mail/message"
)

// scanner looks for the strings of a program in all texts of a message, in
// bounded memory.
type scanner struct {
	walker  Walker
	p       *Program
	s       *subject
	longest int    // of the strings' keys, in bytes
	keys    []byte // of a piece, and of the end of what was before it
	cut     []byte // of a character, at the end of the last piece
	joined  []byte // cut and the next piece
}

// message looks for the strings and sets what is found in s. It stops when
// nothing more can be found.
func (sc *scanner) message(p *Program, s *subject) error {
	sc.p, sc.s, sc.longest = p, s, 0
	sc.keys, sc.cut = sc.keys[:0], sc.cut[:0]
	for _, t := range p.texts {
		sc.longest = max(sc.longest, len(t.needle))
	}
	return sc.walker.Walk(s, sc)
}

// allFound says that no string can be found better than it was.
func (sc *scanner) allFound() bool {
	for i := range sc.p.texts {
		if sc.s.found[i] < sc.p.texts[i].most() {
			return false
		}
	}
	return true
}

// Header implements Visitor.
func (sc *scanner) Header(_ int, header []byte, _ bool) bool {
	for i := range sc.p.texts {
		if t := &sc.p.texts[i]; t.headers && sc.s.found[i] < scoreSame {
			sc.s.find(i, sc.p.inHeader(header, t))
		}
	}
	return !sc.allFound()
}

// Text implements Visitor. Of the keys it has looked at it keeps so much that a
// string across the seam is found.
func (sc *scanner) Text(piece []byte, end bool) bool {
	if len(sc.cut) > 0 {
		sc.joined = append(append(sc.joined[:0], sc.cut...), piece...)
		piece, sc.cut = sc.joined, sc.cut[:0]
	}
	if n := cutRune(piece); n > 0 && !end {
		sc.cut = append(sc.cut, piece[len(piece)-n:]...)
		piece = piece[:len(piece)-n]
	}
	sc.keys = sc.p.collation.AppendKey(sc.keys, piece)
	for i := range sc.p.texts {
		sc.look(i, piece, end)
	}
	keep := min(max(sc.longest-1, 0), len(sc.keys))
	if end {
		keep = 0
	}
	sc.keys = sc.keys[:copy(sc.keys, sc.keys[len(sc.keys)-keep:])]
	return !sc.allFound()
}

// look looks for a string, if it was not found yet, in a piece of text, whose
// key is at the end of keys.
func (sc *scanner) look(i int, piece []byte, end bool) {
	t := &sc.p.texts[i]
	switch {
	case sc.s.found[i] >= t.most():
		return
	case bytes.Contains(sc.keys, t.needle):
		sc.s.find(i, t.most())
		return
	case t.fuzzy == nil:
		return
	}
	found := &sc.s.fuzzy[i]
	t.fuzzy.look(found, piece)
	if end {
		t.fuzzy.end(found)
		sc.s.find(i, inBody(t.fuzzy.score(found)))
	}
}

// cutRune is the length of a character that is cut at the end of text.
func cutRune(text []byte) int {
	for n := 1; n < utf8.UTFMax && n <= len(text); n++ {
		if last := text[len(text)-n:]; utf8.RuneStart(last[0]) {
			if utf8.FullRune(last) {
				return 0
			}
			return n
		}
	}
	return 0
}

// inHeader says how well a raw header has a string, names included.
func (p *Program) inHeader(header []byte, t *seeking) (best uint8) {
	for f := range message.Fields(header) {
		p.value = AppendFieldText(p.value[:0], f)
		if best = max(best, p.score(p.value, t)); best == scoreSame {
			break
		}
	}
	return best
}
