package recode

import (
	"bytes"
	"encoding/base64"
	"io"
	"mime/quotedprintable"

	"citron/mail/message"
)

// piece is a run of the converted message.
type piece struct {
	kind pieceKind
	span message.Span // of the original
	from message.Encoding
	text []byte // of a literal
}

type pieceKind uint8

const (
	copied pieceKind = iota
	literal
	base64ed
	quoted
)

type pieces []piece

// add adds a piece; what is copied in one run is one piece.
func (list *pieces) add(p piece) {
	if n := len(*list); n > 0 && p.kind == copied && (*list)[n-1].kind == copied {
		(*list)[n-1].span.To = p.span.To
		return
	}
	*list = append(*list, p)
}

// reader reads the pieces one after the other.
type reader struct {
	m    *Message
	next int
	now  io.Reader
}

func (r *reader) Read(b []byte) (int, error) {
	for {
		if r.now == nil {
			if r.next == len(r.m.pieces) {
				return 0, io.EOF
			}
			r.now = r.m.open(&r.m.pieces[r.next])
			r.next++
		}
		n, err := r.now.Read(b)
		if err == io.EOF {
			r.now, err = nil, nil
		}
		if n > 0 || err != nil || len(b) == 0 {
			return n, err
		}
	}
}

func (m *Message) open(p *piece) io.Reader {
	if p.kind == literal {
		return bytes.NewReader(p.text)
	}
	var src io.Reader = &exact{io.NewSectionReader(m.original, p.span.From, p.span.Len()), p.span.Len()}
	if p.kind == copied {
		return src
	}
	if !p.from.Identity() {
		src, _ = message.Decode(src, p.from, false) // not of an unknown encoding
	}
	e := &encoder{src: src}
	if p.kind == quoted {
		e.w = quotedprintable.NewWriter(&e.out)
	} else {
		e.w = NewBase64(&e.out)
	}
	return e
}

// exact reads so many octets: an earlier end is an error.
type exact struct {
	r    io.Reader
	left int64
}

func (e *exact) Read(b []byte) (int, error) {
	n, err := e.r.Read(b)
	if e.left -= int64(n); err == io.EOF && e.left > 0 {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// encoder reads what w makes of src.
type encoder struct {
	src io.Reader
	w   io.WriteCloser // writes to out
	out bytes.Buffer
	in  []byte
	err error
}

// chunk is how much of a body is encoded at a time.
const chunk = 16 << 10

func (e *encoder) Read(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	for e.out.Len() == 0 {
		if e.err != nil {
			return 0, e.err
		}
		e.fill()
	}
	return e.out.Read(b)
}

func (e *encoder) fill() {
	if e.in == nil {
		e.in = make([]byte, chunk)
	}
	n, err := e.src.Read(e.in)
	_, _ = e.w.Write(e.in[:n]) // into memory
	if e.err = err; err == io.EOF {
		_ = e.w.Close()
	}
}

// NewBase64 encodes what is written to it in lines of 76 characters (RFC 2045
// §6.8), without a line end after the last one. Close ends the encoding and does
// not close w.
func NewBase64(w io.Writer) io.WriteCloser {
	return base64.NewEncoder(base64.StdEncoding, &lines{w: w})
}

type lines struct {
	w io.Writer
	n int // characters of the current line
}

func (l *lines) Write(p []byte) (int, error) {
	const width = 76
	for rest := p; len(rest) > 0; {
		if l.n == width {
			if _, err := l.w.Write(crlf); err != nil {
				return 0, err
			}
			l.n = 0
		}
		n := min(width-l.n, len(rest))
		if _, err := l.w.Write(rest[:n]); err != nil {
			return 0, err
		}
		l.n, rest = l.n+n, rest[n:]
	}
	return len(p), nil
}
