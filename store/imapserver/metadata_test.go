package imapserver

import (
	"fmt"
	"strings"
	"testing"
)

// Values up to the limit and beyond it, and as many as there can be (RFC 5464
// §4.3, §7).
func TestMetadataUpToItsLimits(t *testing.T) {
	f := newFixture(t)
	p := f.login()
	most := f.alice().MaxMetadataValue()
	set := func(entry string, size int) string {
		return p.say(t, fmt.Sprintf("a SETMETADATA \"\" (/private/vendor/x/%s {%d+}\r\n%s)", entry, size, strings.Repeat("v", size)))
	}
	for _, c := range []struct {
		size int
		want string
	}{{0, "a OK"}, {most, "a OK"}, {most + 1, "a NO [METADATA MAXSIZE 65536]"}, {1 << 20, "a NO [METADATA MAXSIZE 65536]"}} {
		if out := set("one", c.size); !strings.HasPrefix(out, c.want) {
			t.Errorf("%d octets: %s", c.size, out)
		}
	}
	for i := range 14 {
		if out := set(fmt.Sprint(i), most); !strings.HasPrefix(out, "a OK") {
			t.Fatalf("entry %d: %s", i, out)
		}
	}
	if out := set("last", most); !strings.HasPrefix(out, "a NO [OVERQUOTA]") {
		t.Errorf("more than a megabyte: %.100s", out)
	}
	if out := set("0", 1); !strings.HasPrefix(out, "a OK") {
		t.Errorf("less than before: %.100s", out)
	}
	if out := p.say(t, "a GETMETADATA (DEPTH infinity) \"\" /private"); len(out) < 14*most || !strings.Contains(out, "\r\na OK ") {
		t.Errorf("all of it: %d octets", len(out))
	}
	// Many values in one command are bounded by its length.
	out := p.say(t, "a SETMETADATA INBOX ("+strings.TrimSpace(strings.Repeat("/private/a {60000+}\r\n"+strings.Repeat("v", 60000)+" ", 5))+")")
	if !strings.HasPrefix(out, "a BAD [TOOBIG]") {
		t.Errorf("a command without end: %.100s", out)
	}
}
