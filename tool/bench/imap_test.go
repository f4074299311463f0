package bench

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// script plays a server: it expects each line that begins with C: and sends
// each that begins with S:. Literals are written as <literal of N>.
func script(t *testing.T, dialogue string) *imapConn {
	t.Helper()
	client, server := net.Pipe()
	if err := errors.Join(client.SetDeadline(time.Now().Add(time.Minute)), server.SetDeadline(time.Now().Add(time.Minute))); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer server.Close()
		r := bufio.NewReader(server)
		for line := range strings.Lines(dialogue) {
			line = strings.Trim(line, "\t\n")
			if text, ok := strings.CutPrefix(line, "S: "); ok {
				if before, size, ok := strings.Cut(text, "<literal of "); ok {
					var n int
					fmt.Sscanf(size, "%d>", &n)
					_, after, _ := strings.Cut(size, ">")
					text = fmt.Sprintf("%s{%d}\r\n%s%s", before, n, strings.Repeat("x", n), after)
				}
				if _, err := io.WriteString(server, text+"\r\n"); err != nil {
					return
				}
			} else if want, ok := strings.CutPrefix(line, "C:"); ok {
				want = strings.TrimPrefix(want, " ")
				got, err := r.ReadString('\n')
				if err != nil || strings.TrimRight(got, "\r\n") != want {
					t.Errorf("client sent %q, %v, want %q", got, err, want)
					return
				}
			}
		}
	}()
	t.Cleanup(func() { client.Close(); <-done })
	c := &imapConn{target: &target{name: "test"}}
	c.use(client)
	return c
}

func TestFetchCountsResponses(t *testing.T) {
	c := script(t, `
		C: b1 FETCH 1:* (UID BODY.PEEK[])
		S: * 1 FETCH (UID 7 BODY[] <literal of 100000>)
		S: * 2 FETCH (UID 8 BODY[] <literal of 0>)
		S: * 3 FETCH (UID 9 BODY[] "b1 OK not the end {5}")
		S: * 17 EXISTS
		S: b1 OK done`)
	fetched, exists := 0, uint64(0)
	err := c.each(func(line []byte) {
		if _, ok := untagged(line, "FETCH"); ok {
			fetched++
		}
		if n, ok := untagged(line, "EXISTS"); ok {
			exists = n
		}
	}, "FETCH 1:* %s", fetchItems["body"])
	if err != nil || fetched != 3 || exists != 17 {
		t.Errorf("%d fetched, %d exist, %v", fetched, exists, err)
	}
	if c.received < 100_000 {
		t.Errorf("%d bytes received", c.received)
	}
}

// A line longer than the buffer is one response.
func TestLongLine(t *testing.T) {
	c := script(t, "C: b1 UID SEARCH ALL\nS: * SEARCH"+strings.Repeat(" 123456", 30_000)+"\nS: b1 OK done")
	lines := 0
	if err := c.each(func([]byte) { lines++ }, "UID SEARCH ALL"); err != nil || lines != 2 {
		t.Errorf("%d lines, %v", lines, err)
	}
}

func TestRefusals(t *testing.T) {
	c := script(t, "C: b1 SELECT \"x\\\"y\"\nS: b1 NO [NONEXISTENT] no such mailbox")
	if err := c.do("SELECT %s", quote(`x"y`)); err == nil || !strings.Contains(err.Error(), "NONEXISTENT") {
		t.Errorf("error %v", err)
	}
}

func TestAppendWaitsWithoutLiteralPlus(t *testing.T) {
	c := script(t, `
		C: b1 APPEND "INBOX" () {3}
		S: + go on
		C: a
		C:
		S: b1 OK [APPENDUID 1 1] done`)
	if err := c.appendMessages("INBOX", "", []byte("a\r\n")); err != nil {
		t.Error(err)
	}
}

func TestLookFindsItsPoint(t *testing.T) {
	c := script(t, `
		C: b1 SELECT "INBOX"
		S: * 172 EXISTS
		S: * OK [UIDVALIDITY 3857529045] UIDs valid
		S: * OK [UIDNEXT 4392] Predicted next UID
		S: * OK [HIGHESTMODSEQ 715194045007] Highest
		S: b1 OK [READ-WRITE] SELECT completed`)
	p, err := c.look("INBOX")
	if want := (point{3857529045, 715194045007, 4392, 172}); err != nil || p != want {
		t.Errorf("got %+v, %v", p, err)
	}
}

func TestSpread(t *testing.T) {
	for _, c := range []struct {
		exists uint64
		n      int
		want   string
	}{{10, 3, "1,4,7"}, {2, 5, "1,2"}, {0, 5, ""}, {5, 0, ""}} {
		if got := spread(c.exists, c.n); got != c.want {
			t.Errorf("spread(%d, %d) = %q, want %q", c.exists, c.n, got, c.want)
		}
	}
}

func FuzzLine(f *testing.F) {
	f.Add([]byte("* 1 FETCH (BODY[] {3}\r\nabc)\r\nb1 OK\r\n"))
	f.Add([]byte("* 1 FETCH {99999999999999999999}\r\n"))
	f.Add([]byte("* {-1}\r\n{}\r\n}\r\n"))
	f.Fuzz(func(t *testing.T, input []byte) {
		c := &imapConn{target: &target{name: "fuzz"}}
		c.r = bufio.NewReaderSize(bytes.NewReader(input), 16)
		for {
			line, err := c.line()
			if err != nil {
				break
			}
			untagged(line, "EXISTS")
			numberAfter(line, "[UIDNEXT ")
		}
		if c.received > int64(len(input)) {
			t.Errorf("%d bytes read of %d", c.received, len(input))
		}
	})
}
