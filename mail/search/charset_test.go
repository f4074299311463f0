package search

import (
	"errors"
	"testing"

	"citron/wire/imap"
)

func TestDecodeStrings(t *testing.T) {
	for _, c := range []struct {
		charset, in, want string
		bad               bool
	}{
		{"", "as it is \xff", "as it is \xff", false},
		{"UTF-8", "отпуск", "отпуск", false},
		{"US-ASCII", "plain", "plain", false},
		{"UTF-8", "\xff", "", true},
		{"KOI8-R", "\xcf\xd4\xd0\xd5\xd3\xcb", "отпуск", false},
		{"ISO-8859-1", "\xe4", "ä", false},
		{"X-NONE", "x", "", true},
	} {
		s := imap.Search{Charset: c.charset, Key: imap.SearchKey{Op: imap.SearchNot, Keys: []imap.SearchKey{text(imap.SearchBody, c.in)}}}
		err := DecodeStrings(&s)
		if got := s.Key.Keys[0].Text; errors.Is(err, ErrCharset) != c.bad || !c.bad && got != c.want {
			t.Errorf("%s %q: %q, %v", c.charset, c.in, got, err)
		}
	}
}
