package conn

import (
	"crypto/tls"
	"fmt"
	"io"
	"net/netip"
	"runtime/debug"
	"sync/atomic"
	"time"
)

// driver is what the server asks of a connection from outside its goroutine.
type driver interface {
	Wake()
	// kill ends the connection soon, whatever it waits for; the first cause
	// given counts.
	kill(cause Reason)
	// hurry steps the session for a shutdown, or ends the connection if it
	// has none yet.
	hurry()
}

// link is the part of a connection that all drivers share: who it is, what it
// may do, and its session. Each driver embeds it to be a Conn.
type link struct {
	srv     *Server
	on      *Listener
	self    driver
	session Session
	in      inbuf
	late    bool // for Turn.Late of the next step

	remote, local netip.AddrPort
	near          bool // a Unix socket, or loopback

	// cert is what this connection's handshake showed, or, if it resumed a
	// session, what it would have shown. Set before tls.
	cert *tls.Certificate
	tls  atomic.Pointer[tls.Conn]
	// killed is a Reason, 0 for none: SessionEnded never kills.
	killed atomic.Uint32
	// hurried: Turn.Shutdown is to be set.
	hurried atomic.Bool
	// opened: there is a session, or was.
	opened atomic.Bool
	// known: logged in, or of a trusted listener.
	known atomic.Bool

	place place // guarded by srv.adm.mu
}

func (l *link) Remote() netip.AddrPort { return l.remote }
func (l *link) Local() netip.AddrPort  { return l.local }
func (l *link) Loopback() bool         { return l.near }

func (l *link) TLS() *tls.ConnectionState {
	tc := l.tls.Load()
	if tc == nil {
		return nil
	}
	cs := tc.ConnectionState()
	return &cs
}

func (l *link) CanStartTLS() bool {
	return l.on.TLS != nil && l.tls.Load() == nil
}

func (l *link) Login(account string) error { return l.srv.adm.login(l, account) }
func (l *link) Logout()                    { l.srv.adm.logout(l) }

func (l *link) LoginFailed(now time.Time) time.Duration {
	return l.srv.fails.add(l.remote.Addr(), now)
}

// stated takes the addresses of a PROXY header in place of the socket's.
func (l *link) stated(remote, local netip.AddrPort) {
	l.remote, l.local = remote, local
	l.near = remote.Addr().IsLoopback()
	l.srv.adm.move(l)
}

// inSize is the size of the input buffer that the connection may borrow.
func (l *link) inSize() int {
	if l.known.Load() {
		return largeIn
	}
	return smallIn
}

// unreadUntil is when a peer is cut that does not read what the step before w
// sent; zero: never.
func (l *link) unreadUntil(w Wait) time.Time {
	now := time.Now()
	switch soon := now.Add(time.Second); {
	case l.known.Load():
		return time.Time{}
	case w.Until.IsZero():
		return now.Add(Unread)
	case w.Until.Before(soon):
		return soon // it is no fault to say little shortly before Until
	}
	return w.Until
}

// step steps the session once. What it appended is in t.Out, a borrowed
// buffer. The error is a SessionFault.
func (l *link) step(t *Turn, eof bool) (w Wait, err error) {
	*t = Turn{
		Now:      time.Now(),
		In:       l.in.bytes(),
		EOF:      eof,
		Shutdown: l.hurried.Load(),
		Late:     l.late,
		Out:      getOut(),
	}
	l.late = false
	l.srv.count.steps.Add(1)
	defer func() {
		if p := recover(); p != nil {
			err = l.fault(fmt.Sprintf("panic: %v", p), debug.Stack())
		}
	}()
	w = l.session.Step(t)
	l.in.consume(t.Consumed)
	t.In = nil
	if w.Then == StartTLS && !l.CanStartTLS() {
		return w, l.fault("StartTLS where there is none", nil)
	}
	return w, nil
}

// fault logs a defect of the session, which only its own connection pays for.
func (l *link) fault(what string, stack []byte) error {
	l.srv.opt.Log.Error("session fault", "listener", l.on.Name, "fault", what, "stack", string(stack))
	return SessionFault
}

// begin makes the session. It runs before the first Step.
func (l *link) begin(c Conn) {
	l.session = l.on.NewSession(c)
	l.opened.Store(true)
}

// finish tells the session and the counts that the connection is over; the
// limits hear of it by admission.leave, when the socket is closed. cause is
// nil, io.EOF, a Reason or an error of the system.
func (l *link) finish(cause error) {
	if k := Reason(l.killed.Load()); k != 0 {
		cause = k
	}
	l.in.drop()
	if l.session != nil {
		l.closeSession(cause)
		l.session = nil
	}
	l.srv.count.ended[reasonOf(cause)].Add(1)
}

func (l *link) closeSession(cause error) {
	defer func() {
		if p := recover(); p != nil {
			l.fault(fmt.Sprintf("panic in Close: %v", p), debug.Stack())
		}
	}()
	l.session.Close(cause)
}

// reasonOf classifies what Session.Close is given.
func reasonOf(cause error) Reason {
	switch r, ok := cause.(Reason); {
	case ok:
		return r
	case cause == nil:
		return SessionEnded
	case cause == io.EOF:
		return PeerLeft
	default:
		return PeerLost
	}
}

// setKilled notes the first cause.
func (l *link) setKilled(cause Reason) { l.killed.CompareAndSwap(0, uint32(cause)) }
