// Package opened is stored messages opened as far as somebody needs them: the
// index, the parts, the octets, each read once and only when asked for. FETCH,
// SEARCH, CATENATE and authorized URLs all look into messages through it.
//
// A message is shown in other forms than the one stored where it holds NULs and
// the client does not use BINARY (RFC 3516 §6), and where its header is in UTF-8
// and the client did not enable that (RFC 6857).
package opened

import (
	"context"
	"errors"
	"io"

	"citron/mail/message"
	"citron/store/account"
	"citron/wire/imap"
)

// Message is one message. Set From and Stored, and Close it at the end.
type Message struct {
	From *account.Account
	// Stored is what the account gave of it, with account.WantIndex.
	Stored *account.Stored
	// Entry is that by which Find found it.
	Entry account.Entry

	own     Form
	shown   Form // in another form, the last that was asked for
	shownAs message.Shown
	body    account.MessageReader
}

// Form is one form of a message. Its Index is open.
type Form struct {
	Index message.Index

	open   bool // Index is
	parts  message.Tree
	octets io.ReaderAt
}

// UnreadableError says that the octets of a message could not be read.
type UnreadableError struct{ Cause error }

func (e *UnreadableError) Error() string { return "message cannot be read: " + e.Cause.Error() }
func (e *UnreadableError) Unwrap() error { return e.Cause }

// Tree gives the parts.
func (f *Form) Tree() (message.Tree, error) {
	if f.parts == nil {
		tree, err := f.Index.Tree()
		if err != nil {
			return nil, err
		}
		f.parts = tree
	}
	return f.parts, nil
}

// Section says where a section lies; false if there is no such part. Sections
// that select fields lie where the whole header does.
func (f *Form) Section(sec *imap.Section) (message.Span, bool, error) {
	if len(sec.Part) == 0 && sec.Text == imap.SectionAll {
		return message.Span{To: f.Index.Size()}, true, nil
	}
	tree, err := f.Tree()
	if err != nil {
		return message.Span{}, false, err
	}
	span, ok := tree.Section(sec.Part, sec.Text)
	return span, ok, nil
}

// Close gives up what was opened; the message can be used again.
func (m *Message) Close() {
	if m.body != nil {
		m.body.Close()
		m.body = nil
		m.own.octets, m.shown.octets = nil, nil
	}
}

// AsStored gives the message as it came, its index open. One of an older version
// is made anew from the message; `citron verify --repair` does so for good.
func (m *Message) AsStored(ctx context.Context) (*Form, error) {
	if m.own.open {
		return &m.own, nil
	}
	ix, err := message.OpenIndex(m.Stored.Index)
	if errors.Is(err, message.ErrIndex) {
		ix, err = m.reindex(ctx)
	}
	if err != nil {
		return nil, err
	}
	m.own.Index, m.own.open = ix, true
	return &m.own, nil
}

func (m *Message) reindex(ctx context.Context) (message.Index, error) {
	r, err := m.Body(ctx)
	if err != nil {
		return message.Index{}, err
	}
	parsed, err := message.Parse(io.NewSectionReader(r, 0, m.body.Size()))
	if err != nil {
		return message.Index{}, err
	}
	return message.OpenIndex(parsed.AppendIndex(nil))
}

// As gives the message in a form, as far as it differs from the one stored.
// Everything but BINARY shows it message.WithoutNUL.
func (m *Message) As(ctx context.Context, as message.Shown) (*Form, error) {
	own, err := m.AsStored(ctx)
	if err != nil {
		return nil, err
	}
	if !own.Index.HasNUL() {
		as &^= message.WithoutNUL
	}
	if !own.Index.Internationalized() {
		as &^= message.Downgraded
	}
	switch {
	case as == 0:
		return own, nil
	case m.shown.open && m.shown.octets != nil && m.shownAs == as:
		return &m.shown, nil
	}
	tree, err := own.Tree()
	if err != nil {
		return nil, err
	}
	r, err := m.Body(ctx)
	if err != nil {
		return nil, err
	}
	view, err := message.NewView(tree, r, as)
	if err != nil {
		return nil, err
	}
	index, err := view.Index(r, message.Limits{})
	if err != nil {
		return nil, err
	}
	m.shown, m.shownAs = Form{octets: view.Open(r)}, as
	m.shown.Index, err = message.OpenIndex(index)
	m.shown.open = err == nil
	return &m.shown, err
}

// IsStored says that a form is the one stored.
func (m *Message) IsStored(f *Form) bool { return f == &m.own }

// Body opens the message itself, as stored.
func (m *Message) Body(ctx context.Context) (io.ReaderAt, error) {
	if m.body == nil {
		r, err := m.From.OpenStored(ctx, m.Stored)
		if err != nil {
			return nil, err
		}
		m.body, m.own.octets = r, r
	}
	return m.body, nil
}

// Octets opens what a form's octets are read from.
func (m *Message) Octets(ctx context.Context, f *Form) (io.ReaderAt, error) {
	if f.octets == nil {
		if _, err := m.Body(ctx); err != nil {
			return nil, err
		}
	}
	return f.octets, nil
}

// ReadFull fills b from a message; an error is an *UnreadableError.
func ReadFull(r io.ReaderAt, b []byte, from int64) error {
	if n, err := r.ReadAt(b, from); n < len(b) {
		if err == nil || err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return &UnreadableError{err}
	}
	return nil
}
