package imapserver

import (
	"bytes"
	"io"
	"slices"

	"citron/mail/message"
	"citron/store/opened"
	"citron/wire/imap"
)

// binary writes BINARY[…] or BINARY.SIZE[…] (RFC 3516, RFC 9051 §6.4.5): a part
// of the message as it is stored, without its transfer encoding. One with an
// encoding that nobody knows is left out, and the FETCH ends with UNKNOWN-CTE.
func (f *fetcher) binary(m *fetched, it *imap.FetchItem) error {
	own, err := m.As(f.s.srv.ctx, f.s.utf8Form())
	if err != nil {
		return err
	}
	tree, err := own.Tree()
	if err != nil {
		return err
	}
	i, ok := tree.Find(it.Section.Part)
	if !ok {
		f.noBinary(it)
		return nil
	}
	r, err := m.Octets(f.s.srv.ctx, own)
	if err != nil {
		return err
	}
	p := own.Decode(r, i, len(it.Section.Part) == 0)
	switch {
	case p.Encoding == message.UnknownEncoding:
		f.undecodable = true
		return nil
	case p.Plain():
		return f.plainBinary(&p, it)
	case p.Span.Len() <= piece:
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
func (f *fetcher) plainBinary(p *opened.Decoded, it *imap.FetchItem) error {
	if it.Kind == imap.FetchBinarySize {
		f.s.w.FetchBinarySize(it, p.Span.Len())
		return nil
	}
	from, to := opened.Cut(p.Span, it.Partial)
	f.s.w.FetchBodyHead(it, to-from, p.NUL)
	return f.copy(p.R, from, to)
}

// smallBinary decodes a part in memory.
func (f *fetcher) smallBinary(p *opened.Decoded, it *imap.FetchItem) error {
	n := int(p.Span.Len())
	f.encoded = slices.Grow(f.encoded[:0], n)[:n]
	if err := opened.ReadFull(p.R, f.encoded, p.Span.From); err != nil {
		return err
	}
	var err error
	if f.scratch, err = message.AppendDecoded(f.scratch[:0], f.encoded, p.Encoding, p.Text); err != nil {
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
func (f *fetcher) largeBinary(p *opened.Decoded, it *imap.FetchItem) error {
	size, nul, err := p.Measure(f.within)
	if err != nil {
		return err
	}
	if it.Kind == imap.FetchBinarySize {
		f.s.w.FetchBinarySize(it, size)
		return nil
	}
	from, to := opened.Cut(message.Span{To: size}, it.Partial)
	f.s.w.FetchBodyHead(it, to-from, nul)
	if from == to {
		return nil
	}
	r, err := p.Open()
	if err != nil {
		return err
	}
	if _, err := io.CopyN(io.Discard, r, from); err != nil {
		return &opened.UnreadableError{Cause: err}
	}
	return f.stream(r, to-from)
}
