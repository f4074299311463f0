package client

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"testing"

	"citron/submission/relay/client/smtptest"
	"citron/submission/relay/relaytest"
	"citron/wire/sasl"
	"citron/wire/smtp"
)

// peer starts a strict server; the test fails if there were faults.
func peer(t *testing.T, o smtptest.Options) *smtptest.Server {
	t.Helper()
	s, err := smtptest.Listen(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.Close()
		for _, fault := range s.Faults() {
			t.Error(fault)
		}
	})
	return s
}

func start(t *testing.T, s *smtptest.Server, o Options) (*Conn, error) {
	t.Helper()
	nc, err := net.Dial("tcp", s.Addr())
	if err != nil {
		t.Fatal(err)
	}
	if o.Hello == "" {
		o.Hello = "client.example"
	}
	c, err := Start(t.Context(), nc, o)
	if err == nil {
		t.Cleanup(func() { c.Close() })
	}
	return c, err
}

func mustStart(t *testing.T, s *smtptest.Server, o Options) *Conn {
	t.Helper()
	c, err := start(t, s, o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

var (
	alice = smtp.Path{Local: "alice", Domain: "example.org"}
	bob   = smtp.Path{Local: "bob", Domain: "example.net"}
)

func message(body string, m smtp.Mail) *Message {
	m.From = alice
	return &Message{Mail: m, Rcpts: []smtp.Rcpt{{To: bob}}, Body: strings.NewReader(body), Size: int64(len(body))}
}

func mustSend(t *testing.T, c *Conn, m *Message) {
	t.Helper()
	replies, err := c.Send(t.Context(), m)
	for _, r := range replies {
		if !r.OK() {
			t.Errorf("%+v", r)
		}
	}
	if err != nil {
		t.Error(err)
	}
}

// without gives everything but some extensions.
func without(not ...*smtp.Extension) []*smtp.Extension {
	offered := []*smtp.Extension{}
next:
	for _, e := range smtptest.Everything {
		for _, n := range not {
			if e == n {
				continue next
			}
		}
		offered = append(offered, e)
	}
	return offered
}

// Every way a message may go: what arrives is what was sent.
func TestWays(t *testing.T) {
	var text strings.Builder
	r := rand.New(rand.NewPCG(1, 2))
	for text.Len() < 700_000 {
		text.WriteString([]string{"", ".", "..", ".\r\n.", "some words", strings.Repeat("x", 900), "ü"}[r.IntN(7)] + "\r\n")
	}
	binary := make([]byte, 600_001)
	for i := range binary {
		binary[i] = "\r\n.\x00\xff "[r.IntN(6)]
	}
	for _, offered := range [][]*smtp.Extension{
		smtptest.Everything,
		without(&smtp.Pipelining),
		without(&smtp.Chunking, &smtp.BinaryMIME),
		without(&smtp.Chunking, &smtp.BinaryMIME, &smtp.Pipelining),
	} {
		s := peer(t, smtptest.Options{Extensions: offered})
		c := mustStart(t, s, Options{})
		want := []string{text.String(), "", ".\r\n", "A: b\r\n\r\n.\r\n.c\r\n"}
		for _, body := range want {
			mustSend(t, c, message(body, smtp.Mail{Body: smtp.Body8Bit}))
		}
		if c.Offer().Has(&smtp.BinaryMIME) {
			want = append(want, string(binary), ".", "a\nb")
			for _, body := range want[4:] {
				mustSend(t, c, message(body, smtp.Mail{Body: smtp.BodyBinary}))
			}
		}
		c.Quit(t.Context())
		got := s.Messages()
		if len(got) != len(want) {
			t.Fatalf("%d of %d messages", len(got), len(want))
		}
		for i, m := range got {
			if string(m.Data) != want[i] {
				t.Errorf("message %d: %d octets arrived of %d", i, len(m.Data), len(want[i]))
			}
			if m.Session != 1 {
				t.Error("the connection is used again")
			}
		}
	}
}

// RFC 5321 §2.3.8: CR and LF go out only as CRLF, and the last line is ended;
// with BDAT and without.
func TestLineEnds(t *testing.T) {
	for _, offered := range [][]*smtp.Extension{without(&smtp.Size), without(&smtp.Size, &smtp.Chunking, &smtp.BinaryMIME)} {
		s := peer(t, smtptest.Options{Extensions: offered})
		c := mustStart(t, s, Options{})
		long := strings.Repeat("x", blockSize-1)
		tests := map[string]string{
			"a\n.\nb":             "a\r\n.\r\nb\r\n",
			"a\r.\rb\r":           "a\r\n.\r\nb\r\n",
			"a\r\r\n\n\r":         "a\r\n\r\n\r\n\r\n",
			"a\n.\r\nMAIL FROM:<": "a\r\n.\r\nMAIL FROM:<\r\n",
			long + "\r\n.\r\n":    long + "\r\n.\r\n", // parted between CR and LF
			long + "\r.\n":        long + "\r\n.\r\n",
		}
		for body, want := range tests {
			mustSend(t, c, message(body, smtp.Mail{}))
			all := s.Messages()
			if got := string(all[len(all)-1].Data); got != want {
				t.Errorf("%.20q arrived as %.20q", body, got)
			}
		}
		if len(s.Messages()) != len(tests) {
			t.Error("one message became two")
		}
	}
}

// What a host does not offer it is not told; what must be told is a refusal.
func TestParameters(t *testing.T) {
	said := smtp.Mail{
		From: alice, Return: smtp.ReturnFull, EnvelopeID: "x", By: smtp.DeliverBy{Mode: smtp.ByNotify, Within: 5e9}, Priority: smtp.Priority{Said: true, Level: 3},
		Hold: smtp.Hold{For: 5e9}, Atomic: smtp.Atomic{Attempt: "x"}, Auth: smtp.Auth{Said: true, Mailbox: "alice@example.org"},
	}
	rcpt := smtp.Rcpt{To: bob, Notify: smtp.NotifyDelay, Original: smtp.OriginalRecipient{Type: "rfc822", Address: "b"}}
	for _, tt := range []struct {
		offered []*smtp.Extension
		want    string
	}{
		{smtptest.Everything, "MAIL FROM:<alice@example.org> SIZE=3 RET=FULL ENVID=x BY=5;N MT-PRIORITY=3|RCPT TO:<bob@example.net> NOTIFY=DELAY ORCPT=rfc822;b|BDAT 3 LAST"},
		{[]*smtp.Extension{}, "MAIL FROM:<alice@example.org>|RCPT TO:<bob@example.net>|DATA"},
	} {
		s := peer(t, smtptest.Options{Extensions: tt.offered})
		c := mustStart(t, s, Options{})
		mustSend(t, c, &Message{Mail: said, Rcpts: []smtp.Rcpt{rcpt}, Body: strings.NewReader("x\r\n"), Size: 3})
		if got := strings.Join(s.Messages()[0].Commands, "|"); got != tt.want {
			t.Errorf("%s\nwant %s", got, tt.want)
		}
	}
	s := peer(t, smtptest.Options{Extensions: []*smtp.Extension{&smtp.Size}, Args: map[string]string{"SIZE": "3"}})
	c := mustStart(t, s, Options{})
	for _, tt := range []struct {
		body string
		mail smtp.Mail
		want string
	}{
		{"abcd", smtp.Mail{}, "5.3.4"},
		{"a", smtp.Mail{Body: smtp.Body8Bit}, "5.6.3"},                                  // RFC 6152 §3
		{"a", smtp.Mail{Body: smtp.BodyBinary}, "5.6.3"},                                // RFC 3030 §3
		{"a", smtp.Mail{UTF8: true}, "5.6.9"},                                           // RFC 6531 §3.2
		{"a", smtp.Mail{By: smtp.DeliverBy{Mode: smtp.ByReturn, Within: 5e9}}, "5.3.3"}, // RFC 2852 §4.1.4.1
		{"a", smtp.Mail{RequireTLS: true}, "5.7.10"},                                    // RFC 8689 §4.2.1
	} {
		replies, err := c.Send(t.Context(), message(tt.body, tt.mail))
		if err != nil || replies[0].Status.String() != tt.want || replies[0].Code != 0 {
			t.Errorf("%+v: %+v, %v", tt.mail, replies, err)
		}
	}
	// RFC 8689 §5: a report goes all the same.
	report := message("a\r\n", smtp.Mail{RequireTLS: true})
	report.Mail.From = smtp.Path{}
	mustSend(t, c, report)
	m := message("a\r\n", smtp.Mail{})
	m.Rcpts = append(m.Rcpts, smtp.Rcpt{To: smtp.Path{Local: "ü", Domain: "example.net"}})
	if replies, _ := c.Send(t.Context(), m); !replies[0].OK() || replies[1].Status.String() != "5.6.7" {
		t.Errorf("%+v", replies)
	}
}

func TestTLS(t *testing.T) {
	ca := relaytest.NewCA(t)
	server, pool := &tls.Config{Certificates: []tls.Certificate{ca.Leaf(t, "mx.example.com")}}, ca.Roots
	trusted := &tls.Config{RootCAs: pool, ServerName: "mx.example.com"}
	other := &tls.Config{RootCAs: pool, ServerName: "mx.example.org"}
	anybody := &tls.Config{InsecureSkipVerify: true}
	withTLS := append(without(), &smtp.RequireTLS)
	for _, tt := range []struct {
		name             string
		offered          bool
		policy           TLSPolicy
		config           *tls.Config
		err              error
		secure, verified bool
	}{
		{"none", true, TLSNone, trusted, nil, false, false},
		{"opportunistic", true, TLSOpportunistic, anybody, nil, true, false},
		{"opportunistic, not offered", false, TLSOpportunistic, anybody, nil, false, false},
		{"required", true, TLSRequired, trusted, nil, true, true},
		{"required, not offered", false, TLSRequired, trusted, ErrNoTLS, false, false},
		{"another name", true, TLSRequired, other, ErrHandshake, false, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := smtptest.Options{Extensions: withTLS}
			if tt.offered {
				o.TLS = server
			}
			s := peer(t, o)
			c, err := start(t, s, Options{Policy: tt.policy, TLS: tt.config})
			if !errors.Is(err, tt.err) || (err == nil) != (tt.err == nil) {
				t.Fatal(err)
			}
			if err != nil {
				return
			}
			mustSend(t, c, message("x\r\n", smtp.Mail{}))
			if _, on := c.TLS(); on != tt.secure || s.Messages()[0].TLS != tt.secure || c.Verified() != tt.verified {
				t.Error("TLS", on, "verified", c.Verified())
			}
			// RFC 8689 §4.2.1
			m := message("x\r\n", smtp.Mail{RequireTLS: true})
			if replies, _ := c.Send(t.Context(), m); replies[0].OK() != tt.verified || !replies[0].OK() && replies[0].Status.String() != "5.7.10" {
				t.Errorf("%+v", replies)
			}
		})
	}
}

func TestLogin(t *testing.T) {
	ca := relaytest.NewCA(t)
	server, pool := &tls.Config{Certificates: []tls.Certificate{ca.Leaf(t, "mx.example.com")}}, ca.Roots
	s := peer(t, smtptest.Options{TLS: server, Users: map[string]string{"relay": "secret"}})
	secure := Options{Policy: TLSRequired, TLS: &tls.Config{RootCAs: pool, ServerName: "mx.example.com"}}
	// RFC 4954 §14: no PLAIN where the certificate was not verified.
	unverified := Options{Policy: TLSRequired, TLS: &tls.Config{InsecureSkipVerify: true}, Login: &Login{Username: "relay", Password: "secret", Mechanism: sasl.Plain}}
	if _, err := start(t, s, unverified); !errors.Is(err, ErrMechanism) {
		t.Error(err)
	}
	for _, tt := range []struct {
		login  Login
		secure bool
		ok     bool
	}{
		{Login{Username: "relay", Password: "secret"}, true, true},
		{Login{Username: "relay", Password: "secret"}, false, true},
		{Login{Username: "relay", Password: "secret", Mechanism: sasl.Plain}, true, true},
		{Login{Username: "relay", Password: "secret", Mechanism: sasl.Plain}, false, false},
		{Login{Username: "relay", Password: "wrong", Mechanism: sasl.Plain}, true, false},
		{Login{Username: "relay", Password: "wrong"}, true, false},
		{Login{Username: "relay", Password: strings.Repeat("long", 200), Mechanism: sasl.Plain}, true, false},
	} {
		o := Options{}
		if tt.secure {
			o = secure
		}
		o.Login = &tt.login
		c, err := start(t, s, o)
		if (err == nil) != tt.ok {
			t.Errorf("%+v: %v", tt.login, err)
		}
		if err != nil {
			continue
		}
		// RFC 4954 §5: whose message it is is not known.
		mustSend(t, c, message("x\r\n", smtp.Mail{}))
		all := s.Messages()
		if m := all[len(all)-1]; m.User != "relay" || m.Commands[0] != "MAIL FROM:<alice@example.org> SIZE=3 AUTH=<> MT-PRIORITY=0" {
			t.Errorf("%+v", m)
		}
	}
	c := mustStart(t, s, secure)
	replies, err := c.Send(t.Context(), message("x\r\n", smtp.Mail{}))
	if err != nil || replies[0].Code != 530 {
		t.Error(replies, err)
	}
}

// failing is a body that cannot be read to its end.
type failing struct{ good int64 }

func (f failing) ReadAt(p []byte, at int64) (int, error) {
	if at >= f.good {
		return 0, errors.New("bad sector")
	}
	return copy(p, bytes.Repeat([]byte("x\n"), len(p)/2)), nil
}

// What goes wrong on our side sends nothing.
func TestOurFault(t *testing.T) {
	for _, offered := range [][]*smtp.Extension{without(&smtp.Size), without(&smtp.Size, &smtp.Chunking, &smtp.BinaryMIME)} {
		s, err := smtptest.Listen(smtptest.Options{Extensions: offered})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		refuse := errors.New("the queue does not answer")
		for _, tt := range []struct {
			body io.ReaderAt
			size int64
			err  error
		}{
			{failing{0}, 100, nil},
			{failing{1 << 20}, 1<<20 + 100, nil},
			{strings.NewReader("x"), 2, io.ErrUnexpectedEOF},
			{strings.NewReader("x\r\n"), 3, refuse},
		} {
			c := mustStart(t, s, Options{})
			m := message("", smtp.Mail{})
			m.Body, m.Size = tt.body, tt.size
			m.HandOver = func(context.Context, []int) error {
				if tt.err != refuse {
					t.Error("handed over")
				}
				return tt.err
			}
			replies, err := c.Send(t.Context(), m)
			if err == nil || replies[0].Status.String() != "4.3.0" || replies[0].HandedOver || tt.err != nil && !errors.Is(err, tt.err) {
				t.Errorf("%+v, %v", replies, err)
			}
			if c.Usable() { // by BDAT
				m := message("after\r\n", smtp.Mail{})
				mustSend(t, c, m)
			}
		}
		for _, m := range s.Messages() {
			if string(m.Data) != "after\r\n" {
				t.Errorf("%.20q arrived", m.Data)
			}
		}
	}
}

func TestReady(t *testing.T) {
	s := peer(t, smtptest.Options{Answer: func(session int, verb, _ string) smtp.Reply {
		if verb == "RSET" && session == 2 {
			return smtp.Reply{Code: 421, Text: "too long silent"}
		}
		return smtp.Reply{}
	}})
	c := mustStart(t, s, Options{})
	mustSend(t, c, message("x\r\n", smtp.Mail{}))
	if err := c.Ready(t.Context()); err != nil || !c.Usable() {
		t.Error(err)
	}
	c = mustStart(t, s, Options{})
	if err := c.Ready(t.Context()); err == nil || c.Usable() || err.Error() != "RSET: 421 4.0.0 too long silent" {
		t.Error(err)
	}
}
