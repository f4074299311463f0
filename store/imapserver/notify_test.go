package imapserver

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"citron/engine/kv"
	"citron/engine/kv/memkv"
	"citron/ops/conn"
	"citron/store/account"
)

// A change costs a listener what it is, however many mailboxes it listens to:
// of messages no read at all, of names one.
func TestNoticeReadsNoMoreThanWhatChanged(t *testing.T) {
	f := newFixture(t)
	a, ctx := f.alice(), context.Background()
	for i := range 1000 {
		_, err := a.CreateMailbox(ctx, account.Actor{Account: 1}, fmt.Sprintf("box/%04d", i), account.CreateMailboxOptions{})
		f.check(err)
	}
	listener, other := f.login(), f.login()
	listener.say(t, "a NOTIFY SET (personal (MessageNew MessageExpunge FlagChange MailboxName SubscriptionChange))")
	other.say(t, "a SELECT box/0001")
	for _, c := range []struct {
		does, told string
		reads      uint64
	}{
		{"b APPEND box/0500 {5+}\r\nhello", "* STATUS box/0500 (MESSAGES 1 ", 0},
		{"b APPEND box/0001 {5+}\r\nhello", "* STATUS box/0001 (MESSAGES 1 ", 0},
		{`b STORE 1 +FLAGS (\Seen)`, "* STATUS box/0001 (UIDVALIDITY ", 0},
		{"b SUBSCRIBE box/0500", `* LIST (\HasNoChildren \Subscribed) "/" box/0500`, 1},
		{"b RENAME box/0500 box/new", `* LIST (\HasNoChildren) "/" box/new ("OLDNAME" (box/0500))`, 1},
	} {
		other.say(t, c.does)
		before := f.mem.Stats()
		listener.run(t)
		reads := f.mem.Stats().Reads - before.Reads
		if got := string(listener.out); !strings.HasPrefix(got, c.told) || strings.Count(got, "\r\n") != 1 {
			t.Errorf("%s: %q", c.does, got)
		}
		if reads > c.reads {
			t.Errorf("%s: %d reads, the budget is %d", c.does, reads, c.reads)
		}
		listener.out = nil
	}
}

// A session that listens is parked as one in IDLE is, and keeps little more.
func TestListeningSessionIsSmall(t *testing.T) {
	f := newFixture(t)
	listen := func() *peer {
		p := f.login()
		out := p.say(t, "a SELECT INBOX", "b NOTIFY SET (selected-delayed (MessageNew (UID FLAGS ENVELOPE) MessageExpunge FlagChange)) (personal (MessageNew MessageExpunge))")
		if !strings.HasSuffix(out, "b OK NOTIFY completed\r\n") || !p.wait.Idle || !p.wait.Input {
			t.Fatal(out, p.wait)
		}
		p.in, p.out = nil, nil
		return p
	}
	listen()
	const n = 500
	peers := make([]*peer, 0, n)
	before := heap()
	for range n {
		peers = append(peers, listen())
	}
	if each := (int64(heap()) - int64(before)) / n; each > 2560 {
		t.Errorf("a listening session keeps %d bytes", each)
	} else {
		t.Logf("a listening session keeps %d bytes", each)
	}
	runtime.KeepAlive(peers)
}

// What can be asked for is bounded (RFC 5465 §3.1, NOTIFICATIONOVERFLOW), also
// what UPDATE asks for (RFC 5267 §4.3.1, NOUPDATE).
func TestNotifyIsBounded(t *testing.T) {
	f := newFixture(t, func(c *Config) { c.MaxNotify = 20 })
	p := f.login()
	names := func(n int) string { return strings.TrimSpace(strings.Repeat("x ", n)) }
	for line, want := range map[string]string{
		"(mailboxes (" + names(19) + ") (MessageNew MessageExpunge))":                                                   "a OK ",
		"(mailboxes (" + names(20) + ") (MessageNew MessageExpunge))":                                                   "a NO [NOTIFICATIONOVERFLOW] ",
		strings.TrimSpace(strings.Repeat("(personal NONE) ", 21)):                                                       "a NO [NOTIFICATIONOVERFLOW] ",
		"(selected (MessageNew (BODY.PEEK[HEADER.FIELDS (" + names(20) + ")]) MessageExpunge))":                         "a NO [NOTIFICATIONOVERFLOW] ",
		"(selected (MessageNew (" + strings.TrimSpace(strings.Repeat("UID ", 10)) + ") MessageExpunge)) (inboxes NONE)": "a OK ",
	} {
		if out := p.say(t, "a NOTIFY SET "+line); !strings.HasPrefix(out, want) {
			t.Errorf("%s: %s", line, out)
		}
	}
	p.say(t, "a NOTIFY NONE", "b SELECT INBOX")
	out := p.say(t, "c SEARCH RETURN (UPDATE (BODY.PEEK[HEADER.FIELDS ("+names(20)+")])) ALL")
	if !strings.Contains(out, `* NO [NOUPDATE "c"] `) || !strings.Contains(out, "c OK ") {
		t.Error(out)
	}
}

// A storage that fails for a while neither loses anything nor keeps the session
// busy: it looks again after a minute.
func TestNoticeIsTriedAgain(t *testing.T) {
	storage := &unreadable{Engine: memkv.New(memkv.Options{})}
	f := newFixtureOn(t, storage)
	p, other := f.login(), f.login()
	p.say(t, "a NOTIFY SET (personal (MailboxName))")
	other.say(t, "a CREATE new")
	storage.err = errors.New("the cable is out")
	if out := p.say(t); out != "" {
		t.Errorf("while storage fails: %s", out)
	}
	if want := f.clock.Add(time.Minute); !p.wait.Until.Equal(want) {
		t.Errorf("waits until %v, not %v", p.wait.Until, want)
	}
	storage.err = nil
	*f.clock = f.clock.Add(time.Minute)
	if out := p.say(t); !strings.HasPrefix(out, "* LIST (") {
		t.Errorf("afterwards: %q", out)
	}
}

// unreadable is an engine that fails to read while err is set.
type unreadable struct {
	kv.Engine
	err error
}

func (u *unreadable) View(ctx context.Context, a kv.Account, fn func(kv.Reader) error) error {
	if u.err != nil {
		return u.err
	}
	return u.Engine.View(ctx, a, fn)
}

// RFC 5465 §5.1: a mailbox that gets another UIDVALIDITY is told of.
func TestNoticeOfUIDValidity(t *testing.T) {
	f := newFixture(t)
	p, a := f.login(), f.alice()
	p.say(t, "a NOTIFY SET (personal (MessageNew MessageExpunge FlagChange))")
	info, _ := a.Lookup("Drafts")
	f.check(a.ChooseUIDValidity(context.Background(), account.Actor{Account: 1}, info.ID, 4000000001))
	if out, want := p.say(t), "* STATUS Drafts (MESSAGES 0 UIDNEXT 1 UIDVALIDITY 4000000001 UNSEEN 0)\r\n"; out != want {
		t.Errorf("%q, want %q", out, want)
	}
}

// A listener that takes nothing costs nothing: whatever happens meanwhile waits
// in the log alone, and is told in pieces when the client is back.
func TestSleepingListenerIsToldInPieces(t *testing.T) {
	f := newFixture(t)
	p, a, ctx := f.login(), f.alice(), context.Background()
	p.say(t, "a NOTIFY SET (personal (MessageNew MessageExpunge MailboxName))")
	for i := range 1500 {
		_, err := a.CreateMailbox(ctx, account.Actor{Account: 1}, fmt.Sprintf("%s/%04d", strings.Repeat("x", 100), i), account.CreateMailboxOptions{})
		f.check(err)
	}
	largest := 0
	for p.due() {
		before := len(p.out)
		p.step(t)
		largest = max(largest, len(p.out)-before)
	}
	if n := strings.Count(string(p.out), "* LIST (\\HasNoChildren) "); n != 1500 || largest > conn.HighWater+1024 {
		t.Errorf("told of %d mailboxes, in pieces of up to %d bytes", n, largest)
	}
}
