package client

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/rogpeppe/go-internal/txtar"

	"citron/ops/conn/conntest"
	"citron/submission/relay/relaytest"
	"citron/wire/smtp"
)

// A dialogue is a txtar file that plays a host. In its part "dialogue" a line
//
//	C: text   is expected with CRLF,
//	S: text   is sent with CRLF (lines in a row in one write), as the host's
//	S" "text" as the Go string it is,
//	S-EOF     closes, C-EOF expects the client to close,
//	stall     answers nothing any more,
//	TLS       is the handshake, with a certificate for mx.example.com.
//
// A part "tls" requires TLS, a part "login" is an authzid, a name and a password.
// Each part "message" is a message to send: MAIL and RCPT as the queue knows
// them, the name to greet with in a line "hello". What it is made of is in the
// part "body" behind it, with LF for CRLF. The part "replies" is the verdict on
// each recipient, "handed N,N" the recipients at the hand-over. "unusable" says
// that the connection is over then, "start" with what Start fails, if it does.
func TestDialogues(t *testing.T) {
	conntest.Archives(t, func(t *testing.T, a *txtar.Archive) {
		synctest.Test(t, func(t *testing.T) { runDialogue(t, a) })
	})
}

// every knows all parameters.
var every = smtp.NewSyntax(&smtp.Size, &smtp.EightBitMIME, &smtp.UTF8, &smtp.Authentication, &smtp.DSN, &smtp.FutureRelease,
	&smtp.Deadline, &smtp.MTPriority, &smtp.RequireTLS, &smtp.AtomicSend)

func runDialogue(t *testing.T, a *txtar.Archive) {
	ca := relaytest.NewCA(t)
	server := &tls.Config{Certificates: []tls.Certificate{ca.Leaf(t, "mx.example.com")}}
	ours, theirs := net.Pipe()
	done := make(chan struct{})
	parts := map[string]string{}
	for _, f := range a.Files {
		parts[f.Name] = string(f.Data)
	}
	go func() {
		defer close(done)
		play(t, theirs, server, parts["dialogue"])
	}()
	o := Options{Hello: "client.example"}
	if text, ok := parts["hello"]; ok {
		o.Hello = strings.TrimSpace(text)
	}
	if _, ok := parts["tls"]; ok {
		o.Policy, o.TLS = TLSRequired, &tls.Config{RootCAs: ca.Roots, ServerName: "mx.example.com"}
	}
	if words := strings.Fields(parts["login"]); len(words) == 3 {
		o.Login = &Login{Authzid: words[0], Username: words[1], Password: words[2]}
	}
	c, err := Start(t.Context(), ours, o)
	if want, fails := parts["start"]; fails != (err != nil) || fails && err.Error() != strings.TrimSpace(want) {
		t.Errorf("Start: %v", err)
	}
	if err == nil {
		for i, f := range a.Files {
			if f.Name == "message" {
				sendMessage(t, c, a.Files[i:])
			}
		}
		c.Quit(t.Context())
	}
	<-done
}

// sendMessage sends the message that the first part describes.
func sendMessage(t *testing.T, c *Conn, parts []txtar.File) {
	m := &Message{}
	for line := range strings.SplitSeq(strings.TrimSpace(string(parts[0].Data)), "\n") {
		command := smtp.ParseCommand([]byte(line))
		var err error
		if string(command.Verb()) == "MAIL" {
			m.Mail, err = every.ParseMail(command.Args)
		} else {
			var r smtp.Rcpt
			r, err = every.ParseRcpt(command.Args, true)
			m.Rcpts = append(m.Rcpts, r)
		}
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
	}
	handed := ""
	m.HandOver = func(_ context.Context, rcpts []int) error {
		handed += "handed " + strings.Trim(strings.ReplaceAll(fmt.Sprint(rcpts), " ", ","), "[]") + "\n"
		return nil
	}
	want := ""
	for _, f := range parts[1:] {
		switch f.Name {
		case "body":
			body := strings.ReplaceAll(string(f.Data), "\n", "\r\n")
			m.Body, m.Size = strings.NewReader(body), int64(len(body))
		case "replies":
			want = string(f.Data)
		case "message":
			parts = nil
		}
		if parts == nil {
			break
		}
	}
	replies, _ := c.Send(t.Context(), m)
	got := ""
	for _, r := range replies {
		got += smtp.Reply{Code: r.Code, Status: r.Status, Text: smtp.Plain(r.Code, r.Text)}.Error() + "\n"
	}
	got += handed
	if !c.Usable() {
		got += "unusable\n"
	}
	if got != want {
		t.Errorf("replies:\n%swant:\n%s", got, want)
	}
}

// play is the host.
func play(t *testing.T, nc net.Conn, server *tls.Config, dialogue string) {
	defer func() { nc.Close() }()
	in := bufio.NewReader(nc)
	var out []byte
	for line := range strings.SplitSeq(strings.TrimSpace(dialogue), "\n") {
		who, text, _ := strings.Cut(line, " ")
		switch who {
		case "S:":
			out = append(out, text+"\r\n"...)
			continue
		case `S"`:
			var s string
			if _, err := fmt.Sscanf(text, "%q", &s); err != nil {
				t.Errorf("%s: %v", line, err)
			}
			out = append(out, s...)
			continue
		case "#":
			continue
		}
		if len(out) > 0 {
			if _, err := nc.Write(out); err != nil {
				t.Errorf("sending %q: %v", out, err)
				return
			}
			out = nil
		}
		switch who {
		case "C:":
			got, err := in.ReadString('\n')
			if err != nil || got != text+"\r\n" {
				t.Errorf("the client said %q, %v; want %q", got, err, text)
				return
			}
		case "C-EOF", "stall":
			if got, err := io.ReadAll(in); err != nil || who == "C-EOF" && len(got) > 0 {
				t.Errorf("the client said %q, %v; want the end", got, err)
			}
		case "S-EOF":
			return
		case "TLS":
			tc := tls.Server(nc, server)
			if err := tc.Handshake(); err != nil {
				t.Error(err)
				return
			}
			nc, in = tc, bufio.NewReader(tc)
		default:
			t.Errorf("what is %q?", line)
		}
	}
	nc.Write(out)
}
