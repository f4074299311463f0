package transfer

import (
	"context"
	"errors"
	"fmt"
	"io"
)

// lookAhead is how many messages are asked for at once whether they are known,
// maxHeld how many bytes they may keep in memory meanwhile.
const (
	lookAhead = 256
	maxHeld   = 16 << 20
)

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
			return im.count, err
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

	box      *Mailbox
	name     string // of the source, for this mailbox
	keepUIDs bool
	leaveOut bool // there can be no such mailbox
	batch    []*Item
	held     int // by the batch
}

func (im *importer) take(ctx context.Context, next any) error {
	switch next := next.(type) {
	case *Mailbox:
		if err := im.flush(ctx); err != nil {
			return err
		}
		return im.enter(ctx, next)
	case *Item:
		if im.leaveOut {
			return nil
		}
		im.batch, im.held = append(im.batch, next), im.held+next.held
		if len(im.batch) >= lookAhead || im.held >= maxHeld {
			return im.flush(ctx)
		}
	case End:
		return im.complete(ctx)
	}
	return nil
}

// enter begins a mailbox.
func (im *importer) enter(ctx context.Context, box *Mailbox) error {
	im.box, im.name, im.count.Mailbox = box, im.src.Name(), box.Name
	keep, err := im.dst.Ensure(ctx, *box)
	var bad *BadItem
	if im.leaveOut = errors.As(err, &bad); im.leaveOut {
		im.note(bad)
		return nil
	}
	im.keepUIDs = keep
	return err
}

// complete ends a mailbox.
func (im *importer) complete(ctx context.Context) error {
	if err := im.flush(ctx); err != nil || !im.keepUIDs || im.leaveOut {
		return err
	}
	return im.dst.Complete(ctx, *im.box)
}

// flush brings the unknown ones of the batch.
func (im *importer) flush(ctx context.Context) error {
	unknown, err := im.unknown(ctx)
	if err != nil {
		return err
	}
	if streamer, ok := im.src.(Streamer); ok && len(unknown) > 0 {
		err = im.stream(ctx, streamer, unknown)
	} else {
		err = im.open(ctx, unknown)
	}
	if im.progress != nil {
		im.progress(im.count)
	}
	return err
}

// unknown empties the batch and gives those of it that were not brought yet.
func (im *importer) unknown(ctx context.Context) (unknown []*Item, err error) {
	batch := im.batch
	im.batch, im.held = nil, 0
	if len(batch) == 0 {
		return nil, nil
	}
	ids := make([]string, len(batch))
	for i, item := range batch {
		ids[i] = item.ID
	}
	known, err := im.dst.Known(ctx, im.name, ids)
	if err != nil {
		return nil, err
	}
	for i, item := range batch {
		if known[i] {
			im.count.Known++
		} else {
			unknown = append(unknown, item)
		}
	}
	return unknown, nil
}

// open brings messages one after the other.
func (im *importer) open(ctx context.Context, items []*Item) error {
	for _, item := range items {
		r, err := item.Open(ctx)
		if err != nil {
			im.note(&BadItem{item.Mailbox + " " + item.ID, err})
			continue
		}
		err = im.bring(ctx, item, r)
		r.Close()
		if err != nil {
			return err
		}
	}
	return nil
}

var errNotSent = errors.New("the server did not send it; it may have been deleted meanwhile")

// stream brings messages as they come.
func (im *importer) stream(ctx context.Context, src Streamer, items []*Item) error {
	come := map[*Item]bool{}
	err := src.Stream(ctx, items, func(item *Item, r io.Reader) error {
		come[item] = true
		return im.bring(ctx, item, r)
	})
	if err != nil {
		return err
	}
	for _, item := range items {
		if !come[item] {
			im.note(&BadItem{item.Mailbox + " " + item.ID, errNotSent})
		}
	}
	return nil
}

func (im *importer) bring(ctx context.Context, item *Item, r io.Reader) error {
	had := item.UID
	if !im.keepUIDs {
		item.UID = 0
	}
	counted := &countingReader{r: r}
	uid, err := im.dst.Append(ctx, im.name, item, counted)
	var bad *BadItem
	if errors.As(err, &bad) {
		im.note(bad)
		return nil
	}
	if err != nil {
		return fmt.Errorf("importing %s into %s: %w", item.ID, item.Mailbox, err)
	}
	if had != 0 && (uid != had || !im.keepUIDs) {
		im.renumbered()
	}
	im.count.Added++
	im.count.Bytes += counted.n
	return nil
}

// renumbered notes the mailbox once.
func (im *importer) renumbered() {
	if n := len(im.count.Renumbered); n == 0 || im.count.Renumbered[n-1] != im.box.Name {
		im.count.Renumbered = append(im.count.Renumbered, im.box.Name)
	}
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
