package segment

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"

	"citron/engine/body"
)

// reader reads one body of an open segment.
type reader struct {
	store  *Store
	handle *handle
	base   int64 // of the body in the file
	size   int64
}

// Open reads a body whose frame header proves to be that of the Ref.
func (s *Store) Open(ctx context.Context, r body.Ref) (body.Reader, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if r.Segment == 0 || r.Offset < segmentHeaderSize || r.Offset%alignment != 0 ||
		r.Length > maxLength || r.Offset > math.MaxInt64-2*maxLength {
		return nil, fmt.Errorf("%w: %+v is no reference", body.ErrCorrupt, r)
	}
	h, err := s.handles.acquire(r.Segment)
	if err != nil {
		return nil, err
	}
	var head [frameHeaderSize]byte
	n, err := h.file.ReadAt(head[:], int64(r.Offset))
	if err != nil && err != io.EOF {
		s.handles.release(h)
		return nil, fmt.Errorf("opening a body: %w", err)
	}
	if found, ok := parseHeader(head[:n], h.nonce); !ok || found.length != r.Length {
		s.handles.release(h)
		return nil, fmt.Errorf("%w: no such body at %d in segment %d", body.ErrCorrupt, r.Offset, r.Segment)
	}
	return &reader{store: s, handle: h, base: int64(r.Offset) + frameHeaderSize, size: int64(r.Length)}, nil
}

func (r *reader) Size() int64 { return r.size }

// ReadAt reads from the body; a file that ends before the body does is damage.
func (r *reader) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, errors.New("negative offset")
	}
	if off >= r.size {
		if len(p) == 0 {
			return 0, nil
		}
		return 0, io.EOF
	}
	short := int64(len(p)) > r.size-off
	if short {
		p = p[:r.size-off]
	}
	n, err := r.handle.file.ReadAt(p, r.base+off)
	switch {
	case n < len(p) && err == io.EOF:
		return n, fmt.Errorf("%w: its segment %d is cut off", body.ErrCorrupt, r.handle.number)
	case n < len(p):
		return n, err
	case short:
		return n, io.EOF
	}
	return n, nil
}

// Close ends the reading; no other method may be called after it.
func (r *reader) Close() error {
	if r.handle == nil {
		return nil
	}
	r.store.handles.release(r.handle)
	r.handle = nil
	return nil
}
