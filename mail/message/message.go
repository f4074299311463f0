package message

import "unicode/utf8"

// Message is what a Parser read. It lives until the Parser's Reset.
type Message struct {
	nodes  []node
	envs   []envelopeFields
	arena  []byte
	size   int64
	nul    bool
	limits Limits

	plain, html excerpt
	work        scratch
}

// scratch are buffers that AppendIndex fills and empties.
type scratch struct {
	value     []byte
	text      []byte
	wire      []byte
	edits     []edit
	structure int // where the structure begins in the buffer being written
	addrs     AddressReader
	ids       idReader
	addresses int // how many may still be read
}

func (m *Message) reset(l Limits) {
	clear(m.envs) // lets go of the lists of repeated fields
	m.nodes, m.envs, m.arena = m.nodes[:0], m.envs[:0], nil
	if cap(m.nodes) > maxReused/256 || cap(m.envs) > maxReused/256 {
		m.nodes, m.envs = nil, nil
	}
	if w := &m.work; cap(w.wire)+cap(w.value)+cap(w.text)+32*cap(w.edits) > 3*maxReused {
		*w = scratch{}
	}
	m.size, m.nul, m.limits = 0, false, l
	m.plain.reset(l.Preview)
	m.html.reset(4 * l.Preview)
}

// Size is the length of the message in bytes.
func (m *Message) Size() int64 { return m.size }

// HasNUL says whether the message holds a NUL anywhere, so that it cannot be
// sent in an IMAP literal as it is.
func (m *Message) HasNUL() bool { return m.nul }

// Internationalized says that the header of the message or of a part has fields
// in UTF-8 (RFC 6532).
func (m *Message) Internationalized() bool {
	for i := range m.nodes {
		if n := &m.nodes[i]; n.Flags&Header8Bit != 0 && utf8.Valid(n.head.in(m.arena)) {
			return true
		}
	}
	return false
}

// Header is the raw header of the message, with the blank line; complete says
// whether it was kept whole (Limits.Header).
func (m *Message) Header() (raw []byte, complete bool) {
	n := &m.nodes[0]
	return n.head.in(m.arena), n.Flags&Truncated == 0
}

// Tree gives the parts.
func (m *Message) Tree() Tree {
	t := make(Tree, len(m.nodes))
	for i := range m.nodes {
		t[i] = m.nodes[i].Part
	}
	return t
}

// MediaType gives type and subtype of part i in lower case, as they are shown
// to clients.
func (m *Message) MediaType(i int) (typ, sub string) {
	t, s := m.nodes[i].mediaType(m.arena)
	return lower(t), lower(s)
}

// Params gives the parameters of part i's Content-Type.
func (m *Message) Params(i int) []Param {
	n := &m.nodes[i]
	if n.forced != asDeclared {
		return nil
	}
	mt, _ := parseMediaType(n.fields[contentType].in(m.arena))
	return decodeParams(mt.params)
}

// mediaType gives the type as declared or decided.
func (n *node) mediaType(arena []byte) (typ, sub []byte) {
	switch n.forced {
	case asText:
		return []byte("text"), []byte("plain")
	case asMessage:
		return []byte("message"), []byte("rfc822")
	case asOctets:
		return []byte("application"), []byte("octet-stream")
	}
	mt, _ := parseMediaType(n.fields[contentType].in(arena))
	return mt.typ, mt.sub
}

func lower(b []byte) string {
	out := make([]byte, len(b))
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		out[i] = c
	}
	return string(out)
}

// excerpt keeps the beginning of a text part for the preview.
type excerpt struct {
	part  int32 // -1: not taken
	limit int
	body  []byte
}

func (e *excerpt) reset(limit int) {
	e.part, e.limit, e.body = -1, limit, reused(e.body)
}

// add takes more of the body; false when it wants no more.
func (e *excerpt) add(b []byte) bool {
	room := e.limit - len(e.body)
	e.body = append(e.body, b[:min(room, len(b))]...)
	return len(b) < room
}

// wantExcerpt says where the body of a leaf goes: the first text/plain and the
// first text/html that are shown with the message itself.
func (m *Message) wantExcerpt(arena []byte, id int32) *excerpt {
	n := &m.nodes[id]
	if n.Flags&IsText == 0 || n.nesting > 0 {
		return nil
	}
	_, sub := n.mediaType(arena)
	e := &m.plain
	if equalFold(sub, "html") {
		e = &m.html
	} else if !equalFold(sub, "plain") {
		return nil
	}
	s := lexer{in: n.fields[contentDisposition].in(arena)}
	s.space()
	if e.part >= 0 || equalFold(s.token(), "attachment") {
		return nil
	}
	e.part = id
	return e
}
