package imapserver

import (
	"context"
	"strings"
	"testing"

	"citron/auth"
)

// meddler has something happen between a password's check and the login.
type meddler struct {
	auth.Authenticator
	meanwhile func()
}

func (m *meddler) Plain(ctx context.Context, authcid, authzid, password string) (auth.Identity, error) {
	id, err := m.Authenticator.Plain(ctx, authcid, authzid, password)
	if m.meanwhile != nil {
		m.meanwhile()
	}
	return id, err
}

// A credential revoked after it was found to be right, and before its session
// is known, lets nobody in.
func TestRevokedWhileLoggingIn(t *testing.T) {
	f := newFixture(t)
	m := &meddler{Authenticator: f.users}
	f.server.auth = m
	for _, command := range []string{
		"a LOGIN alice@example.org lemonade",
		"a AUTHENTICATE PLAIN AGFsaWNlQGV4YW1wbGUub3JnAGxlbW9uYWRl",
	} {
		m.meanwhile = func() { f.changePassword("alice@example.org", "another") }
		p := f.newPeer()
		p.run(t)
		if out := p.say(t, command); !strings.Contains(out, "a NO [UNAVAILABLE]") {
			t.Errorf("%s: %s", command, out)
		}
		if p.conn.account != "" || f.server.Sessions() != 0 {
			t.Error("somebody is logged in")
		}
		m.meanwhile = nil
		if out := p.say(t, "b LOGIN alice@example.org another"); !strings.Contains(out, "b OK") {
			t.Error(out)
		}
		p.hangUp()
		f.changePassword("alice@example.org", "lemonade")
	}
}
