package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"citron/auth/directory"
	"citron/ops/config"
)

// These tests are clients that mean no good, or cannot do better, against the
// whole server on both drivers: it says BAD or NO with the tag it was given,
// goes on, and its memory stays bounded.

// hostileLimit is APPENDLIMIT in these tests.
const hostileLimit = 1 << 20

// running is a server with the accounts of the demo, on ports of its own.
type running struct {
	*server
	t testing.TB
}

// runServer starts a server; it is stopped when the test ends.
func runServer(t testing.TB, portable bool) *running {
	t.Helper()
	cfg := config.Default()
	cfg.Hostname, cfg.Data = "localhost", t.TempDir()
	cfg.IMAP.Listen, cfg.LMTP.Listen = []string{"127.0.0.1:0"}, []string{"127.0.0.1:0"}
	cfg.IMAP.PlaintextLogin, cfg.IMAP.AppendLimit = true, hostileLimit
	cfg.Submission.Listen = []string{"127.0.0.1:0"}
	cfg.Limits.PortableDriver = portable
	cfg.Store.FreeFloor = 1
	ctx, cancel := context.WithCancel(t.Context())
	srv, err := newServer(ctx, cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	secret, err := srv.node.directory.Password(ctx, demoPassword)
	if err != nil {
		t.Fatal(err)
	}
	account := directory.NewAccount{Name: "alice@example.org", Secret: secret}
	if _, err := srv.node.directory.EnsureAccounts(ctx, account); err != nil {
		t.Fatal(err)
	}
	ready, ended := make(chan struct{}), make(chan error, 1)
	go func() { ended <- srv.run(ctx, func() { close(ready) }) }()
	<-ready
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the server ended: %v", err)
		}
	})
	return &running{srv, t}
}

// eachDriver runs a test on every driver there is.
func eachDriver(t *testing.T, test func(t *testing.T, r *running)) {
	for name, portable := range map[string]bool{"epoll": false, "portable": true} {
		t.Run(name, func(t *testing.T) { test(t, runServer(t, portable)) })
	}
}

// rude is a client that sends what it likes.
type rude struct {
	t testing.TB
	net.Conn
	r *bufio.Reader
}

// dial connects to the listener of a name and reads the greeting.
func (r *running) dial(name string) *rude {
	r.t.Helper()
	for _, l := range r.listeners {
		if l.on.Name == name {
			c, err := net.Dial("tcp", l.socket.Addr().String())
			if err != nil {
				r.t.Fatal(err)
			}
			r.t.Cleanup(func() { c.Close() })
			c.SetDeadline(time.Now().Add(time.Minute)) // nothing is measured by it
			client := &rude{r.t, c, bufio.NewReader(c)}
			client.line()
			return client
		}
	}
	r.t.Fatalf("nothing listens for %s", name)
	return nil
}

// login is a client logged in as alice.
func (r *running) login() *rude {
	r.t.Helper()
	c := r.dial("imap")
	c.send("login LOGIN alice@example.org " + demoPassword + "\r\n")
	c.want("login OK ")
	return c
}

func (c *rude) send(text string) {
	c.t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		c.t.Fatal(err)
	}
}

func (c *rude) line() string {
	c.t.Helper()
	line, err := c.r.ReadString('\n')
	if err != nil {
		c.t.Fatalf("after %q: %v", line, err)
	}
	return strings.TrimSuffix(line, "\r\n")
}

// want reads lines up to one that begins so; only untagged ones may be before.
func (c *rude) want(prefix string) {
	c.t.Helper()
	for {
		line := c.line()
		if strings.HasPrefix(line, prefix) {
			return
		}
		if !strings.HasPrefix(line, "* ") || strings.HasPrefix(line, "* BYE") {
			c.t.Fatalf("want %s…, got %s", prefix, line)
		}
	}
}

// heap is the memory in use, of server and client.
func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// bounded fails if the memory in use has grown by more than limit bytes. What a
// server at work allocates while the collector runs counts until the next
// collection, so that one figure below the limit proves it and one above it
// nothing.
func bounded(t testing.TB, before, limit int64) {
	t.Helper()
	grown := int64(0)
	for range 10 {
		if grown = heap() - before; grown <= limit {
			return
		}
	}
	t.Errorf("memory has grown by %d bytes, more than %d", grown, limit)
}

// What a client sends, and how the answer to it begins. After it the session
// goes on.
var hostileInput = []struct{ name, input, want string }{
	{"line too long", "a LIST \"\" " + strings.Repeat("x", 1<<20) + "\r\n", "a BAD [TOOBIG] "},
	{"NUL", "a SELECT IN\x00BOX\r\n", "a BAD "},
	{"NUL in a literal", "a SELECT {5+}\r\nIN\x00BO\r\n", "a BAD "},
	{"NUL in a message", "a APPEND INBOX {7+}\r\na: b\x00\r\n\r\n", "a BAD "},
	{"bare LF", "a NOOP\n", "a BAD "},
	{"bad UTF-7: no end", "a CREATE &AGE\r\n", "a NO [CANNOT] "},
	{"bad UTF-7: half a surrogate", "a CREATE &2D0-\r\n", "a NO [CANNOT] "},
	{"bad UTF-7: ASCII in base64", "a CREATE &AGE-\r\n", "a NO [CANNOT] "},
	{"8 bit in a name", "a CREATE \"\xff\xfe\"\r\n", "a BAD "},
	{"no mailbox selected", "a FETCH 1 FLAGS\r\n", "a BAD "},
	{"logged in twice", "a LOGIN alice@example.org lemonade\r\n", "a BAD "},
	{"STARTTLS after login", "a STARTTLS\r\n", "a BAD "},
	{"message too large", fmt.Sprintf("a APPEND INBOX {%d}\r\n", hostileLimit+1), "a NO [TOOBIG] "},
	{"message too large, sent at once", fmt.Sprintf("a APPEND INBOX {%d+}\r\n", hostileLimit+1) +
		strings.Repeat("b LOGOUT\r\n", hostileLimit/10) + strings.Repeat("x", hostileLimit+1-hostileLimit/10*10) + "\r\n", "a NO [TOOBIG] "},
	{"literal of 2^64 octets", "a APPEND INBOX {18446744073709551616}\r\n", "a BAD "},
	{"literal of 2^63-1 octets", "a APPEND INBOX {9223372036854775807}\r\n", "a NO [TOOBIG] "},
	{"literal where none is taken", "a SELECT {1000000}\r\n", "a BAD [TOOBIG] "},
	{"literal8 as mailbox", "a SELECT ~{5+}\r\nINBOX\r\n", "a BAD "},
	{"keys in keys", "a SEARCH " + strings.Repeat("(", 60000) + "\r\n", "a BAD "},
	{"not not not", "a SEARCH " + strings.Repeat("NOT ", 15000) + "ALL\r\n", "a BAD "},
	{"or or or", "a SEARCH " + strings.Repeat("OR ", 20000) + "ALL\r\n", "a BAD "},
	{"parentheses in LIST", "a LIST (((((((((( \"\" *\r\n", "a BAD "},
	{"number of the message 2^32", "a FETCH 4294967296 FLAGS\r\n", "a BAD "},
	{"number of the message 0", "a FETCH 0 FLAGS\r\n", "a BAD "},
	{"wildcards", "a LIST \"\" " + strings.Repeat("*%", 1000) + "z\r\n", "a "},
}

func TestHostileInput(t *testing.T) {
	eachDriver(t, func(t *testing.T, r *running) {
		for _, h := range hostileInput {
			t.Run(h.name, func(t *testing.T) {
				c := (&running{r.server, t}).login()
				before := heap()
				c.send(h.input)
				c.want(h.want)
				c.send("z NOOP\r\n")
				c.want("z OK ")
				bounded(t, before, 4<<20)
			})
		}
	})
}

// Before login the same, with less patience.
var strangersInput = []struct{ name, input, want string }{
	{"line too long", "a LOGIN alice@example.org " + strings.Repeat("x", 1<<20) + "\r\n", "a BAD [TOOBIG] "},
	{"not logged in", "a SELECT INBOX\r\n", "a BAD "},
	{"message before login", "a APPEND INBOX {1000000000+}\r\n", "a BAD "},
	{"IDLE before login", "a IDLE\r\n", "a BAD "},
	{"bad base64", "a AUTHENTICATE PLAIN =!=\r\n", "a BAD "},
	{"bad base64 in the exchange", "a AUTHENTICATE PLAIN\r\n!!!\r\n", "a BAD "},
	{"a long answer in the exchange", "a AUTHENTICATE PLAIN\r\n" + strings.Repeat("A", 1<<20) + "\r\n", "a BAD "},
	{"cancelled", "a AUTHENTICATE SCRAM-SHA-256\r\n*\r\n", "a BAD "},
	{"no such mechanism", "a AUTHENTICATE KERBEROS_V4\r\n", "a NO "},
	{"SCRAM with rubbish", "a AUTHENTICATE SCRAM-SHA-256 AAAA\r\n", "a BAD "},
	{"no tag", "\r\n", "* BAD "},
	{"another protocol", "GET / HTTP/1.1\r\n", "GET BAD "},
}

func TestHostileStrangers(t *testing.T) {
	eachDriver(t, func(t *testing.T, r *running) {
		for _, h := range strangersInput {
			t.Run(h.name, func(t *testing.T) {
				c := (&running{r.server, t}).dial("imap")
				before := heap()
				c.send(h.input)
				for {
					if line := c.line(); strings.HasPrefix(line, h.want) {
						break
					} else if !strings.HasPrefix(line, "+ ") {
						t.Fatalf("want %s…, got %s", h.want, line)
					}
				}
				bounded(t, before, 4<<20)
			})
		}
	})
}

// A line that never ends is not held.
func TestEndlessLine(t *testing.T) {
	eachDriver(t, func(t *testing.T, r *running) {
		for name, c := range map[string]*rude{"imap": r.dial("imap"), "imap, logged in": r.login(), "lmtp": r.dial("lmtp")} {
			before := heap()
			c.send("a ")
			block := strings.Repeat("x", 1<<20)
			for range 64 {
				c.send(block)
			}
			bounded(t, before, 4<<20)
			c.send("\r\n")
			if answer := c.line(); !strings.HasPrefix(answer, "a BAD [TOOBIG]") && !strings.HasPrefix(answer, "500 5.") {
				t.Errorf("%s: %s", name, answer)
			}
		}
	})
}

// A hundred thousand commands at once, and a client that does not read before
// it has sent them all: what the server holds for it is bounded, it is not cut,
// and when it reads everything is answered in order.
func TestPipelineUnread(t *testing.T) {
	const n = 100_000
	eachDriver(t, func(t *testing.T, r *running) {
		c := r.login()
		before := heap()
		sent := make(chan error, 1)
		go func() {
			var block bytes.Buffer
			for i := range n {
				fmt.Fprintf(&block, "%d NOOP\r\n", i)
				if block.Len() > 64<<10 || i == n-1 {
					if _, err := c.Write(block.Bytes()); err != nil {
						sent <- err
						return
					}
					block.Reset()
				}
			}
			sent <- nil
		}()
		// Either everything fits into the sockets, or the server waits for us.
		for waiting := true; waiting; runtime.Gosched() {
			select {
			case err := <-sent:
				if sent <- err; err != nil {
					t.Fatal(err)
				}
				waiting = false
			default:
				waiting = r.conn.Stats().Blocked == 0
			}
		}
		bounded(t, before, 4<<20)
		for i := range n {
			if want, got := fmt.Sprintf("%d OK NOOP completed", i), c.line(); got != want {
				t.Fatalf("want %q, got %q", want, got)
			}
		}
		if err := <-sent; err != nil {
			t.Fatal(err)
		}
	})
}

// A client that fetches and does not read is not cut for it: what it asked for
// waits in bounded memory until it reads.
func TestNeverReads(t *testing.T) {
	eachDriver(t, func(t *testing.T, r *running) {
		c := r.login()
		body := "Subject: large\r\n\r\n" + strings.Repeat(strings.Repeat("x", 76)+"\r\n", 12000)
		c.send(fmt.Sprintf("a APPEND INBOX {%d+}\r\n%s\r\nb SELECT INBOX\r\n", len(body), body))
		c.want("a OK ")
		c.want("b OK ")
		before := heap()
		const times = 100
		c.send(strings.Repeat("c FETCH 1 BODY.PEEK[]\r\n", times))
		for r.conn.Stats().Blocked == 0 {
			runtime.Gosched()
		}
		bounded(t, before, 4<<20)
		if held := r.conn.Stats().HeldBytes; held > 1<<20 {
			t.Errorf("%d bytes are held for a client that does not read", held)
		}
		for range times {
			c.want(fmt.Sprintf("* 1 FETCH (BODY[] {%d}", len(body)))
			if n, err := io.CopyN(io.Discard, c.r, int64(len(body))); err != nil {
				t.Fatalf("cut after %d bytes: %v", n, err)
			}
			if end := c.line(); end != ")" {
				t.Fatalf("the message ends with %q", end)
			}
			c.want("c OK ")
		}
	})
}

// Twenty commands in error in a row are enough.
func TestManyErrors(t *testing.T) {
	eachDriver(t, func(t *testing.T, r *running) {
		c := r.login()
		c.send(strings.Repeat("a NONSENSE\r\n", 30))
		for range 20 {
			c.want("a BAD ")
		}
		if bye := c.line(); !strings.HasPrefix(bye, "* BYE ") {
			t.Errorf("%q", bye)
		}
	})
}

// LMTP: what an MTA would never send.
var hostileLMTP = []struct{ name, input, want string }{
	{"line too long", "MAIL FROM:<" + strings.Repeat("x", 1<<20) + ">\r\n", "500 5.5."},
	{"NUL", "NO\x00OP\r\n", "50"},
	{"mail to nobody", "DATA\r\n", "503 5.5.1 "},
	{"SMTP", "EHLO there\r\n", "500 5.5.1 "},
	{"a chunk of 2^64 octets", "BDAT 18446744073709551616\r\n", "501 "},
	{"a parameter of our own", "MAIL FROM:<> WORLD=PEACE\r\n", "555 5.5.4 "},
	{"a path in ruins", "MAIL FROM:<<<>>\r\n", "501 5."},
	{"announced too large", fmt.Sprintf("MAIL FROM:<> SIZE=%d\r\n", hostileLimit+1), "552 5.3.4 "},
}

func TestHostileLMTP(t *testing.T) {
	eachDriver(t, func(t *testing.T, r *running) {
		for _, h := range hostileLMTP {
			t.Run(h.name, func(t *testing.T) {
				c := (&running{r.server, t}).dial("lmtp")
				c.send("LHLO test\r\n")
				for strings.HasPrefix(c.line(), "250-") {
				}
				before := heap()
				c.send(h.input)
				if answer := c.line(); !strings.HasPrefix(answer, h.want) {
					t.Errorf("want %s…, got %s", h.want, answer)
				}
				bounded(t, before, 4<<20)
			})
		}
	})
}

// A message beyond the limit that was not announced is swallowed, refused, and
// never held.
func TestMessageTooLargeByLMTP(t *testing.T) {
	eachDriver(t, func(t *testing.T, r *running) {
		c := r.dial("lmtp")
		c.send("LHLO test\r\nMAIL FROM:<>\r\nRCPT TO:<alice@example.org>\r\nDATA\r\n")
		for !strings.HasPrefix(c.line(), "354 ") {
		}
		before := heap()
		block := strings.Repeat(strings.Repeat("x", 76)+"\r\n", 10000)
		for range 64 {
			c.send(block)
		}
		c.send(".\r\n")
		if answer := c.line(); !strings.HasPrefix(answer, "552 5.3.4 ") {
			t.Error(answer)
		}
		bounded(t, before, 4<<20)
		c.send("NOOP\r\n")
		if answer := c.line(); !strings.HasPrefix(answer, "250 ") {
			t.Error(answer)
		}
	})
}
