package queue

import (
	"context"
	"errors"
	"fmt"

	"citron/engine/body"
	"citron/engine/kv"
	"citron/submission"
)

// incoming is a message on its way in: kept in memory up to the inline limit,
// beyond that by the body store.
type incoming struct {
	q    *Queue
	ctx  context.Context
	id   uint64
	buf  []byte      // the message, while w is nil
	w    body.Writer // of a message beyond the inline limit
	size int64
	// inline is up to which length it is kept in memory, and in the engine.
	inline int
	err    error
	over   bool // committed or aborted

	// After seal:
	ref    body.Ref
	handed bool // the transaction decides about the body
}

var _ submission.Spool = (*Queue)(nil)

// Begin implements submission.Spool.
func (q *Queue) Begin(ctx context.Context, size int64) (submission.Incoming, error) {
	q.mu.Lock()
	full := q.opt.MaxMessages > 0 && q.head.messages >= uint64(q.opt.MaxMessages)
	closed := q.closed
	q.mu.Unlock()
	switch {
	case closed:
		return nil, errClosed
	case full:
		return nil, fmt.Errorf("%w: %d messages are in the queue", submission.ErrNoSpace, q.opt.MaxMessages)
	}
	in := q.incoming(ctx)
	if n := int64(q.opt.InlineLimit); size > 0 && size < n {
		in.buf = make([]byte, 0, size)
	}
	return in, nil
}

// incoming starts a message, whatever else is in the queue.
func (q *Queue) incoming(ctx context.Context) *incoming {
	return &incoming{q: q, ctx: ctx, inline: q.opt.InlineLimit, id: q.nextID.Add(1) - 1}
}

// Write implements io.Writer.
func (in *incoming) Write(p []byte) (int, error) {
	if in.over && in.err == nil {
		in.err = errors.New("the message was committed or aborted")
	}
	if in.err != nil {
		return 0, in.err
	}
	in.size += int64(len(p))
	if in.w == nil && in.size <= int64(in.inline) {
		in.buf = append(in.buf, p...)
		return len(p), nil
	}
	if in.err = in.spill(p); in.err != nil {
		return 0, in.err
	}
	return len(p), nil
}

// spill writes to the body store, first what was in memory.
func (in *incoming) spill(p []byte) error {
	if in.w == nil {
		w, err := in.q.bodies.Create(in.ctx, in.owner())
		if err != nil {
			return storageError(err)
		}
		in.w = w
		if _, err := w.Write(in.buf); err != nil {
			return storageError(err)
		}
		in.buf = nil
	}
	_, err := in.w.Write(p)
	return storageError(err)
}

func (in *incoming) owner() body.Owner { return ownerOf(in.id) }

func ownerOf(id uint64) body.Owner {
	return body.Owner{Account: uint64(kv.Queue), Object: id}
}

// Abort implements submission.Incoming.
func (in *incoming) Abort() {
	if in.over {
		return
	}
	in.over, in.buf = true, nil
	if in.w == nil || in.handed {
		return
	}
	if in.ref != (body.Ref{}) {
		in.q.bodies.Release(in.owner(), in.ref)
	}
	in.w.Done()
}

// seal makes a large body durable.
func (in *incoming) seal(ctx context.Context) error {
	if in.err != nil || in.w == nil {
		return in.err
	}
	in.ref, in.err = in.w.Commit(ctx)
	in.err = storageError(in.err)
	return in.err
}

// Commit implements submission.Incoming.
func (in *incoming) Commit(ctx context.Context, e submission.Envelope) (id string, err error) {
	if in.over {
		return "", errors.New("the message was committed or aborted")
	}
	defer in.Abort()
	in.q.mu.Lock()
	closed := in.q.closed
	in.q.mu.Unlock()
	if closed {
		return "", errClosed
	}
	n, err := in.q.newEntry(in.id, &e)
	if err != nil {
		return "", err
	}
	var first uint64
	if e.Origin != "" {
		if first, err = in.q.knownOrigin(ctx, e.Origin); err != nil || first != 0 {
			return formatID(first), err
		}
	}
	if err := in.seal(ctx); err != nil {
		return "", err
	}
	o := &request{Ctx: ctx, Weight: in.weight(n), Run: func(t *txn) (err error) {
		if first, err = t.origin(e.Origin); err != nil || first != 0 {
			return err
		}
		in.put(t, n)
		return nil
	}}
	if e.Origin != "" {
		o.Gets = [][]byte{originKey(e.Origin)}
	}
	if err := in.q.line.Do(o); err != nil {
		return "", err
	}
	if first != 0 {
		return formatID(first), nil
	}
	return formatID(in.id), nil
}

// weight is about how many bytes the message adds to a transaction.
func (in *incoming) weight(n *entry) int {
	return len(in.buf) + len(n.envelope) + 256*len(n.groups) + 512
}

// put queues the message with the transaction, which decides about its body.
func (in *incoming) put(t *txn, n *entry) {
	n.message.size, n.message.ref = in.size, in.ref
	if in.w == nil {
		t.set(bodyKey(in.id), in.buf)
	} else {
		in.handed = true
		t.after = append(t.after, func(committed bool) {
			if !committed {
				in.q.bodies.Release(in.owner(), in.ref)
			}
			in.w.Done()
		})
	}
	t.enter(n)
}

// knownOrigin gives the message that an Origin became, 0 if none is durable:
// so that the second comes cheap.
func (q *Queue) knownOrigin(ctx context.Context, name string) (id uint64, err error) {
	values, err := q.read(ctx, originKey(name))
	if err != nil || values[0] == nil {
		return 0, err
	}
	o, err := decodeOrigin(values[0])
	return o.id, storageError(err)
}

// origin is knownOrigin within the transaction, which holds those before it.
func (t *txn) origin(name string) (id uint64, err error) {
	if name == "" {
		return 0, nil
	}
	value := t.get(originKey(name))
	if value == nil {
		return 0, nil
	}
	o, err := decodeOrigin(value)
	return o.id, storageError(err)
}
