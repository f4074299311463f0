package segment

import (
	"errors"
	"fmt"
	"path"
	"strconv"
	"strings"

	"citron/engine/vfs"
)

// Open opens the store in a directory, which it makes if it is not there. Only
// one process may have it open: vfs.ErrLocked. It reads the seal of every
// segment and walks those without one.
func Open(fs vfs.FS, dir string, opt Options) (*Store, error) {
	opt = opt.withDefaults()
	if err := makeDir(fs, dir); err != nil {
		return nil, fmt.Errorf("body store: %w", err)
	}
	lock, err := fs.Lock(path.Join(dir, "LOCK"))
	if err != nil {
		return nil, fmt.Errorf("body store: %w", err)
	}
	s := &Store{
		fs: fs, dir: dir, opt: opt, lock: lock,
		buffers:  newBuffers(opt.BufferSize + frameHeaderSize),
		room:     &room{space: fs.Space, floor: opt.FreeFloor, low: opt.LowFloor},
		dirSync:  flusher{run: func() error { return fs.SyncDir(dir) }},
		segments: map[uint64]*segment{},
	}
	s.handles = newHandles(opt.MaxOpen, func(number uint64) (vfs.File, error) { return fs.Open(s.path(number)) })
	if err := s.loadAll(); err != nil {
		_ = lock.Close()
		return nil, fmt.Errorf("body store: %w", err)
	}
	return s, nil
}

// makeDir makes the directory and its parents and their entries durable.
func makeDir(fs vfs.FS, dir string) error {
	if err := fs.MkdirAll(dir); err != nil {
		return err
	}
	for d := dir; d != "." && d != "/"; {
		d = path.Dir(d)
		if err := fs.SyncDir(d); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) loadAll() error {
	names, err := s.fs.List(s.dir)
	if err != nil {
		return err
	}
	for _, name := range names {
		hex, ok := strings.CutSuffix(name, ".seg")
		number, err := strconv.ParseUint(hex, 16, 64)
		if !ok || err != nil || fileName(number) != name || number == 0 {
			continue
		}
		g, err := s.load(number)
		if err != nil {
			return fmt.Errorf("segment %s: %w", name, err)
		}
		s.segments[number] = g
		s.last = max(s.last, number)
	}
	return nil
}

// load learns what a segment of an earlier start holds.
func (s *Store) load(number uint64) (*segment, error) {
	g := &segment{number: number, settled: make(chan struct{}), settling: true}
	close(g.settled)
	file, err := s.fs.Open(s.path(number))
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	g.tail = info.Size()
	var head [segmentHeaderSize]byte
	n, err := file.ReadAt(head[:], 0)
	if n < len(head) && g.tail >= segmentHeaderSize {
		return nil, err
	}
	nonce, ok := parseSegmentHeader(head[:n], number)
	if !ok {
		// The header is durable before the first frame is written: without
		// one, a file that is longer was damaged later.
		g.damaged = g.tail > segmentHeaderSize
		return g, nil
	}
	g.nonce = nonce
	count, ok, err := readSeal(file, nonce, g.tail)
	switch {
	case err != nil:
		return nil, err
	case ok:
		g.tail -= frameHeaderSize
	default:
		g.tail = align(g.tail)
		if count, err = countFrames(file, nonce, g.tail); err != nil {
			return nil, err
		}
		if err := s.sealFound(g, count); err != nil {
			return nil, err
		}
	}
	g.frames, g.bytes = count.frames, count.bytes
	return g, nil
}

// readSeal reads the seal at the end of a file of this size, if there is one.
func readSeal(file vfs.File, nonce uint64, size int64) (seal, bool, error) {
	at := size - frameHeaderSize
	if at < segmentHeaderSize || at%alignment != 0 {
		return seal{}, false, nil
	}
	var end [frameHeaderSize]byte
	if n, err := file.ReadAt(end[:], at); n < len(end) {
		return seal{}, false, err
	}
	count, ok := parseSeal(end[:], nonce)
	return count, ok, nil
}

// sealFound seals what a crash left; without room it stays as it is.
func (s *Store) sealFound(g *segment, count seal) error {
	file, err := s.fs.OpenWrite(s.path(g.number))
	if err != nil {
		return err
	}
	defer file.Close()
	err = writeSeal(file, g.nonce, g.tail, count)
	if errors.Is(err, vfs.ErrNoSpace) {
		return nil
	}
	return err
}
