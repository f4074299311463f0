// Package conntest plays dialogues: what a client says to a session of a
// protocol of lines, and what it must hear.
//
// A dialogue is a txtar file in testdata. In its part "dialogue" a line
//
//	C: text      is sent with CRLF (lines in a row in one write),
//	C" "text\n"  is sent as the Go string it is,
//	S: pattern   is expected; * stands for anything,
//	S+ 250       stands for a reply of any number of lines with this code,
//	EOF          says that the server closes, or, from the client, "C-EOF",
//	#            is a comment.
//
// Other words, and other parts, are the protocol's own.
package conntest

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/rogpeppe/go-internal/txtar"
)

// Archives plays each file of testdata.
func Archives(t *testing.T, play func(t *testing.T, a *txtar.Archive)) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no dialogues", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			play(t, archive)
		})
	}
}

// Dialogues plays each file of testdata in virtual time, and several times: the
// client sends as written, and in pieces of size octets.
func Dialogues(t *testing.T, play func(t *testing.T, a *txtar.Archive, size int)) {
	Archives(t, func(t *testing.T, a *txtar.Archive) {
		for _, size := range []int{1 << 20, 1, 7} {
			t.Run(fmt.Sprint(size), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { play(t, a, size) })
			})
		}
	})
}

// Part is the text of an archive's part; "" without it.
func Part(a *txtar.Archive, name string) string {
	for _, f := range a.Files {
		if f.Name == name {
			return string(f.Data)
		}
	}
	return ""
}

// Client follows a dialogue, in virtual time.
type Client struct {
	// Words are the protocol's own; each gets the rest of its line.
	Words map[string]func(rest string)

	t       *testing.T
	conn    net.Conn
	reader  *bufio.Reader
	size    int // octets written at a time
	pending []byte
	number  int // of the line
}

// NewClient talks on a connection, in pieces of size octets.
func NewClient(t *testing.T, nc net.Conn, size int) *Client {
	return &Client{t: t, conn: nc, reader: bufio.NewReader(nc), size: size}
}

// Wrap goes on on what wrap makes of the connection.
func (c *Client) Wrap(wrap func(net.Conn) net.Conn) {
	c.flush()
	c.conn = wrap(c.conn)
	c.reader = bufio.NewReader(c.conn)
}

// Play follows a dialogue to its end.
func (c *Client) Play(dialogue string) {
	for line := range strings.Lines(dialogue) {
		c.number++
		c.Line(strings.TrimSuffix(line, "\n"))
	}
	c.flush()
}

// Line follows one line.
func (c *Client) Line(line string) {
	word, rest, _ := strings.Cut(line, " ")
	switch word {
	case "", "#":
	case "C:":
		c.pending = append(append(c.pending, rest...), '\r', '\n')
	case `C"`:
		text, err := strconv.Unquote(rest)
		if err != nil {
			c.t.Fatalf("line %d: %v", c.number, err)
		}
		c.pending = append(c.pending, text...)
	case "C-EOF":
		c.flush()
		c.conn.(interface{ CloseWrite() error }).CloseWrite()
	case "S:":
		c.flush()
		if got := c.read(); !match(rest+"\r\n", got) {
			c.t.Fatalf("line %d: want %q, got %q", c.number, rest, got)
		}
	case "S+":
		c.flush()
		c.reply(rest)
	case "EOF":
		c.flush()
		if rest, err := io.ReadAll(c.reader); err != nil || len(rest) > 0 {
			c.t.Fatalf("line %d: want the end, got %q, %v", c.number, rest, err)
		}
	default:
		own := c.Words[word]
		if own == nil {
			c.t.Fatalf("line %d: %q", c.number, line)
		}
		own(rest)
	}
}

func (c *Client) flush() {
	for len(c.pending) > 0 {
		n := min(c.size, len(c.pending))
		c.conn.Write(c.pending[:n])
		c.pending = c.pending[n:]
		synctest.Wait()
	}
}

func (c *Client) read() string {
	got, err := c.reader.ReadString('\n')
	if err != nil {
		c.t.Fatalf("line %d: %q, %v", c.number, got, err)
	}
	return got
}

// reply reads a whole reply.
func (c *Client) reply(code string) {
	for {
		got := c.read()
		if !strings.HasPrefix(got, code) {
			c.t.Fatalf("line %d: want %s, got %q", c.number, code, got)
		}
		if strings.HasPrefix(got, code+" ") {
			return
		}
	}
}

func match(pattern, text string) bool {
	parts := strings.Split(pattern, "*")
	for i := range parts {
		parts[i] = regexp.QuoteMeta(parts[i])
	}
	return regexp.MustCompile("^" + strings.Join(parts, ".*") + "$").MatchString(text)
}
