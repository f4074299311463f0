package burl_test

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"citron/submission/burl"
	"citron/submission/burl/burltest"
)

// script is a store that says what a test wants it to, over pipes.
type script struct {
	t           *testing.T
	certificate tls.Certificate
	implicit    bool
	greeting    string // without it, a good one
	caps        string // after TLS; without it, good ones
	// answer gives what is said to a command, ended by stall or hangUp where
	// nothing is to follow; "": the usual, which for URLFETCH is "Hello.".
	answer func(tag, verb, rest string) string

	mu    sync.Mutex
	heard []string // commands without their tags, "TLS", "connect"
	conns []net.Conn
}

const (
	stall  = "\x01stall"
	hangUp = "\x01hang up"
)

func newScript(t *testing.T) *script {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	// Under virtual time its dates are, too.
	cert := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "store"}, DNSNames: []string{burltest.Host},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(1000 * time.Hour), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, cert, cert, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &script{t: t, certificate: tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}}
}

// config is for fetching from it.
func (s *script) config() burl.IMAPConfig {
	roots := x509.NewCertPool()
	roots.AddCert(s.certificate.Leaf)
	return burl.IMAPConfig{Address: burltest.Host, TLS: &tls.Config{RootCAs: roots}, Implicit: s.implicit, Dial: s.dial,
		Certificate: func() (*tls.Certificate, error) { return &s.certificate, nil }}
}

func (s *script) dial(_ context.Context, network, address string) (net.Conn, error) {
	if want := map[bool]string{false: ":143", true: ":993"}[s.implicit]; network != "tcp" || address != burltest.Host+want {
		s.t.Errorf("dialled %s", address)
	}
	theirs, ours := net.Pipe()
	s.mu.Lock()
	s.heard, s.conns = append(s.heard, "connect"), append(s.conns, ours)
	s.mu.Unlock()
	go s.serve(ours)
	return theirs, nil
}

// said is what was heard since the last call.
func (s *script) said() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	heard := s.heard
	s.heard = nil
	return heard
}

// hangUpAll ends all connections there are.
func (s *script) hangUpAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.conns {
		c.Close()
	}
}

func (s *script) serve(c net.Conn) {
	defer c.Close()
	secure := func() {
		c = tls.Server(c, &tls.Config{Certificates: []tls.Certificate{s.certificate}, ClientAuth: tls.RequestClientCert})
		s.note("TLS")
	}
	if s.implicit {
		secure()
	}
	if greeting := s.greeting; !s.say(c, "", greeting, "* OK hello\r\n") {
		return
	}
	r := bufio.NewReader(c)
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		tag, rest, _ := strings.Cut(strings.TrimSuffix(line, "\r\n"), " ")
		verb, rest, _ := strings.Cut(rest, " ")
		s.note(strings.TrimSpace(verb + " " + rest))
		text := ""
		if s.answer != nil {
			text = s.answer(tag, verb, rest)
		}
		if !s.say(c, tag, text, s.usual(verb, rest)) {
			return
		}
		if verb == "STARTTLS" {
			secure()
			r.Reset(c)
		}
	}
}

func (s *script) note(what string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.heard = append(s.heard, what)
}

// say sends text, or what is usual, with TAG for the tag; false if nothing is to
// follow.
func (s *script) say(c net.Conn, tag, text, usual string) bool {
	if text == "" {
		text = usual
	}
	text = strings.ReplaceAll(text, "TAG", tag)
	before, stalls := strings.CutSuffix(text, stall)
	before, ends := strings.CutSuffix(before, hangUp)
	if _, err := c.Write([]byte(before)); err != nil || ends {
		return false
	}
	if stalls {
		c.Read(make([]byte, 1)) // until the peer gives up
		return false
	}
	return true
}

// usual is what a good store says.
func (s *script) usual(verb, rest string) string {
	switch verb {
	case "CAPABILITY":
		caps := s.caps
		if caps == "" {
			caps = "IMAP4rev1 SASL-IR AUTH=EXTERNAL AUTH=PLAIN URLAUTH URLAUTH=BINARY"
		}
		return "* CAPABILITY " + caps + "\r\nTAG OK done\r\n"
	case "URLFETCH":
		url, _, binary := strings.Cut(strings.Trim(rest, "()"), " ")
		if binary {
			return "* URLFETCH " + url + " (BINARY ~{7}\r\nHe\x00lo.\n)\r\nTAG OK done\r\n"
		}
		return "* URLFETCH " + url + " {7}\r\nHello.\n\r\nTAG OK done\r\n"
	}
	return "TAG OK done\r\n"
}

const scriptURL = "imap://alice@" + burltest.Host + "/INBOX/;UID=1;URLAUTH=anonymous:internal:0123456789abcdef0123456789abcdef"

// wants fails unless just this was heard since the last call.
func (s *script) wants(want ...string) {
	s.t.Helper()
	got := s.said()
	for i := range got {
		got[i] = strings.ReplaceAll(got[i], scriptURL, "URL")
	}
	if !slices.Equal(got, want) {
		s.t.Errorf("the store heard %q,\nnot %q", got, want)
	}
}
