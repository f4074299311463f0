package transfer

import (
	"context"
	"errors"
	"fmt"
	"io"
)

// Sink receives an export: each mailbox, then its messages.
type Sink interface {
	Mailbox(m *Mailbox) error
	// Message writes one message, given with CRLF line ends. What is written
	// is either whole or not there.
	Message(item *Item, message io.Reader) error
	Close() error
}

// Export writes all that the source has, flags, dates and mailbox names
// included. It stops at the first error: an export with holes is none.
func Export(ctx context.Context, src Source, dst Sink, progress func(Progress)) (count Progress, err error) {
	defer func() { err = errors.Join(err, dst.Close()) }()
	for {
		next, err := src.Next(ctx)
		if err == io.EOF {
			return count, nil
		}
		if err != nil {
			return count, err
		}
		switch next := next.(type) {
		case *Mailbox:
			count.Mailbox = next.Name
			err = dst.Mailbox(next)
		case *Item:
			err = exportItem(ctx, next, dst, &count)
		}
		if err != nil {
			return count, err
		}
		if progress != nil {
			progress(count)
		}
	}
}

func exportItem(ctx context.Context, item *Item, dst Sink, count *Progress) error {
	r, err := item.Open(ctx)
	if err != nil {
		return fmt.Errorf("%s %s: %w", item.Mailbox, item.ID, err)
	}
	defer r.Close()
	counted := &countingReader{r: r}
	if err := dst.Message(item, counted); err != nil {
		return fmt.Errorf("%s %s: %w", item.Mailbox, item.ID, err)
	}
	count.Added++
	count.Bytes += counted.n
	return nil
}
