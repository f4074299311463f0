package session

import "citron/auth"

// Revoke ends the sessions that logged in with a credential; it is what
// directory.Options.Revoked asks for, and returns at once. A message that has
// not ended is not queued.
func (s *Service) Revoke(account uint64, id auth.CredentialID) {
	s.roll.Revoke(account, id, func(session *session) {
		session.revoked.Store(true)
		session.conn.Wake()
	})
}

// Sessions is how many sessions are logged in.
func (s *Service) Sessions() int { return s.roll.Len() }
