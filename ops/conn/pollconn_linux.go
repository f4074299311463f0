package conn

import (
	"io"
	"os"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// The state of a pollConn is a set of flags. Whoever sets stRunning owns the
// connection and its plain fields; everybody else only posts events. A
// connection is parked by a compare-and-swap from stRunning to nothing, which
// fails if an event came meanwhile: no event is lost, and none needs a lock.
const (
	evInput  uint32 = 1 << iota // readable since last read
	evOutput                    // writable since a write fell short
	evHangup                    // the peer sends no more
	evError                     // the socket has failed
	evWake                      // Conn.Wake, or a change from outside
	evTimer                     // an armed time has come
	stRunning
	stShaking // the owner is a handshake: events ring its bell
	stGone
)

// pollConn is a connection of the epoll driver.
type pollConn struct {
	link
	p     *poller
	fd    int
	gen   int32
	state atomic.Uint32

	// ring is there during a handshake, whose goroutine waits on it.
	ring atomic.Pointer[bell]

	// Of the timers.
	armed      atomic.Int64
	timerIndex int
	// Of the workers.
	queued *pollConn

	// Of the owner.
	events  uint32 // taken from state, not yet acted upon
	phase   phase
	due     bool // step without waiting for anything
	drained bool // the socket had no more when last read
	hangup  bool // evHangup was seen: a short read no longer means drained
	eof     bool
	blocked bool // pending did not fit into the socket
	shut    bool // our direction is closed
	wait    Wait
	until   int64  // deadline in the time of timers; 0: none
	pending []byte // to be written to the socket; a borrowed buffer
	sent    int    // of pending
	early   []byte // a PROXY header, as far as it has come
}

// bell is rung for each event and remembers one.
type bell chan struct{}

func (b bell) ring() {
	select {
	case b <- struct{}{}:
	default:
	}
}

// phase is what a connection is doing.
type phase uint8

const (
	phaseProxy  phase = iota // reading a PROXY header
	phaseShake               // before implicit TLS
	phaseServe               // stepping its session
	phaseLinger              // closed by us, waiting for the peer's close
)

// next is what the owner does with its connection.
type next uint8

const (
	goOn  next = iota
	park       // nothing to do until an event
	yield      // run again after others
	leave      // it is closed, or somebody else owns it
)

// start registers an accepted connection and runs it.
func (c *pollConn) start() {
	c.state.Store(stRunning)
	c.srv.count.running.Add(1)
	switch {
	case len(c.on.Proxies) > 0 && c.on.proxied(c.remote.Addr()):
		c.phase = phaseProxy
		c.until = c.p.times.deadline(time.Now().Add(c.srv.opt.Proxy))
	case c.on.Implicit:
		c.phase = phaseShake
	default:
		c.phase = phaseServe
	}
	c.due = true
	if err := c.p.register(c); err != nil {
		c.close(err)
		return
	}
	c.p.work.push(c)
}

// post adds events and has a parked connection run.
func (c *pollConn) post(events uint32) {
	for {
		old := c.state.Load()
		if old&stGone != 0 || old|events == old {
			return
		}
		if !c.state.CompareAndSwap(old, old|events|stRunning) {
			continue
		}
		switch {
		case old&stRunning == 0:
			c.srv.count.running.Add(1)
			c.p.work.push(c)
		case old&stShaking != 0:
			if b := c.ring.Load(); b != nil {
				b.ring()
			}
		}
		return
	}
}

// Wake implements Conn.
func (c *pollConn) Wake() { c.post(evWake) }

func (c *pollConn) kill(cause Reason) {
	c.setKilled(cause)
	c.post(evWake)
}

func (c *pollConn) hurry() {
	c.hurried.Store(true)
	if !c.opened.Load() {
		c.setKilled(ShutDown)
	}
	c.post(evWake)
}

// take moves posted events to the owner.
func (c *pollConn) take(keep uint32) {
	c.events |= c.state.Swap(keep) &^ (stRunning | stShaking)
}

// run acts on events until there is nothing to do. The caller owns the
// connection and does not any more when run returns.
func (c *pollConn) run(t *Turn) {
	for {
		c.take(stRunning)
		switch c.advance(t) {
		case park:
			c.in.park()
			if c.until != 0 {
				c.p.times.arm(c, c.until)
			}
			c.srv.count.running.Add(-1)
			if c.state.CompareAndSwap(stRunning, 0) {
				return
			}
			c.srv.count.running.Add(1)
		case yield:
			c.p.work.push(c)
			return
		default:
			return
		}
	}
}

// advance does what the events allow.
func (c *pollConn) advance(t *Turn) next {
	if k := Reason(c.killed.Load()); k != 0 {
		return c.close(k)
	}
	ev := c.events
	c.events &= evWake | evTimer
	if ev&evInput != 0 {
		c.drained = false
	}
	if ev&evHangup != 0 {
		c.hangup = true
	}
	if ev&evError != 0 && c.phase == phaseServe {
		return c.close(c.socketError())
	}
	if c.blocked {
		if n := c.unblock(); n != goOn {
			return n
		}
	}
	switch c.phase {
	case phaseProxy:
		if n := c.proxy(); n != goOn {
			return n
		}
		return c.opening(t)
	case phaseShake:
		return c.shake()
	case phaseLinger:
		return c.linger()
	}
	return c.serve(t)
}

// unblock writes what did not fit into the socket. While it does not, nothing
// else is done for the session.
func (c *pollConn) unblock() next {
	n := c.flush()
	switch {
	case n == park && c.expired():
		return c.close(os.ErrDeadlineExceeded)
	case n != goOn || c.phase != phaseServe:
		return n
	}
	c.until = c.p.times.deadline(c.wait.Until)
	if c.due {
		return goOn
	}
	return c.flushed()
}

// opening leads from the PROXY header to TLS or to the session.
func (c *pollConn) opening(t *Turn) next {
	if c.on.Implicit {
		c.phase = phaseShake
		return c.shake()
	}
	c.phase = phaseServe
	return c.serve(t)
}

// socketError returns why the socket failed.
func (c *pollConn) socketError() error {
	if n, err := unix.GetsockoptInt(c.fd, unix.SOL_SOCKET, unix.SO_ERROR); err == nil && n != 0 {
		return os.NewSyscallError("read", unix.Errno(n))
	}
	return os.NewSyscallError("read", unix.ECONNRESET)
}

// expired takes evTimer and says whether the deadline has come.
func (c *pollConn) expired() bool {
	if c.events&evTimer == 0 {
		return false
	}
	c.events &^= evTimer
	return c.until != 0 && c.until <= c.p.times.now()
}

// roused says whether the session is to be stepped for something other than
// input, and takes that.
func (c *pollConn) roused() bool {
	r := c.due || c.events&evWake != 0
	if c.expired() {
		r = true
	}
	c.due = false
	c.events &^= evWake
	return r
}

// stepsInTurn is the number of steps after which others have their turn.
const stepsInTurn = 64

// serve steps the session while there is anything for it.
func (c *pollConn) serve(t *Turn) next {
	if c.session == nil {
		c.begin(c)
	}
	for range stepsInTurn {
		if !c.roused() {
			if !c.wait.Input {
				return park
			}
			if n := c.fill(); n != goOn {
				return n
			}
		}
		if n := c.turn(t); n != goOn {
			return n
		}
	}
	return yield
}

// fill reads once for the session.
func (c *pollConn) fill() next {
	room := c.in.space(c.inSize())
	if len(room) == 0 {
		return c.close(c.fault("waits for input with a full buffer", nil))
	}
	n, err := c.read(room)
	c.in.filled(n)
	c.eof = n == 0 && err == io.EOF
	if len(c.pending) > 0 { // crypto/tls answered a KeyUpdate, or with an alert
		if f := c.flush(); f != goOn {
			c.due = n > 0 || c.eof
			return f
		}
	}
	switch {
	case n > 0 || c.eof:
		return goOn
	case err == errAgain:
		return park
	default:
		return c.close(err)
	}
}

// turn steps once, sends, and does what the session asked for.
func (c *pollConn) turn(t *Turn) next {
	w, err := c.step(t, c.eof)
	if err != nil {
		putOut(t.Out)
		return c.close(err)
	}
	c.wait, c.until = w, c.p.times.deadline(w.Until)
	if w.Then == StartTLS {
		c.discard()
	}
	if n := c.send(t.Out); n != goOn {
		return n
	}
	return c.flushed()
}

// flushed goes on after everything was sent.
func (c *pollConn) flushed() next {
	w := c.wait
	c.wait.Then, c.wait.Again, c.wait.Drain = Continue, false, false
	switch {
	case w.Then == Close:
		return c.endSession()
	case w.Then == StartTLS:
		return c.shake()
	case w.Again:
		c.due = true
		return yield
	case w.Drain:
		c.due = true
	case c.eof && w.Input:
		return c.close(io.EOF)
	}
	return goOn
}

// endSession closes our direction as the session asked, and lingers.
func (c *pollConn) endSession() next {
	c.beginLinger(nil)
	if tc := c.tls.Load(); tc != nil {
		tc.CloseWrite()
		if n := c.flush(); n != goOn {
			return n
		}
	}
	return c.linger()
}

// beginLinger tells the session that it is over and sets the time for linger.
func (c *pollConn) beginLinger(cause error) {
	c.finish(cause)
	c.phase = phaseLinger
	c.drained = false
	c.until = c.p.times.deadline(time.Now().Add(c.srv.opt.Linger))
}

// linger closes the socket when the peer has closed, or at the deadline.
func (c *pollConn) linger() next {
	if !c.shut {
		c.shut = true
		unix.Shutdown(c.fd, unix.SHUT_WR)
	}
	if c.eof || c.expired() {
		return c.vanish()
	}
	buf := c.in.space(smallIn)
	for range stepsInTurn {
		switch _, err := c.readSocket(buf); err {
		case nil:
		case errAgain:
			c.in.drop()
			return park
		default:
			return c.vanish()
		}
	}
	return yield
}

// close ends the connection at once.
func (c *pollConn) close(cause error) next {
	if c.phase != phaseLinger {
		c.finish(cause)
	}
	return c.vanish()
}

// vanish gives everything back. The session has been told.
func (c *pollConn) vanish() next {
	c.p.times.disarm(c)
	c.p.forget(c)
	c.in.drop()
	c.dropPending()
	c.state.Store(stGone)
	unix.Close(c.fd)
	c.srv.count.running.Add(-1)
	c.srv.adm.leave(&c.link)
	return leave
}
