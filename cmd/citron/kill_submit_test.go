package main

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"citron/admin"
	"citron/wire/imap"
)

// TestKillQueue kills the real process again and again while several connections
// submit, by DATA, by BURL and by atomic send, and while the queue delivers what
// came before, to bob here and to another site. In the end each message that was
// accepted has reached every recipient, or was reported to its sender as failed;
// what was not accepted has gone to all of its recipients or to none. Nothing
// arrives twice but what the server's log names.
func TestKillQueue(t *testing.T) {
	rounds := 20
	if testing.Short() {
		rounds = 3
	}
	hop := startNextHop(t)
	site := newSendingSite(t, hop)
	l := newMailbook()
	for round := range rounds {
		p := site.start(t)
		sendUntilKilled(p, l)
		l.readLog(p.stderr.String())
		if round%4 == 3 {
			site.verified(t)
		}
		if t.Failed() {
			t.Fatalf("in round %d", round)
		}
	}
	p := site.start(t)
	finishAttempts(t, p, l)
	drained(t, site)
	l.inspect(t, p, hop)
	p.stopped(t, syscall.SIGTERM)
	site.verified(t)
	t.Logf("%d messages, %d accepted, %d of which the log says that they may arrive twice, %d rounds", len(l.all), l.acks, len(l.maybe), rounds)
}

// sendingSite is a server whose mail for other domains goes to a next hop.
type sendingSite struct {
	data, config string
	offset       int
}

func newSendingSite(t *testing.T, hop *nextHop) *sendingSite {
	t.Helper()
	offset, err := freeOffset()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	s := &sendingSite{data: filepath.Join(dir, "data"), config: filepath.Join(dir, "citron.toml"), offset: offset}
	text := fmt.Sprintf(`hostname = "localhost"
data = %q
[imap]
listen = [%q]
plaintext_login = true
[submission]
listen = [%q]
plaintext_login = true
hourly_messages = 0
daily_messages = 0
hourly_recipients = 0
daily_recipients = 0
[queue]
retry = ["50ms"]
[relay]
smarthost = %q
smarthost_tls = "none"
`, s.data, loopback(demoPorts["imap"]+offset), loopback(demoPorts["submission"]+offset), hop.Addr())
	if err := os.WriteFile(s.config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(s.data, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"alice@example.org", "bob@example.org"} {
		if out, err := citron("account", "add", "--config", s.config, "--password", demoPassword, name).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	return s
}

// start runs `citron serve` and returns when it is ready.
func (s *sendingSite) start(t *testing.T) *process {
	t.Helper()
	p, err := launchServe(s.config, s.offset)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.kill)
	return p
}

func (s *sendingSite) verified(t *testing.T) {
	t.Helper()
	if out, err := citron("verify", "--config", s.config).CombinedOutput(); err != nil {
		t.Errorf("citron verify: %v\n%s", err, out)
	}
}

// drained returns when the queue of the running server is empty.
func drained(t *testing.T, s *sendingSite) {
	t.Helper()
	client, err := admin.Dial(filepath.Join(s.data, admin.SocketName))
	if err != nil {
		t.Fatal(err)
	}
	for {
		var list []admin.QueueMessage
		if err := client.Call(t.Context(), "queue.list", admin.QueueRequest{}, nil, &list); err != nil {
			t.Fatal(err)
		}
		if len(list) == 0 {
			return
		}
	}
}

// sendUntilKilled has clients at work until the process is killed in the middle.
func sendUntilKilled(p *process, l *mailbook) {
	byData := func() error { return submitByData(p, l) }
	clients := []func() error{byData, byData, byData, func() error { return submitByBURL(p, l) }}
	for i := range 2 {
		clients = append(clients, func() error { return submitAtomically(p, l, i) })
	}
	l.untilKilled(p, 10+rand.IntN(80), clients)
}

// sender is an SMTP client of alice's, logged in.
type sender struct{ *mailer }

func dialSender(addr string) (*sender, error) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	s := &sender{&mailer{conn, bufio.NewReader(conn)}}
	if err = s.want("220"); err == nil {
		if err = s.say("EHLO test.example.net\r\n", "250"); err == nil {
			login := base64.StdEncoding.EncodeToString([]byte("\x00alice@example.org\x00" + demoPassword))
			err = s.say("AUTH PLAIN "+login+"\r\n", "235")
		}
	}
	if err != nil {
		conn.Close()
		return nil, err
	}
	return s, nil
}

// envelope says MAIL and RCPT.
func (s *sender) envelope(m *mailing, params string) error {
	text, codes := "MAIL FROM:<alice@example.org>"+params+"\r\n", []string{"250"}
	for _, to := range m.rcpts {
		text, codes = text+"RCPT TO:<"+to+">\r\n", append(codes, "250")
	}
	return s.say(text, codes...)
}

func submitByData(p *process, l *mailbook) error {
	s, err := dialSender(p.addr("submission"))
	if err != nil {
		return err
	}
	defer s.Close()
	for {
		m := l.write("DATA")
		if err := s.envelope(m, ""); err != nil {
			return err
		}
		if err := s.say("DATA\r\n", "354"); err != nil {
			return err
		}
		if err := s.say(string(m.text())+".\r\n", "250"); err != nil {
			return err
		}
		l.accepted(m)
	}
}

// drafter makes drafts and URLs to them.
type drafter struct{ *client }

// draft puts a message into Drafts and gives its URL, authorized.
func (d drafter) draft(m *mailing) (string, error) {
	text := m.text()
	code, err := d.do(&imap.Append{Mailbox: "Drafts", Messages: []imap.AppendMessage{{
		Flags: flagList(`\Draft $SubmitPending`), Message: imap.Literal{Size: int64(len(text)), Sink: -1, Data: text}}}})
	if err != nil {
		return "", err
	}
	at, ok := code.(imap.CodeAppendUID)
	if !ok {
		return "", &unexpected{"APPEND without APPENDUID"}
	}
	rump := fmt.Sprintf("imap://alice%%40example.org@localhost/Drafts;UIDVALIDITY=%d/;UID=%d;URLAUTH=submit+alice%%40example.org", at.UIDValidity, at.UIDs.Min())
	said, err := d.raw(`GENURLAUTH "` + rump + `" INTERNAL`)
	if err != nil {
		return "", err
	}
	_, rest, _ := strings.Cut(said, `"`)
	url, _, _ := strings.Cut(rest, `"`)
	return url, nil
}

func submitByBURL(p *process, l *mailbook) error {
	s, d, err := dialBoth(p)
	if err != nil {
		return err
	}
	defer s.Close()
	defer d.Close()
	for {
		m := l.write("BURL")
		url, err := d.draft(m)
		if err != nil {
			return err
		}
		if err := s.envelope(m, ""); err != nil {
			return err
		}
		if err := s.say("BURL "+url+" LAST\r\n", "250"); err != nil {
			return err
		}
		l.accepted(m)
	}
}

func dialBoth(p *process) (*sender, drafter, error) {
	s, err := dialSender(p.addr("submission"))
	if err != nil {
		return nil, drafter{}, err
	}
	c, err := dialClient(p.addr("imap"), "alice@example.org", demoPassword)
	if err != nil {
		s.Close()
	}
	return s, drafter{c}, err
}

// submitAtomically first repeats the attempt that the last round left open.
func submitAtomically(p *process, l *mailbook, worker int) error {
	s, d, err := dialBoth(p)
	if err != nil {
		return err
	}
	defer s.Close()
	defer d.Close()
	for {
		if m := l.open[worker]; m != nil {
			if err := s.attempt(m); err != nil {
				return err
			}
			l.accepted(m)
		}
		m := l.write("XATOMIC")
		if m.url, err = d.draft(m); err != nil {
			return err
		}
		l.open[worker] = m // from here on there is something to repeat
	}
}

// attempt sends a draft by its attempt id.
func (s *sender) attempt(m *mailing) error {
	if err := s.envelope(m, " XATTEMPT=letter-"+m.id+" XSENT=Sent"); err != nil {
		return err
	}
	return s.say("BURL "+m.url+" LAST\r\n", "250")
}

// finishAttempts repeats what is open still: clients do, as soon as they can.
func finishAttempts(t *testing.T, p *process, l *mailbook) {
	t.Helper()
	s, err := dialSender(p.addr("submission"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, m := range l.open {
		if m == nil || m.acked {
			continue
		}
		if err := s.attempt(m); err != nil {
			t.Fatal(err)
		}
		l.accepted(m)
	}
}
