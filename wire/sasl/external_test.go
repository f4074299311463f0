package sasl

import (
	"errors"
	"strings"
	"testing"
)

// RFC 4422 appendix A.1: an authorization identity, or nothing; UTF-8 without
// NUL.
func TestExternalServer(t *testing.T) {
	for _, tt := range []struct {
		message string
		err     error
	}{
		{"", nil}, {"submit", nil}, {"jürgen", nil}, {"a\x00b", ErrSyntax}, {"\xff", ErrSyntax}, {strings.Repeat("x", MaxMessage+1), ErrTooLong},
	} {
		got := "nobody"
		s := NewExternalServer(func(authzid string) error {
			got = authzid
			return nil
		})
		_, done, err := s.Next([]byte(tt.message))
		if err != tt.err || done != (tt.err == nil) || done && got != tt.message || !done && got != "nobody" {
			t.Errorf("%.20q: %.20q, done %v, %v", tt.message, got, done, err)
		}
		if _, _, err := s.Next([]byte(tt.message)); err != ErrOver {
			t.Errorf("%.20q again: %v", tt.message, err)
		}
	}
}

// Without an initial response the challenge is empty (RFC 4422 appendix A).
func TestExternalWithoutInitialResponse(t *testing.T) {
	s := NewExternalServer(func(string) error { return nil })
	if c, done, err := s.Next(nil); c == nil || len(c) != 0 || done || err != nil {
		t.Fatalf("%q %v %v", c, done, err)
	}
	if _, done, err := s.Next([]byte{}); !done || err != nil {
		t.Fatal(done, err)
	}
}

func TestExternalRefused(t *testing.T) {
	refusal := errors.New("no")
	if err := run(NewExternalServer(func(string) error { return refusal }), NewExternalClient("submit")); err != refusal {
		t.Fatal(err)
	}
	if err := run(NewExternalServer(func(string) error { return nil }), NewExternalClient("")); err != nil {
		t.Fatal(err)
	}
}
