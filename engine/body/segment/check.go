package segment

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"maps"
	"slices"

	"citron/engine/body"
)

// Check reads every byte of every segment. It waits for the Writers that are
// running. A body whose bytes do not match may be one that a crash tore and
// that nothing refers to: who checks asks the owner. Damage that belongs to no
// known body is reported with a Ref that has a segment only.
func (s *Store) Check(ctx context.Context, report func(o body.Owner, r body.Ref, err error)) error {
	s.retireAll(func(*segment) bool { return true })
	s.mu.Lock()
	all := slices.Sorted(maps.Keys(s.segments))
	s.mu.Unlock()
	for _, number := range all {
		if err := s.checkSegment(ctx, number, report); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) checkSegment(ctx context.Context, number uint64, report func(body.Owner, body.Ref, error)) error {
	s.mu.Lock()
	g := s.segments[number]
	s.mu.Unlock()
	if g == nil {
		return nil // swept meanwhile
	}
	select {
	case <-g.settled:
	case <-ctx.Done():
		return ctx.Err()
	}
	s.mu.Lock()
	end, expected, damaged := g.tail, seal{g.frames, g.bytes}, g.damaged
	s.mu.Unlock()
	h, err := s.handles.acquire(number)
	if errors.Is(err, body.ErrCorrupt) && !damaged {
		return nil // made just before a crash, never written to
	}
	if err != nil {
		report(body.Owner{}, body.Ref{Segment: number}, err)
		return nil
	}
	defer s.handles.release(h)
	return checkFrames(ctx, h, end, expected, report)
}

func checkFrames(ctx context.Context, h *handle, end int64, expected seal, report func(body.Owner, body.Ref, error)) error {
	var seen seal
	buf := make([]byte, 256<<10)
	err := scan(h.file, h.nonce, end, func(at int64, head header) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		seen.frames++
		seen.bytes += uint64(frameSize(head.length))
		sum := crc32.New(castagnoli)
		from := io.NewSectionReader(h.file, at+frameHeaderSize, int64(head.length))
		n, err := io.CopyBuffer(sum, from, buf)
		if err == nil && (uint64(n) != head.length || sum.Sum32() != head.crc) {
			err = fmt.Errorf("%w: its bytes do not match their checksum", body.ErrCorrupt)
		}
		if err != nil {
			report(head.owner, body.Ref{Segment: h.number, Offset: uint64(at), Length: head.length}, err)
		}
		return nil
	})
	whole := body.Ref{Segment: h.number}
	switch {
	case err != nil && ctx.Err() != nil:
		return err
	case err != nil:
		report(body.Owner{}, whole, err)
	case seen != expected:
		report(body.Owner{}, whole, fmt.Errorf("%w: segment %d has %d bodies of %d",
			body.ErrCorrupt, h.number, seen.frames, expected.frames))
	}
	return nil
}
