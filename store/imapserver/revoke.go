package imapserver

import (
	"sync"

	"citron/auth"
	"citron/wire/imap"
)

// Sessions that are logged in remember their credential, so that revoking it
// ends them within seconds (ARCHITECTURE decision 9).

// roll is the sessions that are logged in.
type roll struct {
	mu       sync.Mutex
	sessions map[*Session]credential
	revoked  uint64 // how often anything was revoked
}

type credential struct {
	account uint64
	id      auth.CredentialID
}

// asOf is to be asked before a credential is checked, and given to enter.
func (r *roll) asOf() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.revoked
}

// enter is false when anything was revoked since asOf: it may have been this
// credential, after it was found to be right.
func (r *roll) enter(s *Session, id auth.Identity, asOf uint64) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.revoked != asOf {
		return false
	}
	if r.sessions == nil {
		r.sessions = map[*Session]credential{}
	}
	r.sessions[s] = credential{id.Account, id.Credential}
	return true
}

func (r *roll) leave(s *Session) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.sessions, s)
}

// Revoke ends the sessions that logged in with a credential; it is what
// directory.Options.Revoked asks for, and returns at once.
func (srv *Server) Revoke(account uint64, id auth.CredentialID) {
	srv.roll.mu.Lock()
	defer srv.roll.mu.Unlock()
	srv.roll.revoked++
	for s, c := range srv.roll.sessions {
		if c == (credential{account, id}) {
			s.revoked.Store(true)
			s.conn.Wake()
		}
	}
}

// Sessions is how many sessions are logged in.
func (srv *Server) Sessions() int {
	srv.roll.mu.Lock()
	defer srv.roll.mu.Unlock()
	return len(srv.roll.sessions)
}

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
