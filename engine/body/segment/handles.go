package segment

import (
	"container/list"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sync"

	"citron/engine/body"
	"citron/engine/vfs"
)

// handles shares open segments among readers and closes those unused for
// longest beyond a limit.
type handles struct {
	open  func(number uint64) (vfs.File, error)
	limit int

	mu     sync.Mutex
	byNum  map[uint64]*handle
	unused list.List // of *handle, longest unused first
	closed bool
}

// handle is one open segment.
type handle struct {
	number uint64
	once   sync.Once
	file   vfs.File
	nonce  uint64
	err    error

	users int           // guarded by handles.mu
	place *list.Element // in unused
	gone  bool          // closed when the last user leaves
}

func newHandles(limit int, open func(uint64) (vfs.File, error)) *handles {
	return &handles{open: open, limit: limit, byNum: map[uint64]*handle{}}
}

// acquire opens the segment or shares what is open; release must follow.
func (hs *handles) acquire(number uint64) (*handle, error) {
	hs.mu.Lock()
	if hs.closed {
		hs.mu.Unlock()
		return nil, body.ErrClosed
	}
	h := hs.byNum[number]
	if h == nil {
		h = &handle{number: number}
		hs.byNum[number] = h
	}
	h.users++
	if h.place != nil {
		hs.unused.Remove(h.place)
		h.place = nil
	}
	surplus := hs.surplus()
	hs.mu.Unlock()
	closeAll(surplus)
	h.once.Do(func() { h.file, h.nonce, h.err = hs.openSegment(number) })
	if h.err != nil {
		hs.drop(number) // the next caller tries again
		hs.release(h)
		return nil, h.err
	}
	return h, nil
}

// openSegment opens the file and verifies its header.
func (hs *handles) openSegment(number uint64) (vfs.File, uint64, error) {
	file, err := hs.open(number)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, 0, body.ErrGone
	}
	if err != nil {
		return nil, 0, err
	}
	var head [segmentHeaderSize]byte
	n, err := file.ReadAt(head[:], 0)
	if err != nil && err != io.EOF {
		_ = file.Close()
		return nil, 0, err
	}
	nonce, ok := parseSegmentHeader(head[:n], number)
	if !ok {
		_ = file.Close()
		return nil, 0, fmt.Errorf("%w: segment %d has no header", body.ErrCorrupt, number)
	}
	return file, nonce, nil
}

// release ends a use.
func (hs *handles) release(h *handle) {
	hs.mu.Lock()
	var surplus []*handle
	h.users--
	switch {
	case h.users > 0:
	case h.gone || hs.closed:
		surplus = []*handle{h}
	default:
		h.place = hs.unused.PushBack(h)
		surplus = hs.surplus()
	}
	hs.mu.Unlock()
	closeAll(surplus)
}

// drop forgets a segment; its users read on.
func (hs *handles) drop(number uint64) {
	hs.mu.Lock()
	h := hs.byNum[number]
	delete(hs.byNum, number)
	unused := h != nil && h.place != nil
	if h != nil {
		h.gone = true
	}
	if unused {
		hs.unused.Remove(h.place)
		h.place = nil
	}
	hs.mu.Unlock()
	if unused {
		closeAll([]*handle{h})
	}
}

// surplus takes out what is unused beyond the limit.
func (hs *handles) surplus() (out []*handle) {
	for len(hs.byNum) > hs.limit && hs.unused.Len() > 0 {
		h := hs.unused.Remove(hs.unused.Front()).(*handle)
		h.place = nil
		delete(hs.byNum, h.number)
		out = append(out, h)
	}
	return out
}

// close closes what is unused now, and the rest when its users leave.
func (hs *handles) close() {
	hs.mu.Lock()
	hs.closed = true
	hs.limit = -1
	all := hs.surplus()
	hs.mu.Unlock()
	closeAll(all)
}

func closeAll(all []*handle) {
	for _, h := range all {
		if h.file != nil {
			_ = h.file.Close()
		}
	}
}
