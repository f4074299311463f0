package transfer

import (
	"bytes"
	"context"
	"io"
	"time"
)

// Fixed is a Source of what it is made of: *Mailbox and *Item, in order.
type Fixed struct {
	SourceName string
	List       []any
}

// Name implements Source.
func (f *Fixed) Name() string { return f.SourceName }

// Close implements Source.
func (f *Fixed) Close() error { return nil }

// Next implements Source.
func (f *Fixed) Next(context.Context) (any, error) {
	if len(f.List) == 0 {
		return nil, io.EOF
	}
	next := f.List[0]
	f.List = f.List[1:]
	return next, nil
}

// NewItem is an item whose message is at hand; a bare LF in it becomes CRLF.
func NewItem(mailbox, id string, message []byte, date time.Time) *Item {
	return &Item{Mailbox: mailbox, ID: id, InternalDate: date,
		Open: func(context.Context) (io.ReadCloser, error) {
			return newCRLFReader(io.NopCloser(bytes.NewReader(message))), nil
		},
	}
}
