package tlscert

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// authority is one of a test's own.
type authority struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T, name string) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	a := &authority{t, &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}, key}
	a.cert = a.sign(a.cert, key).Leaf
	return a
}

// below makes an authority that this one vouches for.
func (a *authority) below(name string) *authority {
	a.t.Helper()
	b := newAuthority(a.t, name)
	b.cert = a.sign(b.cert, b.key).Leaf
	return b
}

func (a *authority) sign(what *x509.Certificate, key *ecdsa.PrivateKey) tls.Certificate {
	a.t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, what, a.cert, key.Public(), a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		a.t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

// issue makes a certificate for a name, good until a time.
func (a *authority) issue(name string, usage x509.ExtKeyUsage, until time.Time) tls.Certificate {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	return a.sign(&x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "leaf"}, DNSNames: []string{name},
		ExtKeyUsage: []x509.ExtKeyUsage{usage}, NotBefore: time.Now().Add(-time.Hour), NotAfter: until}, key)
}

func (a *authority) file(path string) string {
	a.t.Helper()
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw}), 0o644); err != nil {
		a.t.Fatal(err)
	}
	return path
}

// A peer is known by a certificate of the named authority, or by its own, as long
// as that is good; everybody else shakes hands all the same and is nobody.
func TestClients(t *testing.T) {
	dir, now := t.TempDir(), time.Now()
	server := pairIn(dir)
	ensure(t, server, now, true, "store.example")
	ours, theirs := newAuthority(t, "ours"), newAuthority(t, "theirs")
	soon := now.Add(30 * time.Minute)
	pinned := theirs.issue("elsewhere.example", x509.ExtKeyUsageServerAuth, soon)
	sum := sha256.Sum256(pinned.Certificate[0])
	colons := strings.ToUpper(hex.EncodeToString(sum[:1])) + ":" + hex.EncodeToString(sum[1:])
	caFile := ours.file(filepath.Join(dir, "ca.pem"))
	s := open(t, Options{Pairs: []Pair{server}, Clients: []Client{
		{Name: "submit", CA: caFile, DNSNames: []string{"submit.example", "submit2.example"}},
		{Name: "stream", Fingerprints: []string{strings.Repeat("0", 64), colons}},
		{Name: "rest", CA: caFile, DNSNames: []string{"*.example", "rest.example"}},
	}})
	for what, c := range map[string]struct {
		shows []tls.Certificate
		want  string
	}{
		"none":               {},
		"named":              {[]tls.Certificate{ours.issue("submit.example", x509.ExtKeyUsageClientAuth, soon)}, "submit"},
		"in capitals":        {[]tls.Certificate{ours.issue("SUBMIT2.example", x509.ExtKeyUsageClientAuth, soon)}, "submit"},
		"another's":          {[]tls.Certificate{theirs.issue("submit.example", x509.ExtKeyUsageClientAuth, soon)}, ""},
		"another name":       {[]tls.Certificate{ours.issue("edge.example", x509.ExtKeyUsageClientAuth, soon)}, ""},
		"the other name":     {[]tls.Certificate{ours.issue("rest.example", x509.ExtKeyUsageClientAuth, soon)}, "rest"},
		"for servers":        {[]tls.Certificate{ours.issue("submit.example", x509.ExtKeyUsageServerAuth, soon)}, ""},
		"past its end":       {[]tls.Certificate{ours.issue("submit.example", x509.ExtKeyUsageClientAuth, now.Add(-time.Minute))}, ""},
		"known itself":       {[]tls.Certificate{pinned}, "stream"},
		"of the same issuer": {[]tls.Certificate{theirs.issue("elsewhere.example", x509.ExtKeyUsageServerAuth, soon)}, ""},
	} {
		state, err := shake(s.Config(), c.shows)
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
		if got := s.Client(&state, now); got != c.want || len(state.PeerCertificates) != len(c.shows) {
			t.Errorf("%s: %q", what, got)
		}
		if got := s.Client(&state, soon.Add(time.Second)); got != "" {
			t.Errorf("%s, after its end: %q", what, got)
		}
	}
}

// A chain that is longer than any authority's is not judged: who made it has
// many ways through it looked at.
func TestLongChain(t *testing.T) {
	dir, now := t.TempDir(), time.Now()
	server := pairIn(dir)
	ensure(t, server, now, true, "store.example")
	root := newAuthority(t, "root")
	s := open(t, Options{Pairs: []Pair{server}, Clients: []Client{{Name: "submit", CA: root.file(filepath.Join(dir, "ca.pem"))}}})
	var between [][]byte
	issuer := root
	for n := range 5 {
		leaf := issuer.issue("submit.example", x509.ExtKeyUsageClientAuth, now.Add(time.Minute))
		leaf.Certificate = append(leaf.Certificate, between...)
		state, err := shake(s.Config(), []tls.Certificate{leaf})
		if err != nil {
			t.Fatal(err)
		}
		want := "submit"
		if n > maxBetween {
			want = ""
		}
		if got := s.Client(&state, now); got != want {
			t.Errorf("%d in between: %q", n, got)
		}
		next := issuer.below(fmt.Sprint("CA ", n))
		between = append([][]byte{next.cert.Raw}, between...)
		issuer = next
	}
}

// Who resumes a TLS session shows no certificate again: the one of then is judged
// as any other, and not at all once its authority is gone.
func TestResumedSession(t *testing.T) {
	dir, now := t.TempDir(), time.Now()
	server := pairIn(dir)
	ensure(t, server, now, true, "store.example")
	ours := newAuthority(t, "ours")
	file := ours.file(filepath.Join(dir, "ca.pem"))
	s := open(t, Options{Pairs: []Pair{server}, Clients: []Client{{Name: "submit", CA: file}}})
	leaf, until := ours.issue("x.example", x509.ExtKeyUsageClientAuth, now.Add(time.Minute)), now.Add(time.Minute)
	client := &tls.Config{InsecureSkipVerify: true, ServerName: "store.example", ClientSessionCache: tls.NewLRUClientSessionCache(1), Certificates: []tls.Certificate{leaf}}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	dial := func() tls.ConnectionState {
		t.Helper()
		over := make(chan error)
		go func() {
			c, err := tls.Dial("tcp", ln.Addr().String(), client)
			if err == nil {
				c.Read(make([]byte, 1)) // takes the ticket
				c.Close()
			}
			over <- err
		}()
		nc, err := ln.Accept()
		if err != nil {
			t.Fatal(err)
		}
		tc := tls.Server(nc, s.Config())
		err = tc.Handshake()
		tc.Close()
		if err := errors.Join(err, <-over); err != nil {
			t.Fatal(err)
		}
		return tc.ConnectionState()
	}
	for i := range 2 {
		state := dial()
		if got := s.Client(&state, now); got != "submit" || state.DidResume != (i == 1) {
			t.Errorf("%q, resumed: %v", got, state.DidResume)
		}
		if got := s.Client(&state, until.Add(time.Second)); got != "" {
			t.Errorf("after its end: %q", got)
		}
	}
	newAuthority(t, "another one").file(file)
	if err := s.Reload(); err != nil {
		t.Fatal(err)
	}
	if state := dial(); state.DidResume || s.Client(&state, now) != "" {
		t.Errorf("of an authority that is gone: %q, resumed: %v", s.Client(&state, now), state.DidResume)
	}
}

// Whom an authority vouched for is nobody once the file no longer has it.
func TestClientsReload(t *testing.T) {
	dir, now := t.TempDir(), time.Now()
	server := pairIn(dir)
	ensure(t, server, now, true, "store.example")
	ours := newAuthority(t, "ours")
	file := ours.file(filepath.Join(dir, "ca.pem"))
	s := open(t, Options{Pairs: []Pair{server}, Clients: []Client{{Name: "submit", CA: file}}})
	state, err := shake(s.Config(), []tls.Certificate{ours.issue("x.example", x509.ExtKeyUsageClientAuth, now.Add(time.Minute))})
	if err != nil || s.Client(&state, now) != "submit" {
		t.Fatal(err)
	}
	newAuthority(t, "another one").file(file)
	if err := s.Reload(); err != nil || s.Client(&state, now) != "" {
		t.Errorf("%q, %v", s.Client(&state, now), err)
	}
}

func TestBadClients(t *testing.T) {
	p := pairIn(t.TempDir())
	ensure(t, p, time.Now(), true, "x.example")
	for want, c := range map[string]Client{
		`client ""`: {CA: p.Cert}, `client "a": it needs`: {Name: "a"}, `client "b": it needs`: {Name: "b", DNSNames: []string{"x"}, Fingerprints: []string{strings.Repeat("0", 64)}},
		"no SHA-256":     {Name: "a", Fingerprints: []string{"00"}},
		"in hexadecimal": {Name: "a", Fingerprints: []string{strings.Repeat("g", 64)}},
		"no such file":   {Name: "a", CA: "nowhere.pem"},
		"no certificate": {Name: "a", CA: p.Key},
		"not both":       {},
	} {
		o := Options{Pairs: []Pair{p}, Clients: []Client{c}}
		if want == "not both" {
			o.ClientCAs = p.Cert
		}
		if _, err := Open(o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
	}
}
