package client

import (
	"bufio"
	"context"
	"net"
	"strings"
	"testing"
	"testing/synctest"

	"citron/wire/smtp"
)

// script plays a host: "S: " lines are sent, "C: " lines expected.
func script(t *testing.T, nc net.Conn, lines string) {
	t.Helper()
	in := bufio.NewReader(nc)
	defer nc.Close()
	for line := range strings.SplitSeq(strings.TrimSpace(lines), "\n") {
		who, text, _ := strings.Cut(strings.TrimLeft(line, "\t"), " ")
		if who == "S:" {
			if _, err := nc.Write([]byte(text + "\r\n")); err != nil {
				t.Errorf("sending %q: %v", text, err)
				return
			}
			continue
		}
		got, err := in.ReadString('\n')
		if err != nil || got != text+"\r\n" {
			t.Errorf("client said %q, %v; want %q", got, err, text)
			return
		}
	}
}

// RFC 5321 appendix D.1, with the reports that RFC 3461 adds left out because
// the host does not offer them.
func TestSmoke(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := net.Pipe()
		go script(t, theirs, `
S: 220 foo.com Simple Mail Transfer Service Ready
C: EHLO bar.com
S: 250-foo.com greets bar.com
S: 250-8BITMIME
S: 250-SIZE
S: 250 HELP
C: MAIL FROM:<Smith@bar.com> SIZE=13
S: 250 OK
C: RCPT TO:<Jones@foo.com>
S: 250 OK
C: RCPT TO:<Green@foo.com>
S: 550 No such user here
C: DATA
S: 354 Start mail input; end with <CRLF>.<CRLF>
C: A: b
C:
C: ..dot
C: .
S: 250 2.6.0 OK
C: QUIT
S: 221 foo.com Service closing transmission channel`)
		c, err := Start(t.Context(), ours, Options{Hello: "bar.com"})
		if err != nil {
			t.Fatal(err)
		}
		var handed []int
		body := "A: b\r\n\r\n.dot\n"
		replies, err := c.Send(t.Context(), &Message{
			Mail:  smtp.Mail{From: smtp.Path{Local: "Smith", Domain: "bar.com"}, EnvelopeID: "x"},
			Rcpts: []smtp.Rcpt{{To: smtp.Path{Local: "Jones", Domain: "foo.com"}, Notify: smtp.NotifyNever}, {To: smtp.Path{Local: "Green", Domain: "foo.com"}}},
			Body:  strings.NewReader(body), Size: int64(len(body)),
			HandOver: func(_ context.Context, rcpts []int) error {
				handed = rcpts
				return nil
			},
		})
		if err != nil || !replies[0].OK() || !replies[1].Permanent() || replies[1].Code != 550 || len(handed) != 1 {
			t.Fatal(replies, err, handed)
		}
		c.Quit(t.Context())
	})
}
