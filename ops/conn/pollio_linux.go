package conn

import (
	"crypto/tls"
	"io"
	"net"
	"os"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// errAgain is what a read gives when there is nothing now. It is temporary in
// the sense of net.Error, so that crypto/tls keeps the part of a record that it
// has and can be asked again.
var errAgain error = again{}

type again struct{}

func (again) Error() string   { return "nothing to read now" }
func (again) Timeout() bool   { return true }
func (again) Temporary() bool { return true }

// read reads what the session shall see. It returns errAgain only when nothing
// is left inside crypto/tls either.
func (c *pollConn) read(p []byte) (int, error) {
	if tc := c.tls.Load(); tc != nil {
		return tc.Read(p)
	}
	return c.readSocket(p)
}

// readSocket reads from the socket, and not at all if a read that fell short
// has emptied it: whatever comes later raises evInput.
func (c *pollConn) readSocket(p []byte) (int, error) {
	if c.drained {
		return 0, errAgain
	}
	for {
		n, err := unix.Read(c.fd, p)
		switch {
		case err == nil && n == 0 && len(p) > 0:
			return 0, io.EOF
		case err == nil:
			c.drained = n < len(p) && !c.hangup
			return n, nil
		case err == unix.EAGAIN:
			c.drained = true
			return 0, errAgain
		case err != unix.EINTR:
			return 0, os.NewSyscallError("read", err)
		}
	}
}

// discard drops all input that has come before the answer to STARTTLS goes
// out, in our buffer and in the kernel's: none of it may be taken for what the
// peer says under TLS (CVE-2011-0411).
func (c *pollConn) discard() {
	c.in.drop()
	buf := c.in.space(smallIn)
	for range stepsInTurn {
		if _, err := c.readSocket(buf); err != nil {
			break
		}
	}
	c.in.drop()
}

// send hands a borrowed buffer to the socket, through TLS if there is any.
func (c *pollConn) send(out []byte) next {
	if len(out) == 0 {
		putOut(out)
		return goOn
	}
	tc := c.tls.Load()
	if tc == nil {
		c.pending = out
		return c.flush()
	}
	// Records cost up to 30 bytes; short ones come first (crypto/tls starts
	// with those of one TCP segment).
	c.pending = slices.Grow(getOut(), len(out)+len(out)/32+256)
	_, err := tc.Write(out)
	putOut(out)
	if err != nil {
		return c.close(err)
	}
	return c.flush()
}

// flush writes what is pending: goOn when all of it is gone, park when the
// socket is full.
func (c *pollConn) flush() next {
	for c.sent < len(c.pending) {
		n, err := unix.Write(c.fd, c.pending[c.sent:])
		switch err {
		case nil:
			c.sent += n
		case unix.EINTR:
		case unix.EAGAIN:
			return c.block()
		default:
			return c.close(os.NewSyscallError("write", err))
		}
	}
	c.dropPending()
	return goOn
}

// block notes that the peer does not take what is sent. It is not cut for that,
// unless memory is short and it holds the most.
func (c *pollConn) block() next {
	if !c.blocked {
		c.blocked, c.late = true, true
		c.srv.count.blocked.Add(1)
		if c.phase == phaseServe {
			c.until = c.p.times.deadline(c.unreadUntil(c.wait))
		}
	}
	if victim := c.srv.held.set(&c.link, len(c.pending)-c.sent); victim != nil {
		victim.self.kill(OutOfMemory)
	}
	return park
}

// dropPending gives the pending buffer back.
func (c *pollConn) dropPending() {
	if c.blocked {
		c.blocked = false
		c.srv.count.blocked.Add(-1)
		c.srv.held.set(&c.link, 0)
	}
	putOut(c.pending)
	c.pending, c.sent = nil, 0
}

// proxy reads a PROXY header to its exact end.
func (c *pollConn) proxy() next {
	for {
		need, err := proxyNeed(c.early)
		if err != nil {
			return c.refuseProxy(err)
		}
		have := len(c.early)
		if have == need {
			break
		}
		c.early = slices.Grow(c.early, need-have)[:need]
		n, err := c.readSocket(c.early[have:])
		c.early = c.early[:have+n]
		switch {
		case err == errAgain && c.expired():
			return c.refuseProxy(os.ErrDeadlineExceeded)
		case err == errAgain:
			return park
		case err != nil:
			return c.refuseProxy(err)
		}
	}
	h, err := parseProxy(c.early)
	if err != nil {
		return c.refuseProxy(err)
	}
	c.early, c.until, c.drained = nil, 0, false
	c.heard(h)
	return goOn
}

func (c *pollConn) refuseProxy(err error) next {
	c.srv.opt.Log.Warn("PROXY header refused", "listener", c.on.Name, "peer", c.remote, "error", err)
	return c.close(ProxyRefused)
}

// shake gives the connection to a goroutine of its own for the handshake,
// during which errors are final for crypto/tls, so that it must wait.
func (c *pollConn) shake() next {
	c.until = c.p.times.deadline(time.Now().Add(c.srv.opt.Handshake))
	c.p.times.arm(c, c.until)
	b := make(bell, 1)
	c.ring.Store(&b)
	c.drained = false
	c.state.Or(stShaking)
	c.srv.count.running.Add(-1)
	c.srv.count.handshakes.Add(1)
	c.srv.wg.Add(1)
	go c.handshake()
	return leave
}

func (c *pollConn) handshake() {
	defer c.srv.wg.Done()
	tc := tls.Server(&pollCarrier{c}, c.on.face.config(c.on.TLS()))
	c.srv.acquireCPU()
	err := tc.Handshake()
	c.srv.releaseCPU()
	c.srv.count.handshakes.Add(-1)
	c.srv.count.running.Add(1)
	c.state.And(^stShaking)
	if err != nil {
		c.shakeFailed(err)
		return
	}
	c.ring.Store(nil)
	c.until, c.due, c.drained = 0, true, false
	c.phase = phaseServe
	c.established(tc)
	c.p.work.push(c)
}

// shakeFailed ends a connection without TLS. It lingers, so that the peer can
// read the alert that says what is wrong.
func (c *pollConn) shakeFailed(err error) {
	reason := HandshakeFailed
	switch {
	case c.hurried.Load():
		reason = ShutDown
	case c.until <= c.p.times.now():
		reason = HandshakeLate
	}
	c.srv.opt.Log.Debug("TLS handshake", "listener", c.on.Name, "peer", c.remote, "error", err)
	if reason != HandshakeFailed {
		c.close(reason)
		return
	}
	c.ring.Store(nil)
	c.beginLinger(reason)
	c.p.work.push(c)
}

// await waits during a handshake for one of the events, without a claim on the
// processor.
func (c *pollConn) await(events uint32) error {
	c.srv.releaseCPU()
	defer c.srv.acquireCPU()
	b := *c.ring.Load()
	for {
		c.take(stRunning | stShaking)
		if c.events&evHangup != 0 {
			c.hangup = true
		}
		switch {
		case c.killed.Load() != 0 || c.hurried.Load():
			return net.ErrClosed
		case c.expired():
			return os.ErrDeadlineExceeded
		case c.events&events != 0:
			c.events &^= events
			return nil
		}
		<-b
	}
}

// pollCarrier is the socket as crypto/tls sees it: it waits during the
// handshake; afterwards reads give errAgain and writes are gathered in pending,
// for one write to the socket.
type pollCarrier struct{ c *pollConn }

func (r *pollCarrier) carried() *link { return &r.c.link }

func (r *pollCarrier) Read(p []byte) (int, error) {
	for {
		n, err := r.c.readSocket(p)
		if err != errAgain || r.c.ring.Load() == nil {
			return n, err
		}
		if err := r.c.await(evInput); err != nil {
			return 0, err
		}
		r.c.drained = false
	}
}

func (r *pollCarrier) Write(p []byte) (int, error) {
	c := r.c
	if c.ring.Load() == nil {
		if c.pending == nil {
			c.pending = getOut()
		}
		c.pending = append(c.pending, p...)
		return len(p), nil
	}
	sent := 0
	for sent < len(p) {
		n, err := unix.Write(c.fd, p[sent:])
		switch err {
		case nil:
			sent += n
		case unix.EINTR:
		case unix.EAGAIN:
			if err := c.await(evOutput); err != nil {
				return sent, err
			}
		default:
			return sent, os.NewSyscallError("write", err)
		}
	}
	return sent, nil
}

// Close does nothing: the descriptor is the connection's.
func (r *pollCarrier) Close() error                     { return nil }
func (r *pollCarrier) LocalAddr() net.Addr              { return net.TCPAddrFromAddrPort(r.c.local) }
func (r *pollCarrier) RemoteAddr() net.Addr             { return net.TCPAddrFromAddrPort(r.c.remote) }
func (r *pollCarrier) SetDeadline(time.Time) error      { return nil }
func (r *pollCarrier) SetReadDeadline(time.Time) error  { return nil }
func (r *pollCarrier) SetWriteDeadline(time.Time) error { return nil }
