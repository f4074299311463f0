package recode

import (
	"bytes"
	"io"
	"slices"
	"strings"

	"citron/mail/message"
)

// plan is how a message is to be converted.
type plan struct {
	original io.ReaderAt
	to       Target
	msg      *message.Message
	tree     message.Tree
	regions  []region
	parts    []part
	changes  int
	literal  int // octets of changed headers
}

// part is what becomes of a part.
type part struct {
	signed bool // it is within a multipart/signed
	encode pieceKind
	class  Target // what it is made of afterwards, with its parts
	label  string // its new Content-Transfer-Encoding; empty: the old one
	mime   bool   // it is a message that needs MIME-Version (RFC 2045 §4)
	typed  bool   // its octets above 127 need a Content-Type (RFC 1428 §3)
}

func newPlan(m *message.Message, original io.ReaderAt, to Target) *plan {
	p := &plan{original: original, to: to, msg: m, tree: m.Tree()}
	p.parts = make([]part, len(p.tree))
	p.addRegions(0, false)
	return p
}

// decide says what becomes of every part, the innermost first. A message that
// the next hop takes stays as it is.
func (p *plan) decide() error {
	if !slices.ContainsFunc(p.regions, func(g region) bool { return g.refusedBy(p.to) }) {
		return nil
	}
	for i := len(p.regions) - 1; i >= 0; i-- {
		g := &p.regions[i]
		d := &p.parts[g.part]
		refused := g.refusedBy(p.to)
		if refused && d.signed || refused && g.kind != header && p.signs(g.part) {
			return impossible("a signed part would have to be changed")
		}
		switch g.kind {
		case body:
			if err := p.decideBody(g, d, refused); err != nil {
				return err
			}
		case before, after:
			if refused {
				p.changes++
			} else if g.high > 0 {
				d.class = EightBit
			}
		case header:
			if err := p.decideHeader(g, d); err != nil {
				return err
			}
		}
	}
	return nil
}

// signs says whether part i is a multipart/signed.
func (p *plan) signs(i int32) bool {
	_, sub := p.msg.MediaType(int(i))
	return p.tree[i].Kind == message.Multipart && sub == "signed"
}

func (p *plan) decideBody(g *region, d *part, refused bool) error {
	switch {
	case refused:
		return p.encode(g, d)
	case g.high > 0:
		d.class = EightBit
	}
	return nil
}

// encode decides how a body is encoded that cannot stay as it is.
func (p *plan) encode(g *region, d *part) error {
	part := &p.tree[g.part]
	head, err := p.readHeader(g.part)
	if err != nil {
		return err
	}
	kind := declaredType(head)
	typ, sub := p.msg.MediaType(int(g.part))
	switch {
	case part.Encoding == message.UnknownEncoding:
		return impossible("a part has an unknown encoding")
	case len(p.tree) >= maxParts:
		return impossible("it has too many parts")
	case whole(kind), whole(typ + "/" + sub):
		return impossible("a part is of a type that may not be encoded")
	}
	d.encode, d.label = base64ed, "base64"
	if readable := g.high <= g.span.Len()/4; part.Flags&message.IsText != 0 && part.Encoding.Identity() && readable && !g.bare && !g.nul {
		d.encode, d.label = quoted, "quoted-printable"
	}
	d.typed = g.high > 0 && kind == "" && part.Encoding.Identity()
	p.changed(g.part)
	return nil
}

// whole says whether a type may not be encoded (RFC 2046 §5.1, §5.2); those of
// RFC 6532 and RFC 6533 may.
func whole(kind string) bool {
	return strings.HasPrefix(kind, "multipart/") ||
		strings.HasPrefix(kind, "message/") && !strings.HasPrefix(kind, "message/global")
}

// maxParts is where message.Limits ends looking for parts, by default.
const maxParts = 10_000

// decideHeader decides what a part's header must say once its parts are decided.
func (p *plan) decideHeader(g *region, d *part) error {
	i := g.part
	switch {
	case g.nul:
		return impossible("a header has a NUL")
	case p.to == SevenBit && g.high > 0:
		return impossible("a header with 8 bits needs SMTPUTF8")
	}
	if p.tree[i].Parent >= 0 && g.high > 0 {
		head, err := p.readHeader(i)
		if err != nil {
			return err
		}
		if strayLine(head) {
			return impossible("its parts are too entangled")
		}
	}
	if label := p.tree[i].Encoding; d.encode == copied && label.Identity() && !d.signed && !p.fits(label, d.class) {
		d.label = labels[d.class]
		p.changed(i)
	}
	if g.unlined() {
		p.changes++
	}
	if parent := p.tree[i].Parent; parent >= 0 {
		up := &p.parts[parent]
		up.class = max(up.class, d.class)
		if g.high > 0 {
			up.class = EightBit
		}
	}
	return nil
}

// strayLine says whether a header has a line that is of no field: it is header
// or body by what stands around the part, which is about to change.
func strayLine(head []byte) bool {
	for line := range bytes.Lines(head) {
		line = bytes.TrimRight(line, "\r\n")
		if len(line) == 0 || line[0] == ' ' || line[0] == '\t' {
			continue
		}
		name, _, isField := bytes.Cut(line, []byte{':'})
		if !isField || bytes.ContainsFunc(name, func(r rune) bool { return r < ' ' || r > '~' }) {
			return true
		}
	}
	return false
}

var labels = [...]string{SevenBit: "7bit", EightBit: "8bit"}

// fits says whether a label may stay where this is what is left.
func (p *plan) fits(label message.Encoding, class Target) bool {
	switch label {
	case message.SevenBit:
		return class == SevenBit
	case message.EightBit:
		return p.to == EightBit
	}
	return false
}

// changed notes that part i changes: the message that it is of is MIME.
func (p *plan) changed(i int32) {
	p.changes++
	for parent := p.tree[i].Parent; parent >= 0 && p.tree[parent].Kind != message.Embedded; parent = p.tree[i].Parent {
		i = parent
	}
	p.parts[i].mime = true
}

// pieces lists what the converted message is made of.
func (p *plan) pieces() ([]piece, error) {
	var list pieces
	for i := range p.regions {
		g := &p.regions[i]
		d := &p.parts[g.part]
		switch {
		case g.kind == header && (d.label != "" || d.mime || g.unlined()):
			text, err := p.header(g, d)
			if err != nil {
				return nil, err
			}
			list.add(piece{kind: literal, text: text})
		case g.kind == body && d.encode != copied:
			list.add(piece{kind: d.encode, span: g.span, from: p.tree[g.part].Encoding})
			if g.span.To == p.tree[0].End && d.encode == base64ed {
				list.add(piece{kind: literal, text: crlf})
			}
		case (g.kind == before || g.kind == after) && g.refusedBy(p.to):
			text, err := p.delimiter(g)
			if err != nil {
				return nil, err
			}
			list.add(piece{kind: literal, text: text})
		default:
			list.add(piece{kind: copied, span: g.span})
		}
	}
	return list, nil
}

var crlf = []byte("\r\n")

// readHeader reads the header of part i.
func (p *plan) readHeader(i int32) ([]byte, error) {
	part := &p.tree[i]
	if part.Flags&message.Truncated != 0 {
		return nil, impossible("a header is too large")
	}
	return p.read(message.Span{From: part.Header, To: part.Body})
}

func (p *plan) read(s message.Span) ([]byte, error) {
	b := make([]byte, s.Len())
	_, err := io.ReadFull(io.NewSectionReader(p.original, s.From, s.Len()), b)
	return b, err
}

// header gives a header as it has to be.
func (p *plan) header(g *region, d *part) ([]byte, error) {
	head, err := p.readHeader(g.part)
	if err != nil {
		return nil, err
	}
	var out []byte
	_, isMIME := message.FirstField(head, "mime-version")
	labelled := d.label == ""
	for f := range message.Fields(head) {
		if d.label != "" && strings.EqualFold(string(f.Name), encodingField) {
			if !labelled {
				out = append(out, encodingField+": "+d.label+"\r\n"...)
				labelled = true
			}
			continue
		}
		var ok bool
		if out, ok = appendField(out, f.Raw, g.unlined()); !ok {
			return nil, impossible("a line of a header is too long, or has a bare CR")
		}
	}
	if d.mime && !isMIME {
		out = append(out, "MIME-Version: 1.0\r\n"...)
	}
	if d.typed {
		out = append(out, "Content-Type: text/plain; charset=unknown-8bit\r\n"...)
	}
	if !labelled {
		out = append(out, encodingField+": "+d.label+"\r\n"...)
	}
	out = append(out, crlf...)
	if p.literal += len(out); p.literal > maxLiteral {
		return nil, impossible("its headers are too large")
	}
	return out, nil
}

const encodingField = "Content-Transfer-Encoding"

// appendField appends a field, with its line ends and long lines mended if mend
// is set; false if a line cannot be folded or has a bare CR, of which nobody can
// tell what it was to mean.
func appendField(out, raw []byte, mend bool) ([]byte, bool) {
	if !mend {
		out = append(out, raw...)
		if !bytes.HasSuffix(raw, crlf) {
			out = append(bytes.TrimRight(out, "\r\n"), crlf...)
		}
		return out, true
	}
	for line := range bytes.SplitSeq(bytes.TrimSuffix(raw, []byte{'\n'}), []byte{'\n'}) {
		line = bytes.TrimSuffix(line, []byte{'\r'})
		var ok bool
		if out, ok = message.AppendFolded(out, line); !ok || bytes.IndexByte(line, '\r') >= 0 {
			return out, false
		}
	}
	return out, true
}

// maxDelimiter is how long a line with a delimiter is at most.
const maxDelimiter = 2 << 10

// delimiter gives what must stay of a region between parts: the delimiter. It is
// the last line of what is before a part, and the first line of what is after
// them that is not empty.
func (p *plan) delimiter(g *region) ([]byte, error) {
	s := g.span
	if g.kind == before {
		s.From = max(s.From, s.To-maxDelimiter)
	} else {
		s.To = min(s.To, s.From+maxDelimiter)
	}
	b, err := p.read(s)
	if err != nil {
		return nil, err
	}
	first := g.kind == before && g.span.From == p.tree[g.part].Body
	var line []byte
	if g.kind == before {
		b = bytes.TrimRight(b, "\r\n")
		line = b[bytes.LastIndexByte(b, '\n')+1:]
	} else {
		line, _, _ = bytes.Cut(bytes.TrimLeft(b, "\r\n"), []byte{'\n'})
	}
	line = bytes.TrimRight(line, " \t\r")
	if !bytes.HasPrefix(line, []byte("--")) {
		return nil, impossible("its parts are too entangled")
	}
	var out []byte
	if !first {
		out = append(out, crlf...)
	}
	return append(append(out, line...), crlf...), nil
}

// declaredType gives the media type of a header in lower case; empty if it names
// none.
func declaredType(head []byte) string {
	value, ok := message.FirstField(head, "content-type")
	if !ok {
		return ""
	}
	kind, _, _ := bytes.Cut(value, []byte{';'})
	return string(bytes.ToLower(bytes.Join(bytes.Fields(kind), nil)))
}
