package session

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"citron/auth"
	"citron/auth/directory"
	"citron/engine/kv/memkv"
	"citron/ops/conn"
	"citron/submission"
)

// A dialogue is a txtar file. In its part "dialogue" a line
//
//	C: text      is sent with CRLF (lines in a row in one write),
//	C" "text\n"  is sent as the Go string it is,
//	S: pattern   is expected; * stands for anything,
//	S+ 250       stands for a reply of any number of lines with this code,
//	LOGIN name   greets, says EHLO and logs in,
//	TLS          shakes hands,
//	EOF          says that the server closes, or, from the client, "C-EOF".
//
// The part "setup" has one line for each thing that is not as usual: see setUp.
// A part "url UID" is what
// is at the URL of that UID. The part "queued" is what is in the queue in the end: see spool.dump.
func TestDialogues(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no dialogues", err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".txtar")
		for _, size := range []int{1 << 20, 1, 7} {
			t.Run(fmt.Sprintf("%s/%d", name, size), func(t *testing.T) {
				archive, err := txtar.ParseFile(file)
				if err != nil {
					t.Fatal(err)
				}
				synctest.Test(t, func(t *testing.T) { runDialogue(t, archive, size) })
			})
		}
	}
}

// site is a directory with the accounts of accounts, a store with URLs, and a
// spool.
type site struct {
	dir     *directory.Directory
	spool   *spool
	urls    *urls
	outbox  *outbox // nil unless set up
	service *Service
	tls     bool // clients come from another machine, and there is TLS
}

// accounts are who the RFCs' examples and our own are about; dave is disabled.
var accounts = []string{
	"alice@example.org", "bob@example.org", "dave@example.org", "jürgen@example.org",
	"harry@gryffindor.example.com", "ron@gryffindor.example.com",
	"sam@random.com", "susan@random.com", "ned@ymir.claremont.edu", "jstewart@cnri.reston.va.us",
	"mrose@dbc.mtview.ca.us", "ned@innosoft.com", "ned@thor.innosoft.com", "eljefe@bigbiz.com",
	"eljefe@example.com", "e=mc2@example.com", "test@example.org",
}

// aliases reach accounts; the address "sales" reaches two.
var aliases = [][2]string{
	{"ali@example.org", "alice@example.org"},
	{"sales@example.org", "alice@example.org"},
	{"sales@example.org", "bob@example.org"},
	{"postmaster@example.org", "bob@example.org"},
}

const password = "lemonade"

func newSite(t testing.TB, setup string) *site {
	s := &site{spool: &spool{}, urls: &urls{content: map[uint32]content{}}}
	engine := memkv.New(memkv.Options{})
	t.Cleanup(func() { engine.Close() })
	dir, err := directory.Open(t.Context(), directory.Options{
		Engine: engine, DefaultDomain: "example.org", Iterations: 4096,
		Revoked: func(account uint64, id auth.CredentialID) { s.service.Revoke(account, id) },
	})
	if err != nil {
		t.Fatal(err)
	}
	s.dir = dir
	secret, err := dir.Password(t.Context(), password)
	for _, name := range accounts {
		_, e := dir.AddAccounts(t.Context(), directory.NewAccount{Name: name, Secret: secret})
		err = errors.Join(err, e)
	}
	for _, a := range aliases {
		err = errors.Join(err, dir.AddAlias(t.Context(), a[0], a[1]))
	}
	if err != nil {
		t.Fatal(err)
	}
	s.service = NewService(context.Background(), s.config(setup))
	if _, err := dir.Disable(t.Context(), "dave@example.org"); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *site) config(setup string) Config {
	c := Config{
		Hostname: "mail.example.org", Authenticator: s.dir, Resolver: s.dir,
		Spool: s.spool, PlaintextLogin: true, MaxHold: 30 * 24 * time.Hour,
		Fetcher: s.fetcher(),
	}
	for line := range strings.Lines(setup) {
		s.setUp(&c, strings.Fields(line))
	}
	return c
}

var faults = map[string]error{
	"nospace": submission.ErrNoSpace, "temporary": submission.ErrTemporary,
	"toolarge": submission.ErrTooLarge, "bug": errors.New("something else"),
}

// setUp knows "atomic", "tls", "begin FAULT", "write FAULT", "commit FAULT", "url UID KIND [SIZE]"
// (see content), and limits by name.
func (s *site) setUp(c *Config, words []string) {
	number := func() int { n, _ := strconv.Atoi(words[1]); return n }
	switch words[0] {
	case "begin":
		s.spool.begin = faults[words[1]]
	case "write":
		s.spool.write = faults[words[1]]
	case "commit":
		s.spool.commit = faults[words[1]]
	case "url":
		uid, _ := strconv.Atoi(words[1])
		size := 100
		if len(words) > 3 {
			size, _ = strconv.Atoi(words[3])
		}
		s.urls.content[uint32(uid)] = content{kind: words[2], text: strings.Repeat("x", size)}
	case "tls":
		s.tls, c.PlaintextLogin = true, false
	case "atomic":
		s.outbox = newOutbox(s.urls)
		c.Outbox = s.outbox
	case "noburl":
		c.Fetcher = nil
	case "nohold":
		c.MaxHold = 0
	case "minby":
		c.MinDeliverBy = time.Duration(number()) * time.Second
	case "maxpriority":
		c.MaxPriority = int8(number())
	case "maxbadcommands":
		c.MaxBadCommands = number()
	case "maxfetches":
		c.MaxFetches = number()
	case "maxmessage":
		c.MaxMessage = int64(number())
	case "maxrecipients":
		c.MaxRecipients = number()
	case "norates":
		c.Rates = Rates{-1, -1, -1, -1}
	case "hourlymessages":
		c.Rates.HourlyMessages = number()
	case "dailyrecipients":
		c.Rates.DailyRecipients = number()
	default:
		panic("setup: " + words[0])
	}
}

func part(a *txtar.Archive, name string) string {
	for _, f := range a.Files {
		if f.Name == name {
			return string(f.Data)
		}
	}
	return ""
}

func runDialogue(t *testing.T, a *txtar.Archive, size int) {
	s := newSite(t, part(a, "setup"))
	for _, f := range a.Files {
		if uid, ok := strings.CutPrefix(f.Name, "url "); ok {
			n, _ := strconv.Atoi(uid)
			s.urls.content[uint32(n)] = content{text: strings.ReplaceAll(string(f.Data), "\n", "\r\n")}
		}
	}
	client, end := s.dial(s.tls)
	defer end()
	d := &talker{t: t, conn: client, reader: bufio.NewReader(client), size: size}
	d.talk(part(a, "dialogue"))
	end()
	if got, want := s.spool.dump(), part(a, "queued"); got != want {
		t.Errorf("queued:\n%s\nwant:\n%s", got, want)
	}
	s.spool.check(t)
}

// dial connects from this machine; with TLS, from another. end returns when the
// session has ended.
func (s *site) dial(withTLS bool) (client net.Conn, end func()) {
	server := conn.NewServer(conn.Options{Portable: true})
	listener := &conn.Listener{Name: "submission", NewSession: s.service.NewSession}
	from := netip.AddrPort{}
	if withTLS {
		listener.TLS, from = serverTLS, netip.MustParseAddrPort("192.0.2.7:4000")
	}
	client = server.Pipe(listener, from)
	return client, func() {
		client.Close()
		server.Shutdown(context.Background())
		synctest.Wait()
	}
}

// talker is a client that follows a dialogue, in pieces of size octets.
type talker struct {
	t       *testing.T
	conn    net.Conn
	reader  *bufio.Reader
	size    int
	pending []byte
	number  int // of the line
}

func (d *talker) talk(dialogue string) {
	for line := range strings.Lines(dialogue) {
		d.number++
		d.line(strings.TrimSuffix(line, "\n"))
	}
	d.flush()
}

func (d *talker) line(line string) {
	word, rest, _ := strings.Cut(line, " ")
	switch word {
	case "", "#":
	case "C-EOF":
		d.flush()
		d.conn.(interface{ CloseWrite() error }).CloseWrite()
	case "EOF":
		d.flush()
		if rest, err := io.ReadAll(d.reader); err != nil || len(rest) > 0 {
			d.t.Fatalf("line %d: want the end, got %q, %v", d.number, rest, err)
		}
	case "C:":
		d.pending = append(append(d.pending, rest...), '\r', '\n')
	case `C"`:
		text, err := strconv.Unquote(rest)
		if err != nil {
			d.t.Fatalf("line %d: %v", d.number, err)
		}
		d.pending = append(d.pending, text...)
	case "S:":
		d.flush()
		if got := d.read(); !match(rest+"\r\n", got) {
			d.t.Fatalf("line %d: want %q, got %q", d.number, rest, got)
		}
	case "S+":
		d.flush()
		d.reply(rest)
	case "LOGIN":
		d.reply("220")
		d.line("C: EHLO client.example.org")
		d.line("S+ 250")
		d.line("C: AUTH PLAIN " + base64.StdEncoding.EncodeToString([]byte("\x00"+rest+"\x00"+password)))
		d.line("S: 235 2.7.0 *")
	case "TLS":
		d.flush()
		d.conn = tls.Client(d.conn, clientTLS())
		d.reader = bufio.NewReader(d.conn)
	default:
		d.t.Fatalf("line %d: %q", d.number, line)
	}
}

func (d *talker) flush() {
	for len(d.pending) > 0 {
		n := min(d.size, len(d.pending))
		d.conn.Write(d.pending[:n])
		d.pending = d.pending[n:]
		synctest.Wait()
	}
}

func (d *talker) read() string {
	got, err := d.reader.ReadString('\n')
	if err != nil {
		d.t.Fatalf("line %d: %q, %v", d.number, got, err)
	}
	return got
}

// reply reads a whole reply.
func (d *talker) reply(code string) {
	for {
		got := d.read()
		if !strings.HasPrefix(got, code) {
			d.t.Fatalf("line %d: want %s, got %q", d.number, code, got)
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
