package imapserver

import (
	"bytes"
	"errors"
	"io"
	"slices"

	"citron/mail/message"
	"citron/wire/imap"
)

// The octets of messages: BODY[…], BINARY[…] and the RFC822 items. The index
// says where a section lies; nothing is read that is not sent, and no more of
// it is in memory than a piece.

// piece is how many octets of a message are in memory at a time.
const piece = 32 << 10

// octets writes an item whose value are octets of the message.
func (f *fetcher) octets(m *fetched, it *imap.FetchItem) error {
	if m.tree == nil {
		tree, err := m.index.Tree()
		if err != nil {
			return err
		}
		m.tree = tree
	}
	if it.Kind == imap.FetchBinary || it.Kind == imap.FetchBinarySize {
		return f.binary(m, it)
	}
	sec := sectionOf(it)
	span, ok := m.tree.Section(sec.Part, sec.Text)
	if !ok {
		f.s.w.FetchBody(it, nil, false)
		return nil
	}
	if sec.Text == imap.SectionHeaderFields || sec.Text == imap.SectionHeaderFieldsNot {
		return f.fields(m, it, sec, span)
	}
	if header, ok := m.keptHeader(&sec, span); ok {
		f.s.w.FetchBody(it, cut(header, it.Partial), false)
		return nil
	}
	from, to := part(span, it.Partial)
	r, err := f.s.openBody(m)
	if err != nil {
		return err
	}
	f.s.w.FetchBodyHead(it, to-from, false)
	return f.stream(io.NewSectionReader(r, from, to-from), to-from)
}

// sectionOf is the section an item names; the RFC822 items are other names for
// three (RFC 3501 §6.4.5).
func sectionOf(it *imap.FetchItem) imap.Section {
	switch it.Kind {
	case imap.FetchRFC822Header:
		return imap.Section{Text: imap.SectionHeader}
	case imap.FetchRFC822Text:
		return imap.Section{Text: imap.SectionBody}
	case imap.FetchRFC822:
		return imap.Section{}
	}
	return it.Section
}

// isTopHeader says that a section is made of the message's own header, which
// is stored apart.
func isTopHeader(sec *imap.Section) bool {
	return len(sec.Part) == 0 && sec.Text >= imap.SectionHeader && sec.Text <= imap.SectionHeaderFieldsNot
}

// keptHeader gives the message's own header if that is the section and it was
// kept whole.
func (m *fetched) keptHeader(sec *imap.Section, span message.Span) ([]byte, bool) {
	if !isTopHeader(sec) || int64(len(m.stored.Header)) != span.Len() {
		return nil, false
	}
	return m.stored.Header, true
}

// fields writes some fields of a header (RFC 9051 §6.4.5.1).
func (f *fetcher) fields(m *fetched, it *imap.FetchItem, sec imap.Section, span message.Span) error {
	header, ok := m.keptHeader(&sec, span)
	if !ok {
		r, err := f.s.openBody(m)
		if err != nil {
			return err
		}
		header = make([]byte, min(span.Len(), maxHeader))
		if _, err := r.ReadAt(header, span.From); err != nil && err != io.EOF {
			return err
		}
	}
	chosen := message.AppendFields(nil, header, sec.Fields, sec.Text == imap.SectionHeaderFieldsNot)
	f.s.w.FetchBody(it, cut(chosen, it.Partial), false)
	return nil
}

// maxHeader is how much of a header is searched for fields; what is longer is
// no header that anybody wrote.
const maxHeader = 4 << 20

// part is a span, or the part of it that a partial fetch asks for.
func part(span message.Span, p *imap.Partial) (from, to int64) {
	if p == nil {
		return span.From, span.To
	}
	from = span.From + min(p.Offset, span.Len())
	return from, from + min(p.Length, span.To-from)
}

// cut is part for octets at hand; never nil.
func cut(b []byte, p *imap.Partial) []byte {
	from, to := part(message.Span{To: int64(len(b))}, p)
	if b = b[from:to]; b == nil {
		b = []byte{}
	}
	return b
}

// openBody opens the message itself.
func (s *Session) openBody(m *fetched) (io.ReaderAt, error) {
	if m.body == nil {
		r, err := s.user.account.OpenMessage(s.srv.ctx, m.e.Object)
		if err != nil {
			return nil, err
		}
		m.body = r
	}
	return m.body, nil
}

// stream sends n octets that were announced. What was announced must come: if
// it cannot be read, all that is left is to end the connection.
func (f *fetcher) stream(r io.Reader, n int64) error {
	for n > 0 {
		w := &f.s.w
		w.Buf = slices.Grow(w.Buf, piece)
		got, err := io.ReadFull(r, w.Buf[len(w.Buf):len(w.Buf)+int(min(n, piece))])
		w.Buf = w.Buf[:len(w.Buf)+got]
		if n -= int64(got); err != nil {
			f.s.srv.cfg.Logger.Error("message cannot be read", "account", f.s.accountName(), "error", err)
			f.s.end()
			return errGone
		}
		if err := f.c.breathe(); err != nil {
			return err
		}
	}
	return nil
}

// binary writes BINARY[…] or BINARY.SIZE[…] (RFC 3516, RFC 9051 §6.4.5): the
// part without its transfer encoding. Its size must be announced, so that it
// is decoded twice: once to count.
func (f *fetcher) binary(m *fetched, it *imap.FetchItem) error {
	i, ok := m.tree.Find(it.Section.Part)
	if !ok {
		if it.Kind == imap.FetchBinarySize {
			f.s.w.FetchBinarySize(it, 0)
		} else {
			f.s.w.FetchBody(it, nil, false)
		}
		return nil
	}
	r, err := f.s.openBody(m)
	if err != nil {
		return err
	}
	body := newDecodedPart(r, m.tree, i, len(it.Section.Part) == 0)
	size, nul, err := body.measure(f.c)
	if errors.Is(err, message.ErrUnknownEncoding) {
		f.undecodable = true
		f.s.w.FetchBody(it, nil, false)
		return nil
	}
	if err != nil {
		return err
	}
	if it.Kind == imap.FetchBinarySize {
		f.s.w.FetchBinarySize(it, size)
		return nil
	}
	from, to := part(message.Span{To: size}, it.Partial)
	f.s.w.FetchBodyHead(it, to-from, nul)
	decoded, err := body.open()
	if err != nil {
		return err
	}
	if _, err := io.CopyN(io.Discard, decoded, from); err != nil && err != io.EOF {
		return err
	}
	return f.stream(decoded, to-from)
}

// decodedPart is a part without its transfer encoding.
type decodedPart struct {
	r    io.ReaderAt
	span message.Span
	enc  message.Encoding
	text bool
}

// newDecodedPart describes the part with number i. Multiparts and messages,
// the whole one among them, have no encoding to take away (RFC 2045 §6.4).
func newDecodedPart(r io.ReaderAt, tree message.Tree, i int, whole bool) decodedPart {
	p := &tree[i]
	d := decodedPart{r: r, span: message.Span{From: p.Body, To: p.End}}
	switch {
	case whole:
		d.span.From = p.Header
	case p.Kind == message.Leaf:
		d.enc, d.text = p.Encoding, p.Flags&message.IsText != 0
	}
	return d
}

func (d *decodedPart) open() (io.Reader, error) {
	return message.Decode(io.NewSectionReader(d.r, d.span.From, d.span.Len()), d.enc, d.text)
}

// measure gives the decoded size and whether there is a NUL in it.
func (d *decodedPart) measure(c *command) (size int64, nul bool, err error) {
	r, err := d.open()
	if err != nil {
		return 0, false, err
	}
	buf := make([]byte, piece)
	for {
		n, err := r.Read(buf)
		size += int64(n)
		nul = nul || bytes.IndexByte(buf[:n], 0) >= 0
		if err == io.EOF {
			return size, nul, nil
		}
		if err == nil {
			err = c.breathe()
		}
		if err != nil {
			return 0, false, err
		}
	}
}

// reindex describes a message anew whose stored description this program
// cannot read; `citron verify --repair` does so for good.
func (s *Session) reindex(m *fetched) (message.Index, error) {
	r, err := s.openBody(m)
	if err != nil {
		return message.Index{}, err
	}
	parsed, err := message.Parse(io.NewSectionReader(r, 0, m.body.Size()))
	if err != nil {
		return message.Index{}, err
	}
	return message.OpenIndex(parsed.AppendIndex(nil))
}
