package account

import (
	"bytes"
	"context"
	"io"

	"citron/engine/body"
	"citron/mail/message"
)

// Incoming is a message on its way in: it is parsed as it passes, and kept in
// memory up to the inline limit, beyond that by the body store. It is not safe
// for concurrent use, and ends with Append or Abort.
type Incoming struct {
	a      *Account
	ctx    context.Context
	parser *message.Parser
	buf    *[]byte     // the message, while w is nil
	w      body.Writer // of a message beyond the inline limit
	object ObjectID    // 0: given at the commit
	size   int64
	kept   *identity // nil: it gets a new one
	err    error

	// After seal:
	msg    *message.Message
	index  []byte
	spare  *[]byte // index's memory
	shown  int64   // RFC822.SIZE
	ids    threadIDs
	ref    body.Ref
	handed bool // the transaction decides about the body
}

// NewMessage begins a message of this account.
func (a *Account) NewMessage(ctx context.Context) (*Incoming, error) {
	return &Incoming{
		a: a, ctx: ctx,
		parser: a.store.parsers.Get().(*message.Parser),
		buf:    a.store.buffers.Get().(*[]byte),
	}, nil
}

// Len is the number of bytes written so far.
func (in *Incoming) Len() int64 { return in.size }

// Write takes the next bytes of the message; it keeps none of p. Kinds:
// TooLarge beyond Options.MaxMessage, NoSpace, Temporary; after an error the
// message is lost, and Append gives that error, too.
func (in *Incoming) Write(p []byte) (int, error) {
	if in.err != nil {
		return 0, in.err
	}
	if in.size+int64(len(p)) > in.a.store.opt.MaxMessage {
		in.err = refuse(TooLarge, "the message is longer than this server takes")
		return 0, in.err
	}
	in.size += int64(len(p))
	in.parser.Write(p)
	if in.w == nil && in.size <= int64(in.a.store.opt.InlineLimit) {
		*in.buf = append(*in.buf, p...)
		return len(p), nil
	}
	if in.err = in.spill(p); in.err != nil {
		return 0, in.err
	}
	return len(p), nil
}

// spill writes to the body store, first what was in memory.
func (in *Incoming) spill(p []byte) error {
	if in.w == nil {
		in.object = in.a.depart()
		w, err := in.a.store.bodies.Create(in.ctx, in.owner())
		if err != nil {
			in.a.land(in.object)
			return storageError(err)
		}
		in.w = w
		if _, err := w.Write(*in.buf); err != nil {
			return storageError(err)
		}
	}
	_, err := in.w.Write(p)
	return storageError(err)
}

func (in *Incoming) owner() body.Owner {
	return body.Owner{Account: uint64(in.a.id), Object: uint64(in.object)}
}

// Reader reads back what was written so far, at any offset, before Append.
func (in *Incoming) Reader() io.ReaderAt {
	if in.w != nil {
		return in.w
	}
	return bytes.NewReader(*in.buf)
}

// Abort forgets the message; nothing after Append.
func (in *Incoming) Abort() {
	if in.parser == nil {
		return
	}
	if in.w != nil && !in.handed {
		if in.ref != (body.Ref{}) {
			in.a.store.bodies.Release(in.owner(), in.ref)
		}
		in.w.Done()
		in.a.land(in.object)
	}
	s := in.a.store
	in.parser.Reset()
	s.parsers.Put(in.parser)
	*in.buf = (*in.buf)[:0]
	s.buffers.Put(in.buf)
	if in.spare != nil {
		s.giveBack(in.spare, in.index)
	}
	in.parser, in.buf, in.w, in.msg, in.index = nil, nil, nil, nil, nil
	in.err = errFiled
}

var errFiled = refuse(Gone, "the message was already filed or dropped")

// seal ends the message and makes a large body durable.
func (in *Incoming) seal(ctx context.Context) error {
	if in.err != nil {
		return in.err
	}
	in.msg = in.parser.Finish()
	in.spare = in.a.store.scratch.Get().(*[]byte)
	in.index = in.msg.AppendIndex((*in.spare)[:0])
	in.ids = threadHashes(in.index)
	if err := in.measure(); err != nil {
		return err
	}
	if in.w == nil {
		return nil
	}
	ref, err := in.w.Commit(ctx)
	in.ref = ref
	return storageError(err)
}

// measure finds the size that clients are told: that of the form in which they
// get a message with NULs, if it has any (RFC 3516 §6).
func (in *Incoming) measure() error {
	if in.shown = in.size; !in.msg.HasNUL() {
		return nil
	}
	ix, err := message.OpenIndex(in.index)
	if err != nil {
		return damaged("new index", err)
	}
	tree, err := ix.Tree()
	if err != nil {
		return damaged("new index", err)
	}
	view, err := message.NewView(tree, in.Reader(), message.WithoutNUL)
	if err != nil {
		return storageError(err)
	}
	in.shown = view.Size()
	return nil
}

// decided is called when it is known whether the transaction that refers to
// the body is durable.
func (in *Incoming) decide(t *txn) {
	if in.w == nil {
		return
	}
	in.handed = true
	a, w, owner, ref, bodies := in.a, in.w, in.owner(), in.ref, in.a.store.bodies
	t.after = append(t.after, func(committed bool) {
		if !committed {
			bodies.Release(owner, ref)
		}
		w.Done()
		a.land(ObjectID(owner.Object))
	})
}

// weight is about how many bytes the message adds to a transaction.
func (in *Incoming) weight() int {
	header, _ := in.msg.Header()
	n := len(in.index) + len(header) + 512
	if in.w == nil {
		n += len(*in.buf)
	}
	return n
}
