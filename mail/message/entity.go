package message

import "bytes"

// span is a range of the kept headers (Parser.arena).
type span struct{ from, to int32 }

func (s span) in(arena []byte) []byte { return arena[s.from:s.to] }

// node is a Part with what its header told.
type node struct {
	Part
	head    span // the header, as kept
	fields  [contentFields]span
	env     int32 // index in Message.envs; -1: not the root of a message
	forced  forcedType
	digest  bool // parts without Content-Type are messages
	depth   int16
	last    int32 // last child
	nesting int16 // number of embedded messages around it
}

// forcedType overrides what Content-Type says.
type forcedType uint8

const (
	asDeclared  forcedType = iota
	asText                 // text/plain; charset=us-ascii
	asMessage              // message/rfc822
	asOctets               // application/octet-stream
	typeMissing            // nothing declared: decided at the header's end
)

// openEntity begins an entity at pos, a child of parent.
func (p *Parser) openEntity(parent int32) {
	m := &p.msg
	id := int32(len(m.nodes))
	at := int32(len(p.arena))
	n := node{
		Part:   Part{Header: p.pos, Body: p.pos, End: p.pos, Parent: parent, Next: -1, Child: -1},
		head:   span{at, at},
		env:    -1,
		forced: asText,
		last:   -1,
		depth:  int16(len(p.stack) + 1),
	}
	if parent < 0 || m.nodes[parent].Kind == Embedded {
		n.env = int32(len(m.envs))
		m.envs = append(m.envs, envelopeFields{})
	}
	if parent >= 0 {
		pn := &m.nodes[parent]
		n.nesting = pn.nesting
		if pn.Kind == Embedded {
			n.nesting++
		}
		if pn.last < 0 {
			pn.Child = id
		} else {
			m.nodes[pn.last].Next = id
		}
		pn.last = id
	}
	m.nodes = append(m.nodes, n)
	p.stack = append(p.stack, open{part: id})
	p.inHeader, p.field = true, nil
}

// endHeader ends the header of the innermost entity at pos: what it declares
// decides how its body is read.
func (p *Parser) endHeader() {
	id := p.stack[len(p.stack)-1].part
	n := &p.msg.nodes[id]
	n.Body, n.End = p.pos, p.pos
	p.stack[len(p.stack)-1].lf = p.lf
	p.inHeader, p.field = false, nil
	p.classify(n)
	switch n.Kind {
	case Embedded:
		p.openEntity(id)
	case Leaf:
		p.capture = p.msg.wantExcerpt(p.arena, id)
	}
}

// classify reads Content-Type and Content-Transfer-Encoding.
func (p *Parser) classify(n *node) {
	n.Encoding = parseEncoding(n.fields[contentEncoding].in(p.arena))
	mt, ok := parseMediaType(n.fields[contentType].in(p.arena))
	n.Kind, n.forced = Leaf, asDeclared
	switch {
	case !ok && n.Parent >= 0 && p.msg.nodes[n.Parent].digest && n.fields[contentType] == span{}:
		n.Kind, n.forced = Embedded, asMessage // RFC 2046 §5.1.5
	case !ok:
		n.forced = asText // RFC 2045 §5.2
	case equalFold(mt.typ, "multipart"):
		p.arm(n, mt)
	case equalFold(mt.typ, "message") && (equalFold(mt.sub, "rfc822") || equalFold(mt.sub, "global")):
		n.Kind = Embedded
	case equalFold(mt.typ, "text"):
		n.Flags |= IsText
	}
	if n.forced == asText {
		n.Flags |= IsText
	}
	tooDeep := int(n.depth) >= p.limits.Depth || len(p.msg.nodes) >= p.limits.Parts
	if n.Kind != Leaf && tooDeep {
		if n.Kind == Multipart {
			p.disarm(len(p.stack) - 1)
		}
		n.Kind, n.forced = Leaf, asOctets
	}
}

// arm makes n a multipart whose boundary is looked for. Without a usable
// boundary the Content-Type is invalid and n is text.
func (p *Parser) arm(n *node, mt mediaType) {
	from := len(p.bounds)
	p.bounds = appendParam(p.bounds, mt.params, "boundary")
	boundary := bytes.TrimRight(p.bounds[from:], " \t")
	p.bounds = p.bounds[:from+len(boundary)]
	if len(boundary) == 0 || len(boundary) > maxBoundary {
		p.bounds = p.bounds[:from]
		n.forced = asText
		return
	}
	n.Kind = Multipart
	n.digest = equalFold(mt.sub, "digest")
	p.stack[len(p.stack)-1].boundary = boundary
	p.armed++
}

// disarm stops looking for the boundary of the entity at a level of the stack.
func (p *Parser) disarm(level int) {
	if p.stack[level].boundary != nil {
		p.stack[level].boundary = nil
		p.armed--
	}
}

// match says which open multipart a line delimits, as a level of the stack, and
// whether it closes it; -1 for any other line. The longest boundary wins, then
// the innermost. RFC 2046 §5.1.1: it is sufficient that the boundary appear in
// its entirety following the CRLF.
func (p *Parser) match(l []byte) (level int, closing bool) {
	if p.armed == 0 || len(l) < 3 || l[0] != '-' || l[1] != '-' {
		return -1, false
	}
	l = l[2:]
	level = -1
	longest := 0
	for i := len(p.stack) - 1; i >= 0; i-- {
		b := p.stack[i].boundary
		if len(b) > longest && bytes.HasPrefix(l, b) {
			level, longest = i, len(b)
		}
	}
	if level < 0 {
		return -1, false
	}
	closing = bytes.HasPrefix(l[longest:], dashes)
	if !closing && len(p.msg.nodes) >= p.limits.Parts {
		return -1, false
	}
	return level, closing
}

var dashes = []byte("--")

// delimiter acts on the delimiter line at pos, which is not counted yet: it
// ends all that is open within the multipart at level, and opens its next part
// or ends its parts.
func (p *Parser) delimiter(level int, closing bool) {
	for p.inHeader {
		p.endHeader()
	}
	end, lf := p.pos, p.lf
	if p.tail[1] == '\n' {
		end, lf = end-1, lf-1
		if p.tail[0] == '\r' {
			end--
		}
	}
	p.closeTo(level+1, end, lf)
	if closing {
		p.disarm(level)
		return
	}
	p.openEntity(p.stack[level].part)
}

// closeTo ends the entities of the stack from level on, innermost first, at the
// offset end with lf line feeds before it. One whose body begins later is empty
// and moves the end of those around it.
func (p *Parser) closeTo(level int, end, lf int64) {
	for i := len(p.stack) - 1; i >= level; i-- {
		o := &p.stack[i]
		n := &p.msg.nodes[o.part]
		if n.Body > end {
			end, lf = n.Body, o.lf
		}
		n.End, n.Lines = end, max(lf-o.lf, 0)
		if n.Kind == Multipart {
			p.disarm(i)
			if n.Child < 0 {
				n.Kind, n.forced = Leaf, asText
				n.Flags |= IsText
			}
		}
	}
	p.stack = p.stack[:level]
	p.bounds = p.bounds[:p.boundsUsed()]
	p.capture = nil
}

// boundsUsed is the number of bytes of bounds that the open multiparts need.
func (p *Parser) boundsUsed() int {
	n := 0
	for i := range p.stack {
		n += len(p.stack[i].boundary)
	}
	return n
}
