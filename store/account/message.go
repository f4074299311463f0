package account

import (
	"context"
	"errors"
	"fmt"
	"io"

	"citron/engine/body"
	"citron/engine/kv"
)

// MessageReader reads a stored message at any offset; it stays readable until
// closed, whatever becomes of the message.
type MessageReader interface {
	io.ReaderAt
	io.Closer
	Size() int64
}

// OpenMessage opens a message. Kinds: Gone when it was swept, Damaged.
func (a *Account) OpenMessage(ctx context.Context, id ObjectID) (MessageReader, error) {
	for try := 0; ; try++ {
		got, err := a.view(ctx, kv.Reads{Gets: [][]byte{
			objectKey(keyObject, id), objectKey(keyHeader, id), objectKey(keyInline, id)}})
		if err != nil {
			return nil, err
		}
		if got.Values[0] == nil {
			return nil, refuse(Gone, "the message was expunged")
		}
		o, err := decodeObject(got.Values[0])
		if err != nil {
			return nil, damaged(fmt.Sprintf("object %d", id), err)
		}
		if o.inline() {
			return openInline(id, &o, got.Values[1], got.Values[2])
		}
		r, err := a.store.bodies.Open(ctx, o.ref)
		if errors.Is(err, body.ErrGone) && try < 3 {
			continue // moved by a sweep: the record names its new place
		}
		if err != nil {
			return nil, storageError(err)
		}
		return r, nil
	}
}

// OpenStored opens a message of which Summaries brought what WantBody asks for;
// as OpenMessage, but mostly without a round trip.
func (a *Account) OpenStored(ctx context.Context, s *Stored) (MessageReader, error) {
	if s.inline != nil {
		return s.inline, nil
	}
	if s.ref != (body.Ref{}) {
		r, err := a.store.bodies.Open(ctx, s.ref)
		if err == nil {
			return r, nil
		}
		if !errors.Is(err, body.ErrGone) { // moved by a sweep, or swept
			return nil, storageError(err)
		}
	}
	return a.OpenMessage(ctx, s.Object)
}

func openInline(id ObjectID, o *object, header, inline []byte) (MessageReader, error) {
	r, err := newInlineReader(o, header, inline)
	if err != nil {
		return nil, damaged(fmt.Sprintf("object %d", id), err)
	}
	return r, nil
}

// newInlineReader reads the header record and the inline record of an object.
func newInlineReader(o *object, header, inline []byte) (*inlineReader, error) {
	h, _, err := decodeHeader(header)
	if err != nil {
		return nil, fmt.Errorf("header: %w", err)
	}
	rest, whole, err := decodeInline(inline)
	if err != nil {
		return nil, fmt.Errorf("inline body: %w", err)
	}
	if whole {
		h = nil
	}
	if int64(len(h)+len(rest)) != o.size {
		return nil, errors.New("its length is not what it should be")
	}
	return &inlineReader{h, rest}, nil
}

// inlineReader joins header and body.
type inlineReader struct{ header, rest []byte }

func (r *inlineReader) Size() int64  { return int64(len(r.header) + len(r.rest)) }
func (r *inlineReader) Close() error { return nil }

func (r *inlineReader) ReadAt(p []byte, off int64) (n int, err error) {
	if off < 0 {
		return 0, errors.New("negative offset")
	}
	if off < int64(len(r.header)) {
		n = copy(p, r.header[off:])
	}
	if off += int64(n) - int64(len(r.header)); off < int64(len(r.rest)) && off >= 0 {
		n += copy(p[n:], r.rest[off:])
	}
	if n < len(p) {
		err = io.EOF
	}
	return n, err
}
