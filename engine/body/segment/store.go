package segment

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"

	"citron/engine/body"
	"citron/engine/vfs"
)

// Options tune a Store; the zero value of each field stands for its default.
type Options struct {
	// BufferSize is the largest body, in bytes, that is gathered in memory;
	// larger ones stream. It bounds what a Writer holds. Default 256 KiB.
	BufferSize int
	// SegmentSize is the length in bytes at which a segment takes no more
	// bodies. Default 256 MiB.
	SegmentSize int64
	// MaxOpen is the number of segments kept open for reading while nobody
	// reads them. Segments being read are open beyond it. Default 128.
	MaxOpen int
	// FreeFloor is the number of bytes on the volume below which bodies are
	// refused with vfs.ErrNoSpace, so that smaller things still find room.
	FreeFloor uint64
	// LowFloor is that for the copies that a sweep makes; by default half of
	// FreeFloor, and never more than it.
	LowFloor uint64
	// Fatal is called once, when a sync failed and the store stopped; not for
	// want of space, which is temporary. By default it logs to standard error
	// and ends the process: only a restart can tell what is durable. After one
	// that returns, as in tests, the store reads and refuses to write.
	Fatal func(error)
}

func (o Options) withDefaults() Options {
	if o.BufferSize <= 0 {
		o.BufferSize = 256 << 10
	}
	if o.LowFloor == 0 {
		o.LowFloor = o.FreeFloor / 2
	}
	o.LowFloor = min(o.LowFloor, o.FreeFloor)
	if o.SegmentSize <= 0 {
		o.SegmentSize = 256 << 20
	}
	if o.MaxOpen <= 0 {
		o.MaxOpen = 128
	}
	if o.Fatal == nil {
		o.Fatal = func(err error) {
			slog.New(slog.NewTextHandler(os.Stderr, nil)).Error("stopping: restart to recover", "err", err)
			os.Exit(1)
		}
	}
	return o
}

// Store is a body.Store of segments in one directory.
type Store struct {
	fs      vfs.FS
	dir     string
	opt     Options
	lock    io.Closer
	buffers *buffers
	handles *handles
	room    *room
	dirSync flusher

	creating sync.Mutex // one new shared segment at a time
	sweeping sync.Mutex // one Sweep at a time

	mu       sync.Mutex
	segments map[uint64]*segment
	shared   *segment   // takes gathered bodies; nil until the first
	idle     []*segment // take streamed bodies and are not in use
	last     uint64     // highest number in use
	err      error      // why nothing more is written: ErrStopped, ErrClosed
}

var _ body.Store = (*Store)(nil)

// segment is one file. Its fields from file on are guarded by Store.mu.
type segment struct {
	number uint64
	nonce  uint64
	sync   flusher
	// settled is closed when nothing more will be written: the segment is
	// sealed, or cannot be.
	settled chan struct{}
	// writing is held by who appends to the shared segment. The kernel lets
	// one write at a time extend a file, and its waiters spin.
	writing sync.Mutex

	file     vfs.File // for writing; nil when settled
	tail     int64    // where the next frame, or the seal, begins
	frames   uint64
	bytes    uint64 // of the frames
	dead     uint64 // of those bytes, as far as known
	held     int    // Writers that wrote to it and are not Done
	open     bool   // takes more bodies
	settling bool
	broken   bool // a sync failed: not to be believed before a restart
	damaged  bool // not what it should be: never swept
	counted  bool // dead is known and not only hinted at
}

// Create starts a body.
func (s *Store) Create(ctx context.Context, o body.Owner) (body.Writer, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := s.refused(); err != nil {
		return nil, err
	}
	return s.newWriter(o), nil
}

// refused says why nothing more is written, if so.
func (s *Store) refused() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// stop ends all writing after a failed sync. Who stops the store calls Fatal;
// one that is closed has nothing more to lose.
func (s *Store) stop(cause error) error {
	err := fmt.Errorf("%w: %w", body.ErrStopped, cause)
	s.mu.Lock()
	first := s.err == nil
	if first {
		s.err = err
	}
	s.mu.Unlock()
	if first {
		s.opt.Fatal(fmt.Errorf("storage of message bodies failed: %w", cause))
	}
	return err
}

// Release counts a body as dead.
func (s *Store) Release(_ body.Owner, r body.Ref) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if g := s.segments[r.Segment]; g != nil && r.Length <= maxLength {
		g.addDead(uint64(frameSize(r.Length)))
	}
}

func (g *segment) addDead(n uint64) { g.dead = min(g.dead+n, g.bytes) }

// halfDead says that rewriting would free more than it costs to keep.
func (g *segment) halfDead() bool { return g.dead > g.bytes/2 }

// Usage gives the bytes of living bodies, with their headers, and those of all
// segments. Bodies not known to be dead count as living.
func (s *Store) Usage() (live, total uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, g := range s.segments {
		live += g.bytes - g.dead
		total += uint64(g.tail)
	}
	return live, total
}

// Close ends all writing and closes the files. Writers should be Done: what
// they wrote is kept, but its segment is left for the next start to seal.
func (s *Store) Close() error {
	s.mu.Lock()
	if errors.Is(s.err, body.ErrClosed) {
		s.mu.Unlock()
		return body.ErrClosed
	}
	s.err = body.ErrClosed
	s.mu.Unlock()
	s.sweeping.Lock()
	defer s.sweeping.Unlock()
	s.retireAll(func(*segment) bool { return true })
	s.handles.close()
	return s.lock.Close()
}
