package imapserver

import (
	"fmt"
	"runtime/debug"
	"sync/atomic"
	"time"

	"citron/mail/collate"
	"citron/ops/conn"
	"citron/store/account"
	"citron/wire/imap"
)

// Session is one IMAP connection between two Steps. At most one of task,
// held, exchange and idle is set; with none of them it reads commands.
type Session struct {
	srv  *Server
	conn conn.Conn

	scan    imap.Scanner
	w       imap.Writer // its Buf is set during a Step only
	enabled features
	// comparator is the active one (RFC 5255 §4.2); without a Collation it is
	// the default, which stands at the beginning and after UNAUTHENTICATE.
	comparator collate.Comparator
	greeted    bool
	// then is what is to happen to the connection once Out is sent.
	then conn.Action
	// bad counts commands in error in a row, failures failed logins.
	bad, failures int
	// revoked is set from outside when the credential is withdrawn.
	revoked atomic.Bool

	now      time.Time // of the current Step
	since    time.Time // when the session began
	heardAt  time.Time // when the client last sent anything, or took what waited for it
	full     bool      // the last Step waits for the client to take what it wrote
	user     *user     // nil before login
	selected *selected // nil when no mailbox is

	// nobodyUntil: the peer's certificate is no application's, and not judged
	// again before.
	nobodyUntil time.Time

	guests []*account.Account // of others, open here

	task      *task      // a slow command under way
	held      *held      // a failed login whose answer waits
	exchange  *exchange  // AUTHENTICATE under way
	idle      *idling    // IDLE under way
	notify    *notifying // what NOTIFY asked for; nil before the first
	appending *appending // an APPEND whose messages are coming in

	metadata []metadataTold // of whom changes of annotations are told
	deflated *deflated      // the layer of COMPRESS; nil without
}

// commandsPerTurn bounds the commands of one Step, so that a client that
// pipelines without end does not keep others waiting.
const commandsPerTurn = 64

// Step is conn.Session's.
func (s *Session) Step(t *conn.Turn) conn.Wait {
	if s.deflated != nil {
		return s.stepDeflated(t)
	}
	return s.step(t)
}

// step is Step over what the client says and is told, however that travels.
func (s *Session) step(t *conn.Turn) (wait conn.Wait) {
	s.w.Buf, s.now = t.Out, t.Now
	before := len(t.Out)
	if len(t.In) > 0 || s.full || t.Late {
		s.heardAt = s.now
	}
	defer func() {
		if p := recover(); p != nil {
			s.srv.cfg.Logger.Error("session ended by a defect", "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			s.bye(imap.CodeServerBug, "Internal error")
			wait = conn.Wait{Then: conn.Close}
		}
		s.closeGuests()
		if s.notify != nil && len(s.w.Buf) > before {
			s.notify.spokeAt = s.now
		}
		t.Out, s.w.Buf, s.full = s.w.Buf, nil, wait.Drain
	}()
	layer := s.deflated
	for range commandsPerTurn {
		if w, rest := s.advance(t); rest {
			return w
		}
		if s.deflated != layer { // what follows travels in another way
			break
		}
	}
	return conn.Wait{Again: true}
}

// advance does one thing; rest says that the session now waits.
func (s *Session) advance(t *conn.Turn) (w conn.Wait, rest bool) {
	switch {
	case s.then != conn.Continue:
		w.Then, s.then = s.then, conn.Continue
		return w, true
	case s.revoked.Load():
		s.endRevoked()
	case len(s.w.Buf) >= conn.HighWater:
		return conn.Wait{Drain: true}, true
	case s.task != nil:
		return s.resume()
	case !s.greeted:
		s.greet()
	case t.Shutdown:
		s.bye(nil, "Server is shutting down")
	case s.held != nil:
		w.Until = s.held.until
		return w, !s.release()
	case s.expired():
	case s.idle != nil:
		return s.stepIdle(t)
	case s.notice():
	case !s.read(t):
		return s.rest(), true
	}
	return w, false
}

// greet sends the greeting, with the capabilities (RFC 9051 §7.1.1).
func (s *Session) greet() {
	s.greeted = true
	s.since, s.heardAt = s.now, s.now
	s.w.Status("*", imap.OK, s.capabilities(), s.srv.cfg.Hostname+" Citron ready")
}

// deadline is when a session that says nothing ends.
func (s *Session) deadline() time.Time {
	if s.user == nil {
		return s.since.Add(s.srv.cfg.LoginTimeout)
	}
	return s.heardAt.Add(s.srv.cfg.Autologout)
}

// expired ends a session whose deadline has passed. In IDLE, and with a NOTIFY
// active, there is none.
func (s *Session) expired() bool {
	if s.idle != nil || s.notify.active() || s.now.Before(s.deadline()) {
		return false
	}
	s.bye(nil, "Autologout, nothing was heard for too long")
	return true
}

// read takes one step of input; false when it wants more.
func (s *Session) read(t *conn.Turn) bool {
	feed := s.scan.Feed
	if s.exchange != nil {
		feed = s.scan.FeedLine
	}
	n, event, err := feed(t.In)
	taken := t.In[:n]
	t.Consume(n)
	switch {
	case err != nil:
		tag := ""
		if s.exchange != nil { // the line is an answer and has no tag
			tag = s.exchange.c.tag
		}
		s.abandon()
		s.refuseSyntax(tag, err)
	case event == imap.FrameReady && s.exchange != nil:
		s.saslLine(s.scan.Frame().Bytes)
	case event == imap.FrameReady:
		s.frame(s.scan.Frame())
	case event == imap.LiteralStart:
		s.literal()
	case event == imap.SinkData:
		s.sink(taken)
	case event == imap.SinkEnd:
	case t.EOF:
		s.inputEnds()
	default:
		return false
	}
	s.scan.Release()
	return true
}

// abandon forgets a command or exchange that broke off in the middle.
func (s *Session) abandon() {
	s.exchange = nil
	s.dropAppend()
}

// inputEnds ends the session because nothing more will come. A client that has
// not gone away itself is told why.
func (s *Session) inputEnds() {
	if s.deflated != nil && s.deflated.err != nil {
		s.bye(nil, s.deflated.complaint())
		return
	}
	s.end()
}

// end closes the connection once everything is sent.
func (s *Session) end() { s.then = conn.Close }

// Close is conn.Session's.
func (s *Session) Close(error) {
	s.stopTask()
	s.dropAppend()
	s.idle.stop()
	s.idle = nil
	s.endDeflated()
	s.notify.stop()
	s.leaveAccount()
}

// state is the session's state (RFC 9051 §3).
func (s *Session) state() states {
	switch {
	case s.selected != nil:
		return selectedState
	case s.isApplication():
		return asApplication
	case s.user != nil:
		return authenticated
	}
	return notAuthenticated
}

// accountName is for logs.
func (s *Session) accountName() string {
	if s.user == nil {
		return ""
	}
	return s.user.Name
}
