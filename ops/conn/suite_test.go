package conn

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"
)

// The suite: what a session and its peer see must not depend on the driver.

func TestDialogue(t *testing.T) {
	each(t, Options{}, &Listener{}, func(t *testing.T, r *rig) {
		c := r.dial()
		c.say("ECHO one", "ECHO two", "AGAIN 5", "SLEEP 1", "ECHO three")
		c.want("one", "two", "ok", "slept", "three")
		c.say("QUIT")
		c.want("BYE")
		c.ended()
		if err := r.cause(); err != nil {
			t.Errorf("Close was given %v", err)
		}
		c.Close()
		until(t, "connection counted out", func() bool { return r.srv.Stats().Open == 0 })
		if n := r.srv.Stats().Ended[SessionEnded]; n != 1 {
			t.Errorf("%d counted as ended by the session", n)
		}
	})
}

func TestByteByByte(t *testing.T) {
	each(t, Options{}, &Listener{TLS: serverTLS}, func(t *testing.T, r *rig) {
		drip := func(c *client) {
			for _, b := range []byte("ECHO slow\r\nECHO again\r\n") {
				c.Write([]byte{b})
			}
			c.want("slow", "again")
		}
		c := r.dial()
		drip(c)
		c.say("STARTTLS")
		c.want("OK")
		c = c.secure(clientTLS())
		drip(c)
	})
}

// TestPartialRecords cuts the TLS stream at every byte.
func TestPartialRecords(t *testing.T) {
	each(t, Options{}, &Listener{TLS: serverTLS, Implicit: true}, func(t *testing.T, r *rig) {
		d := &dripper{Conn: r.connect()}
		c := newClient(t, d).secure(clientTLS())
		c.want("HELLO")
		c.say("ECHO "+strings.Repeat("y", 500), "BLOW 70000")
		c.want(strings.Repeat("y", 500), strings.Repeat("x", 70000))
	})
}

// dripper writes each byte on its own.
type dripper struct{ net.Conn }

func (d *dripper) Write(p []byte) (int, error) {
	for i := range p {
		if _, err := d.Conn.Write(p[i : i+1]); err != nil {
			return i, err
		}
	}
	return len(p), nil
}

func TestPipelining(t *testing.T) {
	each(t, Options{}, &Listener{}, func(t *testing.T, r *rig) {
		c := r.dial()
		const n = 20000
		go func() {
			for i := range n {
				fmt.Fprintf(c, "ECHO %d\r\n", i)
			}
		}()
		for i := range n {
			c.want(fmt.Sprint(i))
		}
	})
}

func TestLargeOutput(t *testing.T) {
	each(t, Options{}, &Listener{TLS: serverTLS}, func(t *testing.T, r *rig) {
		c := r.dial()
		const n = 20 << 20
		blow := func(c *client) {
			c.say(fmt.Sprint("BLOW ", n), "ECHO end")
			c.SetReadDeadline(time.Now().Add(patience))
			if m, err := io.CopyN(io.Discard, c.r, n); err != nil {
				t.Fatal(m, err)
			}
			c.want("", "end")
		}
		blow(c)
		c.say("STARTTLS")
		c.want("OK")
		blow(c.secure(clientTLS()))
	})
}

// TestStartTLSInjection: what was sent in clear with STARTTLS is not executed
// under TLS (CVE-2011-0411).
func TestStartTLSInjection(t *testing.T) {
	each(t, Options{}, &Listener{TLS: serverTLS}, func(t *testing.T, r *rig) {
		c := r.dial()
		c.say("STARTTLS", "ECHO injected", "LOGIN mallory")
		c.want("OK")
		c = c.secure(clientTLS())
		c.say("ECHO mine", "TLS", "STARTTLS")
		c.want("mine", "true", "NO")
		c.say("QUIT")
		c.want("BYE")
	})
}

func TestHalfClose(t *testing.T) {
	each(t, Options{}, &Listener{}, func(t *testing.T, r *rig) {
		c := r.dial()
		c.say("BLOW 300000", "SLEEP 1", "ECHO last")
		c.Conn.(interface{ CloseWrite() error }).CloseWrite()
		c.want(strings.Repeat("x", 300000), "slept", "last")
		c.ended()
		if err := r.cause(); err != io.EOF {
			t.Errorf("Close was given %v", err)
		}
	})
}

func TestPeerVanishes(t *testing.T) {
	each(t, Options{}, &Listener{TLS: serverTLS}, func(t *testing.T, r *rig) {
		for _, before := range []string{"ECHO x", "IDLE", "BLOW 30000000", "STARTTLS"} {
			c := r.dial()
			c.say(before)
			if tc, ok := c.Conn.(*net.TCPConn); ok {
				tc.SetLinger(0) // reset
			}
			c.Close()
			if err := r.cause(); err == nil {
				t.Errorf("%s: Close was given nil", before)
			}
		}
		until(t, "all closed", func() bool { return r.srv.Stats().Open == 0 })
	})
}

func TestWakeInIdle(t *testing.T) {
	each(t, Options{}, &Listener{TLS: serverTLS}, func(t *testing.T, r *rig) {
		c := r.dial()
		idle := func(c *client) {
			c.say("IDLE")
			c.want("+")
			s := r.log.all()[0]
			for i := s.wakes.Load() + 1; i < 50; i++ {
				s.wake()
				c.want(fmt.Sprint("* ", i))
			}
			s.wakes.Store(0)
			s.told.Store(0)
			c.say("DONE")
			c.want("done")
		}
		idle(c)
		c.say("STARTTLS")
		c.want("OK")
		idle(c.secure(clientTLS()))
	})
}

// TestWakeOnly: a session that does not wait for input is not stepped for it,
// and sees it later.
func TestWakeOnly(t *testing.T) {
	each(t, Options{}, &Listener{}, func(t *testing.T, r *rig) {
		c := r.dial()
		c.say("WAIT")
		c.say("ECHO held")
		s := r.log.all()[0]
		until(t, "parked", func() bool { st := r.srv.Stats(); return st.Parked == 1 })
		s.wake()
		c.want("woken", "held")
	})
}

// TestPeerDoesNotRead: the session is held back, even from Wakes, is not cut,
// and goes on when the peer reads.
func TestPeerDoesNotRead(t *testing.T) {
	each(t, Options{}, &Listener{TLS: serverTLS}, func(t *testing.T, r *rig) {
		for _, secure := range []bool{false, true} {
			c := r.dial()
			if secure {
				c.say("STARTTLS")
				c.want("OK")
				c = c.secure(clientTLS())
			}
			const n = 30 << 20
			c.say(fmt.Sprint("BLOW ", n), "IDLE")
			all := r.log.all()
			s := all[len(all)-1]
			until(t, "blocked", func() bool { return r.srv.Stats().Blocked == 1 })
			var steps uint64
			until(t, "steps to cease", func() bool {
				last := steps
				steps = r.srv.Stats().Steps
				return steps == last && r.srv.Stats().Blocked == 1
			})
			s.wake()
			if held := r.srv.Stats().HeldBytes; held > 2*HighWater {
				t.Errorf("%d bytes held", held)
			}
			c.SetReadDeadline(time.Now().Add(patience))
			if m, err := io.CopyN(io.Discard, c.r, n); err != nil {
				t.Fatal(m, err)
			}
			c.want("", "+", "* 1")
			if _, epoll := s.c.(interface{ post(uint32) }); epoll && s.late.Load() == 0 {
				t.Error("the session was not told that the peer took its time")
			}
			c.say("QUIT")
			c.want("BYE")
			c.Close()
			r.cause()
			until(t, "closed", func() bool { return r.srv.Stats().Open == 0 })
		}
	})
}

// deaf sends much, before login or after, to a peer that does not read.
type deaf struct {
	c     Conn
	cause chan error
}

func (d *deaf) Step(t *Turn) Wait {
	t.Out = append(t.Out, make([]byte, HighWater)...)
	return Wait{Drain: true, Until: t.Now.Add(10 * time.Millisecond)}
}

func (d *deaf) Close(cause error) { d.cause <- cause }

// TestUnreadBeforeLogin: who is not logged in and does not read is cut when the
// session's time has come.
func TestUnreadBeforeLogin(t *testing.T) {
	cause := make(chan error, 4)
	on := &Listener{NewSession: func(c Conn) Session { return &deaf{c, cause} }}
	each(t, Options{}, on, func(t *testing.T, r *rig) {
		defer r.connect().Close()
		if err := <-cause; !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("Close was given %v", err)
		}
	})
}

func TestMemoryPressure(t *testing.T) {
	o := Options{Limits: Limits{HeldBytes: 100_000}}
	each(t, o, &Listener{Trusted: true}, func(t *testing.T, r *rig) {
		for range 8 {
			r.dial().say("BLOW 30000000")
		}
		if err := r.cause(); err != OutOfMemory {
			t.Errorf("Close was given %v", err)
		}
		until(t, "within the limit", func() bool {
			st := r.srv.Stats()
			return st.HeldBytes <= 100_000 && st.Open == st.Blocked && st.Open > 0
		})
	})
}

func TestSessionFaults(t *testing.T) {
	each(t, Options{}, &Listener{}, func(t *testing.T, r *rig) {
		bystander := r.dial()
		c := r.dial()
		c.say("PANIC")
		c.ended()
		if err := r.cause(); err != SessionFault {
			t.Errorf("panic: Close was given %v", err)
		}
		c = r.dial()
		go io.WriteString(c, strings.Repeat("long", 20000)) // no line end
		c.ended()
		if err := r.cause(); err != SessionFault {
			t.Errorf("hog: Close was given %v", err)
		}
		bystander.say("ECHO fine")
		bystander.want("fine")
	})
}

func TestShutdownSaysBye(t *testing.T) {
	each(t, Options{}, &Listener{TLS: serverTLS}, func(t *testing.T, r *rig) {
		a, b := r.dial(), r.dial()
		a.say("IDLE")
		a.want("+")
		b.say("STARTTLS")
		b.want("OK")
		b = b.secure(clientTLS())
		shaking := r.dial() // dropped in the middle of its handshake
		shaking.say("STARTTLS")
		shaking.want("OK")
		until(t, "handshake", func() bool { return r.srv.Stats().Handshakes == 1 })
		done := make(chan error, 1)
		go func() { done <- r.srv.Shutdown(context.Background()) }()
		a.want("BYE shutdown")
		b.want("BYE shutdown")
		a.ended()
		b.ended()
		shaking.ended()
		a.Close()
		b.Close()
		shaking.Close()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if st := r.srv.Stats(); st.Open != 0 || st.Running != 0 || st.Blocked != 0 || st.Handshakes != 0 {
			t.Errorf("left over: %+v", st)
		}
	})
}

// TestShutdownCuts: a peer that does not read cannot hold the server.
func TestShutdownCuts(t *testing.T) {
	each(t, Options{}, &Listener{}, func(t *testing.T, r *rig) {
		r.dial().say("BLOW 30000000")
		until(t, "blocked", func() bool { return r.srv.Stats().Blocked == 1 })
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if err := r.srv.Shutdown(ctx); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		if err := r.cause(); err != ShutDown {
			t.Errorf("Close was given %v", err)
		}
	})
}

func TestHandshakeDeadline(t *testing.T) {
	each(t, Options{Handshake: 30 * time.Millisecond}, &Listener{TLS: serverTLS, Implicit: true}, func(t *testing.T, r *rig) {
		c := newClient(t, r.connect())
		c.Write([]byte{22, 3}) // the beginning of a record
		c.ended()
		until(t, "counted", func() bool { return r.srv.Stats().Ended[HandshakeLate] == 1 })
	})
}

// TestHandshakeFailure: the peer gets an alert, though it has sent more than
// was read.
func TestHandshakeFailure(t *testing.T) {
	each(t, Options{}, &Listener{TLS: serverTLS, Implicit: true}, func(t *testing.T, r *rig) {
		old := clientTLS()
		old.MinVersion, old.MaxVersion = tls.VersionTLS11, tls.VersionTLS11
		c := newClient(t, r.connect())
		err := tls.Client(&chatty{c.Conn}, old).Handshake()
		if err == nil || !strings.Contains(err.Error(), "protocol version not supported") {
			t.Errorf("got %v", err)
		}
		c.Close()
		until(t, "counted", func() bool { return r.srv.Stats().Ended[HandshakeFailed] == 1 })
	})
}

// chatty adds to each write what nobody asked for.
type chatty struct{ net.Conn }

func (c *chatty) Write(p []byte) (int, error) {
	if _, err := c.Conn.Write(append(p[:len(p):len(p)], make([]byte, 5000)...)); err != nil {
		return 0, err
	}
	return len(p), nil
}
