package imapserver

import (
	"io"
	"slices"

	"citron/mail/message"
	"citron/store/opened"
	"citron/wire/imap"
)

// The octets of messages: BODY[…] and the RFC822 items. The index says where a
// section lies; nothing is read that is not sent, and no more of it is in
// memory than a piece.

// piece is how many octets of a message are in memory at a time.
const piece = 32 << 10

// section writes data item i, whose value is a section of the message.
func (f *fetcher) section(m *fetched, i int) error {
	it := &f.items[i]
	shown, err := f.shown(m)
	if err != nil {
		return err
	}
	span, ok, err := shown.Section(&it.Section)
	switch {
	case err != nil:
		return err
	case !ok:
		f.s.w.FetchBody(it, nil, false)
		return nil
	case f.filters[i] != nil:
		return f.fields(m, shown, i, span)
	}
	if header, ok := m.keptHeader(&it.Section, shown, span); ok {
		f.s.w.FetchBody(it, cut(header, it.Partial), false)
		return nil
	}
	from, to := opened.Cut(span, it.Partial)
	r, err := m.Octets(f.s.srv.ctx, shown)
	if err != nil {
		return err
	}
	f.s.w.FetchBodyHead(it, to-from, false)
	return f.copy(r, from, to)
}

// isTopHeader says that a section is made of the message's own header, which
// is stored apart.
func isTopHeader(sec *imap.Section) bool {
	return len(sec.Part) == 0 && sec.Text >= imap.SectionHeader && sec.Text <= imap.SectionHeaderFieldsNot
}

// keptHeader gives the message's own header if that is the section and it was
// kept, whole and in the form shown.
func (m *fetched) keptHeader(sec *imap.Section, shown *opened.Form, span message.Span) ([]byte, bool) {
	if !isTopHeader(sec) || !m.IsStored(shown) || m.Stored.Header == nil || int64(len(m.Stored.Header)) != span.Len() {
		return nil, false
	}
	return m.Stored.Header, true
}

// fields writes some fields of a header (RFC 9051 §6.4.5.1).
func (f *fetcher) fields(m *fetched, shown *opened.Form, i int, span message.Span) error {
	it := &f.items[i]
	header, ok := m.keptHeader(&it.Section, shown, span)
	if !ok {
		r, err := m.Octets(f.s.srv.ctx, shown)
		if err != nil {
			return err
		}
		n := int(min(span.Len(), opened.MaxHeader))
		f.encoded = slices.Grow(f.encoded[:0], n)[:n]
		if err := opened.ReadFull(r, f.encoded, span.From); err != nil {
			return err
		}
		header = f.encoded
	}
	f.scratch = f.filters[i].Append(f.scratch[:0], header)
	f.s.w.FetchBody(it, cut(f.scratch, it.Partial), false)
	return nil
}

// cut is opened.Cut for octets at hand; never nil.
func cut(b []byte, p *imap.Partial) []byte {
	from, to := opened.Cut(message.Span{To: int64(len(b))}, p)
	if b = b[from:to]; b == nil {
		b = []byte{}
	}
	return b
}

// copy sends the octets from … to of a message, which were announced.
func (f *fetcher) copy(r io.ReaderAt, from, to int64) error {
	w := &f.s.w
	for {
		n, at := int(min(to-from, piece)), len(w.Buf)
		w.Buf = slices.Grow(w.Buf, n)[:at+n]
		if err := opened.ReadFull(r, w.Buf[at:], from); err != nil {
			return err
		}
		if from += int64(n); from == to {
			return nil
		}
		if err := f.within(); err != nil {
			return err
		}
	}
}

// stream sends the n octets that come from r, which were announced.
func (f *fetcher) stream(r io.Reader, n int64) error {
	w := &f.s.w
	for n > 0 {
		at, some := len(w.Buf), int(min(n, piece))
		w.Buf = slices.Grow(w.Buf, some)[:at+some]
		if _, err := io.ReadFull(r, w.Buf[at:]); err != nil {
			return &opened.UnreadableError{Cause: err}
		}
		if n -= int64(some); n == 0 {
			return nil
		}
		if err := f.within(); err != nil {
			return err
		}
	}
	return nil
}

// within is breathe in the middle of a response.
func (f *fetcher) within() error {
	f.torn = true
	if err := f.c.breathe(); err != nil {
		return err
	}
	if f.still != nil && !f.still() {
		f.s.end() // in the middle of a literal nothing can be said
		return errGone
	}
	return nil
}
