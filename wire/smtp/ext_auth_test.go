package smtp

import (
	"bytes"
	"strings"
	"testing"
)

func TestParseAuth(t *testing.T) {
	tests := []struct {
		args      string
		mechanism string
		initial   string
		sent      bool
	}{
		// RFC 4954 §4.1.
		{"PLAIN dGVzdAB0ZXN0ADEyMzQ=", "PLAIN", "test\x00test\x001234", true},
		{"PLAIN", "PLAIN", "", false},
		{"EXTERNAL =", "EXTERNAL", "", true},
		{"scram-sha-256 Zm8=", "SCRAM-SHA-256", "fo", true},
	}
	for _, tt := range tests {
		got, err := ParseAuth([]byte(tt.args))
		if err != nil || got.Mechanism != tt.mechanism || string(got.Initial) != tt.initial || (got.Initial != nil) != tt.sent {
			t.Errorf("%s: %+v, %v", tt.args, got, err)
		}
	}
	for args, code := range map[string]string{
		"": "5.5.4", "PL?IN": "5.5.4", strings.Repeat("X", 21): "5.5.4",
		// RFC 4954 §4: what the alphabet has not, and padding within.
		"PLAIN =AAA": "5.5.2", "PLAIN AAA=BBB": "5.5.2", "PLAIN AA A": "5.5.2", "PLAIN AAA": "5.5.2", "PLAIN *": "5.5.2", "PLAIN AB==": "5.5.2", "PLAIN A\r\nAAA": "5.5.2",
	} {
		if got, err := ParseAuth([]byte(args)); err == nil || err.(Reply).Code != 501 || err.(Reply).Status.String() != code {
			t.Errorf("%s: %+v, %v", args, got, err)
		}
	}
}

func TestAuthExchange(t *testing.T) {
	for line, want := range map[string]string{"dGVzdAB0ZXN0ADEyMzQ=": "test\x00test\x001234", "": ""} {
		if got, err := ParseAuthResponse([]byte(line)); string(got) != want || got == nil || err != nil {
			t.Errorf("%q: %q, %v", line, got, err)
		}
	}
	for line, want := range map[string]error{"*": ErrAuthCancelled, "**": ErrBase64, "=": ErrBase64, " AAAA": ErrBase64, "AAAA\n": ErrBase64} {
		if got, err := ParseAuthResponse([]byte(line)); err != want {
			t.Errorf("%q: %q, %v", line, got, err)
		}
	}
	// RFC 4954 §4: a challenge without data has a space behind its code.
	if got := string(AppendChallenge(nil, nil)); got != "334 \r\n" {
		t.Errorf("%q", got)
	}
	r, _, err := ParseResponse(AppendChallenge(nil, []byte("<1.2@x>")))
	if got, ok := r.Challenge(); string(got) != "<1.2@x>" || !ok || err != nil {
		t.Errorf("%q, %v, %v", got, ok, err)
	}
	for _, bad := range []Response{{Code: 334, Lines: []string{"x y"}}, {Code: 235, Lines: []string{""}}, {Code: 334, Lines: []string{"", ""}}} {
		if _, ok := bad.Challenge(); ok {
			t.Errorf("%+v", bad)
		}
	}
}

func FuzzAuth(f *testing.F) {
	for _, s := range []string{"PLAIN dGVzdAB0ZXN0ADEyMzQ=", "EXTERNAL =", "CRAM-MD5", "*"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		if a, err := ParseAuth(in); err == nil {
			line := AppendAuth(nil, a)
			again, err := ParseAuth(ParseCommand(line[:len(line)-2]).Args)
			if err != nil || again.Mechanism != a.Mechanism || !bytes.Equal(again.Initial, a.Initial) || (again.Initial == nil) != (a.Initial == nil) {
				t.Fatalf("%q: %+v, again %+v, %v", in, a, again, err)
			}
		}
		if response, err := ParseAuthResponse(in); err == nil {
			if line := AppendAuthResponse(nil, response); string(line) != string(in)+"\r\n" {
				t.Fatalf("%q: sent as %q", in, line)
			}
		}
	})
}
