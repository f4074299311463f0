package mailbox_test

import (
	"errors"
	"strings"
	"testing"

	"citron/mail/mailbox"
)

func TestCheck(t *testing.T) {
	for _, c := range []struct {
		name string
		want error
	}{
		{"INBOX", nil}, {"Archive/2024", nil}, {"Entwürfe", nil}, {"日本/東京", nil}, {"a&b", nil}, {"#news.x", nil},
		{"", mailbox.ErrEmpty},
		{"/a", mailbox.ErrEmptyLevel}, {"a/", mailbox.ErrEmptyLevel}, {"a//b", mailbox.ErrEmptyLevel},
		{"a*", mailbox.ErrWildcard}, {"a%b", mailbox.ErrWildcard},
		{"a\x00b", mailbox.ErrCharacter}, {"a\tb", mailbox.ErrCharacter}, {"a\u0085", mailbox.ErrCharacter},
		{"a\u2028", mailbox.ErrCharacter}, {"\ufeffa", mailbox.ErrCharacter}, {"\U0001ffff", mailbox.ErrCharacter},
		{"a\xff", mailbox.ErrNotUTF8},
		{"e\u0301", mailbox.ErrNotNFC},
		{strings.Repeat("x", mailbox.MaxOctets), nil},
		{strings.Repeat("x", mailbox.MaxOctets+1), mailbox.ErrTooLong},
		{strings.Repeat("x/", mailbox.MaxLevels-1) + "x", nil},
		{strings.Repeat("x/", mailbox.MaxLevels) + "x", mailbox.ErrTooDeep},
	} {
		if err := mailbox.Check(c.name); !errors.Is(err, c.want) {
			t.Errorf("Check(%q) = %v, want %v", c.name, err, c.want)
		}
	}
}

func TestCanonical(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"inbox", "INBOX"}, {"iNbOx/Sub", "INBOX/Sub"}, {"inboxes", "inboxes"},
		{"e\u0301", "é"}, {"Foo/inbox", "Foo/inbox"},
	} {
		if got := mailbox.Canonical(c.in); got != c.want {
			t.Errorf("Canonical(%q) = %q, want %q", c.in, got, c.want)
		}
	}
}

func TestHierarchy(t *testing.T) {
	if got := mailbox.Parent("a/b/c"); got != "a/b" {
		t.Errorf("Parent = %q", got)
	}
	if got := mailbox.Parent("a"); got != "" {
		t.Errorf("Parent = %q", got)
	}
	if !mailbox.IsBelow("a/b", "a") || mailbox.IsBelow("ab", "a") || mailbox.IsBelow("a", "a") {
		t.Error("IsBelow")
	}
}

func FuzzName(f *testing.F) {
	for _, s := range []string{"INBOX", "inbox/x", "a/b/", "Entwu\u0308rfe", "a\xff", "\u2028", "//"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		name := mailbox.Canonical(s)
		if mailbox.Check(name) != nil {
			return
		}
		if again := mailbox.Canonical(name); again != name {
			t.Errorf("Canonical(%q) = %q", name, again)
		}
		if !mailbox.Match("*", name) || !mailbox.Match(name, name) {
			t.Errorf("%q does not match", name)
		}
	})
}
