package imapserver

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"citron/store"
)

// Dialogues (testdata/*.txtar) are conversations. In the comment of the
// archive each line is one of
//
//	C: line      the client sends line and CRLF; consecutive C: lines are pipelined
//	C> text      the client sends text, a Go string without quotes, and nothing else
//	S: line      the server's next line is this one, exactly
//	@ verb args  see directives below
//	# comment
//
// "C2:" and "S2:" belong to session 2, and so on. A session that is first seen
// in a C: line is connected over loopback and logged in as alice.
//
// In S: lines ${name} stands for any text that is not empty; from then on it
// stands, in C: and S: lines, for just that text; ${*} matches anything. The
// server may have written nothing that no S: line shows.
//
// Files of the archive are messages (LF becomes CRLF) for "@ deliver".
// Every dialogue runs three times: as written, one byte at a time, and
// compressed (RFC 4978).

func TestDialogues(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no dialogues", err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".txtar")
		t.Run(name, func(t *testing.T) { playFile(t, file, travel{}) })
		t.Run(name+"/bytewise", func(t *testing.T) { playFile(t, file, travel{bytewise: true}) })
		t.Run(name+"/compressed", func(t *testing.T) { playFile(t, file, travel{compressed: true}) })
	}
}

// travel is how a dialogue's octets reach the server.
type travel struct {
	bytewise   bool // one at a time
	compressed bool // by COMPRESS, from the login on (sessions that log in themselves say so themselves)
}

func playFile(t *testing.T, file string, how travel) {
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	archive := txtar.Parse(data)
	d := newDialogue(t, how)
	for _, f := range archive.Files {
		d.messages[f.Name] = crlf(f.Data)
	}
	for i, line := range strings.Split(string(archive.Comment), "\n") {
		d.where = fmt.Sprintf("%s:%d", file, i+1)
		d.line(line)
	}
	d.end()
}

func crlf(b []byte) []byte {
	b = bytes.ReplaceAll(b, []byte("\r\n"), []byte("\n"))
	return bytes.ReplaceAll(b, []byte("\n"), []byte("\r\n"))
}

// dialogue plays lines against sessions of one server.
type dialogue struct {
	*fixture
	travel
	where    string
	peers    map[string]*peer
	messages map[string][]byte
	captured map[string]string
	pending  []string // sessions with input not yet run, in order
	said     map[string]bool
}

func newDialogue(t *testing.T, how travel) *dialogue {
	return &dialogue{
		fixture: newFixture(t), travel: how, peers: map[string]*peer{},
		messages: map[string][]byte{}, captured: map[string]string{}, said: map[string]bool{},
	}
}

var dialogueLine = regexp.MustCompile(`^([CS])(\w*)([:>]) ?(.*)$`)

func (d *dialogue) line(line string) {
	d.t.Helper()
	if rest, ok := strings.CutPrefix(line, "@ "); ok {
		d.flush()
		d.direct(strings.Fields(d.fill(rest)))
		return
	}
	m := dialogueLine.FindStringSubmatch(line)
	switch {
	case m == nil && strings.TrimSpace(line) != "" && !strings.HasPrefix(line, "#"):
		d.fail("cannot understand: %s", line)
	case m == nil:
	case m[1] == "C":
		d.client(m[2], m[3], m[4])
	default:
		d.server(m[2], m[4])
	}
}

func (d *dialogue) fail(format string, args ...any) {
	d.t.Helper()
	d.t.Fatalf("%s: %s\n%s", d.where, fmt.Sprintf(format, args...), d.log)
}

func (d *dialogue) client(name, kind, text string) {
	d.t.Helper()
	p := d.peers[name]
	if p == nil {
		p = d.loggedIn(name)
	}
	if !d.said[name] {
		d.flush()
		d.quiet(name)
	}
	text = d.fill(text)
	if kind == ">" {
		unquoted, err := strconv.Unquote(`"` + strings.ReplaceAll(text, `"`, `\"`) + `"`)
		if err != nil {
			d.fail("%v", err)
		}
		text = unquoted
	} else {
		text += "\r\n"
	}
	if p.closed {
		d.fail("the session is closed")
	}
	p.send(text)
	if !d.said[name] {
		d.said[name] = true
		d.pending = append(d.pending, name)
	}
}

// flush gives sessions what their clients have sent, and lets those run that
// were woken by it.
func (d *dialogue) flush() {
	d.t.Helper()
	for _, name := range d.pending {
		d.peers[name].run(d.t)
		delete(d.said, name)
	}
	d.pending = nil
	d.settle()
}

func (d *dialogue) settle() {
	d.t.Helper()
	for again := true; again; {
		again = false
		for _, p := range d.peers {
			if !p.closed && p.due() {
				p.run(d.t)
				again = true
			}
		}
	}
}

func (d *dialogue) server(name, want string) {
	d.t.Helper()
	d.flush()
	p := d.peers[name]
	if p == nil {
		d.fail("no session %q", name)
	}
	line, rest, ok := bytes.Cut(p.out, []byte("\r\n"))
	if !ok {
		d.fail("want %q, the server said nothing more (%q)", want, p.out)
	}
	p.out = rest
	d.match(want, string(line))
}

var variable = regexp.MustCompile(`\$\{(\*|\w+)\}`)

// fill puts captured text in for ${name}.
func (d *dialogue) fill(s string) string {
	return variable.ReplaceAllStringFunc(s, func(v string) string {
		if text, ok := d.captured[v[2:len(v)-1]]; ok {
			return text
		}
		return v
	})
}

// match compares and captures.
func (d *dialogue) match(want, line string) {
	d.t.Helper()
	pattern, names, last := "^", []string{}, 0
	filled := d.fill(want)
	for _, at := range variable.FindAllStringSubmatchIndex(filled, -1) {
		pattern += regexp.QuoteMeta(filled[last:at[0]])
		if name := filled[at[2]:at[3]]; name == "*" {
			pattern += ".*"
		} else {
			names = append(names, name)
			pattern += "(.+?)"
		}
		last = at[1]
	}
	m := regexp.MustCompile(pattern + regexp.QuoteMeta(filled[last:]) + "$").FindStringSubmatch(line)
	if m == nil {
		d.fail("\nwant %s\n got %s", filled, line)
	}
	for i, name := range names {
		d.captured[name] = m[i+1]
	}
}

// quiet fails if the server said more than was expected.
func (d *dialogue) quiet(name string) {
	d.t.Helper()
	if p := d.peers[name]; p != nil && len(p.out) > 0 {
		d.fail("session %q: not expected: %q", name, p.out)
	}
}

func (d *dialogue) end() {
	d.t.Helper()
	d.where += " (end)"
	d.flush()
	for name, p := range d.peers {
		d.quiet(name)
		p.hangUp()
	}
}

// loggedIn connects a session and logs it in as alice.
func (d *dialogue) loggedIn(name string) *peer { return d.loggedInAs(name, "alice") }

func (d *dialogue) loggedInAs(name, user string) *peer {
	p := d.connect(name)
	p.send("- LOGIN " + user + "@example.org lemonade\r\n")
	p.run(d.t)
	if !bytes.Contains(p.out, []byte("\r\n- OK")) {
		d.fail("login: %s", p.out)
	}
	p.out = nil
	if d.compressed {
		d.compress(p)
	}
	return p
}

// compress has a session compressed in both directions.
func (d *dialogue) compress(p *peer) {
	d.t.Helper()
	if out := p.say(d.t, "- COMPRESS DEFLATE"); out != "- OK DEFLATE active\r\n" {
		d.fail("compress: %q", out)
	}
	p.compress()
}

func (d *dialogue) connect(name string, options ...string) *peer {
	p := d.newPeer(options...)
	p.bytewise = d.bytewise
	d.peers[name] = p
	p.run(d.t)
	for _, o := range options {
		if o == "submit" || o == "stream" {
			d.becomes(p)
		}
	}
	return p
}

// becomes logs a session in as the application whose certificate it shows.
func (d *dialogue) becomes(p *peer) {
	d.t.Helper()
	p.send("- AUTHENTICATE EXTERNAL =\r\n")
	p.run(d.t)
	if !bytes.Contains(p.out, []byte("\r\n- OK")) {
		d.fail("login: %s", p.out)
	}
	p.out = nil
}

// direct obeys a directive.
//
//	connect NAME [tls] [remote] [starttls]   connect session NAME (- is the first), not logged in
//	connect NAME certificate     the same, with the certificate of submission
//	connect NAME submit|stream   the same, logged in as that application
//	compressed NAME        the client has seen the OK of COMPRESS
//	login NAME USER        connect session NAME, logged in as USER@example.org
//	share OWNER MAILBOX USER RIGHTS   the operator gives a user rights
//	hangup NAME            the peer goes away
//	eof NAME               the peer sends no more
//	closed NAME            the server must have closed the session
//	wait DURATION          time passes
//	select NAME MAILBOX    session NAME (- is the first) selects; what it is told is passed over
//	deliver MAILBOX FILE   a message arrives for alice
//	send ATTEMPT MAILBOX URL  alice sends a draft, filed in the mailbox (- is none)
//	maintain               what is due in the background is done
//	quota BYTES            alice's limit of storage is set; 0: none
//	slow DURATION          CHECK takes so long from now on
//	passwd ACCOUNT NEW     a password changes
//	asleep NAME, awake NAME  the client takes nothing for a while
//	crowded NAME           the account's connection limit is reached
func (d *dialogue) direct(f []string) {
	d.t.Helper()
	name := func(i int) string { return strings.TrimPrefix(f[i], "-") }
	switch f[0] {
	case "connect":
		d.connect(name(1), f[2:]...)
	case "compressed":
		d.peers[name(1)].compress()
	case "login":
		d.loggedInAs(name(1), f[2])
	case "share":
		d.share(f[1], f[2], f[3], mustParse(d.t, f[4]))
		d.settle()
	case "hangup":
		d.peers[name(1)].hangUp()
	case "eof":
		d.peers[name(1)].eof = true
		d.settle()
	case "closed":
		if !d.peers[name(1)].closed {
			d.fail("the session is open")
		}
	case "wait":
		*d.clock = d.clock.Add(d.duration(f[1]))
		d.settle()
	case "select":
		p := d.peers[name(1)]
		if p == nil {
			p = d.loggedIn(name(1))
		}
		if out := p.say(d.t, "- SELECT "+f[2]); !strings.Contains(out, "\r\n- OK [READ-WRITE]") {
			d.fail("%s", out)
		}
	case "deliver":
		d.deliver(f[1], d.messages[f[2]])
		d.settle()
	case "quota":
		limit, err := strconv.ParseUint(f[1], 10, 64)
		d.check(err)
		d.check(d.alice().SetQuota(context.Background(), limit))
	case "slow":
		d.slow(d.duration(f[1]))
	case "send":
		_, err := d.fixture.server.Outbox(d.store, func(string) bool { return true }).Send(context.Background(), store.SendRequest{Account: 1, Attempt: f[1], Target: name(2), URL: f[3]})
		d.check(err)
		d.settle()
	case "maintain":
		d.maintain()
	case "passwd":
		d.changePassword(f[1], f[2])
		d.settle()
	case "asleep", "awake":
		d.peers[name(1)].asleep = f[0] == "asleep"
		d.settle()
	case "crowded":
		d.peers[name(1)].conn.refused = errCrowded
	default:
		d.fail("unknown directive %s", f[0])
	}
}

func (d *dialogue) duration(s string) time.Duration {
	d.t.Helper()
	pause, err := time.ParseDuration(s)
	if err != nil {
		d.fail("%v", err)
	}
	return pause
}
