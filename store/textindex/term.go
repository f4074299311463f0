package textindex

import (
	"fmt"
	"unicode/utf8"
)

// Term is a tag and up to four codes: the key of a posting. Terms sort by tag
// and then by their codes from the first.
type Term uint64

// Tag says where a term stands.
type Tag uint8

// Where terms stand.
const (
	All     Tag = iota // of one term only, whose posting is all objects of the segment
	Body               // in the text of a part
	Header             // in a header field of a part, its name included
	From               // in the value of such a field of the message itself
	To                 //
	Cc                 //
	Bcc                //
	Subject            //
	tags               // how many there are
)

const (
	tagShift  = 4 * codeBits
	gramLimit = 1<<tagShift - 1
)

// wild is the term of a tag whose posting is the objects that are to be looked
// at whatever is sought there: those too large to be indexed, or damaged.
func (t Tag) wild() Term { return Term(t) << tagShift }

func (t Tag) term(gram uint64) Term { return t.wild() | Term(gram) }

// Tag is where the term stands.
func (t Term) Tag() Tag { return Tag(t >> tagShift) }

func (t Term) String() string {
	return fmt.Sprintf("%d:%013x", t.Tag(), uint64(t&gramLimit))
}

// grams makes terms of text that comes in pieces. emit gets the codes of each,
// without a tag, as often as it occurs.
type grams struct {
	folder folder
	last   uint64 // the codes of the word so far, of which the last four count
	n      int    // how many there are
	wide   bool   // of the kind of the word
	held   [utf8.UTFMax]byte
	heldN  int // bytes of a character that a piece ended within
}

// begin forgets what was before.
func (g *grams) begin() { g.last, g.n, g.heldN = 0, 0, 0 }

// text takes a piece.
func (g *grams) text(piece []byte, emit func(uint64)) {
	for g.heldN > 0 && len(piece) > 0 {
		g.held[g.heldN] = piece[0]
		g.heldN++
		piece = piece[1:]
		for g.heldN > 0 && utf8.FullRune(g.held[:g.heldN]) {
			_, n := utf8.DecodeRune(g.held[:g.heldN])
			g.whole(g.held[:n], emit)
			g.heldN = copy(g.held[:], g.held[n:g.heldN])
		}
	}
	whole := cutIncomplete(piece)
	g.heldN += copy(g.held[g.heldN:], piece[len(whole):])
	g.whole(whole, emit)
}

// cutIncomplete leaves out the beginning of a character at the end.
func cutIncomplete(b []byte) []byte {
	for i := len(b) - 1; i >= 0 && i >= len(b)-utf8.UTFMax; i-- {
		if utf8.RuneStart(b[i]) {
			if !utf8.FullRune(b[i:]) {
				return b[:i]
			}
			break
		}
	}
	return b
}

// whole takes whole characters.
func (g *grams) whole(b []byte, emit func(uint64)) {
	for i := 0; i < len(b); {
		if c := b[i]; c < utf8.RuneSelf {
			i++
			if letter := asciiCodes[c]; letter != 0 && !g.wide {
				g.last = g.last<<codeBits | uint64(letter)
				if g.n++; g.n >= 4 {
					emit(g.last & gramLimit)
				}
			} else {
				g.add(letter, emit)
			}
			continue
		}
		r, n := utf8.DecodeRune(b[i:])
		i += n
		for _, c := range g.folder.codes(r) {
			g.add(c, emit)
		}
	}
}

// add takes a code.
func (g *grams) add(c code, emit func(uint64)) {
	if isWide := c&wide != 0; c == 0 || isWide != g.wide {
		g.boundary(emit)
		if g.wide = isWide; c == 0 {
			return
		}
	}
	g.last = g.last<<codeBits | uint64(c&codeMask)
	g.n++
	switch {
	case !g.wide && g.n >= 4:
		emit(g.last & gramLimit)
	case g.wide && g.n >= 2:
		emit(g.last << (2 * codeBits) & gramLimit)
	}
}

// boundary ends a word.
func (g *grams) boundary(emit func(uint64)) {
	if !g.wide && g.n >= 3 {
		emit(g.last << codeBits & gramLimit)
	}
	g.last, g.n = 0, 0
}

// end is the end of the text, as good as a boundary.
func (g *grams) end(emit func(uint64)) {
	g.whole(g.held[:g.heldN], emit)
	g.heldN = 0
	g.boundary(emit)
}

// span is terms from … to, tag apart.
type span struct{ from, to uint64 }

// needleSpans gives terms of which a text that holds the string has each; none
// if it is too short.
func needleSpans(needle string) []span {
	var spans []span
	seen := make(map[uint64]bool)
	add := func(gram uint64) {
		if !seen[gram] {
			seen[gram] = true
			spans = append(spans, span{gram, gram})
		}
	}
	var g grams
	g.whole([]byte(needle), add)
	if !g.wide && g.n == 3 { // a fourth letter may follow
		from := g.last << codeBits & gramLimit
		spans = append(spans, span{from, from | codeMask})
	}
	return spans
}
