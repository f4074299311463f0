package tlscert

import (
	"crypto/tls"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func pairIn(dir string) Pair {
	return Pair{filepath.Join(dir, "tls", "cert.pem"), filepath.Join(dir, "tls", "key.pem")}
}

func ensure(t *testing.T, p Pair, now time.Time, want bool, hosts ...string) {
	t.Helper()
	made, err := EnsureSelfSigned(p, hosts, now)
	if err != nil || made != want {
		t.Fatalf("EnsureSelfSigned: %v, %v; want %v", made, err, want)
	}
}

func open(t *testing.T, o Options) *Source {
	t.Helper()
	o.Log = slog.New(slog.DiscardHandler)
	s, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSelfSigned(t *testing.T) {
	p := pairIn(t.TempDir())
	now := time.Now()
	ensure(t, p, now, true, "mail.example.org", "127.0.0.1", "::1")
	ensure(t, p, now, false)
	leaf := open(t, Options{Pairs: []Pair{p}}).Leaf()
	for _, h := range []string{"mail.example.org", "127.0.0.1", "::1"} {
		if err := leaf.VerifyHostname(h); err != nil {
			t.Error(err)
		}
	}
	if fi, err := os.Stat(p.Key); err != nil || fi.Mode().Perm() != 0o600 {
		t.Errorf("key: %v, %v", fi.Mode(), err)
	}
	ensure(t, p, now.Add(selfLife-selfRenew-time.Hour), false)
	ensure(t, p, now.Add(selfLife-selfRenew+time.Hour), true, "mail.example.org")
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(p.Cert), "*.new")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestOperatorsFilesAreLeftAlone(t *testing.T) {
	p := pairIn(t.TempDir())
	ensure(t, p, time.Now(), true, "a.example")
	os.Remove(p.Key)
	if made, err := EnsureSelfSigned(p, nil, time.Now()); made || err == nil {
		t.Errorf("certificate without key: %v, %v", made, err)
	}
	os.WriteFile(p.Key, []byte("not a key"), 0o600)
	if made, err := EnsureSelfSigned(p, nil, time.Now()); made || err == nil {
		t.Errorf("broken key: %v, %v", made, err)
	}
}

func TestReload(t *testing.T) {
	dir := t.TempDir()
	p := pairIn(dir)
	ensure(t, p, time.Now(), true, "one.example")
	s := open(t, Options{Pairs: []Pair{p}})
	first := s.Config()
	if s.Config() != first {
		t.Error("a new configuration without a change")
	}

	// Half a change: the certificate is there, its key not yet.
	other := pairIn(filepath.Join(dir, "other"))
	ensure(t, other, time.Now(), true, "two.example")
	move := func(from, to string) {
		if err := os.Rename(from, to); err != nil {
			t.Fatal(err)
		}
	}
	move(other.Cert, p.Cert)
	if err := s.Reload(); err == nil {
		t.Error("a certificate was taken with another one's key")
	}
	if s.Config() != first {
		t.Error("the former configuration is not in force")
	}
	if err := s.Reload(); err != nil {
		t.Error("the same files were tried twice:", err)
	}
	move(other.Key, p.Key)
	if err := s.Reload(); err != nil {
		t.Fatal(err)
	}
	if s.Config() == first || s.Leaf().VerifyHostname("two.example") != nil {
		t.Error("the new certificate is not in force")
	}
}

// TestConfigLooks: no Reload is needed, only time.
func TestConfigLooks(t *testing.T) {
	p := pairIn(t.TempDir())
	ensure(t, p, time.Now(), true, "one.example")
	s := open(t, Options{Pairs: []Pair{p}})
	first := s.Config()
	os.Remove(p.Cert)
	ensure(t, p, time.Now(), true, "two.example")
	if s.Config() != first {
		t.Error("looked at the files before it was time")
	}
	s.next.Store(0)
	if s.Config() == first {
		t.Error("did not look at the files")
	}
}

func TestOpenErrors(t *testing.T) {
	p := pairIn(t.TempDir())
	ensure(t, p, time.Now(), true, "x.example")
	for want, o := range map[string]Options{
		"no certificate named":    {},
		"no authorities named":    {Pairs: []Pair{p}, RequireClient: true},
		"no certificate in it":    {Pairs: []Pair{p}, ClientCAs: p.Key},
		"no such file":            {Pairs: []Pair{{"nowhere.pem", p.Key}}},
		"client authorities":      {Pairs: []Pair{p}, ClientCAs: "nowhere.pem"},
		"key " + p.Cert + ": tls": {Pairs: []Pair{{p.Cert, p.Cert}}},
	} {
		if _, err := Open(o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
	}
}

// TestMutual: a client with a certificate of the named authority is known, one
// without is refused.
func TestMutual(t *testing.T) {
	dir := t.TempDir()
	server, peer := pairIn(dir), pairIn(filepath.Join(dir, "peer"))
	ensure(t, server, time.Now(), true, "store.example")
	// A certificate that signs itself is its own authority.
	cert, key, err := selfSigned([]string{"edge.example"}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if err := place(peer.Cert, cert, 0o644); err != nil {
		t.Fatal(err)
	}
	s := open(t, Options{Pairs: []Pair{server}, ClientCAs: peer.Cert, RequireClient: true})
	own, err := tls.X509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	for _, certs := range [][]tls.Certificate{nil, {own}} {
		cs, err := shake(s.Config(), certs)
		switch {
		case len(certs) == 0 && err == nil:
			t.Error("a client without certificate was let in")
		case len(certs) == 1 && err != nil:
			t.Error(err)
		case len(certs) == 1 && cs.PeerCertificates[0].DNSNames[0] != "edge.example":
			t.Error("not the peer's certificate")
		}
	}
}

// shake has a client that shows the first of these certificates, whatever
// authorities are asked for, shake hands with a server.
func shake(conf *tls.Config, certs []tls.Certificate) (tls.ConnectionState, error) {
	a, b := net.Pipe()
	defer b.Close()
	go func() {
		defer a.Close()
		c := tls.Client(a, &tls.Config{InsecureSkipVerify: true, GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			if len(certs) == 0 {
				return &tls.Certificate{}, nil
			}
			return &certs[0], nil
		}})
		c.Handshake()
		c.Read(make([]byte, 1)) // the server's verdict comes after the client's end
	}()
	tc := tls.Server(b, conf)
	err := tc.Handshake()
	return tc.ConnectionState(), err
}
