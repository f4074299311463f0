package imapserver

import (
	"fmt"
	"strings"
	"testing"
)

// Each command has a budget of round trips to the engine, because the engine
// may be a network away (ARCHITECTURE decision 2). Here the account is warm:
// its names and counts are in memory.
func TestRoundTrips(t *testing.T) {
	f := newFixture(t)
	for range 100 {
		f.deliver("INBOX", nil)
	}
	p := f.login()
	// The first LIST of a process looks whether anything is shared with anyone.
	p.say(t, "x SELECT INBOX", "x UNSELECT", `x LIST "" *`)
	for _, c := range []struct {
		line           string
		reads, updates uint64
	}{
		{"NOOP", 0, 0},
		{`LIST "" *`, 0, 0},
		{`LIST "" (*) RETURN (STATUS (MESSAGES UNSEEN UIDNEXT HIGHESTMODSEQ SIZE))`, 0, 0},
		{"STATUS INBOX (MESSAGES UNSEEN RECENT)", 0, 0},
		{"SUBSCRIBE Drafts", 0, 1},
		{"GETQUOTAROOT INBOX", 0, 0},
		{"SETMETADATA INBOX (/private/comment \"a\" /shared/comment \"b\")", 2, 1}, // the first time they are counted
		{"SETMETADATA INBOX (/private/comment \"c\" /shared/comment \"d\")", 1, 1},
		{"GETMETADATA INBOX (/private/comment /shared/comment)", 1, 0},
		{`LIST "" * RETURN (METADATA (/shared/comment))`, 1, 0},
		{"ENABLE QRESYNC", 0, 0},
		{"SELECT INBOX", 0, 0},
		{"SELECT INBOX (QRESYNC (${v} 5))", 3, 0},
		{"EXPUNGE", 0, 0},
		{"UID EXPUNGE 1:10", 0, 0},
		{"APPEND Drafts {5+}\r\nabc\r\n", 1, 1},
		{"APPEND Drafts CATENATE (URL /INBOX/;UID=1 URL /INBOX/;UID=1/;SECTION=TEXT)", 3, 1},
		{"GENURLAUTH imap://alice@h/INBOX/;UID=1;URLAUTH=anonymous INTERNAL", 4, 2}, // the first makes the keys
		{"GENURLAUTH imap://alice@h/INBOX/;UID=1;URLAUTH=anonymous INTERNAL", 2, 0},
		{"URLFETCH imap://alice@h/INBOX/;UID=1;URLAUTH=anonymous:internal:" + strings.Repeat("0", 82), 2, 0},
		{"RESETKEY INBOX", 0, 1},
		{"CREATE new", 1, 1},
		{"RENAME new newer", 1, 1},
		{"DELETE newer", 1, 1},
		{"IDLE\r\nDONE", 0, 0},
		{"CLOSE", 0, 0},
	} {
		line := c.line
		if strings.Contains(line, "${v}") {
			info, _ := f.alice().Lookup("INBOX")
			line = strings.ReplaceAll(line, "${v}", fmt.Sprint(info.UIDValidity))
		}
		before := f.mem.Stats()
		out := p.say(t, "a "+line)
		after := f.mem.Stats()
		if !strings.Contains(out, "\r\na OK ") && !strings.HasPrefix(out, "a OK ") {
			t.Errorf("%s: %s", c.line, out)
		}
		reads, updates := after.Reads-before.Reads, after.Updates-before.Updates
		if reads > c.reads || updates > c.updates {
			t.Errorf("%s: %d reads and %d updates, the budget is %d and %d", c.line, reads, updates, c.reads, c.updates)
		}
	}
}
