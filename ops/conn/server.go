package conn

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"time"
)

// Options configure a Server. Zero values are the defaults.
type Options struct {
	Limits Limits
	// Handshake limits a TLS handshake; default 30 s. Proxy limits the wait
	// for a PROXY header; default 10 s. Linger limits the wait for the peer's
	// own close after ours, without which its last input could destroy our
	// last output; default 3 s.
	Handshake, Proxy, Linger time.Duration
	// UserTimeout is TCP_USER_TIMEOUT (RFC 5482): how long sent data may stay
	// unacknowledged before the connection is given up. Default and least
	// useful value: above the two hours for which phones sleep; 3 h.
	// Negative: the system's own, about 15 minutes on Linux.
	UserTimeout time.Duration
	// Workers is the number of sessions that may run at once; default 256. A
	// Step may wait for the disk, and a group commit wants company.
	Workers int
	// HandshakesAtOnce is the number of TLS handshakes that may use the
	// processor at once (those that wait for the peer do not count); default
	// GOMAXPROCS.
	HandshakesAtOnce int
	// Portable uses a goroutine per connection where epoll could be used.
	Portable bool
	// NoBinding gives sessions no channel binding data, as if there were none,
	// so that they do not offer SCRAM-SHA-256-PLUS.
	NoBinding bool
	// Log is told of faults and of listeners' errors; default slog.Default().
	Log *slog.Logger
}

func (o Options) withDefaults() Options {
	set := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	set(&o.Handshake, 30*time.Second)
	set(&o.Proxy, 10*time.Second)
	set(&o.Linger, 3*time.Second)
	set(&o.UserTimeout, 3*time.Hour)
	if o.Workers <= 0 {
		o.Workers = 256
	}
	if o.HandshakesAtOnce <= 0 {
		o.HandshakesAtOnce = runtime.GOMAXPROCS(0)
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	return o
}

// ErrServerClosed is what Serve returns after Shutdown.
var ErrServerClosed = errors.New("server closed")

// Server owns listeners and connections.
type Server struct {
	opt   Options
	adm   *admission
	fails failures
	held  held
	count counters
	// shaking holds a token for each handshake that uses the processor.
	shaking chan struct{}

	ctx    context.Context // ends when Shutdown begins
	cancel context.CancelFunc
	wg     sync.WaitGroup // goroutines of the portable driver

	pollMu sync.Mutex
	poll   *poller // the epoll driver; nil until a listener uses it
}

// NewServer makes a server that listens nowhere yet. It needs no Shutdown
// before its first Serve or Pipe.
func NewServer(o Options) *Server {
	o = o.withDefaults()
	s := &Server{opt: o, adm: newAdmission(o.Limits), shaking: make(chan struct{}, o.HandshakesAtOnce)}
	s.held.limit = s.adm.lim.HeldBytes
	s.ctx, s.cancel = context.WithCancel(context.Background())
	return s
}

// Serve accepts connections from ln until Shutdown, and closes ln. It returns
// ErrServerClosed, or why it cannot accept any more.
func (s *Server) Serve(ln net.Listener, on *Listener) error {
	defer ln.Close()
	if !s.opt.Portable {
		if handled, err := s.servePoll(ln, on); handled {
			return err
		}
	}
	defer s.closeAtEnd(ln)()
	var pause acceptPause
	for {
		nc, err := ln.Accept()
		switch {
		case s.ctx.Err() != nil:
			if err == nil {
				nc.Close()
			}
			return ErrServerClosed
		case err == nil:
			pause.reset()
			tuneSocket(nc, s.opt.UserTimeout)
			s.servePortable(nc, on)
		case !temporary(err):
			return err
		default:
			s.opt.Log.Warn("accept", "listener", on.Name, "error", err)
			if !pause.wait(s.ctx) {
				return ErrServerClosed
			}
		}
	}
}

// closeAtEnd has a listener closed when Shutdown begins; the function that it
// returns takes that back.
func (s *Server) closeAtEnd(ln io.Closer) func() bool {
	return context.AfterFunc(s.ctx, func() { ln.Close() })
}

// temporary says that an error of Accept may pass: out of descriptors or
// memory, or a connection that ended before it was accepted.
func temporary(err error) bool {
	return slices.ContainsFunc(passing, func(e syscall.Errno) bool { return errors.Is(err, e) })
}

// passing are the errors of accept(2) that say nothing of the listener.
var passing = []syscall.Errno{
	syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM,
	syscall.ECONNABORTED, syscall.ECONNRESET, syscall.EINTR,
}

// acceptPause spaces attempts to accept while the system is out of something.
type acceptPause struct{ d time.Duration }

func (p *acceptPause) reset() { p.d = 0 }

// wait pauses, longer each time; false if ctx ended.
func (p *acceptPause) wait(ctx context.Context) bool {
	p.d = min(max(2*p.d, 5*time.Millisecond), time.Second)
	t := time.NewTimer(p.d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// admit lets a connection in or not, and has another one give way if it must.
func (s *Server) admit(l *link) bool {
	victim, ok := s.adm.enter(l)
	if victim != nil {
		victim.self.kill(Crowded)
	}
	if !ok {
		s.count.ended[TooMany].Add(1)
		return false
	}
	s.count.accepted.Add(1)
	return true
}

// Shutdown stops accepting and has every session stepped with Turn.Shutdown.
// It returns when all connections are closed. When ctx ends first, those that
// are left are cut, and its error is returned once they are gone.
func (s *Server) Shutdown(ctx context.Context) error {
	s.cancel()
	for _, l := range s.adm.close() {
		l.self.hurry()
	}
	var err error
	select {
	case <-s.adm.emptied:
	case <-ctx.Done():
		err = ctx.Err()
		for _, l := range s.adm.close() {
			l.self.kill(ShutDown)
		}
		<-s.adm.emptied
	}
	s.wg.Wait()
	s.closePoll()
	return err
}

// acquireCPU waits for leave to compute a handshake.
func (s *Server) acquireCPU() { s.shaking <- struct{}{} }
func (s *Server) releaseCPU() { <-s.shaking }
