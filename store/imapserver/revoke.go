package imapserver

import (
	"citron/auth"
	"citron/wire/imap"
)

// Revoke ends the sessions that logged in with a credential; it is what
// directory.Options.Revoked asks for, and returns at once.
func (srv *Server) Revoke(account uint64, id auth.CredentialID) {
	srv.roll.Revoke(account, id, func(s *Session) {
		s.revoked.Store(true)
		s.conn.Wake()
	})
}

// Sessions is how many sessions are logged in.
func (srv *Server) Sessions() int { return srv.roll.Len() }

// endRevoked says BYE; the client should get a new credential (RFC 5530,
// EXPIRED). In the middle of a command, perhaps of a literal, nothing can be
// said.
func (s *Session) endRevoked() {
	if s.task != nil {
		s.stopTask()
		s.end()
		return
	}
	s.bye(imap.CodeExpired, "This login was withdrawn")
}
