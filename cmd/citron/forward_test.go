package main

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"net"
	"os"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"citron/wire/imap"
)

// Dialogues of forwarding without download (testdata/forward) have the lines
// of store/imapserver's (C1:, S1:, ${name}, ${*}) and these directives:
//
//	@ connect N imap|submission   a connection to the demo
//	@ tls N                       TLS begins on it
//	@ until N TEXT                the server's lines up to one that begins so
//	@ offers N WORD|WORD…         an answer to EHLO with these among its lines
//
// What the client sends is counted, TLS left out of it.

// onTheAir bounds what forwarding an attachment of 2 MB may send, in octets on
// both connections together, logins included.
const onTheAir = 4096

// TestForwardWithoutDownload runs RFC 5550 §8.4.1 and §8.4.2 step by step
// against the running demo, and looks at what bob gets.
func TestForwardWithoutDownload(t *testing.T) {
	p := startDemo(t, t.TempDir())
	attachment := newAttachment(2_000_000)
	m, err := dialMailer(p.addr("lmtp"))
	if err != nil {
		t.Fatal(err)
	}
	if err := m.deliver("alice@example.org", attachment.message()); err != nil {
		t.Fatal(err)
	}
	m.Close()
	for _, name := range []string{"catenate", "chunking"} {
		t.Run(name, func(t *testing.T) {
			mailbox := waitFor(t, p, "bob@example.org")
			d := &forwarding{t: t, p: p, vars: map[string]string{}, ends: map[string]*end{}}
			text := d.play("testdata/forward/" + name + ".txtar")
			checkForwarded(t, mailbox.next(), text, attachment)
			if d.sent >= onTheAir {
				t.Errorf("%d octets sent to forward %d", d.sent, len(attachment.body))
			}
			t.Logf("%d octets sent to forward %d", d.sent, len(attachment.body))
		})
	}
	p.stopped(t, syscall.SIGTERM)
	verified(t, p.data)
}

// attachment is the part that is forwarded.
type attachment struct{ mime, body []byte }

// newAttachment is n octets in base64.
func newAttachment(n int) attachment {
	octets := make([]byte, n*3/4)
	random := rand.New(rand.NewPCG(1, 5550))
	for i := range octets {
		octets[i] = byte(random.Uint32())
	}
	var body bytes.Buffer
	for text := base64.StdEncoding.EncodeToString(octets); text != ""; {
		line := text[:min(72, len(text))]
		text = text[len(line):]
		body.WriteString(line + "\r\n")
	}
	return attachment{[]byte("Content-Type: text/plain; charset=us-ascii; name=\"trip.txt\"\r\nContent-Transfer-Encoding: base64\r\n" +
		"Content-ID: <960723163407.20117h@washington.example.com>\r\nContent-Description: Your trip details\r\n\r\n"), body.Bytes()}
}

// message has the attachment as its second part.
func (a attachment) message() []byte {
	return concat([]byte("From: agent@example.net\r\nTo: alice@example.org\r\nSubject: Your trip\r\nMIME-Version: 1.0\r\n"+
		"Content-Type: multipart/mixed; boundary=q\r\n\r\n--q\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\nHave a look.\r\n\r\n--q\r\n"),
		a.mime, a.body, []byte("\r\n--q--\r\n"))
}

func concat(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

// checkForwarded: what bob got is, octet for octet, what alice typed around the
// part of the message that she never saw, below the fields of its way.
func checkForwarded(t *testing.T, got []byte, typed [2][]byte, a attachment) {
	t.Helper()
	want := concat(typed[0], a.mime, a.body, typed[1])
	trace, ok := bytes.CutSuffix(got, want)
	if !ok {
		t.Fatalf("bob got %d octets that do not end with the %d expected; they begin %q", len(got), len(want), got[:min(len(got), 600)])
	}
	for line := range strings.Lines(string(trace)) {
		name, _, _ := strings.Cut(line, ":")
		if line[0] != ' ' && line[0] != '\t' && !strings.Contains("Return-Path Delivered-To Received", name) {
			t.Errorf("in front of the message stands %q", line)
		}
	}
}

// mailbox is a session in IDLE on a user's INBOX.
type mailbox struct {
	t *testing.T
	*client
}

// waitFor opens a mailbox to see what arrives in it next.
func waitFor(t *testing.T, p *process, user string) *mailbox {
	t.Helper()
	c := mustLogin(t, p, user)
	t.Cleanup(func() { c.Close() })
	if _, err := c.do(&imap.Select{Mailbox: "INBOX"}); err != nil {
		t.Fatal(err)
	}
	return &mailbox{t, c}
}

// next is the message that arrives, or has arrived since waitFor.
func (m *mailbox) next() (text []byte) {
	m.t.Helper()
	if err := m.awaitExists(); err != nil {
		m.t.Fatal(err)
	}
	item := imap.FetchItem{Kind: imap.FetchSection, Peek: true}
	_, err := m.do(&imap.Fetch{Set: imap.SeqSet{Star: math.MaxUint32}, Items: []imap.FetchItem{item}}, func(r imap.Response) {
		if f, ok := r.(*imap.FetchResponse); ok && len(f.Sections) > 0 {
			text = bytes.Clone(f.Sections[0].Literal.Data)
		}
	})
	if err != nil {
		m.t.Fatal(err)
	}
	return text
}

// awaitExists is IDLE until the mailbox grows.
func (m *mailbox) awaitExists() error {
	m.SetReadDeadline(time.Now().Add(time.Minute)) // a failure rather than a hang
	defer m.SetReadDeadline(time.Time{})
	if _, err := m.Write([]byte("i IDLE\r\n")); err != nil {
		return err
	}
	for grown, done := false, false; ; {
		r, err := m.r.Next()
		if err != nil {
			return errors.Join(errors.New("nothing arrives"), err)
		}
		switch r := r.(type) {
		case *imap.ExistsResponse:
			grown = true
		case *imap.StatusResponse:
			if r.Tag == "i" {
				return nil
			}
		}
		if grown && !done {
			done = true
			if _, err := m.Write([]byte("DONE\r\n")); err != nil {
				return err
			}
		}
	}
}

// forwarding plays a dialogue.
type forwarding struct {
	t    *testing.T
	p    *process
	vars map[string]string
	ends map[string]*end // connections by their numbers
	sent int             // octets sent on all of them
	// typed is what the client wrote of the message: a literal or chunk, and
	// another.
	typed [][]byte
	where string
}

// end is the client's end of a connection.
type end struct {
	net.Conn
	r       *bufio.Reader
	pending int // octets of a literal or chunk still to be sent
}

var (
	forwardLine = regexp.MustCompile(`^([CS])(\d): ?(.*)$`)
	dialogueVar = regexp.MustCompile(`\$\{(\*|\w+)\}`)
	octetsAhead = regexp.MustCompile(`(?:\{(\d+)\+\}|^BDAT (\d+)(?: LAST)?)$`)
)

// play runs a file and gives what the client typed of the message.
func (d *forwarding) play(file string) [2][]byte {
	d.t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		d.t.Fatal(err)
	}
	for i, line := range strings.Split(string(data), "\n") {
		d.where = fmt.Sprintf("%s:%d", file, i+1)
		m := forwardLine.FindStringSubmatch(line)
		switch rest, directive := strings.CutPrefix(line, "@ "); {
		case directive:
			d.direct(strings.SplitN(rest, " ", 3))
		case m != nil && m[1] == "C":
			d.say(d.ends[m[2]], d.fill(m[3]))
		case m != nil:
			d.hear(d.ends[m[2]], m[3])
		case line != "" && line[0] != '#':
			d.fail("cannot understand %q", line)
		}
	}
	if len(d.typed) != 2 {
		d.fail("%d literals or chunks", len(d.typed))
	}
	return [2][]byte(d.typed)
}

func (d *forwarding) fail(format string, args ...any) {
	d.t.Helper()
	d.t.Fatalf("%s: %s", d.where, fmt.Sprintf(format, args...))
}

func (d *forwarding) direct(f []string) {
	d.t.Helper()
	e := d.ends[f[1]]
	switch f[0] {
	case "connect":
		conn, err := net.Dial("tcp", d.p.addr(f[2]))
		if err != nil {
			d.fail("%v", err)
		}
		conn.SetDeadline(time.Now().Add(time.Minute)) // a failure rather than a hang
		d.t.Cleanup(func() { conn.Close() })
		d.ends[f[1]] = &end{Conn: conn, r: bufio.NewReader(conn)}
	case "tls":
		secure := tls.Client(e.Conn, anyCertificate)
		e.Conn, e.r = secure, bufio.NewReader(secure)
	case "until":
		for !strings.HasPrefix(d.line(e), f[2]) {
		}
	case "offers":
		d.offers(e, strings.Split(f[2], "|"))
	default:
		d.fail("no such directive")
	}
}

// offers reads an answer to EHLO.
func (d *forwarding) offers(e *end, words []string) {
	d.t.Helper()
	var offer []string
	for line := "250-"; strings.HasPrefix(line, "250-"); {
		line = d.line(e)
		offer = append(offer, line[min(4, len(line)):])
	}
	for _, w := range words {
		found := false
		for _, o := range offer[1:] {
			found = found || o == w || strings.HasPrefix(o, w+" ")
		}
		if !found {
			d.fail("%s is not offered, but %q", w, offer)
		}
	}
}

// say sends a line, and notes those of the message.
func (d *forwarding) say(e *end, line string) {
	d.t.Helper()
	if left := dialogueVar.FindString(line); left != "" {
		d.fail("nobody has said %s", left)
	}
	n, err := e.Write([]byte(line + "\r\n"))
	if err != nil {
		d.fail("%v", err)
	}
	d.sent += n
	if e.pending > 0 {
		own := []byte(line + "\r\n")
		own = own[:min(len(own), e.pending)] // what follows a literal on its line is the command
		last := &d.typed[len(d.typed)-1]
		*last = append(*last, own...)
		e.pending -= len(own)
		if e.pending > 0 {
			return
		}
	}
	if m := octetsAhead.FindStringSubmatch(line); m != nil {
		fmt.Sscan(m[1]+m[2], &e.pending)
		d.typed = append(d.typed, nil)
	}
}

func (d *forwarding) line(e *end) string {
	d.t.Helper()
	line, err := e.r.ReadString('\n')
	if err != nil {
		d.fail("after %q: %v", line, err)
	}
	return strings.TrimSuffix(line, "\r\n")
}

func (d *forwarding) fill(s string) string {
	return dialogueVar.ReplaceAllStringFunc(s, func(v string) string {
		if text, ok := d.vars[v[2:len(v)-1]]; ok {
			return text
		}
		return v
	})
}

// hear compares the server's next line, and notes what stands for variables.
func (d *forwarding) hear(e *end, want string) {
	d.t.Helper()
	want = d.fill(want)
	pattern, names, last := "^", []string{}, 0
	for _, at := range dialogueVar.FindAllStringSubmatchIndex(want, -1) {
		pattern += regexp.QuoteMeta(want[last:at[0]])
		if name := want[at[2]:at[3]]; name == "*" {
			pattern += ".*"
		} else {
			names, pattern = append(names, name), pattern+"(.+?)"
		}
		last = at[1]
	}
	line := d.line(e)
	m := regexp.MustCompile(pattern + regexp.QuoteMeta(want[last:]) + "$").FindStringSubmatch(line)
	if m == nil {
		d.fail("\nwant %s\n got %s", want, line)
	}
	for i, name := range names {
		d.vars[name] = m[i+1]
	}
}
