package client

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"

	gosasl "github.com/emersion/go-sasl"
	gosmtp "github.com/emersion/go-smtp"

	"citron/submission/relay/relaytest"
	"citron/wire/smtp"
)

// stranger is the backend of another's server.
type stranger struct {
	mu   sync.Mutex
	seen []string
}

func (s *stranger) NewSession(*gosmtp.Conn) (gosmtp.Session, error) {
	return &strangerSession{stranger: s}, nil
}

type strangerSession struct {
	*stranger
	user     string
	envelope string
}

func (s *strangerSession) Reset()        { s.envelope = "" }
func (s *strangerSession) Logout() error { return nil }

func (s *strangerSession) AuthMechanisms() []string { return []string{gosasl.Plain} }

func (s *strangerSession) Auth(string) (gosasl.Server, error) {
	return gosasl.NewPlainServer(func(_, user, password string) error {
		if user != "relay" || password != "secret" {
			return errors.New("no")
		}
		s.user = user
		return nil
	}), nil
}

func (s *strangerSession) Mail(from string, o *gosmtp.MailOptions) error {
	if s.user == "" {
		return gosmtp.ErrAuthRequired
	}
	auth := "-"
	if o.Auth != nil {
		auth = "<" + *o.Auth + ">"
	}
	s.envelope = fmt.Sprint(from, " ", o.Body, " ", o.Size, " ", o.UTF8, " ", o.RequireTLS, " ", o.Return, " ", o.EnvelopeID, " ", auth, "\n")
	return nil
}

func (s *strangerSession) Rcpt(to string, o *gosmtp.RcptOptions) error {
	if strings.HasPrefix(to, "nobody@") {
		return &gosmtp.SMTPError{Code: 550, EnhancedCode: gosmtp.EnhancedCode{5, 1, 1}, Message: "no such user"}
	}
	s.envelope += fmt.Sprint(to, " ", o.Notify, " ", o.OriginalRecipientType, " ", o.OriginalRecipient, "\n")
	return nil
}

func (s *strangerSession) Data(r io.Reader) error {
	body, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen = append(s.seen, s.envelope+string(body))
	return nil
}

// Mail to a server of another's making: TLS, PLAIN, parameters, text and binary.
func TestGoSMTP(t *testing.T) {
	ca := relaytest.NewCA(t)
	backend := &stranger{}
	server := gosmtp.NewServer(backend)
	server.Domain = "mx.example.com"
	server.TLSConfig = &tls.Config{Certificates: []tls.Certificate{ca.Leaf(t, "mx.example.com")}}
	server.EnableSMTPUTF8, server.EnableREQUIRETLS, server.EnableBINARYMIME, server.EnableDSN = true, true, true, true
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go server.Serve(l)
	defer server.Close()
	nc, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	c, err := Start(t.Context(), nc, Options{
		Hello: "client.example", Policy: TLSRequired, TLS: &tls.Config{RootCAs: ca.Roots, ServerName: "mx.example.com"},
		Login: &Login{Username: "relay", Password: "secret"},
	})
	if err != nil {
		t.Fatal(err)
	}
	text := message("Subject: x\r\n\r\n.\r\n..\r\nü\r\n", smtp.Mail{Body: smtp.Body8Bit, UTF8: true, Return: smtp.ReturnHeaders, EnvelopeID: "a+b =c", RequireTLS: true})
	text.Mail.Auth = smtp.Auth{Said: true, Mailbox: "alice=a@example.org"}
	text.Rcpts = []smtp.Rcpt{
		{To: smtp.Path{Local: "jürgen", Domain: "example.net"}, Notify: smtp.NotifySuccess | smtp.NotifyDelay, Original: smtp.OriginalRecipient{Type: "utf-8", Address: "jürgen+x@example.net"}},
		{To: smtp.Path{Local: "nobody", Domain: "example.net"}},
		{To: bob, Notify: smtp.NotifyNever, Original: smtp.OriginalRecipient{Type: "rfc822", Address: "bob+x@example.net"}},
	}
	replies, err := c.Send(t.Context(), text)
	if err != nil || !replies[0].OK() || replies[1].Code != 550 || !replies[2].OK() {
		t.Fatal(replies, err)
	}
	binary := strings.Repeat("\x00\r\xff\n.\r\n", 100_000)
	mustSend(t, c, message(binary, smtp.Mail{Body: smtp.BodyBinary}))
	if err := c.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.Quit(t.Context())
	want := []string{
		"alice@example.org 8BITMIME 25 true true HDRS a+b =c <alice=a@example.org>\n" +
			"jürgen@example.net [SUCCESS DELAY] UTF-8 jürgen+x@example.net\nbob@example.net [NEVER] RFC822 bob+x@example.net\n" +
			"Subject: x\r\n\r\n.\r\n..\r\nü\r\n",
		"alice@example.org BINARYMIME 700000 false false   <>\nbob@example.net []  \n" + binary,
	}
	backend.mu.Lock()
	defer backend.mu.Unlock()
	for i := range want {
		if i >= len(backend.seen) || backend.seen[i] != want[i] {
			t.Errorf("message %d: %.300q", i, backend.seen)
			break
		}
	}
}
