package imapserver

import (
	"fmt"
	"strings"
	"testing"
)

// Many mailboxes, named again and again, cost what there are (RFC 7377 §5): each
// is searched once, and others have their turn meanwhile.
func TestMultisearchOfMany(t *testing.T) {
	f := newFixture(t)
	p := f.login()
	for i := range 300 {
		p.say(t, fmt.Sprintf("x CREATE many/%d/box", i))
		if i%10 == 0 {
			f.deliver(fmt.Sprintf("many/%d/box", i), nil)
		}
	}
	names := strings.TrimSpace(strings.Repeat("many many/1 many/0/box nowhere ", 240))
	out := p.say(t, "a ESEARCH IN (personal subtree ("+names+") subtree-one ("+names+") mailboxes ("+names+") inboxes subscribed) ALL")
	if n := strings.Count(out, "* ESEARCH "); n != 30 || !strings.HasSuffix(out, "a OK ESEARCH completed\r\n") {
		t.Errorf("%d answers: %.300s", n, out)
	}
	before := f.engine.Stats()
	p.say(t, "a ESEARCH IN (personal) UNSEEN")
	if reads := f.engine.Stats().Reads - before.Reads; reads > 0 {
		t.Errorf("%d round trips for what is in memory", reads)
	}
	terms := strings.Repeat("OR FROM a ", 2400) + "FROM b"
	if out := p.say(t, "a ESEARCH IN (personal) "+terms); out != "a OK ESEARCH completed\r\n" {
		t.Errorf("many terms: %.300s", out)
	}
	if out := p.say(t, "a ESEARCH IN ("+strings.Repeat("personal ", 1000)+"personal) ALL"); !strings.HasPrefix(out, "a BAD [TOOBIG]") {
		t.Errorf("many sources: %.100s", out)
	}
}
