package recode

import (
	"bytes"
	"io"

	"citron/mail/message"
)

// facts are what a run of octets is made of.
type facts struct {
	high int64 // how many octets are above 127
	nul  bool  // there is a NUL
	bare bool  // there is a CR or LF alone
	long bool  // there is a line of more than 998 octets
}

// unlined says that it is not made of lines.
func (f *facts) unlined() bool { return f.nul || f.bare || f.long }

// refusedBy says whether a next hop does not take it.
func (f *facts) refusedBy(to Target) bool { return f.unlined() || to == SevenBit && f.high > 0 }

// scanner finds the facts of what is written to it.
type scanner struct {
	f    *facts
	line int  // octets of the current line
	cr   bool // the last one was a CR
}

func (s *scanner) Write(p []byte) (int, error) {
	n := len(p)
	for _, c := range p {
		s.f.high += int64(c >> 7)
	}
	s.f.nul = s.f.nul || bytes.IndexByte(p, 0) >= 0
	for len(p) > 0 {
		line, rest, ended := bytes.Cut(p, []byte{'\n'})
		s.text(line)
		if ended {
			s.f.bare = s.f.bare || !s.cr
			s.line, s.cr = 0, false
		}
		p = rest
	}
	return n, nil
}

// text takes octets of one line, none of which is LF.
func (s *scanner) text(p []byte) {
	if len(p) == 0 {
		return
	}
	if i := bytes.IndexByte(p, '\r'); s.cr || i >= 0 && i < len(p)-1 {
		s.f.bare = true
	}
	s.cr = p[len(p)-1] == '\r'
	s.line += len(p)
	if s.line > message.MaxLine+1 || s.line > message.MaxLine && !s.cr {
		s.f.long = true
	}
}

// end ends the run.
func (s *scanner) end() { s.f.bare = s.f.bare || s.cr }

// region is a run of the message's octets; all of them, one after the other, are
// the message.
type region struct {
	kind regionKind
	part int32 // it belongs to
	span message.Span
	facts
}

type regionKind uint8

const (
	header regionKind = iota
	body              // of a part without parts, or one that is encoded as a whole
	before            // what is between the parts of a multipart, delimiter included; first the preamble
	after             // what is behind the last part
)

// addRegions lists the regions of part i.
func (p *plan) addRegions(i int32, signed bool) {
	part := &p.tree[i]
	p.parts[i].signed = signed
	p.add(header, i, part.Header, part.Body)
	switch {
	case p.opaque(i):
		p.add(body, i, part.Body, part.End)
		return
	case part.Kind == message.Multipart:
		_, sub := p.msg.MediaType(int(i))
		signed = signed || sub == "signed"
	}
	at := part.Body
	for c := part.Child; c >= 0; c = p.tree[c].Next {
		p.add(before, i, at, p.tree[c].Header)
		p.addRegions(c, signed)
		at = p.tree[c].End
	}
	p.add(after, i, at, part.End)
}

func (p *plan) add(kind regionKind, i int32, from, to int64) {
	if from < to || kind == header {
		p.regions = append(p.regions, region{kind: kind, part: i, span: message.Span{From: from, To: to}})
	}
}

// opaque says that the parts of part i, if it has any, are not looked at.
func (p *plan) opaque(i int32) bool {
	part := &p.tree[i]
	return part.Kind == message.Leaf || part.Kind == message.Embedded && !part.Encoding.Identity()
}

// scan finds the facts of all regions; r reads the message.
func (p *plan) scan(r io.Reader) error {
	buf := make([]byte, 64<<10)
	for i := range p.regions {
		g := &p.regions[i]
		s := scanner{f: &g.facts}
		if _, err := io.CopyBuffer(&s, io.LimitReader(r, g.span.Len()), buf); err != nil {
			return err
		}
		s.end()
	}
	return nil
}
