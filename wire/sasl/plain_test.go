package sasl

import (
	"errors"
	"strings"
	"testing"
)

func TestPlainServer(t *testing.T) {
	tests := []struct {
		message string
		want    string // authzid|authcid|password
		err     error
	}{
		{"\x00tim\x00tanstaaftanstaaf", "|tim|tanstaaftanstaaf", nil}, // RFC 4616 §4
		{"Ursel\x00Kurt\x00xipj3plmq", "Ursel|Kurt|xipj3plmq", nil},
		{"\x00jürgen\x00pässword with space", "|jürgen|pässword with space", nil},
		{"", "", ErrSyntax},
		{"tim", "", ErrSyntax},
		{"\x00tim", "", ErrSyntax},
		{"\x00\x00secret", "", ErrSyntax},
		{"\x00tim\x00", "", ErrSyntax},
		{"\x00tim\x00a\x00b", "", ErrSyntax},
		{"\x00tim\x00\xff", "", ErrSyntax},
		{"\x00tim\x00" + strings.Repeat("x", MaxMessage), "", ErrTooLong},
	}
	for _, tt := range tests {
		got := ""
		s := NewPlainServer(func(authzid, authcid, password string) error {
			got = authzid + "|" + authcid + "|" + password
			return nil
		})
		_, done, err := s.Next([]byte(tt.message))
		if got != tt.want || err != tt.err || done != (tt.err == nil) {
			t.Errorf("%q: %q, done %v, %v", tt.message, got, done, err)
		}
		if _, _, err := s.Next([]byte(tt.message)); err != ErrOver {
			t.Errorf("%q again: %v", tt.message, err)
		}
	}
}

func TestPlainWithoutInitialResponse(t *testing.T) {
	s := NewPlainServer(func(_, _, _ string) error { return nil })
	if c, done, err := s.Next(nil); len(c) != 0 || done || err != nil {
		t.Fatalf("%q %v %v", c, done, err)
	}
	if _, done, err := s.Next([]byte("\x00a\x00b")); !done || err != nil {
		t.Fatal(done, err)
	}
}

func TestPlainRefused(t *testing.T) {
	refusal := errors.New("no")
	c := NewPlainClient("", "tim", "secret")
	if err := run(NewPlainServer(func(_, _, _ string) error { return refusal }), c); err != refusal {
		t.Fatal(err)
	}
}

func TestLogin(t *testing.T) {
	for _, initial := range []bool{false, true} {
		s := NewLoginServer(func(z, c, p string) error {
			if z+"|"+c+"|"+p != "|tim|secret" {
				return ErrProof
			}
			return nil
		})
		if !initial {
			expect(t, s, "", true, "Username:")
		}
		expect(t, s, "tim", false, "Password:")
		if _, done, err := s.Next([]byte("secret")); !done || err != nil {
			t.Fatal(done, err)
		}
	}
	for _, bad := range []string{"", "a\x00b", "\xff", strings.Repeat("x", MaxMessage+1)} {
		s := NewLoginServer(func(_, _, _ string) error { t.Error("asked"); return nil })
		s.Next(nil)
		if _, _, err := s.Next([]byte(bad)); err == nil {
			t.Errorf("%q as a name", bad)
		}
	}
}

func FuzzPlain(f *testing.F) {
	f.Add([]byte("\x00tim\x00tanstaaftanstaaf"))
	f.Add([]byte("Ursel\x00Kurt\x00xipj3plmq"))
	f.Fuzz(func(t *testing.T, p []byte) {
		z, c, pw, err := parsePlain(p)
		if err == nil && z+"\x00"+c+"\x00"+pw != string(p) {
			t.Fatalf("%q parsed as %q %q %q", p, z, c, pw)
		}
	})
}
