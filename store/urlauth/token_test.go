package urlauth

import (
	"strings"
	"testing"
	"time"

	"citron/store/account"
	"citron/wire/imap"
)

var made = time.Unix(1_800_000_000, 0)

const rump = "imap://alice@example.org/INBOX/;UID=1;URLAUTH=anonymous"

// A token says of which version it is and when it was made (RFC 4467 §2.4.1),
// has more than 128 bits (§2.5), and is good for its key, URL and time only.
func TestToken(t *testing.T) {
	k, other := plausible(), plausible()
	token := k.token(rump, made)
	if len(token) != 2*tokenLength || !strings.HasPrefix(token, "01000000006b49d200") || token != k.token(rump, made) {
		t.Errorf("token %s", token)
	}
	if at, ok := k.verify(rump, token); !ok || !at.Equal(made) {
		t.Errorf("made at %v, %v", at, ok)
	}
	if _, ok := other.verify(rump, token); ok {
		t.Error("good with another key")
	}
	if _, ok := k.verify(rump+" ", token); ok {
		t.Error("good for another URL")
	}
	for what, bad := range map[string]string{
		"empty": "", "short": token[:32], "cut": token[:len(token)-1], "long": token + "0", "in capitals": strings.ToUpper(token),
		"no hex": strings.Repeat("g", len(token)), "later": "01" + "000000006b49d201" + token[18:], "of version 2": "02" + token[2:],
		"of version 0": "00" + token[2:], "with a stranger's MAC": token[:18] + other.token(rump, made)[18:],
	} {
		if _, ok := k.verify(rump, bad); ok {
			t.Errorf("a token %s is good", what)
		}
	}
	if _, err := imap.ParseURL(rump + ":internal:" + token); err != nil {
		t.Error(err)
	}
}

// CVE-2026-47085: both halves of a key must be there, each of its whole length
// (RFC 4467 §2.2).
func TestNoKeyWithoutBothHalves(t *testing.T) {
	whole := make([]byte, account.URLKeySize)
	for i, halves := range [][2][]byte{{nil, nil}, {whole, nil}, {nil, whole}, {whole, whole[1:]}, {{}, {}}} {
		if _, err := join(halves[0], halves[1]); err == nil {
			t.Errorf("%d: a key was made", i)
		}
	}
	if one, another := plausible(), plausible(); one == another {
		t.Error("random keys are the same")
	}
}

// The access identifiers that have a user, and those that have none (RFC 5092
// §11, RFC 5593 §4).
func TestWellFormedAccess(t *testing.T) {
	for access, want := range map[imap.URLAccess]bool{
		{Application: "submit", User: "x"}: true, {Application: "submit"}: false, {Application: "user", User: "x"}: true, {Application: "user"}: false,
		{Application: "authuser"}: true, {Application: "authuser", User: "x"}: false, {Application: "anonymous"}: true,
		{Application: "anonymous", User: "x"}: false, {Application: "stream"}: true, {Application: "stream", User: "x"}: false,
		{Application: "exampleapp"}: true, {Application: "exampleapp3", User: "testuser"}: true,
	} {
		if wellFormed(access) != want {
			t.Errorf("%+v: %v", access, !want)
		}
	}
}

// Nothing is logged of a URL in which the token cannot be told from the rest.
func TestLoggable(t *testing.T) {
	k := plausible()
	token := k.token(rump, made)
	for url, want := range map[string]string{
		rump + ":internal:" + token: rump, rump: "", rump + ":internal:" + token + " ": "", rump + ":" + token: "", "nonsense": "",
	} {
		if got := loggable(url); got != want {
			t.Errorf("%s is logged as %s", url, got)
		}
	}
}
