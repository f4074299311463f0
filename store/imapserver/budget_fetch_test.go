package imapserver

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"citron/store/account"
)

// fill files n small messages for alice in one transaction.
func (f *fixture) fill(n int, message []byte) {
	f.t.Helper()
	ctx, a := context.Background(), f.alice()
	items := make([]account.AppendItem, n)
	for i := range items {
		var err error
		items[i].Incoming, err = a.NewMessage(ctx)
		f.check(err)
		_, err = items[i].Incoming.Write(message)
		f.check(err)
	}
	_, err := a.Append(ctx, account.Actor{Account: 1}, account.Inbox, items)
	f.check(err)
}

// What 500 messages cost in round trips: entries come by 512, descriptions by
// 256, bodies by 64, and with \Seen to be set there is a transaction for each
// 64.
func TestRoundTripsOfManyMessages(t *testing.T) {
	f := newFixture(t)
	f.fill(500, []byte("From: a@example.org\r\nSubject: hello\r\n\r\nHello.\r\n"))
	p := f.login()
	p.say(t, "x SELECT INBOX")
	for _, c := range []struct {
		line           string
		reads, updates uint64
	}{
		{"FETCH 1:* FLAGS", 1, 0},
		{"UID FETCH 1:* (FLAGS INTERNALDATE RFC822.SIZE MODSEQ SAVEDATE)", 1, 0},
		{"FETCH 1:* ENVELOPE", 3, 0},
		{"FETCH 1:* (UID FLAGS BODYSTRUCTURE ENVELOPE PREVIEW EMAILID BODY.PEEK[HEADER.FIELDS (SUBJECT)])", 3, 0},
		{"FETCH 1:* BODY.PEEK[HEADER]", 3, 0},
		{"FETCH 1:* BODY.PEEK[]", 9, 0},
		{"FETCH 1:* (BODY.PEEK[1]<0.100> BINARY.SIZE[1])", 9, 0},
		{"UID FETCH 7 BODY.PEEK[]", 2, 0},
		{"FETCH 1:* (FLAGS) (CHANGEDSINCE 1)", 2, 0},
		{"FETCH 1:* (FLAGS) (CHANGEDSINCE 1000)", 0, 0},
		{"FETCH 1:64 BODY[]", 4, 1}, // one of them tells what is new
		{"FETCH 1:64 BODY[]", 2, 0},
		{"SEARCH UNSEEN", 0, 0},
		{"SEARCH FLAGGED", 1, 0},
		{"SEARCH FROM alice", 4, 0},
		{"SEARCH BODY nothing", 12, 0},
		{"SEARCH FROM alice BODY nothing", 4, 0},
		{"SEARCH MODSEQ 1000", 0, 0},
		{"STORE 1:* +FLAGS.SILENT (\\Flagged)", 2, 1},
		{"COPY 1:* Drafts", 3, 1},
		{"MOVE 1:500 Junk", 4, 1},
	} {
		before := f.mem.Stats()
		out := p.say(t, "a "+c.line)
		after := f.mem.Stats()
		if !strings.Contains(out, "\r\na OK ") && !strings.HasPrefix(out, "a OK ") {
			t.Errorf("%s: %.300s", c.line, out)
		}
		reads, updates := after.Reads-before.Reads, after.Updates-before.Updates
		if reads > c.reads || updates > c.updates {
			t.Errorf("%s: %d reads and %d updates, the budget is %d and %d", c.line, reads, updates, c.reads, c.updates)
		}
	}
}

// Large messages are in the body store: no round trip more than small ones.
func TestRoundTripsOfLargeMessages(t *testing.T) {
	f := newFixture(t)
	f.fill(64, []byte("Subject: large\r\n\r\n"+strings.Repeat("0123456789abcdef\r\n", 1000)))
	p := f.login()
	p.say(t, "x EXAMINE INBOX")
	before := f.mem.Stats().Reads
	out := p.say(t, "a FETCH 1:* BODY.PEEK[]")
	if n := strings.Count(out, "BODY[] {18018}"); n != 64 {
		t.Fatalf("%d bodies: %.200q", n, out)
	}
	if reads := f.mem.Stats().Reads - before; reads > 2 {
		t.Errorf("%d round trips", reads)
	}
}

// What is described is read in bounded amounts, whatever the messages are.
func TestDescriptionsAreReadInBoundedAmounts(t *testing.T) {
	entries := make([]account.Entry, 512)
	for i := range entries {
		entries[i].Size = maxDescribed
	}
	f := &fetcher{want: account.WantIndex}
	if n := f.together(entries); n > batchBytes/maxDescribed+1 {
		t.Errorf("%d messages of %d bytes are described together", n, maxDescribed)
	}
	for i := range entries {
		entries[i].Size = 1000
	}
	if n := f.together(entries); n != describeBatch {
		t.Errorf("%d small messages are described together", n)
	}
	if got := fmt.Sprint(f.together(entries[:3])); got != "3" {
		t.Error(got)
	}
}
