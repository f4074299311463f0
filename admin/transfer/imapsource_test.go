package transfer

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"citron/wire/imap"
)

// script is an IMAP server that says what it was told to: to each command, by
// its beginning without the tag, the lines given, then a tagged OK unless they
// end with a tagged response ("$ NO …") or with hangUp.
type script map[string]string

const hangUp = "hang up"

// serve answers one connection; it returns the address.
func (s script) serve(t *testing.T) IMAPAddress {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	t.Cleanup(func() {
		ln.Close()
		<-done
	})
	go func() {
		defer close(done)
		if conn, err := ln.Accept(); err == nil {
			defer conn.Close()
			s.talk(conn)
		}
	}()
	return IMAPAddress{User: "alice", Host: ln.Addr().String()}
}

func (s script) talk(conn net.Conn) {
	fmt.Fprint(conn, "* OK [CAPABILITY IMAP4rev1] ready\r\n")
	for in := bufio.NewScanner(conn); in.Scan(); {
		answer, end := s.reply(in.Text())
		if _, err := conn.Write([]byte(answer)); err != nil || end {
			return
		}
	}
}

// inMemory opens the script without a network between: it answers as soon as a
// command is written, and has hung up where it owes an answer.
func (s script) inMemory(t *testing.T) (*IMAP, error) {
	t.Helper()
	conn := &scripted{script: s}
	conn.said.WriteString("* OK [CAPABILITY IMAP4rev1] ready\r\n")
	return openIMAPOver(t.Context(), conn, IMAPAddress{User: "alice", Host: "127.0.0.1:143"}, IMAPOptions{Password: "lemonade", Plain: true})
}

// scripted is the client's end of a connection to a script.
type scripted struct {
	script
	said  bytes.Buffer
	ended bool
}

func (c *scripted) Read(p []byte) (int, error) { return c.said.Read(p) }

func (c *scripted) Write(p []byte) (int, error) {
	for line := range strings.Lines(string(p)) {
		if !c.ended {
			var text string
			text, c.ended = c.reply(strings.TrimRight(line, "\r\n"))
			c.said.WriteString(text)
		}
	}
	return len(p), nil
}

func (*scripted) Close() error                     { return nil }
func (*scripted) LocalAddr() net.Addr              { return nil }
func (*scripted) RemoteAddr() net.Addr             { return nil }
func (*scripted) SetDeadline(time.Time) error      { return nil }
func (*scripted) SetReadDeadline(time.Time) error  { return nil }
func (*scripted) SetWriteDeadline(time.Time) error { return nil }

// reply is what the script says to a line, and whether it hangs up then.
func (s script) reply(line string) (text string, end bool) {
	tag, command, _ := strings.Cut(line, " ")
	text, end = strings.CutSuffix(s.answer(command), hangUp)
	return strings.ReplaceAll(strings.ReplaceAll(text, "$ ", tag+" "), "\n", "\r\n"), end
}

// answer is that of the longest beginning.
func (s script) answer(command string) string {
	best := ""
	for begin := range s {
		if strings.HasPrefix(command, begin) && len(begin) > len(best) {
			best = begin
		}
	}
	text := s[best]
	if strings.HasSuffix(text, hangUp) || strings.Contains("\n"+text, "\n$ ") {
		return text
	}
	return text + "$ OK done\n"
}

// with gives the script with other answers.
func (s script) with(more script) script {
	all := script{}
	for _, m := range []script{s, more} {
		for k, v := range m {
			all[k] = v
		}
	}
	return all
}

func (s script) open(t *testing.T) (*IMAP, error) {
	t.Helper()
	return OpenIMAP(t.Context(), s.serve(t), IMAPOptions{Password: "lemonade", Plain: true})
}

// courier is a server of the old school: a prefix, dots, LSUB.
var courier = script{
	"CAPABILITY": "* CAPABILITY IMAP4rev1 NAMESPACE\n",
	"LOGIN":      "",
	"NAMESPACE":  `* NAMESPACE (("INBOX." ".")) (("user." ".")) (("#shared." "."))` + "\n",
	"LIST": `* LIST (\Noselect) "." "INBOX.Old"
* LIST () "." "INBOX"
* LIST (\Sent) "." "INBOX.Sent"
* LIST () "." "INBOX.Entw&APw-rfe.a/b"
* LIST () "." "user.bob"
* LIST () "." "#shared.news"
`,
	"LSUB":                      `* LSUB () "." "INBOX.Sent"` + "\n",
	"EXAMINE":                   "* 0 EXISTS\n* OK [UIDVALIDITY 7] \n* OK [UIDNEXT 1] \n",
	"EXAMINE INBOX":             "* 3 EXISTS\n* OK [UIDVALIDITY 5] \n* OK [UIDNEXT 40] \n",
	"EXAMINE INBOX.Sent":        "* 0 EXISTS\n* OK [UIDVALIDITY 6] \n* OK [UIDNEXT 9] \n",
	"EXAMINE INBOX.Entw":        "$ NO damaged\n",
	"UID SEARCH":                "* SEARCH 30 10 20\n",
	"UID FETCH 10,20,30 (UID F": fetched,
	"UID FETCH 10,20,30 (UID B": bodies,
}

const fetched = `* 1 FETCH (FLAGS (\Seen \Recent $Work \Strange) UID 10 INTERNALDATE "17-Jul-1996 02:44:25 -0700")
* 1 FETCH (FLAGS (\Deleted))
* 4 EXISTS
* 2 FETCH (UID 20 FLAGS () INTERNALDATE "17-Jul-1996 02:44:26 -0700")
* 3 FETCH (INTERNALDATE "17-Jul-1996 02:44:27 -0700" UID 30 FLAGS (\Answered))
`

// The second body comes before its UID, the third as a quoted string; between
// them is what nobody asked for and what nobody understands.
const bodies = `* 1 FETCH (UID 10 BODY[] {8}
a: b

)
* 2 FETCH (BODY[] {5}
c

 UID 20)
* 99 EXPUNGE
* 3 FETCH (FLAGS (\Seen))
* ?? what
* 3 FETCH (UID 30 BODY[] "quoted")
`

func TestIMAPOldServer(t *testing.T) {
	src, err := courier.open(t)
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	m := newMemory()
	count, err := Import(t.Context(), src, m, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		`INBOX [$Work \Seen] 1996-07-17T09:44:25Z "a: b\r\n\r\n"`,
		`INBOX [] 1996-07-17T09:44:26Z "c\r\n\r\n"`,
		`INBOX [\Answered] 1996-07-17T09:44:27Z "quoted"`,
	}
	if diff := cmp.Diff(want, m.said()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"INBOX", "Sent"}, m.boxes); diff != "" {
		t.Error(diff)
	}
	if count.Bad != 1 || !strings.Contains(count.Problems[0].Error(), "damaged") {
		t.Errorf("problems: %v", count.Problems)
	}
	if !m.known[src.at.name()+"/INBOX 5.20"] {
		t.Errorf("remembered: %v", m.known)
	}
}

func TestIMAPNames(t *testing.T) {
	n := namespaces{personal: "INBOX.", foreign: []string{"user."}}
	for _, c := range []struct {
		name      string
		separator byte
		want      string
	}{
		{"INBOX", '.', "INBOX"}, {"inbox", '.', "INBOX"}, {"INBOX.a.b", '.', "a/b"}, {"INBOX.a/b", '.', "a_b"},
		{"Other", '.', "Other"}, {"a..b", '.', "a/_/b"}, {"100%", 0, "100_"}, {"INBOX.", '.', "INBOX/_"},
	} {
		if got := n.local(c.name, c.separator); got != c.want {
			t.Errorf("%q: %q, want %q", c.name, got, c.want)
		}
	}
	if n.own("user.bob") || !n.own("users") {
		t.Error("own takes others' mailboxes for ours")
	}
}

// Whatever the server does wrong is an error that says so, never a hang, and
// what was brought before stays.
func TestIMAPErrors(t *testing.T) {
	for name, c := range map[string]struct {
		change script
		want   string
	}{
		"wrong password":   {script{"LOGIN": "$ NO [AUTHENTICATIONFAILED] no\n"}, "login of alice: no"},
		"no mechanism":     {script{"CAPABILITY": "* CAPABILITY IMAP4rev1 LOGINDISABLED\n"}, "neither PLAIN nor LOGIN"},
		"bye":              {script{"UID SEARCH": "* BYE overload\n"}, "ends the connection: overload"},
		"hang up":          {script{"UID SEARCH": hangUp}, "unexpected EOF"},
		"cut in a literal": {script{"UID FETCH 10,20,30 (UID B": "* 1 FETCH (UID 10 BODY[] {4000}\nabc" + hangUp}, "unexpected EOF"},
		"search refused":   {script{"UID SEARCH": "$ BAD what?\n"}, "refuses SEARCH"},
	} {
		t.Run(name, func(t *testing.T) {
			src, err := courier.with(c.change).open(t)
			if err == nil {
				defer src.Close()
				_, err = Import(t.Context(), src, newMemory(), nil)
			}
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

// A message that the server does not send is reported, and not remembered.
func TestIMAPMissingMessage(t *testing.T) {
	src, err := courier.with(script{"UID FETCH 10,20,30 (UID B": "* 1 FETCH (UID 10 BODY[] NIL)\n* 2 FETCH (UID 20 BODY[] \"x\")\n$ NO some are damaged\n"}).open(t)
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	m := newMemory()
	count, err := Import(t.Context(), src, m, nil)
	if err != nil || count.Added != 1 || count.Bad != 3 { // two messages and a mailbox
		t.Errorf("%+v, %v", count, err)
	}
	if len(m.known) != 1 {
		t.Errorf("remembered: %v", m.known)
	}
}

func TestIMAPCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	src, err := OpenIMAP(ctx, courier.serve(t), IMAPOptions{Password: "x", Plain: true})
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	cancel()
	if _, err := Import(ctx, src, newMemory(), nil); err == nil || !strings.Contains(err.Error(), context.Canceled.Error()) {
		t.Errorf("got %v", err)
	}
}

func TestIMAPAddress(t *testing.T) {
	for text, want := range map[string]IMAPAddress{
		"imap://alice@old.example.org":               {"alice", "old.example.org:143", false},
		"imap://alice@example.org@old.example.org/":  {"alice@example.org", "old.example.org:143", false},
		"imaps://alice%40example.org@[2001:db8::1]/": {"alice@example.org", "[2001:db8::1]:993", true},
		"imap://a@h:1143/":                           {"a", "h:1143", false},
	} {
		if got, err := ParseIMAPAddress(text); err != nil || got != want {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{"imap://host", "imap://a:secret@host", "imap://a@host/INBOX", "pop://a@host", "imap://a@", "imap://a@host:x/"} {
		if _, err := ParseIMAPAddress(text); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", text, err)
		}
	}
	if _, err := OpenIMAP(t.Context(), IMAPAddress{"a", "192.0.2.1:143", false}, IMAPOptions{Plain: true}); err != errPlain {
		t.Errorf("without TLS to another machine: %v", err)
	}
}

func TestCut(t *testing.T) {
	set := imap.NumSetOfRanges(imap.Range{From: 1, To: 5}, imap.Range{From: 7, To: 7}, imap.Range{From: 9, To: 20})
	for n, want := range map[uint64][2]string{
		3: {"1:3", "4:5,7,9:20"}, 5: {"1:5", "7,9:20"}, 6: {"1:5,7", "9:20"}, 8: {"1:5,7,9:10", "11:20"}, 18: {"1:5,7,9:20", ""}, 99: {"1:5,7,9:20", ""},
	} {
		if head, rest := cut(set, n); head.String() != want[0] || rest.String() != want[1] {
			t.Errorf("%d: %s and %s, want %v", n, head, rest, want)
		}
	}
}
