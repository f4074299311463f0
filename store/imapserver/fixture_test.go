package imapserver

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"log/slog"
	"testing"
	"time"

	"citron/auth"
	"citron/auth/directory"
	"citron/engine/body/segment"
	"citron/engine/kv"
	"citron/engine/kv/memkv"
	"citron/engine/kv/pebblekv"
	"citron/engine/vfs/crashfs"
	"citron/engine/vfs/osfs"
	"citron/mail/acl"
	"citron/ops/conn"
	"citron/store/account"
)

// fixture is a server with the accounts alice@example.org, who has standard
// folders, and bob@example.org and carol@example.org, who have INBOX only, all
// with the password "lemonade"; and team@example.org, which is nobody's own.
type fixture struct {
	t      testing.TB
	clock  *time.Time
	engine kv.Engine
	mem    *memkv.Engine // engine, if it is one in memory
	bodies *segment.Store
	store  *account.Store
	users  *directory.Directory
	server *Server
	log    *bytes.Buffer
	step   int // messages in one transaction, from the next openStore on; 0: the default
}

// engines are those that histories are played on.
var engines = map[string]func(testing.TB) kv.Engine{
	"memkv": func(testing.TB) kv.Engine { return memkv.New(memkv.Options{}) },
	"pebblekv": func(t testing.TB) kv.Engine {
		e, err := pebblekv.Open(crashfs.New(), "kv", pebblekv.Options{Fatal: func(err error) { panic(err) }})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { e.Close() })
		return e
	},
}

var errCrowded = conn.ErrTooManyConnections

// start is the time at which tests begin.
var start = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func newFixture(t testing.TB, change ...func(*Config)) *fixture {
	return newFixtureOn(t, memkv.New(memkv.Options{}), change...)
}

func newFixtureOn(t testing.TB, engine kv.Engine, change ...func(*Config)) *fixture {
	clock := start
	f := &fixture{t: t, clock: &clock, engine: engine, log: &bytes.Buffer{}}
	f.mem, _ = engine.(*memkv.Engine)
	f.openStore()
	f.addUsers()
	cfg := Config{Hostname: "mail.example.org", Version: "test", PlaintextLogin: true, ShareWithAll: true,
		Admin: "mailto:postmaster@example.org", Comment: "Shared comment",
		Filters:     map[string]string{"long": "LARGER 5000", "on-the-road": "SMALLER 99"},
		Application: byCommonName,
		AppendLimit: 1 << 20, Now: func() time.Time { return *f.clock }, Logger: slog.New(slog.NewTextHandler(f.log, nil))}
	for _, fn := range change {
		fn(&cfg)
	}
	f.server = New(cfg, f.open, f.users)
	t.Cleanup(f.server.Stop)
	return f
}

// byCommonName is a Config.Application.
func byCommonName(state *tls.ConnectionState, now time.Time) string {
	if len(state.PeerCertificates) == 0 || now.After(state.PeerCertificates[0].NotAfter) {
		return ""
	}
	return state.PeerCertificates[0].Subject.CommonName
}

func (f *fixture) open(ctx context.Context, number uint64) (*account.Account, error) {
	return f.store.Account(ctx, kv.Account(number))
}

func (f *fixture) openStore() {
	disk, err := osfs.New(f.t.TempDir())
	f.check(err)
	bodies, err := segment.Open(disk, "bodies", segment.Options{})
	f.check(err)
	f.bodies = bodies
	f.store, err = account.Open(f.engine, bodies, account.Options{Now: func() time.Time { return *f.clock }, Step: f.step})
	f.check(err)
	f.t.Cleanup(func() {
		f.store.Close()
		bodies.Close()
	})
}

func (f *fixture) addUsers() {
	ctx := context.Background()
	var err error
	f.users, err = directory.Open(ctx, directory.Options{
		Engine: f.engine, DefaultDomain: "example.org", Iterations: 4096,
		Revoked: func(account uint64, id auth.CredentialID) { f.server.Revoke(account, id) },
	})
	f.check(err)
	secret, err := f.users.Password(ctx, "lemonade")
	f.check(err)
	for _, user := range []directory.NewAccount{
		{Name: "alice@example.org", Secret: secret}, {Name: "bob@example.org", Secret: secret},
		{Name: "carol@example.org", Secret: secret}, {Name: "team@example.org", Shared: true},
	} {
		made, err := f.users.AddAccounts(ctx, user)
		f.check(err)
		f.check(f.store.Create(ctx, kv.Account(made[0].Number), account.CreateOptions{StandardFolders: user.Name[0] == 'a'}))
	}
}

// share gives a user rights on a mailbox of another, as citron account admin
// does.
func (f *fixture) share(owner, mailbox, with string, rights acl.Rights) {
	f.t.Helper()
	whose, err := f.users.ByName(context.Background(), owner)
	f.check(err)
	who, err := f.users.ByName(context.Background(), with)
	f.check(err)
	a, err := f.store.Account(context.Background(), kv.Account(whose.Number))
	f.check(err)
	defer a.Close()
	info, ok := a.Lookup(mailbox)
	if !ok {
		f.t.Fatalf("no mailbox %q", mailbox)
	}
	change := acl.Change{Op: acl.Replace, Rights: rights}
	f.check(a.SetACL(context.Background(), account.Actor{Account: whose.Number}, info.ID, acl.Who{Account: who.Number}, change, nil))
}

func (f *fixture) check(err error) {
	f.t.Helper()
	if err != nil {
		f.t.Fatal(err)
	}
}

// alice gives a handle on her account.
func (f *fixture) alice() *account.Account {
	f.t.Helper()
	return f.account(1)
}

// account gives a handle on one: 1 is alice's, 2 bob's.
func (f *fixture) account(number uint64) *account.Account {
	f.t.Helper()
	a, err := f.store.Account(context.Background(), kv.Account(number))
	f.check(err)
	f.t.Cleanup(a.Close)
	return a
}

// deliver files a message for alice as LMTP would.
func (f *fixture) deliver(mailbox string, message []byte) {
	f.t.Helper()
	if message == nil {
		message = []byte("Subject: hello\r\n\r\nHello.\r\n")
	}
	a := f.alice()
	info, ok := a.Lookup(mailbox)
	if !ok {
		f.t.Fatalf("no mailbox %q", mailbox)
	}
	ctx := context.Background()
	in, err := a.NewMessage(ctx)
	f.check(err)
	_, err = in.Write(message)
	f.check(err)
	_, err = a.Append(ctx, account.Actor{Account: 1}, info.ID, []account.AppendItem{{Incoming: in}})
	f.check(err)
}

// newPeer connects a session; options are those of the dialogue's connect.
func (f *fixture) newPeer(options ...string) *peer {
	c := &testConn{}
	for _, o := range options {
		switch o {
		case "tls":
			c.tls = tls13(nil)
		case "certificate":
			c.shows("submit")
		case "submit", "stream":
			c.shows(o)
		case "remote":
			c.remote = true
		case "starttls":
			c.startTLS = true
		default:
			f.t.Fatalf("unknown option %s", o)
		}
	}
	p := &peer{conn: c, clock: f.clock}
	p.session = f.server.NewSession(c)
	return p
}

// shows has the peer come with the certificate of an application.
func (c *testConn) shows(application string) {
	c.certificate = &x509.Certificate{Subject: pkix.Name{CommonName: application}, NotAfter: start.Add(24 * time.Hour)}
	c.tls = tls13(c.certificate)
}

func (f *fixture) changePassword(name, password string) {
	f.t.Helper()
	ctx := context.Background()
	secret, err := f.users.Password(ctx, password)
	f.check(err)
	_, err = f.users.SetPassword(ctx, name, secret)
	f.check(err)
}

// slow makes CHECK a command that works for so long on 1,000 messages.
func (f *fixture) slow(pause time.Duration) {
	run := func(s *Session, c *command, _ argument) error {
		for done := range uint32(1000) {
			*f.clock = f.clock.Add(pause / 1000)
			s.now = *f.clock
			if err := c.progress(done, 1000); err != nil {
				return err
			}
		}
		return nil
	}
	f.server.commands["CHECK"] = &spec{"CHECK", anyState, slow, run}
}

// maintain does all that is due in the background.
func (f *fixture) maintain() {
	f.t.Helper()
	for {
		next, err := f.store.Maintain(context.Background(), *f.clock)
		f.check(err)
		if next.After(*f.clock) {
			return
		}
	}
}
