package imapserver

import (
	"slices"
	"time"

	"citron/auth"
	"citron/wire/imap"
)

// An application (RFC 5593 §3.3) such as the submission service (RFC 4467 §3) is
// known by its certificate and logs in by EXTERNAL. It has no account and one
// right: to fetch URLs, those for itself and those for everybody. Whoever
// steals its key reads no mailbox, only what users have authorized for it and
// he knows the URLs of.

// applicationTokens are the capabilities that an application is told of, and may
// enable.
var applicationTokens = []string{"IMAP4rev1", "IMAP4rev2", "LITERAL+", "ID", "ENABLE", "UTF8=ACCEPT",
	"URLAUTH", "URLAUTH=BINARY", "URL-PARTIAL"}

// application is the one whose certificate the peer has shown, "" for none.
func (s *Session) application() string {
	state := s.conn.TLS()
	if state == nil || s.srv.cfg.Application == nil || s.now.Before(s.nobodyUntil) {
		return ""
	}
	name := s.srv.cfg.Application(state, s.now)
	if name == "" {
		s.nobodyUntil = s.now.Add(nobodyFor)
	}
	return name
}

// nobodyFor is how long it is taken for true that a peer is no application: to
// judge a chain that a stranger made takes a hundred signatures.
const nobodyFor = 10 * time.Second

// external is who the peer is by its certificate, for AUTHENTICATE EXTERNAL.
func (s *Session) external(authzid string) (auth.Identity, error) {
	name := s.application()
	if name == "" || authzid != "" && authzid != name {
		return auth.Identity{}, auth.Errorf(auth.NotAuthorized, "as %.100q with the certificate of %q", authzid, name)
	}
	return auth.Identity{Application: name, Name: name}, nil
}

// isApplication says whether the session is that of an application.
func (s *Session) isApplication() bool { return s.user != nil && s.user.account == nil }

// recheckApplication ends the session of an application whose certificate has
// come to its end, or is no longer one that the configuration names: such
// sessions live long.
func (s *Session) recheckApplication() bool {
	if s.application() == s.user.Application {
		return true
	}
	s.bye(imap.CodeExpired, "The certificate is no longer accepted")
	return false
}

var errApplication = no(imap.CodeNoPerm, "An application may fetch URLs, and nothing else")

// forApplications are those of the capabilities that an application has.
func forApplications(all []string) []string {
	return slices.DeleteFunc(all, func(token string) bool { return !slices.Contains(applicationTokens, token) })
}
