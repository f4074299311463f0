package imapserver

import (
	"errors"
	"io"

	"citron/mail/message"
	"citron/store/account"
)

// storedMessage is a message that a command looks into, opened as far as was
// needed.
type storedMessage struct {
	from   *account.Account
	e      *account.Entry
	stored *account.Stored
	// own is the message as it is stored; shown as BODY[…] and BODYSTRUCTURE
	// give it, which is own unless it holds NULs.
	own, shown form
	body       account.MessageReader
}

// form is one form of a message: its index, its parts, its octets.
type form struct {
	index  message.Index
	opened bool // index is
	parts  message.Tree
	octets io.ReaderAt
}

// tree gives the parts.
func (f *form) tree() (message.Tree, error) {
	if f.parts == nil {
		tree, err := f.index.Tree()
		if err != nil {
			return nil, err
		}
		f.parts = tree
	}
	return f.parts, nil
}

func (m *storedMessage) close() {
	if m.body != nil {
		m.body.Close()
		m.body = nil
	}
}

// asStored gives the message as it came, its index open. One of an older version
// is made anew from the message; `citron verify --repair` does so for good.
func (s *Session) asStored(m *storedMessage) (*form, error) {
	if m.own.opened {
		return &m.own, nil
	}
	ix, err := message.OpenIndex(m.stored.Index)
	if errors.Is(err, message.ErrIndex) {
		ix, err = s.reindex(m)
	}
	if err != nil {
		return nil, err
	}
	m.own.index, m.own.opened = ix, true
	return &m.own, nil
}

func (s *Session) reindex(m *storedMessage) (message.Index, error) {
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

// asShown gives the message as everything but BINARY shows it: no IMAP string
// can hold a NUL, so parts with one are in base64 there (RFC 3516 §6).
func (s *Session) asShown(m *storedMessage) (*form, error) {
	own, err := s.asStored(m)
	switch {
	case err != nil:
		return nil, err
	case !own.index.HasNUL():
		return own, nil
	case m.shown.opened:
		return &m.shown, nil
	}
	tree, err := own.tree()
	if err != nil {
		return nil, err
	}
	r, err := s.openBody(m)
	if err != nil {
		return nil, err
	}
	view, err := message.Base64View(tree, r)
	if err != nil {
		return nil, err
	}
	index, err := view.Index(r, message.Limits{})
	if err != nil {
		return nil, err
	}
	m.shown.index, err = message.OpenIndex(index)
	m.shown.octets, m.shown.opened = view.Open(r), err == nil
	return &m.shown, err
}

// openBody opens the message itself, as stored.
func (s *Session) openBody(m *storedMessage) (io.ReaderAt, error) {
	if m.body == nil {
		r, err := m.from.OpenStored(s.srv.ctx, m.stored)
		if err != nil {
			return nil, err
		}
		m.body, m.own.octets = r, r
	}
	return m.body, nil
}

// octetsOf opens what a form's octets are read from.
func (s *Session) octetsOf(m *storedMessage, f *form) (io.ReaderAt, error) {
	if f.octets == nil {
		if _, err := s.openBody(m); err != nil {
			return nil, err
		}
	}
	return f.octets, nil
}
