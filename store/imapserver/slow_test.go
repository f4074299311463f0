package imapserver

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"citron/ops/conn"
)

// Clients that take their time, on conn's own driver and in virtual time.

// slowly runs a test within a bubble of virtual time, on a server with a
// driver.
func slowly(t *testing.T, test func(t *testing.T, dial func() *slowClient)) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		server := conn.NewServer(conn.Options{Portable: true, Log: slog.New(slog.DiscardHandler)})
		listener := &conn.Listener{Name: "imap", NewSession: f.server.NewSession}
		t.Cleanup(func() { server.Shutdown(context.Background()) })
		test(t, func() *slowClient {
			c := server.Pipe(listener, netip.AddrPort{})
			t.Cleanup(func() { c.Close() })
			return &slowClient{c, bufio.NewReader(c)}
		})
	})
}

type slowClient struct {
	net.Conn
	r *bufio.Reader
}

func (c *slowClient) line(t *testing.T) string {
	t.Helper()
	line, err := c.r.ReadString('\n')
	if err != nil {
		t.Fatalf("%q, %v", line, err)
	}
	return line
}

func (c *slowClient) login(t *testing.T) {
	t.Helper()
	c.line(t)
	io.WriteString(c, "a LOGIN alice@example.org lemonade\r\n")
	if line := c.line(t); !strings.HasPrefix(line, "a OK ") {
		t.Fatal(line)
	}
}

// Before login there is a time for all of it, however it is spent: one byte a
// minute does not prolong it.
func TestByteAMinuteBeforeLogin(t *testing.T) {
	slowly(t, func(t *testing.T, dial func() *slowClient) {
		c, start := dial(), time.Now()
		c.line(t)
		gaveUp := make(chan struct{})
		go func() {
			defer close(gaveUp)
			for _, b := range []byte("a LOGIN alice@example.org lemonade\r\n") {
				time.Sleep(time.Minute - time.Second)
				if _, err := c.Write([]byte{b}); err != nil {
					return
				}
			}
		}()
		if bye := c.line(t); !strings.HasPrefix(bye, "* BYE ") {
			t.Error(bye)
		}
		if took := time.Since(start); took != time.Minute {
			t.Errorf("after %v", took)
		}
		if rest, err := io.ReadAll(c.r); err != nil || len(rest) > 0 {
			t.Errorf("not closed: %q, %v", rest, err)
		}
		c.Close()
		<-gaveUp
	})
}

// After login a byte a minute is a client like any other.
func TestByteAMinuteAfterLogin(t *testing.T) {
	slowly(t, func(t *testing.T, dial func() *slowClient) {
		c := dial()
		c.login(t)
		for _, b := range []byte("b CREATE " + strings.Repeat("long", 20) + "\r\n") {
			time.Sleep(time.Minute)
			c.Write([]byte{b})
		}
		if line := c.line(t); !strings.HasPrefix(line, "b OK ") {
			t.Error(line)
		}
	})
}

// A client that stops reading in the middle of its answers, for three days, is
// not cut; when it reads again it gets all of them, and the session goes on.
func TestThreeDaysUnread(t *testing.T) {
	const n = 30_000 // answers beyond what fits into the pipe
	slowly(t, func(t *testing.T, dial func() *slowClient) {
		c := dial()
		c.login(t)
		go func() {
			for i := range n {
				if _, err := fmt.Fprintf(c, "%d NOOP\r\n", i); err != nil {
					return
				}
			}
		}()
		time.Sleep(72 * time.Hour)
		for i := range n {
			if want, got := fmt.Sprintf("%d OK NOOP completed\r\n", i), c.line(t); got != want {
				t.Fatalf("want %q, got %q", want, got)
			}
		}
		io.WriteString(c, "b NOOP\r\n")
		if line := c.line(t); !strings.HasPrefix(line, "b OK ") {
			t.Error(line)
		}
	})
}
