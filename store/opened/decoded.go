package opened

import (
	"bytes"
	"errors"
	"io"

	"citron/mail/message"
)

// Decoded is a part without its transfer encoding (RFC 3516).
type Decoded struct {
	R        io.ReaderAt
	Span     message.Span // as encoded
	Encoding message.Encoding
	Text     bool // its line ends become CRLF
	NUL      bool // if Plain: there may be NULs in it
}

// Decode describes the part with number i of a form whose Tree was asked for,
// read from r. Multiparts and messages, the whole one among them, have no
// encoding to take away (RFC 2045 §6.4).
func (f *Form) Decode(r io.ReaderAt, i int, whole bool) Decoded {
	p := &f.parts[i]
	d := Decoded{R: r, Span: message.Span{From: p.Body, To: p.End}, NUL: f.Index.HasNUL()}
	switch {
	case whole:
		d.Span.From = p.Header
	case p.Kind == message.Leaf:
		d.Encoding, d.Text, d.NUL = p.Encoding, p.Flags&message.IsText != 0, p.Flags&message.BodyNUL != 0
	}
	return d
}

// Plain says that the decoded octets are those of Span.
func (d *Decoded) Plain() bool { return d.Encoding.Identity() && !d.Text }

// Open gives the decoded octets.
func (d *Decoded) Open() (io.Reader, error) {
	return message.Decode(io.NewSectionReader(d.R, d.Span.From, d.Span.Len()), d.Encoding, d.Text)
}

// pieceSize is how many octets are decoded between two breaths.
const pieceSize = 32 << 10

// Measure gives the decoded size and whether there is a NUL in it, decoding all
// of it with breathe between pieces. An error that is not breathe's is an
// *UnreadableError.
func (d *Decoded) Measure(breathe func() error) (size int64, nul bool, err error) {
	r, err := d.Open()
	if err != nil {
		return 0, false, err
	}
	buf := make([]byte, pieceSize)
	for {
		n, err := r.Read(buf)
		size += int64(n)
		nul = nul || bytes.IndexByte(buf[:n], 0) >= 0
		switch {
		case errors.Is(err, io.EOF):
			return size, nul, nil
		case err != nil:
			return 0, false, &UnreadableError{err}
		}
		if err := breathe(); err != nil {
			return 0, false, err
		}
	}
}
