package burl

import (
	"context"
	"errors"
	"fmt"
	"io"

	"citron/store"
	"citron/submission"
)

// Local fetches from a store in this process.
type Local struct{ URLs store.URLs }

var _ submission.Fetcher = Local{}

// Fetch implements submission.Fetcher.
func (l Local) Fetch(ctx context.Context, user, url string, binary bool) (submission.Fetched, error) {
	c, err := l.URLs.FetchURL(ctx, application, user, url, binary)
	switch {
	case errors.Is(err, store.ErrNoURL):
		return nil, fmt.Errorf("%w: %w", submission.ErrNoURL, err)
	case err != nil:
		return nil, temporary(err)
	}
	return &localContent{ctx, c, 0}, nil
}

// localContent reads a store.URLContent from its beginning.
type localContent struct {
	ctx context.Context
	store.URLContent
	at int64
}

// Read implements submission.Fetched.
func (c *localContent) Read(p []byte) (int, error) {
	left := c.Size() - c.at
	if left == 0 {
		return 0, io.EOF
	}
	if err := c.ctx.Err(); err != nil {
		return 0, temporary(err)
	}
	n, err := c.ReadAt(p[:min(int64(len(p)), left)], c.at)
	c.at += int64(n)
	switch {
	case err == nil || n > 0 && err == io.EOF:
		return n, nil
	case err == io.EOF:
		err = io.ErrUnexpectedEOF
	}
	return n, temporary(err)
}

// temporary gives an error its kind.
func temporary(err error) error { return fmt.Errorf("%w: %w", submission.ErrTemporary, err) }
