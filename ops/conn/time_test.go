package conn

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// timed is a session as RFC 5383 wants it: it ends for silence only before
// login, and breaks silence itself just under two hours.
type timed struct {
	till  time.Time
	known bool
}

func (s *timed) Step(t *Turn) Wait {
	if strings.HasPrefix(string(t.In), "LOGIN") {
		s.known = true
	}
	if s.till.IsZero() || len(t.In) > 0 {
		s.till = t.Now.Add(3 * time.Minute)
		if s.known {
			s.till = t.Now.Add(119 * time.Minute)
		}
	}
	t.Consume(len(t.In))
	if !t.Now.Before(s.till) {
		if !s.known {
			t.Out = append(t.Out, "BYE\n"...)
			return Wait{Then: Close}
		}
		t.Out = append(t.Out, "STILL\n"...)
		s.till = t.Now.Add(119 * time.Minute)
	}
	return Wait{Input: true, Until: s.till, Idle: s.known}
}

func (*timed) Close(error) {}

// TestLate: a session is told, once, when the peer has taken what it let wait.
func TestLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := newJournal()
		p := NewPipe(log.session)
		defer p.Close()
		io.WriteString(p, "ECHO a\nBLOW 300000\nECHO b\nECHO c\n")
		time.Sleep(time.Hour)
		r := bufio.NewReader(p)
		for line := ""; line != "c\r\n"; line, _ = r.ReadString('\n') {
		}
		if late := log.all()[0].late.Load(); late != 1 {
			t.Errorf("told %d times", late)
		}
	})
}

// TestSilence: deadlines are the session's, and none other is: a connection
// lives through a week of silence.
func TestSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		p := NewPipe(func(Conn) Session { return &timed{} })
		defer p.Close()
		r := bufio.NewReader(p)
		if s, _ := r.ReadString('\n'); s != "BYE\n" || time.Since(start) != 3*time.Minute {
			t.Errorf("%q after %v", s, time.Since(start))
		}

		p = NewPipe(func(Conn) Session { return &timed{} })
		defer p.Close()
		io.WriteString(p, "LOGIN\n")
		start = time.Now()
		r = bufio.NewReader(p)
		for i := range 7 * 12 {
			if s, err := r.ReadString('\n'); s != "STILL\n" || err != nil {
				t.Fatalf("%d: %q, %v", i, s, err)
			}
		}
		if d := time.Since(start); d != 7*12*119*time.Minute {
			t.Errorf("after %v", d)
		}
	})
}

func virtualServer(o Options) *Server {
	o.Log = slog.New(slog.DiscardHandler)
	return NewServer(o)
}

func TestHandshakeDeadlineInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := virtualServer(Options{})
		start := time.Now()
		c := srv.Pipe(&Listener{TLS: serverTLS, Implicit: true, NewSession: newJournal().session}, netip.AddrPort{})
		c.Write([]byte{22})
		io.ReadAll(c)
		if d := time.Since(start); d != 30*time.Second {
			t.Errorf("cut after %v", d)
		}
		c.Close()
		srv.Shutdown(t.Context())
	})
}

// TestLinger: the peer has a bounded time to close after us.
func TestLinger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := virtualServer(Options{})
		c := srv.Pipe(&Listener{NewSession: newJournal().session}, netip.AddrPort{})
		start := time.Now()
		io.WriteString(c, "QUIT\n")
		if b, err := io.ReadAll(c); string(b) != "HELLO\r\nBYE\r\n" || err != nil {
			t.Errorf("%q, %v", b, err)
		}
		srv.Shutdown(context.Background())
		if d := time.Since(start); d != 3*time.Second {
			t.Errorf("closed after %v", d)
		}
	})
}

// TestTLSInTime runs TLS in virtual time, with a session that sleeps a day.
func TestTLSInTime(t *testing.T) {
	serverTLS() // made outside the bubble
	synctest.Test(t, func(t *testing.T) {
		srv := virtualServer(Options{})
		nc := srv.Pipe(&Listener{TLS: serverTLS, Implicit: true, NewSession: newJournal().session}, netip.MustParseAddrPort("192.0.2.1:1"))
		c := tls.Client(nc, clientTLS())
		r := bufio.NewReader(c)
		start := time.Now()
		io.WriteString(c, "SLEEP 86400000\r\nWHO\r\nQUIT\r\n")
		for _, want := range []string{"HELLO", "slept", "192.0.2.1:1 false", "BYE"} {
			if s, err := r.ReadString('\n'); s != want+"\r\n" {
				t.Errorf("%q, %v, want %s", s, err, want)
			}
		}
		if d := time.Since(start); d != 24*time.Hour {
			t.Errorf("after %v", d)
		}
		c.Close()
		srv.Shutdown(t.Context())
	})
}

// TestUnread: a peer that does not read is cut after a minute, unless it is
// logged in.
func TestUnread(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := newJournal()
		srv := virtualServer(Options{})
		on := &Listener{NewSession: log.session}
		start := time.Now()
		unknown, alice := srv.Pipe(on, netip.AddrPort{}), srv.Pipe(on, netip.AddrPort{})
		io.WriteString(alice, "LOGIN alice\r\nBLOW 3000000\r\n")
		io.WriteString(unknown, "BLOW 3000000\r\n")
		if err := <-log.closed; !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(start) != Unread {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		time.Sleep(24 * time.Hour)
		if b, err := io.CopyN(io.Discard, alice, 3000000); err != nil {
			t.Error(b, err)
		}
		alice.Close()
		srv.Shutdown(t.Context())
	})
}

// TestPipeBuffers: a client that writes much and reads nothing meanwhile is
// held back, but not for ever once it reads.
func TestPipeBuffers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPipe(func(Conn) Session { return pong{} })
		defer p.Close()
		const n = 4 << 20
		written := make(chan error, 1)
		go func() {
			_, err := p.Write(make([]byte, n))
			written <- err
		}()
		synctest.Wait()
		select {
		case err := <-written:
			t.Fatal("nothing holds the writer back:", err)
		default:
		}
		if m, err := io.CopyN(io.Discard, p, n); m != n || err != nil {
			t.Error(m, err)
		}
		if err := <-written; err != nil {
			t.Error(err)
		}
		p.CloseWrite()
		if b, err := io.ReadAll(p); len(b) != 0 || err != nil {
			t.Error(len(b), err)
		}
	})
}
