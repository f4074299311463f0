package auth

import "sync"

// Roll is the sessions of a server that are logged in, each with its credential,
// so that revoking the credential ends them within seconds (ARCHITECTURE
// decision 9). Its zero value is ready; methods may be called concurrently.
type Roll[S comparable] struct {
	mu       sync.Mutex
	sessions map[S]credential
	revoked  uint64 // how often anything was revoked
}

type credential struct {
	account uint64
	id      CredentialID
}

// AsOf is to be asked before a credential is checked, and given to Enter.
func (r *Roll[S]) AsOf() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.revoked
}

// Enter is false when anything was revoked since AsOf: it may have been this
// credential, after it was found to be right.
func (r *Roll[S]) Enter(s S, id Identity, asOf uint64) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.revoked != asOf {
		return false
	}
	if r.sessions == nil {
		r.sessions = map[S]credential{}
	}
	r.sessions[s] = credential{id.Account, id.Credential}
	return true
}

// Leave takes a session off; no-op if it is not there.
func (r *Roll[S]) Leave(s S) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.sessions, s)
}

// Revoke calls end, which must not block nor call the Roll, for the sessions
// that logged in with a credential.
func (r *Roll[S]) Revoke(account uint64, id CredentialID, end func(S)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.revoked++
	for s, c := range r.sessions {
		if c == (credential{account, id}) {
			end(s)
		}
	}
}

// Len is how many sessions are logged in.
func (r *Roll[S]) Len() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.sessions)
}
