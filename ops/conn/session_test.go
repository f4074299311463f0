package conn

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// line is a session for tests: a line protocol with a command for everything
// that a session may do.
//
//	ECHO text     text back           BLOW n      n bytes, yielding
//	QUIT          BYE, Close          STARTTLS    OK, StartTLS
//	SLEEP ms      then "slept"        IDLE        "*" per Wake until a line comes
//	AGAIN n       n steps, then "ok"  LOGIN acct  LOGOUT  FAIL  WHO  TLS  BIND kind
//	WAIT          waits for Wake only, then "woken"
//	PANIC  HOG    faults
type line struct {
	c    Conn
	log  *journal
	mode string
	left int
	till time.Time
	// wakes counts Wakes that a test made; told, those the session has said.
	wakes, told atomic.Int64
	late        atomic.Int64 // Steps that were told of it
}

// journal collects what happened to the sessions of a test.
type journal struct {
	mu       sync.Mutex
	sessions []*line
	closed   chan error
}

func newJournal() *journal { return &journal{closed: make(chan error, 10000)} }

func (j *journal) session(c Conn) Session {
	s := &line{c: c, log: j}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.sessions = append(j.sessions, s)
	return s
}

// all returns the sessions made so far.
func (j *journal) all() []*line {
	j.mu.Lock()
	defer j.mu.Unlock()
	return append([]*line(nil), j.sessions...)
}

func (s *line) Close(cause error) { s.log.closed <- cause }

func (s *line) say(t *Turn, format string, args ...any) {
	t.Out = fmt.Appendf(t.Out, format+"\r\n", args...)
}

// wake is what a change feed would do.
func (s *line) wake() {
	s.wakes.Add(1)
	s.c.Wake()
}

func (s *line) Step(t *Turn) Wait {
	if t.Late {
		s.late.Add(1)
	}
	if s.mode == "" {
		s.mode = "line"
		s.say(t, "HELLO")
	}
	if t.Shutdown {
		s.say(t, "BYE shutdown")
		return Wait{Then: Close}
	}
	for {
		if w, wait := s.ongoing(t); wait {
			return w
		}
		if len(t.Out) >= HighWater {
			return Wait{Drain: true}
		}
		i := bytes.IndexByte(t.In, '\n')
		if i < 0 {
			return Wait{Input: true}
		}
		text := strings.TrimRight(string(t.In[:i]), "\r")
		t.Consume(i + 1)
		if w, wait := s.command(t, text); wait {
			return w
		}
	}
}

// ongoing continues the command that is not finished.
func (s *line) ongoing(t *Turn) (Wait, bool) {
	switch s.mode {
	case "blow":
		for s.left > 0 && len(t.Out) < HighWater {
			n := min(s.left, 1000)
			t.Out = append(t.Out, bytes.Repeat([]byte{'x'}, n)...)
			s.left -= n
		}
		if s.left > 0 {
			return Wait{Drain: true}, true
		}
		s.mode = "line"
		s.say(t, "")
	case "again":
		if s.left--; s.left > 0 {
			return Wait{Again: true}, true
		}
		s.mode = "line"
		s.say(t, "ok")
	case "sleep":
		if t.Now.Before(s.till) {
			return Wait{Until: s.till}, true
		}
		s.mode = "line"
		s.say(t, "slept")
	case "wait":
		if s.wakes.Load() == s.told.Load() {
			return Wait{}, true
		}
		s.told.Store(s.wakes.Load())
		s.mode = "line"
		s.say(t, "woken")
	case "idle":
		if w := s.wakes.Load(); w != s.told.Load() {
			s.told.Store(w)
			s.say(t, "* %d", w)
		}
		if !bytes.Contains(t.In, []byte("\n")) {
			return Wait{Input: true, Idle: true}, true
		}
		s.mode = "line"
	}
	return Wait{}, false
}

func (s *line) command(t *Turn, text string) (Wait, bool) {
	verb, arg, _ := strings.Cut(text, " ")
	n, _ := strconv.Atoi(arg)
	switch verb {
	case "ECHO":
		s.say(t, "%s", arg)
	case "BLOW":
		s.mode, s.left = "blow", n
	case "AGAIN":
		s.mode, s.left = "again", n
	case "SLEEP":
		s.mode, s.till = "sleep", t.Now.Add(time.Duration(n)*time.Millisecond)
	case "WAIT":
		s.mode = "wait"
	case "IDLE":
		s.say(t, "+")
		s.mode = "idle"
	case "DONE":
		s.say(t, "done")
	case "QUIT":
		s.say(t, "BYE")
		return Wait{Then: Close}, true
	case "STARTTLS":
		if !s.c.CanStartTLS() {
			s.say(t, "NO")
			break
		}
		s.say(t, "OK")
		return Wait{Input: true, Then: StartTLS}, true
	case "PANIC":
		panic("as asked")
	case "HOG":
		return Wait{Input: true}, true
	case "LOGIN":
		s.say(t, "%v", s.c.Login(arg))
	case "LOGOUT":
		s.c.Logout()
		s.say(t, "ok")
	case "FAIL":
		s.say(t, "%v", s.c.LoginFailed(t.Now))
	case "WHO":
		s.say(t, "%v %v", s.c.Remote(), s.c.Loopback())
	case "TLS":
		s.say(t, "%v", s.c.TLS() != nil)
	case "BIND":
		b, err := s.c.ChannelBinding(arg)
		s.say(t, "%x %v", b, err)
	default:
		s.say(t, "?%s", text)
	}
	return Wait{}, false
}
