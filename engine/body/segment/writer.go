package segment

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"citron/engine/body"
)

// writer gathers a body behind the place of its header in buf; beyond the
// buffer's largest size it streams, and buf holds what is not yet in the file.
type writer struct {
	store  *Store
	owner  body.Owner
	buf    *[]byte
	fill   int   // bytes used in buf, room of the header included
	length int64 // of the body so far

	seg     *segment // held; nil until something is in the file
	offset  int64    // of the frame in seg
	stream  bool     // seg is this writer's alone
	written int64    // bytes of the body in the file, when streaming
	crc     uint32   // of those

	err       error // why it cannot go on
	committed bool
	sweeper   bool // may go down to the lower floor, as it makes room
}

func (s *Store) newWriter(o body.Owner) *writer {
	return &writer{store: s, owner: o, fill: frameHeaderSize}
}

var errAborted = errors.New("body was aborted")

// Write takes bytes of the body; its error is final.
func (w *writer) Write(p []byte) (int, error) {
	if w.err != nil {
		return 0, w.err
	}
	if w.committed {
		return 0, errors.New("write after commit")
	}
	n := 0
	for n < len(p) {
		if w.buf == nil || w.fill == len(*w.buf) {
			if err := w.makeRoom(len(p) - n); err != nil {
				w.err = err
				return n, err
			}
		}
		c := copy((*w.buf)[w.fill:], p[n:])
		w.fill += c
		w.length += int64(c)
		n += c
	}
	return n, nil
}

// makeRoom grows the buffer, or empties it into the file.
func (w *writer) makeRoom(more int) error {
	largest := frameHeaderSize + w.store.opt.BufferSize
	if w.buf != nil && len(*w.buf) >= largest {
		return w.spill()
	}
	grown := w.store.buffers.get(min(w.fill+more, largest))
	if w.buf != nil {
		copy(*grown, (*w.buf)[:w.fill])
		w.store.buffers.put(w.buf)
	}
	w.buf = grown
	return nil
}

// spill moves what is in the buffer to the file.
func (w *writer) spill() error {
	data := (*w.buf)[frameHeaderSize:w.fill]
	if err := w.takeRoom(int64(len(data))); err != nil {
		return err
	}
	if w.seg == nil {
		seg, err := w.store.take()
		if err != nil {
			return err
		}
		w.seg, w.offset, w.stream = seg, seg.tail, true
	}
	if _, err := w.seg.file.WriteAt(data, w.offset+frameHeaderSize+w.written); err != nil {
		return fmt.Errorf("writing a body: %w", err)
	}
	w.crc = crc32.Update(w.crc, castagnoli, data)
	w.written += int64(len(data))
	w.fill = frameHeaderSize
	return nil
}

func (w *writer) takeRoom(n int64) error {
	if w.sweeper {
		return w.store.room.takeLow(n)
	}
	return w.store.room.take(n)
}

// Len is the number of bytes written so far.
func (w *writer) Len() int64 { return w.length }

// ReadAt reads back what was written.
func (w *writer) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, errors.New("negative offset")
	}
	n := 0
	if off < w.written {
		part := p[:min(int64(len(p)), w.written-off)]
		m, err := w.seg.file.ReadAt(part, w.offset+frameHeaderSize+off)
		if n += m; m < len(part) {
			return n, fmt.Errorf("reading back a body: %w", err)
		}
	}
	if at := off + int64(n); n < len(p) && at < w.length {
		n += copy(p[n:], (*w.buf)[frameHeaderSize+int(at-w.written):w.fill])
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// Commit makes the body durable.
func (w *writer) Commit(ctx context.Context) (body.Ref, error) {
	if w.err == nil {
		w.err = ctx.Err()
	}
	if w.err != nil {
		return body.Ref{}, w.err
	}
	ref, err := w.place()
	if err == nil {
		err = w.settle(w.seg.sync.flush())
	}
	if err != nil {
		w.err = err
		return body.Ref{}, err
	}
	return ref, nil
}

// place writes all of the frame; it is not durable yet, and settle must follow.
func (w *writer) place() (body.Ref, error) {
	if w.committed {
		return body.Ref{}, errors.New("committed twice")
	}
	var err error
	if w.stream {
		err = w.placeStreamed()
	} else {
		err = w.placeGathered()
	}
	if err != nil {
		return body.Ref{}, err
	}
	w.committed = true
	return body.Ref{Segment: w.seg.number, Offset: uint64(w.offset), Length: uint64(w.length)}, nil
}

func (w *writer) placeGathered() error {
	if w.buf == nil {
		w.buf = w.store.buffers.get(frameHeaderSize)
	}
	if err := w.takeRoom(frameSize(uint64(w.length))); err != nil {
		return err
	}
	data := (*w.buf)[frameHeaderSize:w.fill]
	h := header{owner: w.owner, length: uint64(w.length), crc: crc32.Checksum(data, castagnoli)}
	var err error
	w.seg, w.offset, err = w.store.append((*w.buf)[:w.fill], h)
	return err
}

func (w *writer) placeStreamed() error {
	if w.fill > frameHeaderSize {
		data := (*w.buf)[frameHeaderSize:w.fill]
		if _, err := w.seg.file.WriteAt(data, w.offset+frameHeaderSize+w.written); err != nil {
			return fmt.Errorf("writing a body: %w", err)
		}
		w.crc = crc32.Update(w.crc, castagnoli, data)
		// The bytes stay in buf too, and ReadAt takes them from there.
	}
	var head [frameHeaderSize]byte
	header{owner: w.owner, length: uint64(w.length), crc: w.crc}.put(head[:], w.seg.nonce)
	if _, err := w.seg.file.WriteAt(head[:], w.offset); err != nil {
		return fmt.Errorf("writing a body: %w", err)
	}
	w.store.wrote(w.seg, frameSize(uint64(w.length)))
	return nil
}

// settle takes the outcome of the sync.
func (w *writer) settle(err error) error {
	if err != nil {
		return w.store.syncFailed(w.seg, err)
	}
	if w.stream {
		w.store.giveBack(w.seg)
	}
	return nil
}

// Abort forgets the body; no-op after Commit.
func (w *writer) Abort() {
	if w.committed || w.err == errAborted {
		return
	}
	w.err = errAborted
	if !w.stream {
		return
	}
	// Nothing of it may stay: the next body begins at the same place.
	seg := w.seg
	w.seg, w.stream, w.written, w.length, w.fill = nil, false, 0, 0, frameHeaderSize
	if err := seg.file.Truncate(seg.tail); err != nil {
		w.store.retire(seg) // its seal tries again
	} else {
		w.store.giveBack(seg)
	}
	w.store.unhold(seg)
}

// Done ends the Writer.
func (w *writer) Done() {
	w.Abort()
	if w.buf != nil {
		w.store.buffers.put(w.buf)
		w.buf = nil
	}
	if w.seg != nil {
		w.store.unhold(w.seg)
		w.seg = nil
	}
}
