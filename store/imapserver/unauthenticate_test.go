package imapserver

import (
	"reflect"
	"strings"
	"testing"
)

// TestUnauthenticateLeavesNothing looks at every field of a session that has
// used all it could: what strangers do not have must be as at the beginning (RFC
// 8437 §4.1: all current and future extensions).
func TestUnauthenticateLeavesNothing(t *testing.T) {
	f := newFixture(t)
	f.deliver("INBOX", nil)
	p := f.login()
	p.say(t, "a ENABLE IMAP4rev2 QRESYNC METADATA UIDONLY", "a COMPARATOR i;octet", "a NOTIFY SET (personal (MessageNew MessageExpunge))",
		"a SELECT INBOX", "a UID SEARCH RETURN (SAVE UPDATE) ALL", "a NOOP")
	s := p.session.(*Session)
	if s.enabled == 0 || s.comparator.Collation == nil || s.notify == nil || s.selected == nil || s.metadata == nil {
		t.Fatalf("there is not much to forget: %+v", s)
	}
	if out := p.say(t, "a UNAUTHENTICATE"); out != "a OK UNAUTHENTICATE completed\r\n" {
		t.Fatal(out)
	}
	if f.server.Sessions() != 0 {
		t.Error("still on the roll")
	}
	if len(f.server.contexts.count)+len(f.server.contexts.results) != 0 { // RFC 8437 §4.1: an implicit CANCELUPDATE
		t.Error("contexts go on")
	}
	// Of the connection, and what counts against whoever uses it.
	connection := "srv conn scan w greeted bad failures revoked now since heardAt full"
	if s.w.UTF8 || s.scan.Limits != f.server.strangersLimits() {
		t.Errorf("the writer is in UTF-8 mode, or commands may be long: %+v", s.scan.Limits)
	}
	v := reflect.ValueOf(s).Elem()
	for i := range v.NumField() {
		if name := v.Type().Field(i).Name; !strings.Contains(" "+connection+" ", " "+name+" ") && !v.Field(i).IsZero() {
			t.Errorf("%s is not as at the beginning", name)
		}
	}
}

// RFC 8437 §8: there must be a way to switch it off.
func TestNoUnauthenticate(t *testing.T) {
	p := newFixture(t, func(c *Config) { c.NoUnauthenticate = true }).login()
	if out := p.say(t, "a CAPABILITY"); strings.Contains(out, "UNAUTHENTICATE") {
		t.Error(out)
	}
	if out := p.say(t, "a UNAUTHENTICATE"); !strings.HasPrefix(out, "a BAD ") {
		t.Error(out)
	}
}

// RFC 8437 §4.1: the layer of COMPRESS ends, in both directions, and another may
// begin.
func TestUnauthenticateEndsCompression(t *testing.T) {
	f := newFixture(t)
	p := f.loginCompressed()
	if out := p.say(t, "a UNAUTHENTICATE"); out != "a OK UNAUTHENTICATE completed\r\n" {
		t.Fatalf("%q", out)
	}
	p.packed = nil
	if out := p.say(t, "b LOGIN bob@example.org lemonade"); !strings.HasPrefix(out, "b OK [CAPABILITY ") || !strings.Contains(out, "COMPRESS=DEFLATE") {
		t.Fatalf("%q", out)
	}
	if out := p.say(t, "- COMPRESS DEFLATE"); out != "- OK DEFLATE active\r\n" {
		t.Fatalf("%q", out)
	}
	p.compress()
	if out := p.say(t, "c NOOP"); out != "c OK NOOP completed\r\n" {
		t.Fatalf("%q", out)
	}
}

// What a client sends in the layer after it has ended is obeyed by nobody; what
// it sends after a stream that it ended itself is.
func TestUnauthenticateUnderCompression(t *testing.T) {
	f := newFixture(t)
	p := f.loginCompressed()
	p.send("a UNAUTHENTICATE\r\nb LOGIN bob@example.org lemonade\r\n")
	p.run(t)
	if !p.closed || f.server.Sessions() != 0 {
		t.Errorf("the session goes on: %q", p.out)
	}
	p = f.loginCompressed()
	p.in = p.packed.out.Append(nil, []byte("a UNAUTHENTICATE\r\n"))
	p.in = append(p.in, 3, 0) // the last block, an empty one
	p.packed = nil
	p.in = append(p.in, "b LOGIN bob@example.org lemonade\r\n"...)
	p.run(t)
	if p.closed || f.server.Sessions() != 1 {
		t.Errorf("the session is at its end: %q", p.out)
	}
}
