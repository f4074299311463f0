package message

import (
	"bytes"
	"io"
)

// Parser reads one message that is written to it. It is not safe for
// concurrent use. Reset makes it ready for the next one and keeps its buffers.
type Parser struct {
	limits Limits

	pos  int64 // bytes that have found their place
	lf   int64 // line feeds among them
	tail [2]byte
	bol  bool // pos is the beginning of a line

	// held is the beginning of a line that is not complete yet, of which
	// heldLen bytes came in all; pos is before them.
	held    []byte
	heldLen int64
	heldNUL bool
	skip    bool // the rest of the line belongs to a delimiter

	inHeader bool
	nul      bool // what is being written holds a NUL

	stack []open // the entities around pos, outermost first
	armed int    // how many of them have a boundary to look for

	arena   []byte // kept headers, one after the other
	bounds  []byte // boundaries of the open multiparts
	field   *span  // the value of the known field whose lines are being read
	msg     Message
	capture *excerpt // where the body goes for the preview; nil: nowhere
}

// open is an entity whose end was not seen yet.
type open struct {
	part     int32
	lf       int64  // line feeds before the body
	boundary []byte // nil: not a multipart, or closed
}

// NewParser makes a Parser.
func NewParser(l Limits) *Parser {
	p := &Parser{limits: l.withDefaults()}
	p.Reset()
	return p
}

// maxReused is the capacity in bytes above which a buffer is not kept for the
// next message.
const maxReused = 64 << 10

// reused empties a buffer, or drops it if one message made it large.
func reused(b []byte) []byte {
	if cap(b) > maxReused {
		return nil
	}
	return b[:0]
}

// Reset forgets the message. The Message of Finish and all that was taken from
// it must not be used any more.
func (p *Parser) Reset() {
	p.pos, p.lf, p.tail, p.bol = 0, 0, [2]byte{}, true
	p.held, p.heldLen, p.heldNUL, p.skip = reused(p.held), 0, false, false
	p.stack, p.armed = p.stack[:0], 0
	p.arena, p.bounds = reused(p.arena), reused(p.bounds)
	p.field, p.capture = nil, nil
	p.msg.reset(p.limits)
	p.openEntity(-1)
}

// Parse reads a message from r with default limits. The error is r's; the
// message is what was read before it.
func Parse(r io.Reader) (*Message, error) {
	p := NewParser(Limits{})
	_, err := io.Copy(p, r)
	return p.Finish(), err
}

// Write takes the next bytes of the message. It never fails.
func (p *Parser) Write(b []byte) (int, error) {
	n := len(b)
	p.nul = bytes.IndexByte(b, 0) >= 0
	p.msg.nul = p.msg.nul || p.nul
	for len(b) > 0 {
		switch {
		case p.skip:
			b = p.skipLine(b)
		case p.inHeader:
			b = p.readHeader(b)
		default:
			b = p.readBody(b)
		}
	}
	return n, nil
}

// Finish ends the message. What it gives is valid until Reset.
func (p *Parser) Finish() *Message {
	if p.heldLen > 0 {
		l := p.takeHeld(false)
		if !p.inHeader || !p.headerLine(l) {
			p.bodyLine(l)
		}
	}
	for p.inHeader { // an embedded message may follow without a byte
		p.endHeader()
	}
	p.closeTo(0, p.pos, p.lf)
	p.msg.arena = p.arena
	p.msg.size = p.pos
	return &p.msg
}

// line is a line of a header with its line end, or of a body where it had to
// be gathered.
type line struct {
	b     []byte // what was kept of it
	n     int64  // its length
	whole bool   // it ends with a line feed, kept or not
	nul   bool
}

// hold keeps b, which has no line end or the held line's, until the rest of
// its line comes; at most limit bytes of the line are kept.
func (p *Parser) hold(b []byte, limit int) {
	p.heldLen += int64(len(b))
	if p.nul && !p.heldNUL {
		p.heldNUL = bytes.IndexByte(b, 0) >= 0
	}
	if room := limit - len(p.held); room > 0 {
		p.held = append(p.held, b[:min(room, len(b))]...)
	}
}

// takeHeld gives the held line, valid until the next hold.
func (p *Parser) takeHeld(whole bool) line {
	l := line{b: p.held, n: p.heldLen, whole: whole, nul: p.heldNUL}
	p.held, p.heldLen, p.heldNUL = p.held[:0], 0, false
	return l
}

// readHeader reads lines of a header from b and gives what it left.
func (p *Parser) readHeader(b []byte) []byte {
	for p.inHeader && len(b) > 0 {
		i := bytes.IndexByte(b, '\n')
		if i < 0 {
			p.hold(b, p.headerHold())
			return nil
		}
		l := line{b: b[:i+1], n: int64(i + 1), whole: true}
		if p.heldLen > 0 {
			p.hold(l.b, p.headerHold())
			l = p.takeHeld(true)
		} else if p.nul {
			l.nul = bytes.IndexByte(l.b, 0) >= 0
		}
		b = b[i+1:]
		if !p.headerLine(l) {
			p.bodyLine(l)
		}
	}
	return b
}

// headerHold is how much is held of a line of a header, which may turn out to
// be a delimiter or the body's.
func (p *Parser) headerHold() int { return max(p.room(), maxCandidate, 4*p.limits.Preview) }

// maxCandidate is the number of bytes of a line that are looked at to tell
// whether it is a delimiter: dashes, boundary, and room for trailing space.
const maxCandidate = 2 + maxBoundary + 2 + 64

// readBody reads a body from b up to a delimiter and gives what it left. It
// looks at the lines that begin with two dashes and at nothing else.
func (p *Parser) readBody(b []byte) []byte {
	if p.armed == 0 {
		p.place(b)
		return nil
	}
	if p.heldLen > 0 {
		return p.continueLine(b)
	}
	for i := 0; i < len(b); {
		rest := b[i:]
		j := bytes.IndexByte(rest, '\n')
		if (i > 0 || p.bol) && rest[0] == '-' && (len(rest) == 1 || rest[1] == '-') {
			if j < 0 {
				p.place(b[:i])
				return p.continueLine(rest)
			}
			if level, closing := p.match(rest[:j+1]); level >= 0 {
				p.place(b[:i])
				p.delimiter(level, closing)
				p.pass(line{b: rest[:j+1], n: int64(j + 1), whole: true})
				return rest[j+1:]
			}
		}
		if j < 0 {
			break
		}
		i += j + 1
	}
	p.place(b)
	return nil
}

// continueLine adds to a line that may be a delimiter, and decides when it is
// complete or longer than any delimiter.
func (p *Parser) continueLine(b []byte) []byte {
	i := bytes.IndexByte(b, '\n') + 1
	if i == 0 {
		i = len(b)
	}
	i = min(i, maxCandidate-len(p.held))
	p.hold(b[:i], maxCandidate)
	whole := b[i-1] == '\n'
	if !whole && len(p.held) < maxCandidate && isDashed(p.held) {
		return b[i:]
	}
	p.bodyLine(p.takeHeld(whole))
	return b[i:]
}

// isDashed says whether b, one byte or more, may be the start of a delimiter.
func isDashed(b []byte) bool { return b[0] == '-' && (len(b) == 1 || b[1] == '-') }

// skipLine drops the rest of an overlong delimiter line.
func (p *Parser) skipLine(b []byte) []byte {
	i := bytes.IndexByte(b, '\n') + 1
	p.skip = i == 0
	if i == 0 {
		i = len(b)
	}
	p.pass(line{b: b[:i], n: int64(i), whole: !p.skip})
	return b[i:]
}

// bodyLine places one gathered line, or acts on it if it is a delimiter.
func (p *Parser) bodyLine(l line) {
	if level, closing := p.match(l.b); level >= 0 {
		p.delimiter(level, closing)
		p.pass(l)
		p.skip = !l.whole
		return
	}
	if l.nul {
		p.top().Flags |= BodyNUL
	}
	if p.capture != nil && !p.capture.add(l.b) {
		p.capture = nil
	}
	p.count(l)
}

// pass counts a line of a delimiter. A part that it opened begins after it.
func (p *Parser) pass(l line) {
	p.count(l)
	if p.inHeader {
		t := p.top()
		t.Header, t.Body, t.End = p.pos, p.pos, p.pos
	}
}

// count counts a line of which not all may have been kept.
func (p *Parser) count(l line) {
	p.advance(l.b)
	if dropped := l.n - int64(len(l.b)); dropped > 0 {
		p.pos += dropped
		p.tail = [2]byte{}
		if l.whole {
			p.lf++
			p.tail[1], p.bol = '\n', true
		}
	}
}

// place gives b to the body of the innermost open entity.
func (p *Parser) place(b []byte) {
	if len(b) == 0 {
		return
	}
	if p.nul && bytes.IndexByte(b, 0) >= 0 {
		p.top().Flags |= BodyNUL
	}
	if p.capture != nil && !p.capture.add(b) {
		p.capture = nil
	}
	p.advance(b)
}

// advance counts b.
func (p *Parser) advance(b []byte) {
	n := len(b)
	if n == 0 {
		return
	}
	p.pos += int64(n)
	p.lf += int64(bytes.Count(b, lineFeed))
	if n == 1 {
		p.tail[0] = p.tail[1]
	} else {
		p.tail[0] = b[n-2]
	}
	p.tail[1] = b[n-1]
	p.bol = b[n-1] == '\n'
}

var lineFeed = []byte{'\n'}

// top is the innermost open entity.
func (p *Parser) top() *node { return &p.msg.nodes[p.stack[len(p.stack)-1].part] }
