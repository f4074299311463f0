package imapserver

import (
	"bytes"
	"errors"
	"io"
	"slices"

	"citron/mail/message"
	"citron/wire/imap"
)

// binary writes BINARY[…] or BINARY.SIZE[…] (RFC 3516, RFC 9051 §6.4.5): a part
// of the message as it is stored, without its transfer encoding. One with an
// encoding that nobody knows is left out, and the FETCH ends with UNKNOWN-CTE.
func (f *fetcher) binary(m *fetched, it *imap.FetchItem) error {
	own, err := f.s.asStored(&m.storedMessage)
	if err != nil {
		return err
	}
	tree, err := own.tree()
	if err != nil {
		return err
	}
	i, ok := tree.Find(it.Section.Part)
	if !ok {
		f.noBinary(it)
		return nil
	}
	r, err := f.s.octetsOf(&m.storedMessage, own)
	if err != nil {
		return err
	}
	p := newDecodedPart(r, own, i, len(it.Section.Part) == 0)
	switch {
	case p.enc == message.UnknownEncoding:
		f.undecodable = true
		return nil
	case p.plain():
		return f.plainBinary(&p, it)
	case p.span.Len() <= piece:
		return f.smallBinary(&p, it)
	}
	return f.largeBinary(&p, it)
}

// noBinary answers for a part that is not there.
func (f *fetcher) noBinary(it *imap.FetchItem) {
	if it.Kind == imap.FetchBinarySize {
		f.s.w.FetchBinarySize(it, 0)
	} else {
		f.s.w.FetchBody(it, nil, false)
	}
}

// plainBinary is a part of which every octet is sent as it is.
func (f *fetcher) plainBinary(p *decodedPart, it *imap.FetchItem) error {
	if it.Kind == imap.FetchBinarySize {
		f.s.w.FetchBinarySize(it, p.span.Len())
		return nil
	}
	from, to := part(p.span, it.Partial)
	f.s.w.FetchBodyHead(it, to-from, p.nul)
	return f.copy(p.r, from, to)
}

// smallBinary decodes a part in memory.
func (f *fetcher) smallBinary(p *decodedPart, it *imap.FetchItem) error {
	n := int(p.span.Len())
	f.encoded = slices.Grow(f.encoded[:0], n)[:n]
	if err := readAt(p.r, f.encoded, p.span.From); err != nil {
		return err
	}
	var err error
	if f.scratch, err = message.AppendDecoded(f.scratch[:0], f.encoded, p.enc, p.text); err != nil {
		return err
	}
	if it.Kind == imap.FetchBinarySize {
		f.s.w.FetchBinarySize(it, int64(len(f.scratch)))
		return nil
	}
	f.s.w.FetchBody(it, cut(f.scratch, it.Partial), bytes.IndexByte(f.scratch, 0) >= 0)
	return nil
}

// largeBinary decodes a part twice, because its size must be announced: once to
// count.
func (f *fetcher) largeBinary(p *decodedPart, it *imap.FetchItem) error {
	size, nul, err := p.measure(f.within)
	if err != nil {
		return err
	}
	if it.Kind == imap.FetchBinarySize {
		f.s.w.FetchBinarySize(it, size)
		return nil
	}
	from, to := part(message.Span{To: size}, it.Partial)
	f.s.w.FetchBodyHead(it, to-from, nul)
	if from == to {
		return nil
	}
	r, err := p.open()
	if err != nil {
		return err
	}
	if _, err := io.CopyN(io.Discard, r, from); err != nil {
		return &unreadableError{err}
	}
	return f.stream(r, to-from)
}

// decodedPart is a part without its transfer encoding.
type decodedPart struct {
	r    io.ReaderAt
	span message.Span
	enc  message.Encoding
	text bool // its line ends become CRLF
	nul  bool // if plain: there may be NULs in it
}

// newDecodedPart describes the part with number i. Multiparts and messages,
// the whole one among them, have no encoding to take away (RFC 2045 §6.4).
func newDecodedPart(r io.ReaderAt, own *form, i int, whole bool) decodedPart {
	p := &own.parts[i]
	d := decodedPart{r: r, span: message.Span{From: p.Body, To: p.End}, nul: own.index.HasNUL()}
	switch {
	case whole:
		d.span.From = p.Header
	case p.Kind == message.Leaf:
		d.enc, d.text, d.nul = p.Encoding, p.Flags&message.IsText != 0, p.Flags&message.BodyNUL != 0
	}
	return d
}

// plain says that the part is sent octet for octet.
func (d *decodedPart) plain() bool { return d.enc.Identity() && !d.text }

func (d *decodedPart) open() (io.Reader, error) {
	return message.Decode(io.NewSectionReader(d.r, d.span.From, d.span.Len()), d.enc, d.text)
}

// measure gives the decoded size and whether there is a NUL in it.
func (d *decodedPart) measure(breathe func() error) (size int64, nul bool, err error) {
	r, err := d.open()
	if err != nil {
		return 0, false, err
	}
	buf := make([]byte, piece)
	for {
		n, err := r.Read(buf)
		size += int64(n)
		nul = nul || bytes.IndexByte(buf[:n], 0) >= 0
		switch {
		case errors.Is(err, io.EOF):
			return size, nul, nil
		case err != nil:
			return 0, false, &unreadableError{err}
		}
		if err := breathe(); err != nil {
			return 0, false, err
		}
	}
}
