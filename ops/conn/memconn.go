package conn

import (
	"io"
	"net"
	"os"
	"sync"
	"time"
)

// memBuffer is the number of bytes in flight in each direction of a Pipe, as a
// socket's buffers hold some.
const memBuffer = 256 << 10

// memConn is one end of an in-memory connection with buffers, half-close and
// deadlines. It waits on condition variables and timers only, so that it works
// in the virtual time of testing/synctest.
type memConn struct {
	in, out       *memFlow
	local, remote net.Addr
}

// memFlow is one direction.
type memFlow struct {
	mu       sync.Mutex
	change   sync.Cond
	data     []byte
	ended    bool // the writer closed: EOF after data
	deaf     bool // the reader closed: writes fail
	readEnd  memDeadline
	writeEnd memDeadline
}

// memDeadline is a deadline of one side of a flow, guarded by the flow's mu.
type memDeadline struct {
	past  bool
	timer *time.Timer
	gen   int
}

func newMemPair(client, server net.Addr) (c, s *memConn) {
	up, down := newMemFlow(), newMemFlow()
	return &memConn{in: down, out: up, local: client, remote: server},
		&memConn{in: up, out: down, local: server, remote: client}
}

func newMemFlow() *memFlow {
	f := new(memFlow)
	f.change.L = &f.mu
	return f
}

func (c *memConn) Read(p []byte) (int, error) {
	f := c.in
	f.mu.Lock()
	defer f.mu.Unlock()
	for {
		switch {
		case f.deaf:
			return 0, net.ErrClosed
		case f.readEnd.past:
			return 0, os.ErrDeadlineExceeded
		case len(p) == 0:
			return 0, nil
		case len(f.data) > 0:
			n := copy(p, f.data)
			if f.data = f.data[n:]; len(f.data) == 0 {
				f.data = nil
			}
			f.change.Broadcast()
			return n, nil
		case f.ended:
			return 0, io.EOF
		}
		f.change.Wait()
	}
}

func (c *memConn) Write(p []byte) (int, error) {
	f := c.out
	f.mu.Lock()
	defer f.mu.Unlock()
	sent := 0
	for {
		switch {
		case f.ended:
			return sent, net.ErrClosed
		case f.deaf:
			return sent, io.ErrClosedPipe
		case f.writeEnd.past:
			return sent, os.ErrDeadlineExceeded
		case sent == len(p):
			return sent, nil
		}
		if n := min(memBuffer-len(f.data), len(p)-sent); n > 0 {
			f.data = append(f.data, p[sent:sent+n]...)
			sent += n
			f.change.Broadcast()
			continue
		}
		f.change.Wait()
	}
}

// CloseWrite ends our direction; the other stays.
func (c *memConn) CloseWrite() error {
	c.out.mu.Lock()
	defer c.out.mu.Unlock()
	c.out.ended = true
	c.out.change.Broadcast()
	return nil
}

func (c *memConn) Close() error {
	c.CloseWrite()
	c.SetDeadline(time.Time{})
	c.in.mu.Lock()
	defer c.in.mu.Unlock()
	c.in.deaf, c.in.data = true, nil
	c.in.change.Broadcast()
	return nil
}

func (c *memConn) LocalAddr() net.Addr  { return c.local }
func (c *memConn) RemoteAddr() net.Addr { return c.remote }

func (c *memConn) SetDeadline(t time.Time) error {
	c.SetReadDeadline(t)
	return c.SetWriteDeadline(t)
}

func (c *memConn) SetReadDeadline(t time.Time) error {
	c.in.setDeadline(&c.in.readEnd, t)
	return nil
}

func (c *memConn) SetWriteDeadline(t time.Time) error {
	c.out.setDeadline(&c.out.writeEnd, t)
	return nil
}

func (f *memFlow) setDeadline(d *memDeadline, t time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if d.timer != nil {
		d.timer.Stop()
		d.timer = nil
	}
	d.gen++
	gen := d.gen
	left := time.Until(t)
	d.past = !t.IsZero() && left <= 0
	if !t.IsZero() && left > 0 {
		d.timer = time.AfterFunc(left, func() {
			f.mu.Lock()
			defer f.mu.Unlock()
			if d.gen == gen {
				d.past = true
				f.change.Broadcast()
			}
		})
	}
	f.change.Broadcast()
}
