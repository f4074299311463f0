package search

import (
	"bytes"

	"citron/mail/message"
)

// scanner looks for several strings in all texts of a message, in bounded
// memory.
type scanner struct {
	walker  Walker
	texts   []seeking
	found   []bool
	longest int    // of the strings, in bytes
	kept    []byte // what may be the beginning of a string at the end of a piece
	joined  []byte // kept and the next piece
}

// message looks for texts and sets found. It stops when all are found.
func (sc *scanner) message(s *subject, texts []seeking, found []bool) error {
	sc.texts, sc.found, sc.longest, sc.kept = texts, found, 0, sc.kept[:0]
	for _, t := range texts {
		sc.longest = max(sc.longest, len(t.needle))
	}
	return sc.walker.Walk(s, sc)
}

func all(found []bool) bool {
	for _, f := range found {
		if !f {
			return false
		}
	}
	return true
}

// Header implements Visitor.
func (sc *scanner) Header(_ int, header []byte, _ bool) bool {
	for i, t := range sc.texts {
		if t.headers && !sc.found[i] {
			sc.found[i] = inHeader(header, t.needle)
		}
	}
	return !all(sc.found)
}

// Text implements Visitor. Of what it has looked at it keeps so much that a
// string across the seam is found.
func (sc *scanner) Text(piece []byte, end bool) bool {
	window := casemap(piece)
	if len(sc.kept) > 0 {
		sc.joined = append(append(sc.joined[:0], sc.kept...), piece...)
		window = sc.joined
	}
	for i, t := range sc.texts {
		if !sc.found[i] {
			sc.found[i] = bytes.Contains(window, t.needle)
		}
	}
	if sc.kept = sc.kept[:0]; !end {
		sc.kept = append(sc.kept, window[len(window)-min(sc.longest-1, len(window)):]...)
	}
	return !all(sc.found)
}

// inHeader looks for a string in every field of a raw header, names included.
func inHeader(header, needle []byte) bool {
	for f := range message.Fields(header) {
		if bytes.Contains(casemap(AppendFieldText(nil, f)), needle) {
			return true
		}
	}
	return false
}
