package segment

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"slices"

	"citron/engine/body"
)

// A sweep copies so many bytes or bodies before it syncs them.
const (
	sweepBytes  = 8 << 20
	sweepBodies = 256
)

type keepFunc = func(body.Owner, body.Ref) (bool, error)
type moveFunc = func(o body.Owner, from, to body.Ref) (bool, error)

// found is a body seen by a sweep.
type found struct {
	owner body.Owner
	ref   body.Ref
	crc   uint32
}

// Sweep rewrites segments more than half of which is dead. A segment that
// cannot be swept is left as it is and the next one tried; the error joins
// what went wrong.
func (s *Store) Sweep(ctx context.Context, keep func(body.Owner, body.Ref) (bool, error),
	move func(o body.Owner, from, to body.Ref) (bool, error)) error {
	s.sweeping.Lock()
	defer s.sweeping.Unlock()
	if err := s.refused(); err != nil {
		return err
	}
	s.retireAll((*segment).halfDead)
	var all error
	removed := false
	for _, g := range s.sweepable() {
		if err := errors.Join(ctx.Err(), s.refused()); err != nil {
			return errors.Join(all, err)
		}
		gone, err := s.sweepSegment(ctx, g, keep, move)
		if err != nil {
			all = errors.Join(all, fmt.Errorf("segment %d: %w", g.number, err))
		}
		removed = removed || gone
	}
	if removed {
		if err := s.dirSync.flush(); err != nil {
			all = errors.Join(all, s.stop(err))
		}
	}
	return all
}

// sweepable lists, oldest first, the segments that a sweep may look at and
// that promise something.
func (s *Store) sweepable() []*segment {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []*segment
	for _, g := range s.segments {
		settled := !g.open && g.held == 0 && g.file == nil
		if settled && !g.broken && !g.damaged && (!g.counted || g.frames == 0 || g.halfDead()) {
			out = append(out, g)
		}
	}
	slices.SortFunc(out, func(a, b *segment) int {
		if a.number < b.number {
			return -1
		}
		return 1
	})
	return out
}

// sweepSegment counts one segment, and rewrites and removes it if it is more
// than half dead.
func (s *Store) sweepSegment(ctx context.Context, g *segment, keep keepFunc, move moveFunc) (removed bool, err error) {
	h, err := s.handles.acquire(g.number)
	if errors.Is(err, body.ErrCorrupt) && g.frames == 0 {
		return s.remove(g), nil // made just before a crash, never written to
	}
	if err != nil {
		return false, err
	}
	defer s.handles.release(h)
	living, err := s.count(ctx, g, h, keep)
	if err != nil {
		return false, err
	}
	s.mu.Lock()
	worth := g.frames == 0 || g.halfDead()
	s.mu.Unlock()
	if !worth {
		return false, nil
	}
	for len(living) > 0 {
		n := sweepBatch(living)
		if err := s.rewrite(ctx, h, living[:n], move); err != nil {
			return false, err
		}
		living = living[n:]
	}
	return s.remove(g), nil
}

// count asks for every body of a segment and lists the living.
func (s *Store) count(ctx context.Context, g *segment, h *handle, keep keepFunc) ([]found, error) {
	s.mu.Lock()
	end, expected := g.tail, seal{g.frames, g.bytes}
	g.dead = 0 // Releases from here on add to what is found below
	g.counted = false
	s.mu.Unlock()
	var living []found
	var seen, dead seal
	err := scan(h.file, h.nonce, end, func(at int64, head header) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		size := uint64(frameSize(head.length))
		seen.frames++
		seen.bytes += size
		ref := body.Ref{Segment: g.number, Offset: uint64(at), Length: head.length}
		alive, err := keep(head.owner, ref)
		if err != nil {
			return fmt.Errorf("asking account %d for object %d: %w", head.owner.Account, head.owner.Object, err)
		}
		if alive {
			living = append(living, found{head.owner, ref, head.crc})
		} else {
			dead.bytes += size
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if seen != expected {
		g.damaged = true
		return nil, fmt.Errorf("%w: %d bodies found of %d; the segment is left alone", body.ErrCorrupt, seen.frames, expected.frames)
	}
	g.addDead(dead.bytes)
	g.counted = true
	return living, nil
}

// sweepBatch says how many of the bodies share one sync.
func sweepBatch(all []found) int {
	bytes := uint64(0)
	for i, f := range all {
		if bytes += f.ref.Length; i > 0 && (bytes > sweepBytes || i >= sweepBodies) {
			return i
		}
	}
	return len(all)
}

// rewrite copies bodies, makes the copies durable and moves the references.
func (s *Store) rewrite(ctx context.Context, h *handle, all []found, move moveFunc) error {
	writers := make([]*writer, 0, len(all))
	defer func() {
		for _, w := range writers {
			w.Done()
		}
	}()
	copies := make([]body.Ref, 0, len(all))
	written := map[*segment]error{}
	for _, f := range all {
		if err := ctx.Err(); err != nil {
			return s.syncCopies(writers, written, err)
		}
		w := s.newWriter(f.owner)
		w.sweeper = true
		writers = append(writers, w)
		ref, err := s.copyBody(w, h, f)
		if err != nil {
			return s.syncCopies(writers, written, err)
		}
		copies = append(copies, ref)
	}
	if err := s.syncCopies(writers, written, nil); err != nil {
		return err
	}
	for i, f := range all {
		moved, err := move(f.owner, f.ref, copies[i])
		if err != nil {
			return fmt.Errorf("moving object %d of account %d: %w", f.owner.Object, f.owner.Account, err)
		}
		if !moved {
			s.Release(f.owner, copies[i])
		}
	}
	return nil
}

// syncCopies syncs each segment written to, once, and settles the writers. It
// gives the first error, cause before its own.
func (s *Store) syncCopies(writers []*writer, synced map[*segment]error, cause error) error {
	for _, w := range writers {
		if !w.committed {
			continue
		}
		err, done := synced[w.seg]
		if !done {
			err = w.seg.sync.flush()
			synced[w.seg] = err
		}
		if err = w.settle(err); err != nil && cause == nil {
			cause = err
		}
	}
	return cause
}

// copyBody writes a copy of a body, not yet durable, and verifies it.
func (s *Store) copyBody(w *writer, h *handle, f found) (body.Ref, error) {
	sum := crc32.New(castagnoli)
	from := io.NewSectionReader(h.file, int64(f.ref.Offset)+frameHeaderSize, int64(f.ref.Length))
	n, err := io.Copy(io.MultiWriter(w, sum), from)
	if err != nil {
		return body.Ref{}, err
	}
	if uint64(n) != f.ref.Length || sum.Sum32() != f.crc {
		return body.Ref{}, fmt.Errorf("%w: object %d of account %d does not match its checksum",
			body.ErrCorrupt, f.owner.Object, f.owner.Account)
	}
	ref, err := w.place()
	if err == nil && w.stream {
		// The next large body may follow at once: one sync covers both.
		w.stream = false
		s.giveBack(w.seg)
	}
	return ref, err
}

// remove deletes a segment, unless its number must be kept.
func (s *Store) remove(g *segment) bool {
	s.mu.Lock()
	if g.number == s.last {
		s.mu.Unlock()
		return false
	}
	delete(s.segments, g.number)
	s.mu.Unlock()
	s.handles.drop(g.number)
	// A file that stays is found dead again after the next start.
	_ = s.fs.Remove(s.path(g.number))
	return true
}
