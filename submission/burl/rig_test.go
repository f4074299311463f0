package burl_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"citron/auth"
	"citron/auth/directory"
	"citron/engine/body/segment"
	"citron/engine/kv"
	"citron/engine/kv/memkv"
	"citron/engine/vfs/osfs"
	"citron/ops/conn"
	"citron/ops/tlscert"
	"citron/store/account"
	"citron/store/imapserver"
	"citron/submission"
	"citron/submission/burl"
	"citron/submission/burl/burltest"
	"citron/wire/imap"
)

// realStore is a store as it runs, on loopback, with TLS.
type realStore struct {
	t       *testing.T
	users   *directory.Directory
	imap    *imapserver.Server
	server  *conn.Server
	address string
	source  *tlscert.Source // of the store's certificate
	own     tls.Certificate // submission's
	served  sync.WaitGroup
	passed  atomic.Int64 // nanoseconds

	mu       sync.Mutex
	sessions map[string]*userSession
}

func newRealStore(t *testing.T) *realStore {
	s := &realStore{t: t, sessions: map[string]*userSession{}}
	ctx := context.Background()
	disk, err := osfs.New(t.TempDir())
	s.check(err)
	bodies, err := segment.Open(disk, "bodies", segment.Options{})
	s.check(err)
	engine := memkv.New(memkv.Options{})
	accounts, err := account.Open(engine, bodies, account.Options{})
	s.check(err)
	t.Cleanup(func() {
		accounts.Close()
		bodies.Close()
	})
	s.users, err = directory.Open(ctx, directory.Options{Engine: engine, DefaultDomain: "example.org", Iterations: 4096,
		Revoked: func(account uint64, id auth.CredentialID) { s.imap.Revoke(account, id) }})
	s.check(err)
	secret, err := s.users.Password(ctx, "lemonade")
	s.check(err)
	for _, name := range []string{"alice@example.org", "bob@example.org"} {
		made, err := s.users.AddAccounts(ctx, directory.NewAccount{Name: name, Secret: secret})
		s.check(err)
		s.check(accounts.Create(ctx, kv.Account(made[0].Number), account.CreateOptions{}))
	}
	s.certificates()
	s.imap = imapserver.New(imapserver.Config{PlaintextLogin: true, Application: s.source.Client,
		Now: func() time.Time { return time.Now().Add(time.Duration(s.passed.Load())) }},
		func(ctx context.Context, number uint64) (*account.Account, error) {
			return accounts.Account(ctx, kv.Account(number))
		}, s.users)
	t.Cleanup(s.imap.Stop)
	s.address = "127.0.0.1:0"
	s.start()
	t.Cleanup(s.stop)
	return s
}

func (s *realStore) check(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// certificates makes those of the store and of submission, which the store
// knows by its fingerprint.
func (s *realStore) certificates() {
	dir := s.t.TempDir()
	store := tlscert.Pair{Cert: filepath.Join(dir, "store.pem"), Key: filepath.Join(dir, "store.key")}
	own := tlscert.Pair{Cert: filepath.Join(dir, "submit.pem"), Key: filepath.Join(dir, "submit.key")}
	_, err := tlscert.EnsureSelfSigned(store, []string{burltest.Host, "127.0.0.1"}, time.Now())
	s.check(err)
	_, err = tlscert.EnsureSelfSigned(own, []string{"submit.example.org"}, time.Now())
	s.check(err)
	s.own, err = tls.LoadX509KeyPair(own.Cert, own.Key)
	s.check(err)
	s.source, err = tlscert.Open(tlscert.Options{Pairs: []tlscert.Pair{store}, Clients: []tlscert.Client{{Name: "submit", CA: own.Cert}},
		Log: slog.New(slog.DiscardHandler)})
	s.check(err)
}

func (s *realStore) start() {
	s.server = conn.NewServer(conn.Options{Linger: time.Millisecond, Log: slog.New(slog.DiscardHandler)})
	socket, err := conn.Listen(context.Background(), "tcp", s.address)
	s.check(err)
	s.address = socket.Addr().String()
	s.served.Go(func() { s.server.Serve(socket, &conn.Listener{NewSession: s.imap.NewSession, TLS: s.source.Config}) })
}

func (s *realStore) stop() {
	s.mu.Lock()
	for _, u := range s.sessions {
		u.conn.Close()
	}
	clear(s.sessions)
	s.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	s.server.Shutdown(ctx)
	s.served.Wait()
}

// trust has clients trust the store, by its own certificate.
func (s *realStore) trust() *tls.Config {
	roots := x509.NewCertPool()
	roots.AddCert(s.source.Leaf())
	return &tls.Config{RootCAs: roots, ServerName: burltest.Host}
}

// config is for fetching by IMAP from the store.
func (s *realStore) config() burl.IMAPConfig {
	return burl.IMAPConfig{Address: s.address, TLS: s.trust(), Certificate: func() (*tls.Certificate, error) { return &s.own, nil }, MaxConnections: 4}
}

// rig has the suite fetch from the store in some way.
func (s *realStore) rig(cfg burl.Config) *burltest.Rig {
	cfg.Names = s.users
	fetcher, err := burl.New(cfg)
	s.check(err)
	return &burltest.Rig{Fetcher: fetcher, Append: s.append, Authorize: s.authorize, Do: s.do,
		Pass: func(d time.Duration) { s.passed.Add(int64(d)) },
		Restart: func() {
			s.stop()
			s.start()
		},
	}
}

// userSession is a user's IMAP session.
type userSession struct {
	conn net.Conn
	r    *imap.ResponseReader
}

func (s *realStore) session(user string) *userSession {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if u := s.sessions[user]; u != nil {
		return u
	}
	c, err := net.Dial("tcp", s.address)
	s.check(err)
	u := &userSession{c, imap.NewResponseReader(c)}
	s.sessions[user] = u
	_, err = u.r.Next()
	s.check(err)
	s.say(u, "LOGIN "+user+" lemonade")
	s.say(u, "ENABLE UTF8=ACCEPT")
	return u
}

// say gives a command, which must succeed, and what was said before its end.
func (s *realStore) say(u *userSession, command string) (said []imap.Response) {
	s.t.Helper()
	_, err := io.WriteString(u.conn, "a "+command+"\r\n")
	s.check(err)
	for {
		r, err := u.r.Next()
		s.check(err)
		if status, ok := r.(*imap.StatusResponse); ok && status.Tag == "a" {
			if status.Kind != imap.OK {
				s.t.Fatalf("%.100s: %v", command, status)
			}
			return said
		}
		said = append(said, r)
	}
}

func (s *realStore) append(user, mailbox string, message []byte) {
	s.t.Helper()
	s.do(user, "CREATE "+mailbox, fmt.Sprintf("APPEND %s ~{%d+}\r\n%s", mailbox, len(message), message))
}

func (s *realStore) authorize(user, rump string) string {
	s.t.Helper()
	for _, r := range s.say(s.session(user), `GENURLAUTH "`+rump+`" INTERNAL`) {
		if urls, ok := r.(*imap.GenURLAuthResponse); ok {
			return urls.URLs[0]
		}
	}
	s.t.Fatal("no GENURLAUTH: ", rump)
	return ""
}

func (s *realStore) do(user string, commands ...string) {
	s.t.Helper()
	for _, c := range commands {
		s.say(s.session(user), c)
	}
}

// TestLocal: the suite, with the store in the same process.
func TestLocal(t *testing.T) {
	burltest.Run(t, func(t *testing.T) *burltest.Rig {
		s := newRealStore(t)
		return s.rig(burl.Config{Own: burl.Local{URLs: s.imap.URLs()}, OwnHosts: []string{burltest.Host}})
	})
}

// TestIMAP: the suite, over connections with STARTTLS and submission's
// certificate.
func TestIMAP(t *testing.T) {
	burltest.Run(t, func(t *testing.T) *burltest.Rig {
		s := newRealStore(t)
		return s.rig(burl.Config{Stores: map[string]submission.Fetcher{burltest.Host: newIMAP(t, s.config())}})
	})
}

func newIMAP(t *testing.T, cfg burl.IMAPConfig) *burl.IMAP {
	t.Helper()
	f, err := burl.NewIMAP(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Close)
	return f
}

// fetch fetches for alice, and reads to the end.
func fetch(f submission.Fetcher, url string) (string, error) {
	content, err := f.Fetch(context.Background(), "alice@example.org", url, false)
	if err != nil {
		return "", err
	}
	defer content.Close()
	text, err := io.ReadAll(content)
	return strings.TrimSpace(string(text)), err
}
