package main

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net"
	"net/textproto"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"citron/auth/directory"
	"citron/ops/config"
	"citron/ops/tlscert"
	"citron/wire/imap"
)

// withAccounts makes accounts with the password "lemonade".
func withAccounts(t *testing.T, s *server, names ...string) {
	t.Helper()
	ctx := context.Background()
	secret, err := s.node.directory.Password(ctx, "lemonade")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if _, err := s.node.directory.EnsureAccounts(ctx, directory.NewAccount{Name: name, Secret: secret}); err != nil {
			t.Fatal(err)
		}
	}
}

// at is where a server listens under a name.
func (s *server) at(name string) string {
	for _, l := range s.listeners {
		if l.on.Name == name {
			return l.socket.Addr().String()
		}
	}
	return ""
}

// TestSubmissionAndStoreApart: what is configured of submission on one machine
// and the store on another is enough for BURL (RFC 4468); the store knows
// submission by its certificate, and submission the store by its own.
func TestSubmissionAndStoreApart(t *testing.T) {
	own := tlscert.Pair{Cert: filepath.Join(t.TempDir(), "submit.pem"), Key: filepath.Join(t.TempDir(), "submit.key")}
	if _, err := tlscert.EnsureSelfSigned(own, []string{"submit.example.org"}, time.Now()); err != nil {
		t.Fatal(err)
	}
	pair, err := tls.LoadX509KeyPair(own.Cert, own.Key)
	if err != nil {
		t.Fatal(err)
	}
	known := sha256.Sum256(pair.Leaf.Raw)

	at := privateConfig(t)
	at.IMAP.Listen, at.IMAP.PlaintextLogin = []string{"127.0.0.1:0"}, true
	at.IMAP.Applications = []config.Application{{Name: "submit", Fingerprints: []string{hex.EncodeToString(known[:])}}}
	store := serving(t, at)
	withAccounts(t, store, "alice@example.org")

	from := privateConfig(t)
	from.IMAP.Listen, from.IMAP.PlaintextLogin = []string{"127.0.0.1:0"}, true
	from.Submission.Listen, from.Submission.PlaintextLogin = []string{"127.0.0.1:0"}, true
	from.Submission.Stores = []config.URLHost{{Host: "mail.example.org", Address: store.at("imap"),
		CA: filepath.Join(at.Data, "tls", "cert.pem"), Cert: own.Cert, Key: own.Key}}
	sending := serving(t, from)
	withAccounts(t, sending, "alice@example.org", "bob@example.org")

	alice, err := dialClient(store.at("imap"), "alice@example.org", "lemonade")
	if err != nil {
		t.Fatal(err)
	}
	defer alice.Close()
	const text = "From: alice@example.org\r\nTo: bob@example.org\r\nDate: Wed, 25 Nov 2026 12:00:00 +0000\r\nMessage-ID: <1@example.org>\r\nSubject: from afar\r\n\r\nHello.\r\n"
	authorize := func(host string) (url string) {
		t.Helper()
		rump := "imap://alice%40example.org@" + host + "/INBOX/;UID=1;URLAUTH=submit+alice%40example.org"
		if _, err := alice.do(&imap.GenURLAuth{URLs: []imap.URLToAuthorize{{URL: rump, Mechanism: imap.InternalMechanism}}}, func(r imap.Response) {
			if r, ok := r.(*imap.GenURLAuthResponse); ok {
				url = r.URLs[0]
			}
		}); err != nil {
			t.Fatal(err)
		}
		return url
	}
	if _, err := alice.raw(fmt.Sprintf("APPEND INBOX {%d+}\r\n%s", len(text), text)); err != nil {
		t.Fatal(err)
	}
	bob, err := dialClient(sending.at("imap"), "bob@example.org", "lemonade")
	if err != nil {
		t.Fatal(err)
	}
	defer bob.Close()
	if _, err := bob.do(&imap.Select{Mailbox: "INBOX"}); err != nil {
		t.Fatal(err)
	}

	nc, err := net.Dial("tcp", sending.at("submission"))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	smtp := textproto.NewConn(nc)
	say := func(line string, code int) {
		t.Helper()
		if line != "" {
			smtp.PrintfLine("%s", line)
		}
		if _, text, err := smtp.ReadResponse(code); err != nil {
			t.Fatalf("%.40s: %v (%s)", line, err, text)
		}
	}
	say("", 220)
	say("EHLO phone.example", 250)
	say("AUTH PLAIN "+base64.StdEncoding.EncodeToString([]byte("\x00alice@example.org\x00lemonade")), 235)
	for url, code := range map[string]int{authorize("mail.example.org"): 250, authorize("elsewhere.example.org"): 554, authorize("localhost:1143"): 554} {
		say("MAIL FROM:<alice@example.org>", 250)
		say("RCPT TO:<bob@example.org>", 250)
		say("BURL "+url+" LAST", code)
		say("RSET", 250)
	}
	got := string((&mailbox{t, bob}).next())
	if !strings.HasSuffix(got, text) {
		t.Errorf("bob got %q", got)
	}
}
