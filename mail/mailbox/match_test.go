package mailbox_test

import (
	"strings"
	"testing"

	"citron/mail/mailbox"
)

func TestMatch(t *testing.T) {
	for _, c := range []struct {
		pattern, name string
		want          bool
	}{
		{"*", "a/b/c", true}, {"%", "a", true}, {"%", "a/b", false}, {"%/%", "a/b", true},
		{"a/%", "a/b", true}, {"a/%", "a/b/c", false}, {"a/*", "a/b/c", true}, {"a/*", "a", false},
		{"*c", "a/b/c", true}, {"*/b", "a/b/c", false}, {"%c", "abcbc", true}, {"%b%", "aXbX", true},
		{"", "a", false}, {"a", "", false}, {"a*", "a", true}, {"a%", "a", true}, {"**%%", "", true},
		{"*%/x", "a/b/x", true}, {"%*x", "a/b/x", true}, {"%a*b%c", "xa/y/bzc", true},
		{"%a*b%c", "xa/y/bz/c", false}, {"*x/x%c", "x/x/xc", true}, {"%x/x%c", "x/x/xc", false},
		{"inbox", "INBOX", true}, {"InB%", "INBOX", true}, {"inbox/%", "INBOX/Sub", true},
		{"in*", "INBOX", true}, {"inbox", "inboxes", false}, {"foo", "FOO", false}, {"INBOXES", "INBOX", false},
	} {
		if got := mailbox.Match(c.pattern, c.name); got != c.want {
			t.Errorf("Match(%q, %q) = %v", c.pattern, c.name, got)
		}
	}
}

// matchSlow is the definition, one line per rule.
func matchSlow(p, n string) bool {
	switch {
	case p == "":
		return n == ""
	case p[0] == '*':
		return matchSlow(p[1:], n) || n != "" && matchSlow(p, n[1:])
	case p[0] == '%':
		return matchSlow(p[1:], n) || n != "" && n[0] != '/' && matchSlow(p, n[1:])
	}
	return n != "" && n[0] == p[0] && matchSlow(p[1:], n[1:])
}

// TestMatchExhaustively compares with the definition on every short pattern
// and name over a small alphabet.
func TestMatchExhaustively(t *testing.T) {
	names := words("ab/", 5)
	for _, p := range words("a/*%", 5) {
		for _, n := range names {
			if got, want := mailbox.Match(p, n), matchSlow(p, n); got != want {
				t.Fatalf("Match(%q, %q) = %v, want %v", p, n, got, want)
			}
		}
	}
}

// words is every word over alphabet of up to n letters.
func words(alphabet string, n int) []string {
	all, last := []string{""}, []string{""}
	for range n {
		var next []string
		for _, w := range last {
			for _, c := range alphabet {
				next = append(next, w+string(c))
			}
		}
		all, last = append(all, next...), next
	}
	return all
}

func TestPattern(t *testing.T) {
	for _, c := range []struct{ ref, pat, want string }{
		{"", "%", "%"}, {"foo/", "%", "foo/%"}, {"foo", "bar", "foobar"}, {"foo/", "/bar", "bar"},
	} {
		if got := mailbox.Pattern(c.ref, c.pat); got != c.want {
			t.Errorf("Pattern(%q, %q) = %q", c.ref, c.pat, got)
		}
	}
}

func FuzzMatch(f *testing.F) {
	f.Add("*%/x", "a/b/x")
	f.Add("INB%", "INBOX")
	f.Fuzz(func(t *testing.T, pattern, name string) {
		if len(pattern) > 12 || len(name) > 16 || strings.HasPrefix(name, mailbox.Inbox) {
			_ = mailbox.Match(pattern, name) // it comes to an end
			return
		}
		if got, want := mailbox.Match(pattern, name), matchSlow(pattern, name); got != want {
			t.Errorf("Match(%q, %q) = %v, want %v", pattern, name, got, want)
		}
	})
}
