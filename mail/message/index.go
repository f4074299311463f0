package message

import (
	"encoding/binary"
	"errors"
	"slices"

	"citron/wire/imap"
)

// Version is the version of what AppendIndex writes. An Index of another one
// must be made anew from the message.
const Version = 1

// ErrIndex: the bytes are no Index of this Version.
var ErrIndex = errors.New("message index is damaged or of another version")

// indexFlags are facts that an Index begins with.
type indexFlags uint8

const (
	flagNUL      indexFlags = 1 << iota // a NUL somewhere
	flagDate                            // there is a sent date
	flagArtifact                        // the subject is that of a reply or forward
	flagOpaque                          // beyond Limits.Index: one part, no envelope
	flagUTF8                            // a header field in UTF-8
)

// The sections of an Index, each with its length at the beginning, in the
// order of their use.
const (
	secEnvelope = iota
	secStructure
	secEdits
	secPreview
	secParts
	secSort
	secIDs
	indexSections
)

// An Index is encoded as: Version, indexFlags; the message's size, the sent
// date and its zone as varints; the lengths of the sections as uvarints; the
// sections.
//
// AppendIndex appends what the store keeps of the message. It is no longer
// than Limits.Index plus a few kilobytes.
func (m *Message) AppendIndex(dst []byte) []byte {
	w := &m.work
	w.addresses, w.edits = m.limits.Addresses, w.edits[:0]
	var at [indexSections + 1]int
	var flags indexFlags
	env := &m.envs[0]
	b := m.appendEnvelope(w.wire[:0], env)
	w.structure = len(b)
	b = m.appendStructure(b, 0)
	if len(b) > m.limits.Index/2 {
		b, flags = m.appendOpaque(b[:0]), flagOpaque
	}
	at[secStructure] = w.structure
	at[secEdits] = len(b)
	b = appendEdits(b, w.edits)
	at[secPreview] = len(b)
	b = m.appendPreview(b)
	at[secParts] = len(b)
	b = m.appendParts(b, flags&flagOpaque != 0)
	at[secSort] = len(b)
	b, artifact := m.appendSortKeys(b, env)
	at[secIDs] = len(b)
	b = m.appendIDs(b, env)
	at[indexSections] = len(b)
	w.wire = b

	date, hasDate := ParseDate(env.fields[envDate].in(m.arena))
	for _, f := range [...]struct {
		flag indexFlags
		set  bool
	}{{flagNUL, m.nul}, {flagUTF8, m.Internationalized()}, {flagDate, hasDate}, {flagArtifact, artifact}} {
		if f.set {
			flags |= f.flag
		}
	}
	dst = slices.Grow(dst, len(b)+64)
	dst = append(dst, Version, byte(flags))
	dst = binary.AppendUvarint(dst, uint64(m.size))
	dst = binary.AppendVarint(dst, date.Unix)
	dst = binary.AppendVarint(dst, int64(date.Offset))
	for i := range indexSections {
		dst = binary.AppendUvarint(dst, uint64(at[i+1]-at[i]))
	}
	return append(dst, b...)
}

// appendOpaque describes a message whose description would be too long.
func (m *Message) appendOpaque(dst []byte) []byte {
	m.work.edits = m.work.edits[:0]
	dst = append(dst, "(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)"...)
	m.work.structure = len(dst)
	dst = append(dst, `("APPLICATION" "OCTET-STREAM" NIL NIL NIL "8BIT" `...)
	dst = imap.AppendUint(dst, uint64(m.nodes[0].Size()))
	from := len(dst)
	dst = append(dst, " NIL NIL NIL NIL"...)
	m.note(edit{kind: editExtension, from: from, to: len(dst)})
	return append(dst, ')')
}

// appendParts appends the parts in their order: kind and encoding in a byte,
// flags, the distance to the parent, and the offsets as differences.
func (m *Message) appendParts(dst []byte, opaque bool) []byte {
	prev := int64(0)
	for i := range m.nodes {
		p := m.nodes[i].Part
		if opaque {
			p.Kind, p.Encoding, p.Flags = Leaf, EightBit, p.Flags&^IsText
		}
		dst = append(dst, byte(p.Kind)|byte(p.Encoding)<<2, byte(p.Flags))
		dst = binary.AppendUvarint(dst, uint64(int32(i)-p.Parent))
		for _, v := range [...]int64{p.Header - prev, p.Body - p.Header, p.End - p.Body, p.Lines} {
			dst = binary.AppendUvarint(dst, uint64(v))
		}
		prev = p.Header
		if opaque {
			break
		}
	}
	return dst
}

// appendEdits appends the edits in the order in which they begin.
func appendEdits(dst []byte, edits []edit) []byte {
	slices.SortFunc(edits, func(a, b edit) int { return a.from - b.from })
	for _, e := range edits {
		dst = append(dst, byte(e.kind))
		dst = binary.AppendUvarint(dst, uint64(e.from))
		dst = binary.AppendUvarint(dst, uint64(e.to-e.from))
		dst = binary.AppendUvarint(dst, uint64(len(e.text)))
		dst = append(dst, e.text...)
	}
	return dst
}

// Index is what AppendIndex wrote, opened. It refers to the bytes it was opened
// from, and everything it gives refers to them too.
type Index struct {
	flags    indexFlags
	size     int64
	date     Date
	sections [indexSections][]byte
}

// OpenIndex opens stored bytes. ErrIndex if they are not what AppendIndex of
// this Version wrote.
func OpenIndex(b []byte) (Index, error) {
	var ix Index
	if len(b) < 2 || b[0] != Version {
		return ix, ErrIndex
	}
	ix.flags = indexFlags(b[1])
	r := varints{b: b[2:]}
	ix.size = int64(r.uint())
	ix.date = Date{Unix: r.int(), Offset: int(r.int())}
	var lens [indexSections]uint64
	for i := range lens {
		lens[i] = r.uint()
	}
	for i, n := range lens {
		ix.sections[i] = r.bytes(n)
	}
	if r.bad || len(r.b) > 0 || ix.size < 0 {
		return Index{}, ErrIndex
	}
	return ix, nil
}

// varints reads numbers and byte strings; bad is set when there were not
// enough.
type varints struct {
	b   []byte
	bad bool
}

func (r *varints) uint() uint64 {
	v, n := binary.Uvarint(r.b)
	return v + uint64(r.skip(n))
}

func (r *varints) int() int64 {
	v, n := binary.Varint(r.b)
	return v + int64(r.skip(n))
}

func (r *varints) skip(n int) int {
	if n <= 0 {
		r.bad, r.b = true, nil
		return 0
	}
	r.b = r.b[n:]
	return 0
}

func (r *varints) byte() byte {
	if len(r.b) == 0 {
		r.bad = true
		return 0
	}
	c := r.b[0]
	r.b = r.b[1:]
	return c
}

func (r *varints) bytes(n uint64) []byte {
	if n > uint64(len(r.b)) {
		r.bad, r.b = true, nil
		return nil
	}
	v := r.b[:n:n]
	r.b = r.b[n:]
	return v
}

// Size is the length of the message in bytes (RFC822.SIZE).
func (ix *Index) Size() int64 { return ix.size }

// HasNUL says whether the message holds a NUL, so that a client without BINARY
// gets it by another View.
func (ix *Index) HasNUL() bool { return ix.flags&flagNUL != 0 }

// Internationalized says that a header has fields in UTF-8 (RFC 6532), so that a
// client that did not enable UTF-8 gets the message by another View.
func (ix *Index) Internationalized() bool { return ix.flags&flagUTF8 != 0 }

// Opaque says that the message was too complicated to be described: it has no
// envelope and one part.
func (ix *Index) Opaque() bool { return ix.flags&flagOpaque != 0 }

// Envelope is the ENVELOPE in wire form.
func (ix *Index) Envelope() []byte { return ix.sections[secEnvelope] }

// Preview is the text for PREVIEW (RFC 8970 §3.3), UTF-8; empty if there is
// none.
func (ix *Index) Preview() []byte { return ix.sections[secPreview] }

// Date is the date of the Date field; false if there is none that can be read.
func (ix *Index) Date() (Date, bool) { return ix.date, ix.flags&flagDate != 0 }

// AppendBodyStructure appends BODYSTRUCTURE in wire form. With rev2, the
// session having enabled IMAP4rev2, encoded parameters (RFC 2231) are decoded.
func (ix *Index) AppendBodyStructure(dst []byte, rev2 bool) []byte {
	return ix.appendForm(dst, false, rev2)
}

// AppendBody appends BODY, the structure without extension data, in wire form.
func (ix *Index) AppendBody(dst []byte, rev2 bool) []byte {
	return ix.appendForm(dst, true, rev2)
}

// appendForm appends the structure with the edits of a form applied. An edit
// within one that was applied is gone with it.
func (ix *Index) appendForm(dst []byte, cut, decode bool) []byte {
	s := ix.sections[secStructure]
	at := uint64(0)
	for r := (varints{b: ix.sections[secEdits]}); len(r.b) > 0; {
		kind := editKind(r.byte())
		from, n := r.uint(), r.uint()
		text := r.bytes(r.uint())
		if r.bad || from+n > uint64(len(s)) || from+n < from {
			break
		}
		apply := kind == editExtension && cut || kind == editExtended && decode
		if !apply || from < at {
			continue
		}
		dst = append(append(dst, s[at:from]...), text...)
		at = from + n
	}
	return append(dst, s[at:]...)
}

// readPart reads the next part, whose header begins prev bytes in or later; up
// is the distance to its parent.
func (ix *Index) readPart(r *varints, prev int64) (p Part, up uint64, ok bool) {
	c, flags := r.byte(), PartFlags(r.byte())
	up = r.uint()
	p = Part{Kind: Kind(c & 3), Encoding: Encoding(c >> 2), Flags: flags, Parent: -1, Next: -1, Child: -1}
	p.Header = prev + int64(r.uint())
	p.Body = p.Header + int64(r.uint())
	p.End = p.Body + int64(r.uint())
	p.Lines = int64(r.uint())
	ok = !r.bad && p.Kind <= Embedded && p.Encoding <= UnknownEncoding &&
		p.Header >= 0 && p.Body >= p.Header && p.End >= p.Body && p.End <= ix.size
	return p, up, ok
}

// Root gives the first part, the message itself, without its relations: enough
// for the sections BODY[], BODY[HEADER…] and BODY[TEXT].
func (ix *Index) Root() (Part, error) {
	r := varints{b: ix.sections[secParts]}
	p, _, ok := ix.readPart(&r, 0)
	if !ok {
		return Part{}, ErrIndex
	}
	return p, nil
}

// Tree gives the parts.
func (ix *Index) Tree() (Tree, error) {
	b := ix.sections[secParts]
	t := make(Tree, 0, 1+len(b)/16)
	last := make([]int32, 0, 16) // last child of each part
	r := varints{b: b}
	prev := int64(0)
	for i := int32(0); len(r.b) > 0; i++ {
		p, up, ok := ix.readPart(&r, prev)
		if !ok {
			return nil, ErrIndex
		}
		prev = p.Header
		if i > 0 {
			if up == 0 || up > uint64(i) {
				return nil, ErrIndex
			}
			p.Parent = i - int32(up)
			if l := last[p.Parent]; l < 0 {
				t[p.Parent].Child = i
			} else {
				t[l].Next = i
			}
			last[p.Parent] = i
		}
		t, last = append(t, p), append(last, -1)
	}
	if len(t) == 0 {
		return nil, ErrIndex
	}
	for i := range t {
		if (t[i].Kind == Leaf) != (t[i].Child < 0) {
			return nil, ErrIndex
		}
	}
	return t, nil
}
