package imapserver

import (
	"bytes"
	"context"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"unsafe"

	"citron/ops/conn"
	"citron/store/account"
	"citron/wire/imap"
)

// say feeds a peer lines and returns what the server wrote.
func (p *peer) say(t testing.TB, lines ...string) string {
	t.Helper()
	for _, l := range lines {
		p.send(l + "\r\n")
	}
	p.run(t)
	out := string(p.out)
	p.out = nil
	return out
}

// login connects and logs alice in.
func (f *fixture) login() *peer {
	f.t.Helper()
	return f.loginAs("alice")
}

func (f *fixture) loginAs(user string) *peer {
	f.t.Helper()
	p := f.newPeer()
	p.run(f.t)
	p.ok(f.t, "- LOGIN "+user+"@example.org lemonade")
	return p
}

// ok has the client send commands that must be answered by OK.
func (p *peer) ok(t testing.TB, lines ...string) {
	t.Helper()
	for _, l := range lines {
		tag, _, _ := strings.Cut(l, " ")
		if out := p.say(t, l); !strings.Contains("\r\n"+out, "\r\n"+tag+" OK") {
			t.Fatalf("%s: %s", l, out)
		}
	}
}

// A session in IDLE keeps next to nothing (docs: a parked session is tiny):
// 1.5 KB beside what it shares with others of the account.
func TestIdleSessionIsSmall(t *testing.T) {
	f := newFixture(t)
	for range 50 {
		f.deliver("INBOX", nil)
	}
	if size := unsafe.Sizeof(Session{}); size > 640 {
		t.Errorf("a Session is %d bytes", size)
	}
	idle := func() *peer {
		p := f.login()
		if out := p.say(t, "a SELECT INBOX", "b IDLE"); !strings.HasSuffix(out, "+ idling\r\n") {
			t.Fatal(out)
		}
		p.in, p.out = nil, nil
		return p
	}
	idle()
	const n = 500
	peers := make([]*peer, 0, n)
	before := heap()
	for range n {
		peers = append(peers, idle())
	}
	after := heap()
	own := int64(unsafe.Sizeof(peer{}) + unsafe.Sizeof(testConn{}))
	if each := (int64(after)-int64(before))/n - own; each > 1536 {
		t.Errorf("a session in IDLE keeps %d bytes", each)
	} else {
		t.Logf("a session in IDLE keeps %d bytes, %d of them in Session", each, unsafe.Sizeof(Session{}))
	}
	runtime.KeepAlive(peers)
}

func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// Pipelining without end: everything is answered in order, no Step writes more
// than it should, and others have their turn in between.
func TestManyPipelinedCommands(t *testing.T) {
	f := newFixture(t)
	p := f.login()
	const n = 100_000
	var in bytes.Buffer
	for i := range n {
		fmt.Fprintf(&in, "%d NOOP\r\n", i)
	}
	p.in = in.Bytes()
	next, agains := 0, 0
	for next < n {
		p.step(t)
		if len(p.out) > conn.HighWater+4096 {
			t.Fatalf("one Step wrote %d bytes", len(p.out))
		}
		if p.wait.Again {
			agains++
		}
		for line := range strings.Lines(string(p.out)) {
			if want := fmt.Sprintf("%d OK NOOP completed\r\n", next); line != want {
				t.Fatalf("want %q, got %q", want, line)
			}
			next++
		}
		p.out = p.out[:0]
	}
	if agains < n/commandsPerTurn/2 {
		t.Errorf("others had a turn %d times only", agains)
	}
}

// Much output is written in pieces: after each the session waits until it has
// been sent, whether the client ever reads it or not.
func TestMuchOutputIsDrained(t *testing.T) {
	f := newFixture(t)
	ctx, a := context.Background(), f.alice()
	for i := range 1000 {
		_, err := a.CreateMailbox(ctx, account.Actor{Account: 1}, fmt.Sprintf("%s/%04d", strings.Repeat("x", 150), i), account.CreateMailboxOptions{})
		f.check(err)
	}
	p := f.login()
	p.in = append(p.in, `a LIST "" *`+"\r\n"...)
	drains, total := 0, 0
	for {
		p.step(t)
		total += len(p.out)
		if len(p.out) > conn.HighWater+4096 {
			t.Fatalf("one Step wrote %d bytes", len(p.out))
		}
		done := bytes.HasSuffix(p.out, []byte("a OK LIST completed\r\n"))
		p.out = p.out[:0]
		if done {
			break
		}
		if p.wait.Drain {
			drains++
		}
	}
	if drains < total/conn.HighWater/2 || drains == 0 {
		t.Errorf("%d bytes in %d pieces", total, drains+1)
	}
}

// Changes by the thousand are told in pieces, too, also in IDLE.
func TestManyChangesAreDrained(t *testing.T) {
	f := newFixture(t)
	ctx, a := context.Background(), f.alice()
	var items []account.AppendItem
	for range 3000 {
		in, err := a.NewMessage(ctx)
		f.check(err)
		_, err = in.Write([]byte("Subject: x\r\n\r\n"))
		f.check(err)
		items = append(items, account.AppendItem{Incoming: in})
	}
	_, err := a.Append(ctx, account.Actor{Account: 1}, account.Inbox, items)
	f.check(err)
	idle, busy := f.login(), f.login()
	idle.say(t, "a SELECT INBOX", "b IDLE")
	busy.say(t, "a SELECT INBOX")
	_, err = a.StoreFlags(ctx, account.Actor{Account: 1}, account.Inbox, idle.selected().view.Set.Ranges(),
		account.FlagChange{Op: account.AddFlags, System: account.Flagged}, nil)
	f.check(err)
	for _, p := range []*peer{idle, busy} {
		if p == busy {
			p.in = append(p.in, "b NOOP\r\n"...)
		}
		var out bytes.Buffer
		for p.due() {
			p.step(t)
			if len(p.out) > conn.HighWater+4096 {
				t.Fatalf("one Step wrote %d bytes", len(p.out))
			}
			out.Write(p.out)
			p.out = p.out[:0]
		}
		if n := strings.Count(out.String(), `FLAGS (\Flagged`); n != 3000 {
			t.Errorf("%d messages were told", n)
		}
		if p == busy && !strings.HasSuffix(out.String(), "b OK NOOP completed\r\n") {
			t.Error("NOOP was not answered last")
		}
	}
	if out := idle.say(t, "DONE"); out != "b OK IDLE completed\r\n" {
		t.Error(out)
	}
}

func (p *peer) selected() *selected { return p.session.(*Session).selected }

// A line beyond the limit is refused, held in bounded memory, and forgotten.
func TestLongLine(t *testing.T) {
	f := newFixture(t)
	p := f.login()
	p.in = append(p.in, "a LIST \"\" "...)
	for range 1000 {
		p.in = append(p.in, bytes.Repeat([]byte("x"), 1000)...)
		p.run(t)
		if held := cap(p.session.(*Session).scan.Frame().Bytes); held > 128<<10 {
			t.Fatalf("%d bytes are held", held)
		}
	}
	out := p.say(t, "", "b NOOP")
	if !strings.HasPrefix(out, "a BAD [TOOBIG] ") || !strings.HasSuffix(out, "\r\nb OK NOOP completed\r\n") {
		t.Errorf("%q", out)
	}
}

// A session that is closed in the middle of a slow command leaves nothing.
func TestCloseInTheMiddle(t *testing.T) {
	f := newFixture(t)
	ctx, a := context.Background(), f.alice()
	for i := range 500 {
		_, err := a.CreateMailbox(ctx, account.Actor{Account: 1}, fmt.Sprintf("%s/%04d", strings.Repeat("x", 150), i), account.CreateMailboxOptions{})
		f.check(err)
	}
	p := f.login()
	p.in = append(p.in, `a LIST "" *`+"\r\n"...)
	p.step(t)
	if s := p.session.(*Session); s.task == nil {
		t.Fatal("LIST is not under way")
	}
	p.hangUp()
	if n := f.server.Sessions(); n != 0 {
		t.Errorf("%d sessions left", n)
	}
	p = f.login()
	p.in = append(p.in, `a LIST "" *`+"\r\n"...)
	p.step(t)
	f.changePassword("alice@example.org", "limeade")
	p.run(t)
	if !p.closed || !bytes.HasSuffix(p.out, []byte("\r\n")) || bytes.Contains(p.out, []byte("BYE")) {
		t.Errorf("the session goes on, or speaks in the middle: %q", p.out[max(0, len(p.out)-100):])
	}
}

func TestShutdownSaysBye(t *testing.T) {
	f := newFixture(t)
	p := f.login()
	p.say(t, "a SELECT INBOX", "b IDLE")
	turn := conn.Turn{Now: *f.clock, Shutdown: true}
	w := p.session.Step(&turn)
	if w.Then != conn.Close || !strings.HasPrefix(string(turn.Out), "* BYE ") {
		t.Errorf("%v %q", w, turn.Out)
	}
}

// A defect in a handler ends its session and no other.
func TestPanicEndsSession(t *testing.T) {
	f := newFixture(t)
	f.server.commands["NOOP"] = &spec{"NOOP", anyState, 0, func(*Session, *command, argument) error { panic("defect") }}
	f.server.commands["CHECK"] = &spec{"CHECK", anyState, slow, f.server.commands["NOOP"].run}
	for _, verb := range []string{"NOOP", "CHECK"} {
		p := f.login()
		if out := p.say(t, "a "+verb); !strings.HasPrefix(out, "* BYE [SERVERBUG]") || !p.closed {
			t.Errorf("%s: %q", verb, out)
		}
	}
	if !strings.Contains(f.log.String(), "defect") {
		t.Error("not logged")
	}
}

// The account and the wire number system flags alike.
func TestSystemFlagNumbers(t *testing.T) {
	for wire, own := range map[imap.SystemFlags]account.SystemFlag{
		imap.FlagSeen: account.Seen, imap.FlagAnswered: account.Answered, imap.FlagFlagged: account.Flagged,
		imap.FlagDeleted: account.Deleted, imap.FlagDraft: account.Draft,
	} {
		if systemFlags(wire) != own {
			t.Errorf("%v is %v", wire, own)
		}
	}
}
