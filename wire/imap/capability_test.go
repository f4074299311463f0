package imap_test

import (
	"slices"
	"strings"
	"testing"

	"citron/wire/imap"
)

func TestCapabilities(t *testing.T) {
	before := imap.Capabilities(imap.Announcement{State: imap.NotAuthenticated, StartTLS: true, LoginDisabled: true, AppendLimit: 5})
	if got, want := strings.Join(before, " "), "IMAP4rev1 IMAP4rev2 STARTTLS LOGINDISABLED SASL-IR LITERAL+ ID ENABLE"; got != want {
		t.Errorf("before TLS: %s", got)
	}
	tls := imap.Capabilities(imap.Announcement{State: imap.NotAuthenticated, Mechanisms: []string{"SCRAM-SHA-256", "PLAIN"}})
	if got, want := strings.Join(tls, " "), "IMAP4rev1 IMAP4rev2 AUTH=SCRAM-SHA-256 AUTH=PLAIN SASL-IR LITERAL+ ID ENABLE"; got != want {
		t.Errorf("under TLS: %s", got)
	}
	after := imap.Capabilities(imap.Announcement{State: imap.Authenticated, StartTLS: true, Mechanisms: []string{"PLAIN"}, AppendLimit: 5, Disabled: []string{"PREVIEW"}})
	// Issue 2's list of what the store speaks after login.
	for _, token := range strings.Fields("IMAP4rev1 IMAP4rev2 LITERAL+ NAMESPACE ID IDLE ENABLE UNSELECT UIDPLUS MOVE MULTIAPPEND " +
		"APPENDLIMIT=5 CHILDREN LIST-EXTENDED LIST-STATUS SPECIAL-USE CREATE-SPECIAL-USE STATUS=SIZE CONDSTORE QRESYNC ESEARCH " +
		"SEARCHRES WITHIN OBJECTID SAVEDATE UTF8=ACCEPT INPROGRESS") {
		if !slices.Contains(after, token) {
			t.Errorf("%s is not announced after login", token)
		}
	}
	for _, token := range []string{"STARTTLS", "AUTH=PLAIN", "SASL-IR", "PREVIEW", "LITERAL-", ""} {
		if slices.Contains(after, token) {
			t.Errorf("%q is announced after login", token)
		}
	}
}

func TestEnableable(t *testing.T) {
	for token, want := range map[string]string{
		"QRESYNC": "QRESYNC CONDSTORE", "CONDSTORE": "CONDSTORE", "UTF8=ACCEPT": "UTF8=ACCEPT",
		"IMAP4REV2": "IMAP4rev2", "IMAP4REV1": "", "IDLE": "", "X-FOO": "", "": "",
	} {
		if got := strings.Join(imap.Enableable(token), " "); got != want {
			t.Errorf("Enableable(%q) = %q, want %q", token, got, want)
		}
	}
}

// TestRegistry: the registry and the parser know the same commands, tokens that
// are implied exist, and every response code parses as itself.
func TestRegistry(t *testing.T) {
	all := imap.Extensions()
	tokens := map[string]bool{}
	for _, e := range all {
		if tokens[e.Token] {
			t.Errorf("%s stands there twice", e.Token)
		}
		tokens[e.Token] = true
	}
	commands := map[string]bool{}
	for _, e := range all {
		for _, implied := range e.Implies {
			if !tokens[implied] {
				t.Errorf("%s implies %s, which is not there", e.Token, implied)
			}
		}
		for _, verb := range e.Commands {
			commands[strings.TrimPrefix(verb, "UID ")] = true
			if verb == "UID" {
				continue
			}
			if _, _, err := parse(t, false, "a "+verb+" (\x01"); err != nil && err.(*imap.Error).Kind == imap.UnknownCommand {
				t.Errorf("%s: the parser does not know %s", e.Token, verb)
			}
		}
	}
	for _, text := range allCommands() {
		if _, cmd, err := parse(t, false, text); err == nil && !commands[cmd.Name()] {
			t.Errorf("%s is in no extension", cmd.Name())
		}
	}
	if e := all[0]; e.Token != "IMAP4rev1" {
		t.Errorf("the first is %s", e.Token)
	}
}
