package message

import (
	"bytes"
	"encoding/base64"
	"io"
	"slices"
	"sort"
	"unicode/utf8"
)

// View is one form in which a stored message is shown. Its bytes are a list of
// pieces, made of the stored ones when they are read; it has a size and offsets
// of its own, so that an Index of a View comes from parsing it like any other
// message. A View keeps no body.
type View struct {
	pieces []piece
	size   int64
	text   int  // bytes of literal pieces
	nul    bool // NULs of stored pieces appear as 0x80
}

// piece is a run of a View's bytes.
type piece struct {
	at   int64 // where it begins in the View
	kind pieceKind
	src  Span   // in the stored message
	text []byte // of a literal piece
}

type pieceKind uint8

const (
	pieceStored  pieceKind = iota // src
	pieceLiteral                  // text
	pieceBase64                   // src in base64
)

// Base64 lines: 57 bytes are 76 characters and a line end, which the last line
// does not have.
const (
	lineBytes = 57
	lineChars = 76
	lineWidth = lineChars + 2
)

// Shown says how a View differs from the message as it is stored.
type Shown uint8

const (
	// WithoutNUL is for all that does not use BINARY: a part with a NUL in a
	// body that is not encoded appears in base64, and its header says so (RFC
	// 3516 §6); any other NUL, which no IMAP string can hold, appears as 0x80.
	WithoutNUL Shown = 1 << iota
	// Downgraded is for clients that did not enable UTF-8: header fields in
	// UTF-8 appear in ASCII (RFC 6857). Fields in another charset, which no
	// standard allows, are left as they are.
	Downgraded
)

// maxViewText bounds the literal bytes of a View, about; parts beyond it are
// not downgraded.
const maxViewText = 4 << 20

// NewView makes a view of a message. stored is the message, t its tree. It reads
// the headers of the parts concerned and gives the error of doing so.
func NewView(t Tree, stored io.ReaderAt, as Shown) (*View, error) {
	v := &View{nul: as&WithoutNUL != 0}
	at := int64(0) // how much of the stored message is in the view
	for i := range t {
		p := &t[i]
		base64 := as&WithoutNUL != 0 && p.Kind == Leaf && p.Flags&BodyNUL != 0 && p.Encoding.Identity()
		downgrade := as&Downgraded != 0 && p.Flags&Header8Bit != 0 && v.text < maxViewText
		if !base64 && !downgrade {
			continue
		}
		v.addStored(Span{at, p.Header})
		if err := v.addHeader(p, stored, base64, downgrade); err != nil {
			return nil, err
		}
		if at = p.Body; base64 {
			v.add(piece{kind: pieceBase64, src: Span{p.Body, p.End}}, base64Size(p.Size()))
			at = p.End
		}
	}
	v.addStored(Span{at, t[0].End})
	return v, nil
}

func base64Size(n int64) int64 {
	if n == 0 {
		return 0
	}
	return (n+2)/3*4 + 2*((n-1)/lineBytes)
}

func (v *View) add(p piece, size int64) {
	if size > 0 {
		p.at = v.size
		v.pieces = append(v.pieces, p)
		v.size += size
	}
}

func (v *View) addStored(s Span) { v.add(piece{kind: pieceStored, src: s}, s.Len()) }

func (v *View) addLiteral(text string) {
	v.text += len(text)
	v.add(piece{kind: pieceLiteral, text: []byte(text)}, int64(len(text)))
}

// maxViewHeader is how much of a part's header is looked at; the
// Content-Transfer-Encoding of a longer one goes to its front.
const maxViewHeader = 256 << 10

const base64Field = "Content-Transfer-Encoding: base64\r\n"

// addHeader adds the header of a part, with base64 for its encoding, or with
// fields downgraded, or both.
func (v *View) addHeader(p *Part, stored io.ReaderAt, base64, downgrade bool) error {
	h := make([]byte, min(p.Body-p.Header, maxViewHeader))
	if n, err := stored.ReadAt(h, p.Header); n < len(h) {
		return err
	}
	whole := int64(len(h)) == p.Body-p.Header
	downgrade = downgrade && utf8.Valid(h)
	at, from := 0, 0
	_, encoded := FirstField(h, "content-transfer-encoding")
	placed := base64 && !encoded && !whole
	if placed {
		v.addLiteral(base64Field)
	}
	// instead puts text in the place of the field at hand.
	instead := func(text string, end int) {
		v.addStored(Span{p.Header + int64(from), p.Header + int64(at)})
		v.addLiteral(text)
		from = end
	}
	for f := range Fields(h) {
		end := at + len(f.Raw)
		switch {
		case base64 && equalFold(f.Name, "content-transfer-encoding"):
			if placed {
				instead("", end)
			} else {
				instead(base64Field, end)
			}
			placed = true
		case downgrade && !isASCII(f.Raw):
			instead(downgradeField(f), end)
		}
		at = end
	}
	if base64 && !placed {
		instead(base64Field, at)
	}
	v.addStored(Span{p.Header + int64(from), p.Body})
	if base64 && whole && at == len(h) { // no blank line
		v.addLiteral("\r\n")
	}
	return nil
}

// Size is the length of the view in bytes.
func (v *View) Size() int64 { return v.size }

// Open reads the view of a stored message.
func (v *View) Open(stored io.ReaderAt) io.ReaderAt { return &viewReader{v, stored} }

// Index parses the view and gives its index.
func (v *View) Index(stored io.ReaderAt, l Limits) ([]byte, error) {
	p := NewParser(l)
	if _, err := io.Copy(p, io.NewSectionReader(v.Open(stored), 0, v.size)); err != nil {
		return nil, err
	}
	return p.Finish().AppendIndex(nil), nil
}

type viewReader struct {
	*View
	stored io.ReaderAt
}

// ReadAt implements io.ReaderAt.
func (r *viewReader) ReadAt(b []byte, off int64) (int, error) {
	n := 0
	i := sort.Search(len(r.pieces), func(i int) bool { return r.pieces[i].at > off }) - 1
	for ; i >= 0 && i < len(r.pieces) && n < len(b); i++ {
		p, end := &r.pieces[i], r.size
		if i+1 < len(r.pieces) {
			end = r.pieces[i+1].at
		}
		want := min(int64(len(b)-n), end-off)
		if want <= 0 {
			break
		}
		if err := r.read(p, b[n:n+int(want)], off-p.at); err != nil {
			return n, err
		}
		n += int(want)
		off += want
	}
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

// read fills b from offset off of a piece.
func (r *viewReader) read(p *piece, b []byte, off int64) error {
	switch p.kind {
	case pieceLiteral:
		copy(b, p.text[off:])
		return nil
	case pieceStored:
		if err := readFull(r.stored, b, p.src.From+off); err != nil {
			return err
		}
		for i := bytes.IndexByte(b, 0); r.nul && i >= 0; i = bytes.IndexByte(b, 0) {
			b[i] = 0x80
			b = b[i+1:]
		}
		return nil
	}
	return r.readBase64(p.src, b, off)
}

// readBase64 fills b from offset off of what src is in base64, some lines at a
// time.
func (r *viewReader) readBase64(src Span, b []byte, off int64) error {
	const lines = 256
	var raw, text []byte
	for len(b) > 0 {
		line := off / lineWidth
		from := src.From + line*lineBytes
		need := (off%lineWidth+int64(len(b)))/lineWidth + 1
		size := min(min(need, lines)*lineBytes, src.To-from)
		raw = slices.Grow(raw[:0], int(size))[:size]
		if err := readFull(r.stored, raw, from); err != nil {
			return err
		}
		last := from+int64(len(raw)) == src.To
		text = appendBase64(text[:0], raw, last)
		n := copy(b, text[off-line*lineWidth:])
		b, off = b[n:], off+int64(n)
	}
	return nil
}

// appendBase64 appends raw in lines; after the last one there is a line end
// unless last is set.
func appendBase64(dst, raw []byte, last bool) []byte {
	for len(raw) > 0 {
		n := min(len(raw), lineBytes)
		dst = base64.StdEncoding.AppendEncode(dst, raw[:n])
		if raw = raw[n:]; len(raw) > 0 || !last {
			dst = append(dst, '\r', '\n')
		}
	}
	return dst
}

// readFull fills b; io.ErrUnexpectedEOF if there are not enough bytes.
func readFull(r io.ReaderAt, b []byte, off int64) error {
	n, err := r.ReadAt(b, off)
	switch {
	case n == len(b):
		return nil
	case err == nil || err == io.EOF:
		return io.ErrUnexpectedEOF
	}
	return err
}
