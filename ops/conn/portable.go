package conn

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"runtime"
	"sync"
	"time"
)

// goConn is a connection of the portable driver: one goroutine that steps the
// session, writes what it says and waits. It works over any net.Conn with
// deadlines. The goroutine, its stack and (with TLS) crypto/tls's buffers stay
// while the session is parked.
type goConn struct {
	link
	nc net.Conn // the transport; what TLS runs over
	rw net.Conn // nc or the TLS connection over it
	// shaking: nc.Read is for a handshake that holds a CPU token.
	shaking bool
	eof     bool // told to the session, or about to be

	// bell has a value when the session was roused since it was last stepped.
	bell chan struct{}
	mu   sync.Mutex
	// reading: the goroutine is in Read, and a deadline in the past rouses it.
	reading bool
}

// servePortable takes an accepted connection.
func (s *Server) servePortable(nc net.Conn, on *Listener) {
	c := &goConn{nc: nc, bell: make(chan struct{}, 1)}
	c.rw = nc
	c.srv, c.on, c.self = s, on, c
	c.remote, c.local = addrPort(nc.RemoteAddr()), addrPort(nc.LocalAddr())
	c.near = isNear(c.remote)
	s.wg.Add(1)
	if !s.admit(&c.link) {
		nc.Close()
		s.wg.Done()
		return
	}
	go c.run()
}

// Wake implements Conn.
func (c *goConn) Wake() {
	select {
	case c.bell <- struct{}{}:
	default:
		return // roused already
	}
	c.mu.Lock()
	if c.reading {
		c.nc.SetReadDeadline(time.Unix(1, 0))
	}
	c.mu.Unlock()
}

func (c *goConn) kill(cause Reason) {
	c.setKilled(cause)
	c.nc.Close()
	c.Wake()
}

func (c *goConn) hurry() {
	c.hurried.Store(true)
	if !c.opened.Load() {
		c.kill(ShutDown)
	}
	c.Wake()
}

func (c *goConn) run() {
	defer c.srv.wg.Done()
	c.srv.count.running.Add(1)
	err := c.open()
	if err == nil {
		c.begin(c)
		err = c.serve()
	}
	c.srv.count.running.Add(-1)
	c.finish(err)
	if err == nil || err == HandshakeFailed { // the peer may read the alert
		c.linger()
	}
	c.rw.Close()
	c.srv.adm.leave(&c.link)
}

// open does what comes before the session: PROXY header, implicit TLS.
func (c *goConn) open() error {
	if len(c.on.Proxies) > 0 && c.on.proxied(c.remote.Addr()) {
		if err := c.readProxy(); err != nil {
			c.srv.opt.Log.Warn("PROXY header refused", "listener", c.on.Name, "peer", c.remote, "error", err)
			return ProxyRefused
		}
	}
	if c.on.Implicit {
		return c.handshake()
	}
	return nil
}

func (c *goConn) readProxy() error {
	c.nc.SetReadDeadline(time.Now().Add(c.srv.opt.Proxy))
	defer c.nc.SetReadDeadline(time.Time{})
	var b []byte
	for {
		need, err := proxyNeed(b)
		if err != nil {
			return err
		}
		if need == len(b) {
			break
		}
		have := len(b)
		b = append(b, make([]byte, need-have)...)
		if _, err := io.ReadFull(c.nc, b[have:]); err != nil {
			return err
		}
	}
	h, err := parseProxy(b)
	if err == nil {
		c.heard(h)
	}
	return err
}

// handshake puts TLS over the transport. Input not consumed was discarded.
func (c *goConn) handshake() error {
	count := &c.srv.count
	count.running.Add(-1)
	count.handshakes.Add(1)
	defer func() {
		count.handshakes.Add(-1)
		count.running.Add(1)
	}()
	tc := tls.Server(goCarrier{c.nc, c}, c.on.face.config(c.on.TLS()))
	c.nc.SetDeadline(time.Time{}) // a Wake may have left one
	ctx, cancel := context.WithTimeout(c.srv.ctx, c.srv.opt.Handshake)
	defer cancel()
	c.srv.acquireCPU()
	c.shaking = true
	err := tc.HandshakeContext(ctx)
	c.shaking = false
	c.srv.releaseCPU()
	switch {
	case err == nil:
		c.rw = tc
		c.established(tc)
		return nil
	case c.srv.ctx.Err() != nil:
		return ShutDown
	case ctx.Err() != nil:
		return HandshakeLate
	}
	c.srv.opt.Log.Debug("TLS handshake", "listener", c.on.Name, "peer", c.remote, "error", err)
	return HandshakeFailed
}

// goCarrier is the transport as crypto/tls sees it.
type goCarrier struct {
	net.Conn
	c *goConn
}

func (g goCarrier) carried() *link { return &g.c.link }

func (g goCarrier) Read(p []byte) (int, error) {
	if g.c.shaking {
		g.c.srv.releaseCPU()
		defer g.c.srv.acquireCPU()
	}
	return g.Conn.Read(p)
}

// serve steps the session until it ends. It returns the cause for Close.
func (c *goConn) serve() error {
	var t Turn
	for {
		eof := c.eof
		w, err := c.step(&t, eof)
		if err != nil {
			return err
		}
		if err := c.send(t.Out, w); err != nil {
			return err
		}
		switch w.Then {
		case Close:
			return nil
		case StartTLS:
			c.in.drop()
			if err := c.handshake(); err != nil {
				return err
			}
			continue
		}
		if w.Again || w.Drain {
			runtime.Gosched()
			continue
		}
		if eof && w.Input {
			return io.EOF
		}
		if err := c.await(w); err != nil {
			return err
		}
	}
}

// lateWrite is how long a write takes of which the session hears as late.
const lateWrite = time.Second

// send hands a borrowed buffer to the kernel, however long the peer takes, if it
// is logged in.
func (c *goConn) send(out []byte, w Wait) error {
	defer putOut(out)
	if len(out) == 0 {
		return nil
	}
	c.srv.count.running.Add(-1)
	c.srv.count.blocked.Add(1)
	victim := c.srv.held.set(&c.link, len(out))
	if victim != nil {
		victim.self.kill(OutOfMemory)
	}
	c.nc.SetWriteDeadline(c.unreadUntil(w))
	before := time.Now()
	_, err := c.rw.Write(out)
	c.late = time.Since(before) >= lateWrite
	c.srv.held.set(&c.link, 0)
	c.srv.count.blocked.Add(-1)
	c.srv.count.running.Add(1)
	return err
}

// await parks until one of the wait's conditions holds.
func (c *goConn) await(w Wait) error {
	c.srv.count.running.Add(-1)
	defer c.srv.count.running.Add(1)
	if w.Input {
		return c.awaitInput(w)
	}
	c.in.park()
	var due <-chan time.Time
	if !w.Until.IsZero() {
		t := time.NewTimer(time.Until(w.Until))
		defer t.Stop()
		due = t.C
	}
	select {
	case <-c.bell:
	case <-due:
	}
	if k := Reason(c.killed.Load()); k != 0 {
		return k
	}
	return nil
}

// awaitInput reads, until roused or until the time of w.
func (c *goConn) awaitInput(w Wait) error {
	c.mu.Lock()
	select {
	case <-c.bell:
		c.mu.Unlock()
		return nil
	default:
	}
	c.reading = true
	c.nc.SetReadDeadline(w.Until)
	c.mu.Unlock()

	n, err := c.read(w.Idle)

	c.mu.Lock()
	c.reading = false
	c.mu.Unlock()
	select {
	case <-c.bell:
	default:
	}
	switch {
	case n > 0 || err == nil:
	case errors.Is(err, os.ErrDeadlineExceeded):
	case err == io.EOF:
		c.eof = true
	default:
		return err
	}
	return nil
}

// read reads once. An idle session parks with a few bytes of its own instead
// of a whole buffer; they hold what most clients say first ("DONE").
func (c *goConn) read(idle bool) (int, error) {
	if !idle {
		room := c.in.space(c.inSize())
		if len(room) == 0 {
			return 0, c.fault("waits for input with a full buffer", nil)
		}
		n, err := c.rw.Read(room)
		c.in.filled(n)
		return n, err
	}
	c.in.park()
	few := make([]byte, 256)
	n, err := c.rw.Read(few)
	if n > 0 {
		room := c.in.space(c.inSize())
		if len(room) < n {
			return 0, c.fault("waits for input with a full buffer", nil)
		}
		c.in.filled(copy(room, few[:n]))
	}
	return n, err
}

// linger closes our direction, then waits for the peer to close the other.
func (c *goConn) linger() {
	deadline := time.Now().Add(c.srv.opt.Linger)
	c.nc.SetDeadline(deadline)
	if tc := c.link.tls.Load(); tc != nil {
		tc.CloseWrite()
	}
	hc, ok := c.nc.(interface{ CloseWrite() error })
	if !ok || hc.CloseWrite() != nil {
		return
	}
	io.CopyN(io.Discard, c.nc, 1<<20)
}
