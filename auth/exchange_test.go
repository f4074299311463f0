package auth

import (
	"errors"
	"slices"
	"testing"
)

func TestMechanisms(t *testing.T) {
	for _, tt := range []struct {
		cleartext, binding bool
		want               []string
	}{
		{false, false, []string{"SCRAM-SHA-256"}},
		{true, false, []string{"SCRAM-SHA-256", "PLAIN", "LOGIN"}},
		{true, true, []string{"SCRAM-SHA-256-PLUS", "SCRAM-SHA-256", "PLAIN", "LOGIN"}},
	} {
		if got := Mechanisms(tt.cleartext, tt.binding); !slices.Equal(got, tt.want) {
			t.Errorf("Mechanisms(%v, %v) = %v", tt.cleartext, tt.binding, got)
		}
	}
}

// The user's text never has the cause in it; the log's has both.
func TestErrors(t *testing.T) {
	cause := errors.New("disk on fire")
	var err error = &Error{Kind: Temporary, Cause: cause}
	if !errors.Is(err, Temporary) || !errors.Is(err, cause) || errors.Is(err, Disabled) {
		t.Error("errors.Is")
	}
	for k := BadCredentials; k <= Exists; k++ {
		if text := k.Error(); len(text) < 8 || text[:5] == "auth:" {
			t.Errorf("kind %d has no text: %q", k, text)
		}
	}
	if got := err.Error(); got != Temporary.Error()+": disk on fire" {
		t.Error(got)
	}
}
