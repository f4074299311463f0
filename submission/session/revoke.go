package session

import (
	"sync"

	"citron/auth"
)

// Sessions that are logged in remember their credential, so that revoking it
// ends them within seconds (ARCHITECTURE decision 9).

// roll is the sessions that are logged in.
type roll struct {
	mu       sync.Mutex
	sessions map[*session]credential
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
func (r *roll) enter(s *session, id auth.Identity, asOf uint64) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.revoked != asOf {
		return false
	}
	if r.sessions == nil {
		r.sessions = map[*session]credential{}
	}
	r.sessions[s] = credential{id.Account, id.Credential}
	return true
}

func (r *roll) leave(s *session) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.sessions, s)
}

// Revoke ends the sessions that logged in with a credential; it is what
// directory.Options.Revoked asks for, and returns at once. A message that has
// not ended is not queued.
func (s *Service) Revoke(account uint64, id auth.CredentialID) {
	s.roll.mu.Lock()
	defer s.roll.mu.Unlock()
	s.roll.revoked++
	for session, c := range s.roll.sessions {
		if c == (credential{account, id}) {
			session.revoked.Store(true)
			session.conn.Wake()
		}
	}
}

// Sessions is how many sessions are logged in.
func (s *Service) Sessions() int {
	s.roll.mu.Lock()
	defer s.roll.mu.Unlock()
	return len(s.roll.sessions)
}
