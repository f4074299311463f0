package imapserver

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
)

// A message made of URLs is measured while it grows, against the largest that
// APPEND takes and against the quota (RFC 4469 §4.2, RFC 7889); nothing is
// left of what was refused.
func TestCatenateGrows(t *testing.T) {
	f := newFixture(t)
	f.deliver("INBOX", []byte("Subject: a\r\n\r\n"+strings.Repeat("0123456789abcdef", 20_000)))
	p := f.login()
	parts := func(n int) string {
		return "a APPEND INBOX CATENATE (URL /INBOX/;UID=1" + strings.Repeat(" URL /INBOX/;UID=1", n-1) + ")"
	}
	if out := p.say(t, parts(3)); !strings.HasPrefix(out, "a OK ") {
		t.Error(out)
	}
	if out := p.say(t, parts(4)); !strings.HasPrefix(out, "a NO [TOOBIG] ") {
		t.Error(out)
	}
	if out := p.say(t, "a APPEND INBOX CATENATE (URL /INBOX/;UID=1 URL /INBOX/;UID=1 URL /INBOX/;UID=1 TEXT {100000}"); !strings.HasPrefix(out, "a NO [TOOBIG] ") {
		t.Error(out)
	}
	used := f.alice().Quota().Used
	f.check(f.alice().SetQuota(t.Context(), used+400_000))
	if out := p.say(t, parts(2)); !strings.HasPrefix(out, "a NO [OVERQUOTA] ") {
		t.Error(out)
	}
	if out := p.say(t, parts(1)); !strings.HasPrefix(out, "a OK ") {
		t.Error(out)
	}
	// Over many messages of one command, too; REPLACE counts what goes.
	if out := p.say(t, parts(1)+" CATENATE (URL /INBOX/;UID=1)"); !strings.HasPrefix(out, "a NO [OVERQUOTA] ") {
		t.Error(out)
	}
	p.ok(t, "a SELECT INBOX")
	if out := p.say(t, "a REPLACE 2 INBOX CATENATE (URL /INBOX/;UID=1)"); !strings.Contains(out, "a OK ") {
		t.Error(out)
	}
	if got := len(f.alice().Mailboxes()); got == 0 || f.alice().Quota().Used > used+400_000 {
		t.Error("the quota was passed")
	}
}

// Thousands of URLs are refused; as many as are taken cost little memory, however
// large what they point to.
func TestCatenateManyURLs(t *testing.T) {
	f := newFixture(t, func(c *Config) { c.AppendLimit = 100 << 20 })
	f.deliver("INBOX", []byte("Subject: a\r\n\r\n"+strings.Repeat("0123456789abcdef", 4000)))
	p := f.login()
	if out := p.say(t, "a APPEND INBOX CATENATE ("+strings.Repeat("URL /INBOX/;UID=1 ", 1000)+"URL /INBOX/;UID=1)"); !strings.HasPrefix(out, "a BAD [TOOBIG] ") {
		t.Error(out)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	p.ok(t, "a APPEND INBOX CATENATE ("+strings.Repeat("URL /INBOX/;UID=1 ", 999)+"URL /INBOX/;UID=1)")
	runtime.ReadMemStats(&after)
	if grown := after.TotalAlloc - before.TotalAlloc; grown > 32<<20 {
		t.Errorf("64 MB were put together with %d MB", grown>>20)
	}
	// Literals one after the other, each of which is looked at as it comes.
	many := strings.Repeat("URL {13+}\r\n/INBOX/;UID=1 TEXT {1+}\r\nx ", 400)
	p.ok(t, "a APPEND INBOX CATENATE ("+many+"TEXT {1+}\r\nx)")
}

// A client that goes away in the middle of a CATENATE leaves nothing, whatever
// the session was doing.
func TestCatenateBreaksOff(t *testing.T) {
	f := newFixture(t)
	f.deliver("INBOX", []byte("Subject: a\r\n\r\n"+strings.Repeat("0123456789abcdef", 10_000)))
	whole := "a APPEND INBOX CATENATE (URL /INBOX/;UID=1 TEXT {3+}\r\nabc URL /INBOX/;UID=1 TEXT {3+}\r\nabc URL /INBOX/;UID=1)\r\n"
	for end := range len(whole) - 1 {
		p := f.login()
		p.send(whole[:end])
		for range end % 4 {
			p.step(t)
		}
		p.hangUp()
	}
	info, _ := f.alice().Lookup("INBOX")
	if info.Messages != 1 {
		t.Errorf("%d messages", info.Messages)
	}
	for end := range 4 { // and in the middle of copying
		p := f.login()
		p.send(whole)
		for range end {
			p.step(t)
		}
		p.hangUp()
	}
	if info, _ = f.alice().Lookup("INBOX"); info.Messages > 1+4 {
		t.Error(fmt.Sprint(info.Messages, " messages"))
	}
}
