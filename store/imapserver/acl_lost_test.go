package imapserver

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"citron/mail/acl"
)

// A right to read that is taken away ends what is under way, even in the middle
// of a message (RFC 4314 §5.1.1): no more than what was written already leaves
// the server.
func TestLostInTheMiddleOfFetch(t *testing.T) {
	f := newFixture(t)
	for i := range 20 {
		f.deliver("INBOX", fmt.Appendf(nil, "Subject: %d\r\n\r\n%s", i, bytes.Repeat([]byte("0123456789\r\n"), 4000)))
	}
	f.share("alice", "INBOX", "bob", acl.Lookup|acl.Read)
	p := f.loginAs("bob")
	p.ok(t, `a SELECT "Other Users/alice@example.org/INBOX"`)
	p.send("b FETCH 1:20 BODY.PEEK[]\r\n")
	p.step(t)
	if p.closed || len(p.out) == 0 {
		t.Fatalf("after one Step: closed is %v, %d bytes", p.closed, len(p.out))
	}
	before := len(p.out)
	f.share("alice", "INBOX", "bob", acl.Lookup)
	p.run(t)
	if !p.closed || len(p.out) > before || strings.Contains(string(p.out), "b OK") {
		t.Errorf("closed is %v, %d bytes after %d", p.closed, len(p.out), before)
	}
}

// A session lets go of the accounts of others as soon as nothing needs them, and
// keeps that of its selected mailbox.
func TestGuestsAreLetGo(t *testing.T) {
	f := newFixture(t)
	f.share("alice", "INBOX", "bob", acl.All)
	p := f.loginAs("bob")
	s := p.session.(*Session)
	for _, c := range []struct {
		line string
		open int
	}{
		{`LIST "" *`, 0}, {"STATUS " + theirInbox + " (MESSAGES)", 0}, {"SELECT " + theirInbox, 1}, {`LIST "" *`, 1},
		{"SELECT INBOX", 0}, {"EXAMINE " + theirInbox, 1}, {"SELECT nothing", 0}, {"APPEND " + theirInbox + " {3+}\r\nabc", 0},
		{"SELECT " + theirInbox, 1}, {"UNSELECT", 0}, {"SELECT " + theirInbox, 1}, {"LOGOUT", 0},
	} {
		p.say(t, "a "+c.line)
		if len(s.guests) != c.open {
			t.Errorf("after %s %d accounts of others are open, not %d", c.line, len(s.guests), c.open)
		}
	}
}

const theirInbox = `"Other Users/alice@example.org/INBOX"`

// What is asked of another's mailbox costs no more round trips than one's own,
// once both accounts are in memory.
func TestRoundTripsOfOthers(t *testing.T) {
	f := newFixture(t)
	f.deliver("INBOX", nil)
	f.share("alice", "INBOX", "bob", acl.All)
	f.alice()
	p := f.loginAs("bob")
	p.ok(t, `x LIST "" *`, "x SELECT "+theirInbox, "x UNSELECT")
	for _, c := range []struct {
		line           string
		reads, updates uint64
	}{
		{`LIST "" * RETURN (MYRIGHTS STATUS (MESSAGES UNSEEN))`, 0, 0},
		{"STATUS " + theirInbox + " (MESSAGES UNSEEN)", 0, 0},
		{"MYRIGHTS " + theirInbox, 0, 0},
		{"GETACL " + theirInbox, 1, 0},
		{"SELECT " + theirInbox, 0, 0},
		{"NOOP", 0, 0},
		{"APPEND " + theirInbox + " {5+}\r\nabc\r\n", 1, 1},
	} {
		before := f.engine.Stats()
		p.ok(t, "a "+c.line)
		after := f.engine.Stats()
		reads, updates := after.Reads-before.Reads, after.Updates-before.Updates
		if reads > c.reads || updates > c.updates {
			t.Errorf("%s: %d reads and %d updates, the budget is %d and %d", c.line, reads, updates, c.reads, c.updates)
		}
	}
}

// So does the right to expunge: of a MOVE nothing is done then (RFC 6851 §3.3),
// whether it leads into another account or not, and an EXPUNGE goes no further.
func TestLostInTheMiddleOfMove(t *testing.T) {
	for _, c := range []struct {
		line string
		left func(messages uint32) bool
	}{
		{"MOVE 1:* INBOX", func(n uint32) bool { return n == 100 }},
		{`MOVE 1:* "Other Users/alice@example.org/Archive"`, func(n uint32) bool { return n == 100 }},
		{"EXPUNGE", func(n uint32) bool { return n > 0 }},
	} {
		f := inSteps(t)
		f.share("alice", "INBOX", "bob", acl.All)
		f.share("alice", "Archive", "bob", acl.All)
		p := f.loginAs("bob")
		p.ok(t, "a SELECT "+theirInbox, `a STORE 1:* +FLAGS.SILENT (\Deleted)`)
		p.send("b " + c.line + "\r\n")
		for range 4 {
			p.step(t)
		}
		f.share("alice", "INBOX", "bob", acl.All&^acl.Expunge)
		p.run(t)
		inbox, _ := f.alice().Lookup("INBOX")
		if p.closed || !strings.Contains(string(p.out), "\r\nb NO [NOPERM] ") || !c.left(inbox.Messages) {
			t.Errorf("%s: %d messages left, closed is %v, %q", c.line, inbox.Messages, p.closed, p.out)
		}
		p.hangUp()
		*f.clock = f.clock.Add(24 * time.Hour)
		f.maintain()
		if n := f.intents(); n != 0 {
			t.Errorf("%s: %d intents", c.line, n)
		}
	}
}

// A search of many mailboxes says nothing of those that the user may not read any
// more when their turn comes (RFC 7377 §5).
func TestLostInTheMiddleOfMultisearch(t *testing.T) {
	f := newFixture(t)
	f.share("alice", "INBOX", "bob", acl.All)
	alice, p := f.login(), f.loginAs("bob")
	long := strings.Repeat("long", 50)
	for i := range 300 {
		name := fmt.Sprintf("INBOX/%s%d", long, i)
		alice.ok(t, "a CREATE "+name, "a APPEND "+name+" {3+}\r\nabc")
	}
	p.send(`b ESEARCH IN (subtree "Other Users") ALL` + "\r\n")
	p.step(t)
	before := strings.Count(string(p.out), "\r\n")
	for _, info := range f.alice().Mailboxes() {
		f.share("alice", info.Name, "bob", acl.Lookup)
	}
	p.run(t)
	if after := strings.Count(string(p.out), "\r\n"); before == 0 || before > 299 || after > before+1 {
		t.Errorf("%d mailboxes searched before the right was taken, %d lines in the end: %.300s", before, after, p.out)
	}
}

// An authorized URL gives no more than what was on its way when its maker lost
// the right to read (CVE-2026-47087).
func TestLostInTheMiddleOfURLFetch(t *testing.T) {
	f := newFixture(t)
	f.login().ok(t, "a CREATE work")
	f.deliver("work", fmt.Appendf(nil, "Subject: a\r\n\r\n%s", bytes.Repeat([]byte("0123456789\r\n"), 40_000)))
	f.share("alice", "work", "bob", acl.Lookup|acl.Read)
	url := f.loginAs("bob").authorized(t, bobs)
	p := f.loginAs("carol")
	p.send(`b URLFETCH "` + url + "\"\r\n")
	p.step(t)
	before := len(p.out)
	f.share("alice", "work", "bob", acl.Lookup)
	p.run(t)
	if !p.closed || before == 0 || len(p.out) > before {
		t.Errorf("closed is %v, %d bytes after %d", p.closed, len(p.out), before)
	}
}
