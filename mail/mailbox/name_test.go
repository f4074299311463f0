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

func TestForCreate(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"inbox", "INBOX"}, {"iNbOx/Sub", "INBOX/Sub"}, {"inboxes", "inboxes"},
		{"foo/", "foo"}, {"e\u0301", "é"}, {"Foo/inbox", "Foo/inbox"},
	} {
		got, err := mailbox.ForCreate(c.in)
		if got != c.want || err != nil {
			t.Errorf("ForCreate(%q) = %q, %v; want %q", c.in, got, err, c.want)
		}
	}
	if _, err := mailbox.ForCreate("/"); !errors.Is(err, mailbox.ErrEmpty) {
		t.Errorf("ForCreate(/) = %v", err)
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
	if got := mailbox.Moved("a/b/c", "a/b", "x"); got != "x/c" {
		t.Errorf("Moved = %q", got)
	}
}

func FuzzForCreate(f *testing.F) {
	for _, s := range []string{"INBOX", "inbox/x", "a/b/", "Entwu\u0308rfe", "a\xff", "\u2028", "//"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		name, err := mailbox.ForCreate(s)
		if err != nil {
			return
		}
		if mailbox.Canonical(name) != name {
			t.Errorf("%q is not canonical", name)
		}
		if again, err := mailbox.ForCreate(name); again != name || err != nil {
			t.Errorf("ForCreate(%q) = %q, %v", name, again, err)
		}
		if !mailbox.Match("*", name) || !mailbox.Match(name, name) {
			t.Errorf("%q does not match", name)
		}
	})
}
