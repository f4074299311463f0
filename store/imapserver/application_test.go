package imapserver

import (
	"context"
	"crypto/tls"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"citron/auth"
	"citron/mail/acl"
)

// submission connects as it does: by its certificate.
func (f *fixture) submission() *peer {
	f.t.Helper()
	p := f.newPeer("certificate")
	p.run(f.t)
	p.ok(f.t, "- AUTHENTICATE EXTERNAL =")
	p.out = nil
	return p
}

// Every command of the table but five is refused to an application, whose
// session opens no account for it, and goes on.
func TestApplicationMayNothingElse(t *testing.T) {
	f := newFixture(t)
	p := f.submission()
	allowed := []string{"CAPABILITY", "NOOP", "LOGOUT", "ID", "ENABLE", "URLFETCH"}
	for name, spec := range f.server.commands {
		if may := spec.in&asApplication != 0; may != slices.Contains(allowed, name) {
			t.Errorf("%s: %v", name, may)
		}
	}
	for _, command := range []string{"SELECT INBOX", "EXAMINE INBOX", "CREATE x", "DELETE x", "LIST \"\" *", "STATUS INBOX (MESSAGES)", "IDLE",
		"APPEND INBOX {3+}\r\nabc", "SETMETADATA INBOX (/private/comment {3+}\r\nabc)", "SETMETADATA \"\" (/private/comment {999999+}\r\n" + strings.Repeat("x", 999999) + ")",
		"NOTIFY SET (personal (MessageNew MessageExpunge))", "COMPRESS DEFLATE", "UNAUTHENTICATE", "GETQUOTAROOT INBOX", "ESEARCH IN (personal) ALL",
		"RESETKEY", "SUBSCRIBE INBOX", "NAMESPACE", "UID FETCH 1 FLAGS", "CLOSE", "GETACL INBOX"} {
		if out := p.say(t, "a "+command); !strings.HasPrefix(out, "a NO [NOPERM] ") && !strings.HasPrefix(out, "a BAD [TOOBIG] ") {
			t.Errorf("%.40s: %s", command, out)
		}
	}
	p.ok(t, "a ENABLE IMAP4rev2 METADATA QRESYNC UIDONLY", "a NOOP")
	if s := p.session.(*Session); s.enabled != rev2|utf8Accept || len(s.guests) != 0 || f.server.Sessions() != 0 {
		t.Errorf("%+v", s)
	}
}

// An application's session lives long; its certificate is looked at again with
// each command, and the rights of a URL's maker with each fetch.
func TestApplicationIsRechecked(t *testing.T) {
	f := newFixture(t)
	alice, bob := f.login(), f.loginAs("bob")
	alice.ok(t, "a CREATE work", "a APPEND work {14+}\r\nSubject: a\r\n\r\n")
	f.share("alice@example.org", "work", "bob@example.org", acl.Lookup|acl.Read)
	url := bob.authorized(t, strings.Replace(bobs, "anonymous", "submit+bob", 1))
	p := f.submission()
	if !p.fetches(t, url) {
		t.Fatal("no good to begin with")
	}
	f.share("alice@example.org", "work", "bob@example.org", acl.Lookup)
	if p.fetches(t, url) {
		t.Error("its maker may not read any more")
	}
	for range 24*60/25 + 1 { // a session may be silent for half an hour
		*f.clock = f.clock.Add(25 * time.Minute)
		p.run(t)
		if p.send("a NOOP\r\n"); p.conn.certificate.NotAfter.Before(*f.clock) {
			break
		}
		p.run(t)
	}
	p.out = nil
	p.run(t)
	if out := string(p.out); out != "* BYE [EXPIRED] The certificate is no longer accepted\r\n" || !p.closed {
		t.Errorf("after the certificate's end: %q", out)
	}
}

// A session that is silent for too long ends, as everybody's.
func TestApplicationIsLoggedOut(t *testing.T) {
	f := newFixture(t)
	p := f.submission()
	*f.clock = f.clock.Add(30 * time.Minute)
	p.run(t)
	if !strings.HasPrefix(string(p.out), "* BYE Autologout") || !p.closed {
		t.Errorf("%q", p.out)
	}
}

// Its connections are counted as an account's are.
func TestApplicationsConnections(t *testing.T) {
	f := newFixture(t)
	if p := f.submission(); p.conn.account != "submit" {
		t.Errorf("counted towards %q", p.conn.account)
	}
	p := f.newPeer("certificate")
	p.conn.refused = errCrowded
	p.run(t)
	if out := p.say(t, "a AUTHENTICATE EXTERNAL ="); !strings.Contains(out, "a NO [LIMIT] ") {
		t.Error(out)
	}
}

// Who shows no certificate, or one that the configuration does not name, is
// nobody for EXTERNAL; and a certificate opens no account.
func TestExternalIsForApplications(t *testing.T) {
	f := newFixture(t)
	p := f.newPeer("certificate")
	s := p.session.(*Session)
	for _, authzid := range []string{"alice", "alice@example.org", "stream", "Submit"} {
		if _, err := s.external(authzid); !errors.Is(err, auth.NotAuthorized) {
			t.Errorf("as %s: %v", authzid, err)
		}
	}
	f.server.cfg.Application = nil
	if _, err := s.external(""); !errors.Is(err, auth.NotAuthorized) || slices.Contains(s.mechanisms(), "EXTERNAL") {
		t.Error(err)
	}
}

// A stranger's certificate may take long to judge, since he made the chain. He
// does not have that done again by every CAPABILITY.
func TestStrangersCertificateIsJudgedOnce(t *testing.T) {
	f := newFixture(t)
	judged := 0
	f.server.cfg.Application = func(*tls.ConnectionState, time.Time) string { judged++; return "" }
	p := f.newPeer("certificate")
	p.run(t)
	for range 100 {
		p.ok(t, "a CAPABILITY")
		p.say(t, "a AUTHENTICATE EXTERNAL =")
	}
	if judged != 1 {
		t.Errorf("judged %d times", judged)
	}
	*f.clock = f.clock.Add(nobodyFor)
	p.ok(t, "a CAPABILITY")
	if judged != 2 {
		t.Errorf("judged %d times in the end", judged)
	}
}

// What an application fetches in another process and in this one are the same
// but for the user, whom it vouches for here (RFC 4467 §3) and who is looked at
// there.
func TestFetchURLAsSubmission(t *testing.T) {
	f := newFixture(t)
	f.deliver("INBOX", nil)
	alice, p := f.login(), f.submission()
	for access, want := range map[string][2]bool{
		"submit+alice": {true, true}, "submit+bob": {true, false}, "submit+nobody": {true, false}, "user+alice": {}, "user+submit": {},
		"authuser": {true, true}, "anonymous": {true, true}, "stream": {},
	} {
		url := alice.authorized(t, "imap://alice@h/INBOX/;UID=1;URLAUTH="+access)
		c, err := f.server.URLs().FetchURL(context.Background(), "submit", "alice", url, false)
		if err == nil {
			c.Close()
		}
		if got := [2]bool{p.fetches(t, url), err == nil}; got != want {
			t.Errorf("%s: %v", access, got)
		}
	}
}
