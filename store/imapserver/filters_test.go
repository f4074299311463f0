package imapserver

import (
	"fmt"
	"strings"
	"testing"
)

// Filters that name each other, that grow without end, and searches that are
// very large: each is answered, soon, and with no more than a few megabytes.
func TestHostileFilters(t *testing.T) {
	f := newFixture(t)
	f.deliver("INBOX", nil)
	p := f.login()
	p.say(t, "x SELECT INBOX")
	set := func(name, criteria string) {
		t.Helper()
		if out := p.say(t, fmt.Sprintf("x SETMETADATA \"\" (/private/filters/values/%s {%d+}\r\n%s)", name, len(criteria), criteria)); !strings.HasPrefix(out, "x OK") {
			t.Fatalf("%s: %.200s", name, out)
		}
	}
	for i := range 40 { // each names the next one twice
		set(fmt.Sprint("bomb", i), fmt.Sprintf("OR FILTER bomb%d FILTER bomb%d", i+1, i+1))
	}
	set("bomb40", "ALL")
	for i := range 9 {
		set(fmt.Sprint("wide", i), strings.Repeat(fmt.Sprintf("FILTER wide%d ", i+1), 20)+"ALL")
	}
	set("wide9", "ALL")
	for i := range 12 {
		set(fmt.Sprint("ring", i), fmt.Sprintf("NOT FILTER ring%d", (i+1)%12))
	}
	for i := range 9 {
		set(fmt.Sprint("chain", i), fmt.Sprintf("FILTER chain%d", i+1))
	}
	set("chain9", "NOT DELETED")
	set("keys", strings.Repeat("SEEN ", 4000)+"SEEN")
	set("deep", strings.Repeat("NOT ", 400)+"SEEN")
	for criteria, want := range map[string]string{
		"FILTER bomb0":            "a NO [UNDEFINED-FILTER bomb10]",
		"FILTER wide0":            "a NO [LIMIT]",
		"FILTER ring0":            "a NO [UNDEFINED-FILTER ring10]",
		"FILTER ring11 FILTER x":  "a NO [UNDEFINED-FILTER ring9]",
		"FILTER chain0":           "* SEARCH 1",
		"FILTER keys":             "* SEARCH",
		"FILTER keys FILTER keys": "a NO [LIMIT]",
		"FILTER deep":             "* SEARCH",
		strings.Repeat("(", 300) + "FILTER deep" + strings.Repeat(")", 300): "* SEARCH",
		strings.Repeat("NOT ", 300) + "FILTER deep":                         "a NO [LIMIT]",
		manyFilters(101):                                 "a NO [LIMIT]",
		manyFilters(99):                                  "a NO [UNDEFINED-FILTER none0]",
		strings.Repeat("ALL ", 9_999) + "ALL":            "a BAD [TOOBIG]",
		strings.Repeat("(", 5000) + "ALL":                "a BAD [TOOBIG]",
		strings.Repeat("OR SEEN ", 4_900) + "FILTER nil": "a NO [UNDEFINED-FILTER nil]",
	} {
		if out := p.say(t, "a SEARCH "+criteria); !strings.HasPrefix(out, want) {
			t.Errorf("%.60s: %.200s, want %s", criteria, out, want)
		}
	}
}

func manyFilters(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "FILTER none%d ", i)
	}
	return b.String() + "ALL"
}
