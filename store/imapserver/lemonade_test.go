package imapserver

import (
	"slices"
	"strings"
	"testing"

	"citron/wire/imap"
)

// What RFC 5550 wants of a message store beside CONVERT (RFC 5550 §5.2) is
// announced before or after login, each where its section says so.
func TestLemonadeProfile(t *testing.T) {
	stranger := imap.Capabilities(imap.Announcement{State: imap.NotAuthenticated, StartTLS: true})
	user := imap.Capabilities(imap.Announcement{State: imap.Authenticated, AppendLimit: 1, Compress: true})
	for _, c := range []struct {
		announced []string
		tokens    string
	}{
		{user, "CONDSTORE QRESYNC ENABLE"},                        // RFC 5550 §5.1
		{user, "BINARY"},                                          // RFC 5550 §5.2
		{user, "COMPRESS=DEFLATE"},                                // RFC 5550 §5.3
		{user, "IDLE NOTIFY"},                                     // RFC 5550 §5.4.1
		{user, "ESEARCH CONTEXT=SEARCH ESORT CONTEXT=SORT SORT"},  // RFC 5550 §5.5
		{user, "NAMESPACE I18NLEVEL=1 I18NLEVEL=2"},               // RFC 5550 §5.6
		{user, "CATENATE UIDPLUS URLAUTH URL-PARTIAL"},            // RFC 5550 §5.7
		{stranger, "LITERAL+ SASL-IR STARTTLS"},                   // RFC 5550 §5.8
		{user, "LITERAL+"},                                        // RFC 5550 §5.8
		{user, "FILTERS METADATA URLAUTH=BINARY METADATA-SERVER"}, // RFC 5550 §5.11
	} {
		for _, token := range strings.Fields(c.tokens) {
			if !slices.Contains(c.announced, token) {
				t.Errorf("%s is not announced", token)
			}
		}
	}
}

// A message that replaces another is another one (RFC 8508 §4.6).
func TestReplaceGivesNewIdentity(t *testing.T) {
	f := newFixture(t)
	f.deliver("INBOX", nil)
	p := f.login()
	p.ok(t, "a SELECT INBOX")
	before := p.say(t, "a UID FETCH 1 EMAILID")
	p.ok(t, "a REPLACE 1 INBOX {14+}\r\nSubject: a\r\n\r\n")
	after := p.say(t, "a UID FETCH 2 EMAILID")
	id := func(s string) string {
		_, id, _ := strings.Cut(s, "EMAILID (")
		id, _, _ = strings.Cut(id, ")")
		return id
	}
	if id(before) == "" || id(after) == "" || id(before) == id(after) {
		t.Errorf("%q became %q", before, after)
	}
}
