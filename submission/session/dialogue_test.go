package session

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"net"
	"net/netip"
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
	"citron/ops/conn/conntest"
	"citron/submission"
)

// In dialogues a line
//
//	LOGIN name   greets, says EHLO and logs in,
//	TLS          shakes hands.
//
// The part "setup" has one line for each thing that is not as usual: see setUp.
// A part "url UID" is what is at the URL of that UID. The part "queued" is what
// is in the queue in the end: see spool.dump.
func TestDialogues(t *testing.T) { conntest.Dialogues(t, runDialogue) }

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

func runDialogue(t *testing.T, a *txtar.Archive, size int) {
	s := newSite(t, conntest.Part(a, "setup"))
	for _, f := range a.Files {
		if uid, ok := strings.CutPrefix(f.Name, "url "); ok {
			n, _ := strconv.Atoi(uid)
			s.urls.content[uint32(n)] = content{text: strings.ReplaceAll(string(f.Data), "\n", "\r\n")}
		}
	}
	client, end := s.dial(s.tls)
	defer end()
	talker(t, client, size).Play(conntest.Part(a, "dialogue"))
	end()
	if got, want := s.spool.dump(), conntest.Part(a, "queued"); got != want {
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
func talker(t *testing.T, client net.Conn, size int) *conntest.Client {
	c := conntest.NewClient(t, client, size)
	c.Words = map[string]func(rest string){
		"LOGIN": func(name string) {
			c.Line("S+ 220")
			c.Line("C: EHLO client.example.org")
			c.Line("S+ 250")
			c.Line("C: AUTH PLAIN " + base64.StdEncoding.EncodeToString([]byte("\x00"+name+"\x00"+password)))
			c.Line("S: 235 2.7.0 *")
		},
		"TLS": func(string) {
			c.Wrap(func(plain net.Conn) net.Conn { return tls.Client(plain, clientTLS()) })
		},
	}
	return c
}
