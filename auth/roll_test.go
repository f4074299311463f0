package auth

import "testing"

// A credential that is revoked while it is checked lets nobody in, and one that
// is revoked later ends its own sessions only.
func TestRoll(t *testing.T) {
	var r Roll[string]
	old, fresh := Identity{Account: 1, Credential: CredentialID{1}}, Identity{Account: 1, Credential: CredentialID{2}}
	asOf := r.AsOf()
	if !r.Enter("a", old, asOf) || !r.Enter("b", old, asOf) || !r.Enter("c", fresh, asOf) {
		t.Fatal("not let in")
	}
	r.Leave("b")
	var ended []string
	r.Revoke(1, old.Credential, func(s string) { ended = append(ended, s) })
	if len(ended) != 1 || ended[0] != "a" || r.Len() != 2 {
		t.Errorf("ended %v, %d left", ended, r.Len())
	}
	if r.Enter("d", fresh, asOf) {
		t.Error("let in by a check that began before a revocation")
	}
}
