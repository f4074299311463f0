package transfer

import (
	"context"
	"errors"
	"fmt"
	"io"
)

// lookAhead is how many messages are asked for at once whether they are known.
const lookAhead = 256

// Import brings what the source has and the target does not know. It goes on
// after a bad message and returns the counts; progress, where not nil, is
// called after each batch.
func Import(ctx context.Context, src Source, dst Target, progress func(Progress)) (Progress, error) {
	im := &importer{src: src, dst: dst, progress: progress}
	for {
		next, err := src.Next(ctx)
		var bad *BadItem
		switch {
		case err == io.EOF:
			return im.count, im.flush(ctx)
		case errors.As(err, &bad):
			im.note(bad)
			continue
		case err != nil:
			return im.count, errors.Join(err, im.flush(ctx))
		}
		if err := im.take(ctx, next); err != nil {
			return im.count, err
		}
	}
}

type importer struct {
	src      Source
	dst      Target
	progress func(Progress)
	count    Progress
	keepUIDs bool
	batch    []*Item
}

func (im *importer) take(ctx context.Context, next any) error {
	switch next := next.(type) {
	case *Mailbox:
		if err := im.flush(ctx); err != nil {
			return err
		}
		im.count.Mailbox = next.Name
		keep, err := im.dst.Ensure(ctx, *next)
		im.keepUIDs = keep
		return err
	case *Item:
		if im.batch = append(im.batch, next); len(im.batch) >= lookAhead {
			return im.flush(ctx)
		}
	}
	return nil
}

// flush brings the unknown ones of the batch, in order.
func (im *importer) flush(ctx context.Context) error {
	batch := im.batch
	im.batch = im.batch[:0]
	if len(batch) == 0 {
		return nil
	}
	ids := make([]string, len(batch))
	for i, item := range batch {
		ids[i] = item.ID
	}
	known, err := im.dst.Known(ctx, im.src.Name(), ids)
	if err != nil {
		return err
	}
	for i, item := range batch {
		if known[i] {
			im.count.Known++
		} else if err := im.bring(ctx, item); err != nil {
			return err
		}
	}
	if im.progress != nil {
		im.progress(im.count)
	}
	return nil
}

func (im *importer) bring(ctx context.Context, item *Item) error {
	if !im.keepUIDs {
		item.UID = 0
	}
	r, err := item.Open(ctx)
	if err != nil {
		im.note(&BadItem{item.ID, err})
		return nil
	}
	defer r.Close()
	counted := &countingReader{r: r}
	err = im.dst.Append(ctx, im.src.Name(), item, counted)
	var bad *BadItem
	if errors.As(err, &bad) {
		im.note(bad)
		return nil
	}
	if err != nil {
		return fmt.Errorf("importing %s into %s: %w", item.ID, item.Mailbox, err)
	}
	im.count.Added++
	im.count.Bytes += counted.n
	return nil
}

func (im *importer) note(bad *BadItem) {
	im.count.Bad++
	im.count.Problems = append(im.count.Problems, bad)
}

type countingReader struct {
	r io.Reader
	n int64
}

func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}
