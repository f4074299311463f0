package search

import (
	"io"
	"slices"

	"citron/mail/message"
)

// pieceSize is the number of bytes of decoded text shown together. maxHeader is
// how much is read of the header of a part.
const (
	pieceSize = 32 << 10
	maxHeader = 256 << 10
)

// Source is a message that can be walked through; see Candidate.
type Source interface {
	Index() (message.Index, error)
	Body() (io.ReaderAt, error)
}

// Visitor is shown the texts of a message. What it is given is its own until it
// returns, to change as it likes; the walk ends when it says false.
type Visitor interface {
	// Header is the raw header of a part, of which 0 is the message itself;
	// whole: it is all of it.
	Header(part int, header []byte, whole bool) bool
	// Text is the next piece of the text of a part, without its transfer
	// encoding and in UTF-8; a piece may end within a character. end: it is
	// the part's last.
	Text(piece []byte, end bool) bool
}

// Walker shows everything that TEXT and BODY look at, so that who searches and
// who indexes see the same. It keeps its buffers from message to message.
type Walker struct {
	header []byte
	body   []byte // a small part as stored, or a piece of a large one
	work   []byte // without its encoding,
	plain  []byte // and as text
}

// Walk shows the message to v, part after part. The error is the source's.
func (w *Walker) Walk(s Source, v Visitor) error {
	ix, err := s.Index()
	if err != nil {
		return err
	}
	tree, err := ix.Tree()
	if err != nil {
		return err
	}
	body, err := s.Body()
	if err != nil {
		return err
	}
	for i := range tree {
		if more, err := w.part(i, &tree[i], body, v); err != nil || !more {
			return err
		}
	}
	return nil
}

// part shows the header of a part and, if it is text, its body.
func (w *Walker) part(i int, p *message.Part, body io.ReaderAt, v Visitor) (more bool, err error) {
	header, err := w.readHeader(p, body)
	if err != nil {
		return false, err
	}
	charset, isText := "", p.Kind == message.Leaf && p.Flags&message.IsText != 0
	if isText {
		contentType, _ := message.FirstField(header, "Content-Type")
		charset = message.CharsetOf(contentType)
	}
	if !v.Header(i, header, int64(len(header)) == p.Body-p.Header) {
		return false, nil
	}
	if !isText {
		return true, nil
	}
	encoding := p.Encoding
	if encoding == message.UnknownEncoding {
		encoding = message.EightBit // as it stands
	}
	if p.Size() <= pieceSize {
		return w.small(p, body, encoding, charset, v)
	}
	text, err := message.TextReader(io.NewSectionReader(body, p.Body, p.Size()), encoding, charset)
	if err != nil {
		return false, err
	}
	return w.large(text, v)
}

// readHeader reads the header of a part.
func (w *Walker) readHeader(p *message.Part, body io.ReaderAt) ([]byte, error) {
	n := int(min(p.Body-p.Header, maxHeader))
	w.header = slices.Grow(w.header[:0], n)[:n]
	_, err := io.ReadFull(io.NewSectionReader(body, p.Header, int64(n)), w.header)
	return w.header, err
}

// small shows a part that is read at once.
func (w *Walker) small(p *message.Part, body io.ReaderAt, e message.Encoding, charset string, v Visitor) (bool, error) {
	n := int(p.Size())
	w.body = slices.Grow(w.body[:0], n)[:n]
	if got, err := body.ReadAt(w.body, p.Body); got < n {
		if err == nil || err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return false, err
	}
	var err error
	if w.plain, w.work, err = message.AppendText(w.plain[:0], w.work, w.body, e, charset); err != nil {
		return false, err
	}
	return v.Text(w.plain, true), nil
}

// large shows decoded text piece by piece.
func (w *Walker) large(text io.Reader, v Visitor) (bool, error) {
	w.body = slices.Grow(w.body[:0], pieceSize)[:pieceSize]
	for {
		n, err := io.ReadFull(text, w.body)
		end := err == io.EOF || err == io.ErrUnexpectedEOF
		if err != nil && !end {
			return false, err
		}
		if more := v.Text(w.body[:n], end); !more || end {
			return more, nil
		}
	}
}

// AppendFieldText appends what TEXT looks at in a header field: its name, ": "
// and its value as the header keys look at it; of a line that is no field, the
// whole line.
func AppendFieldText(dst []byte, f message.Field) []byte {
	if f.Name == nil {
		return append(dst, message.DecodeHeader(f.Raw)...)
	}
	return f.AppendText(append(append(dst, f.Name...), ": "...))
}
