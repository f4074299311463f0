package account

import (
	"context"
	"errors"
	"io"

	"citron/mail/message"
)

// textSource shows a stored message to a search.Walker.
type textSource struct {
	ctx    context.Context
	a      *Account
	stored *Stored
	r      MessageReader
}

// Index implements search.Source: one of another version is made anew, as a
// search does.
func (s *textSource) Index() (message.Index, error) {
	ix, err := message.OpenIndex(s.stored.Index)
	if !errors.Is(err, message.ErrIndex) {
		return ix, err
	}
	if _, err := s.Body(); err != nil {
		return message.Index{}, err
	}
	parsed, err := message.Parse(io.NewSectionReader(s.r, 0, s.r.Size()))
	if err != nil {
		return message.Index{}, err
	}
	return message.OpenIndex(parsed.AppendIndex(nil))
}

// Body implements search.Source.
func (s *textSource) Body() (io.ReaderAt, error) {
	if s.r == nil {
		r, err := s.a.OpenStored(s.ctx, s.stored)
		if err != nil {
			return nil, err
		}
		s.r = r
	}
	return s.r, nil
}

func (s *textSource) close() {
	if s.r != nil {
		s.r.Close()
	}
}
