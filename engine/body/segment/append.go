package segment

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"path"
	"slices"

	"citron/engine/vfs"
)

// fileName is the name of a segment in its directory.
func fileName(number uint64) string { return fmt.Sprintf("%016x.seg", number) }

func (s *Store) path(number uint64) string { return path.Join(s.dir, fileName(number)) }

// append writes a frame, whose header is still to be filled in, at the end of
// the shared segment and leaves the segment held.
func (s *Store) append(frame []byte, h header) (g *segment, offset int64, err error) {
	size := frameSize(h.length)
	for {
		g, err = s.holdShared()
		if err != nil {
			return nil, 0, err
		}
		g.writing.Lock()
		offset = g.tail
		if offset == segmentHeaderSize || offset+size <= s.opt.SegmentSize {
			break
		}
		g.writing.Unlock()
		s.unhold(g)
		if err := s.replaceShared(g); err != nil {
			return nil, 0, err
		}
	}
	defer g.writing.Unlock()
	h.put(frame, g.nonce)
	if _, err := g.file.WriteAt(frame, offset); err != nil {
		s.unhold(g) // the next frame begins at the same place
		return nil, 0, fmt.Errorf("writing a body: %w", err)
	}
	s.wrote(g, size)
	return g, offset, nil
}

// holdShared gives the shared segment, held.
func (s *Store) holdShared() (*segment, error) {
	for {
		s.mu.Lock()
		g, err := s.shared, s.err
		if err == nil && g != nil {
			g.held++
		}
		s.mu.Unlock()
		if err != nil {
			return nil, err
		}
		if g != nil {
			return g, nil
		}
		if err := s.replaceShared(nil); err != nil {
			return nil, err
		}
	}
}

// replaceShared puts a new segment in the place of the shared one, unless
// another caller did.
func (s *Store) replaceShared(old *segment) error {
	s.creating.Lock()
	defer s.creating.Unlock()
	s.mu.Lock()
	current := s.shared
	s.mu.Unlock()
	if current != old {
		return nil
	}
	g, err := s.create()
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.shared = g
	late := s.err != nil
	s.mu.Unlock()
	if old != nil {
		s.retire(old)
	}
	if late {
		s.retire(g)
	}
	return nil
}

// take gives a segment for a streamed body, held and out of others' reach.
func (s *Store) take() (*segment, error) {
	s.mu.Lock()
	if s.err != nil {
		defer s.mu.Unlock()
		return nil, s.err
	}
	if n := len(s.idle); n > 0 {
		g := s.idle[n-1]
		s.idle = s.idle[:n-1]
		g.held++
		s.mu.Unlock()
		return g, nil
	}
	s.mu.Unlock()
	g, err := s.create()
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	g.held++
	return g, nil
}

// giveBack makes a segment free for the next streamed body.
func (s *Store) giveBack(g *segment) {
	s.mu.Lock()
	again := g.open && g.tail < s.opt.SegmentSize && s.err == nil
	if again {
		s.idle = append(s.idle, g)
	}
	s.mu.Unlock()
	if !again {
		s.retire(g)
	}
}

// create makes a segment whose header and directory entry are durable.
func (s *Store) create() (*segment, error) {
	s.mu.Lock()
	s.last++
	number := s.last
	s.mu.Unlock()
	g := &segment{number: number, open: true, tail: segmentHeaderSize, settled: make(chan struct{}), counted: true}
	var nonce [8]byte
	_, _ = rand.Read(nonce[:]) // it never fails
	g.nonce = binary.LittleEndian.Uint64(nonce[:])
	file, err := s.fs.Create(s.path(number))
	if err != nil {
		return nil, fmt.Errorf("new segment: %w", err)
	}
	if err := s.writeSegmentHeader(file, g); err != nil {
		_ = file.Close()
		_ = s.fs.Remove(s.path(number))
		return nil, fmt.Errorf("new segment: %w", err)
	}
	g.file = file
	g.sync.run = file.SyncData
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil { // closed or stopped meanwhile: nobody would close the file
		_ = file.Close()
		return nil, s.err
	}
	s.segments[number] = g
	return g, nil
}

func (s *Store) writeSegmentHeader(file vfs.File, g *segment) error {
	var head [segmentHeaderSize]byte
	putSegmentHeader(head[:], g.number, g.nonce)
	if _, err := file.WriteAt(head[:], 0); err != nil {
		return err
	}
	if err := file.SyncData(); err != nil {
		return s.syncFailed(nil, err)
	}
	if err := s.dirSync.flush(); err != nil {
		return s.stop(err)
	}
	return nil
}

// syncFailed draws the conclusions of a failed sync and gives the error that
// the Commits which depended on it return.
func (s *Store) syncFailed(g *segment, cause error) error {
	if g != nil {
		s.mu.Lock()
		g.broken = true
		s.mu.Unlock()
		s.retire(g)
	}
	if errors.Is(cause, vfs.ErrNoSpace) {
		return cause
	}
	return s.stop(cause)
}

// wrote counts a frame that now stands at the end of a segment.
func (s *Store) wrote(g *segment, size int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g.tail += size
	g.frames++
	g.bytes += uint64(size)
}

// unhold lets go of a segment for a Writer that is Done.
func (s *Store) unhold(g *segment) {
	s.mu.Lock()
	g.held--
	settle := g.mustSettle()
	s.mu.Unlock()
	if settle {
		s.settle(g)
	}
}

// retire has a segment take no more bodies.
func (s *Store) retire(g *segment) {
	s.mu.Lock()
	g.open = false
	if s.shared == g {
		s.shared = nil
	}
	s.idle = slices.DeleteFunc(s.idle, func(i *segment) bool { return i == g })
	settle := g.mustSettle()
	s.mu.Unlock()
	if settle {
		s.settle(g)
	}
}

// retireAll retires the segments that nobody streams into and which match.
func (s *Store) retireAll(match func(*segment) bool) {
	s.mu.Lock()
	var chosen []*segment
	for _, g := range append(slices.Clone(s.idle), s.shared) {
		if g != nil && match(g) {
			chosen = append(chosen, g)
		}
	}
	s.mu.Unlock()
	for _, g := range chosen {
		s.retire(g)
	}
}

// mustSettle says, once, that the last Writer has left a retired segment.
func (g *segment) mustSettle() bool {
	if g.open || g.held > 0 || g.settling {
		return false
	}
	g.settling = true
	return true
}

// settle seals the segment and closes its file. A seal for which there is no
// room is left for the next start.
func (s *Store) settle(g *segment) {
	s.mu.Lock()
	count, tail, broken := seal{g.frames, g.bytes}, g.tail, g.broken
	s.mu.Unlock()
	var err error
	if !broken {
		err = writeSeal(g.file, g.nonce, tail, count)
	}
	_ = g.file.Close()
	failed := err != nil && !errors.Is(err, vfs.ErrNoSpace)
	if failed {
		_ = s.stop(err)
	}
	s.mu.Lock()
	g.file, g.broken = nil, broken || failed
	s.mu.Unlock()
	close(g.settled)
}

// writeSeal ends a file after its last frame, durably.
func writeSeal(file vfs.File, nonce uint64, tail int64, count seal) error {
	// What a failed write left beyond the last frame must not stay.
	if err := file.Truncate(tail); err != nil {
		return err
	}
	var end [frameHeaderSize]byte
	count.put(end[:], nonce)
	if _, err := file.WriteAt(end[:], tail); err != nil {
		return err
	}
	return file.SyncData()
}
