package textindex

import (
	"slices"
	"strings"

	"citron/mail/message"
	"citron/mail/search"
)

// Limits of a batch. An object of more than maxGrams different terms is wild:
// always a candidate. A batch is full beyond maxPostings, or at MaxObjects.
const (
	maxGrams    = 1 << 16
	maxPostings = 1 << 19
	// MaxObjects is the most objects that a batch should have.
	MaxObjects = 1024
)

// Builder gathers a batch of objects of one window, in ascending order, and
// makes a segment of them. It is a search.Visitor.
type Builder struct {
	grams grams
	text  []byte

	tag    Tag
	emit   func(uint64) // b.gram, bound once
	offset uint16
	count  int // different terms of the object
	inText bool

	table    []slot // open addressing; its length is a power of two
	used     int
	postings []link
	objects  []uint16
}

// slot is a term and its last link, counted from 1; 0 is a free slot.
type slot struct {
	term Term
	last uint32
}

// link is an object of a posting and the link before it.
type link struct {
	before uint32
	offset uint16
}

var _ search.Visitor = (*Builder)(nil)

// NewBuilder gives an empty one.
func NewBuilder() *Builder {
	b := &Builder{table: make([]slot, 1<<12)}
	b.emit = b.gram
	return b
}

// Begin begins the next object.
func (b *Builder) Begin(offset uint16) {
	b.offset, b.count = offset, 0
	b.objects = append(b.objects, offset)
	b.tag = All
	b.add(All.wild())
}

// Wild makes the object a candidate of everything.
func (b *Builder) Wild() {
	for tag := Body; tag < tags; tag++ {
		b.add(tag.wild())
	}
}

// Objects is how many objects there are.
func (b *Builder) Objects() int { return len(b.objects) }

// Full says that the batch should be written.
func (b *Builder) Full() bool { return len(b.objects) >= MaxObjects || len(b.postings) >= maxPostings }

// valueTags are the fields whose values are indexed by themselves.
var valueTags = []struct {
	name string
	tag  Tag
}{{"from", From}, {"to", To}, {"cc", Cc}, {"bcc", Bcc}, {"subject", Subject}}

func tagOf(name string) Tag {
	for _, v := range valueTags {
		if len(name) == len(v.name) && strings.EqualFold(name, v.name) {
			return v.tag
		}
	}
	return Header
}

// Header implements search.Visitor.
func (b *Builder) Header(part int, header []byte, whole bool) bool {
	b.inText = false
	if !whole {
		return b.tooMuch()
	}
	for f := range message.Fields(header) {
		b.text = search.AppendFieldText(b.text[:0], f)
		b.all(Header, b.text)
		if part > 0 || f.Name == nil {
			continue
		}
		if tag := tagOf(string(f.Name)); tag != Header {
			b.all(tag, b.text[len(f.Name)+len(": "):])
		}
	}
	return b.count <= maxGrams || b.tooMuch()
}

// all takes a whole text.
func (b *Builder) all(tag Tag, text []byte) {
	b.tag = tag
	b.grams.begin()
	b.grams.text(text, b.emit)
	b.grams.end(b.emit)
}

// Text implements search.Visitor.
func (b *Builder) Text(piece []byte, end bool) bool {
	if b.tag = Body; !b.inText {
		b.grams.begin()
		b.inText = true
	}
	b.grams.text(piece, b.emit)
	if end {
		b.grams.end(b.emit)
		b.inText = false
	}
	return b.count <= maxGrams || b.tooMuch()
}

func (b *Builder) tooMuch() bool {
	b.Wild()
	return false
}

func (b *Builder) gram(g uint64) { b.add(b.tag.term(g)) }

// add notes that the object has a term.
func (b *Builder) add(t Term) {
	s := &b.table[b.find(t)]
	if s.last != 0 && b.postings[s.last-1].offset == b.offset {
		return
	}
	b.count++
	fresh := s.last == 0
	b.postings = append(b.postings, link{s.last, b.offset})
	s.term, s.last = t, uint32(len(b.postings))
	if fresh {
		if b.used++; b.used > len(b.table)*5/8 {
			b.grow()
		}
	}
}

// find gives the slot of a term, or the free one where it belongs.
func (b *Builder) find(t Term) int {
	mask := len(b.table) - 1
	i := int(uint64(t)*0x9E3779B97F4A7C15>>32) & mask
	for b.table[i].last != 0 && b.table[i].term != t {
		i = (i + 1) & mask
	}
	return i
}

func (b *Builder) grow() {
	old := b.table
	b.table = make([]slot, 2*len(old))
	for _, s := range old {
		if s.last != 0 {
			b.table[b.find(s.term)] = s
		}
	}
}

// Write gives the segment block by block and empties the builder.
func (b *Builder) Write(emit Emit) error {
	full := make([]slot, 0, b.used)
	for _, s := range b.table {
		if s.last != 0 {
			full = append(full, s)
		}
	}
	slices.SortFunc(full, func(x, y slot) int {
		if x.term < y.term {
			return -1
		}
		return 1
	})
	w := blockWriter{emit: emit}
	var offsets []uint16
	for _, s := range full {
		offsets = offsets[:0]
		for at := s.last; at != 0; at = b.postings[at-1].before {
			offsets = append(offsets, b.postings[at-1].offset)
		}
		slices.Reverse(offsets)
		if err := w.add(s.term, offsets); err != nil {
			return err
		}
	}
	b.Reset()
	return w.flush()
}

// Reset empties the builder.
func (b *Builder) Reset() {
	clear(b.table)
	b.used, b.postings, b.objects = 0, b.postings[:0], b.objects[:0]
}
