// Package auth is the vocabulary of accounts and credentials: who somebody is,
// whether the password is right, and which account an address reaches. Other
// roles meet the auth role through these interfaces; auth/directory implements
// them in the process, a remote implementation comes with the split deployment.
//
// The package links no engine, because the edge imports it.
//
// # No oracle
//
// Nothing here tells a stranger whether an account exists: an unknown user and
// a wrong password give the same error after the same work, and SCRAM gets a
// salt made of the name and a secret (RFC 5802 §9). That an account is disabled
// is said only to who knows its password.
package auth

import "context"

// Identity is who a login turned out to be.
type Identity struct {
	// Account is the account's number: 1 or more, never reused; 0 for an
	// Application, which has none.
	Account uint64
	// Name is the account's name in canonical form, for example
	// alice@example.org (RFC 8265 UsernameCaseMapped, domain in A-labels);
	// that of an Application without an account is its own.
	Name string
	// Credential identifies the password that was used. A session keeps it,
	// so that revoking the credential ends the session.
	Credential CredentialID
	// Application is what this identity is, if not a person: "submit" for the
	// submission service, "stream", …; it may fetch the URLs that are meant
	// for that application (RFC 4467 §3, RFC 5593 §3.3).
	Application string
}

// CredentialID names one password of one account at one time; it changes
// whenever the password does.
type CredentialID [16]byte

// Authenticator checks credentials. Methods may be called concurrently and may
// take the time of a password hash; they give up when ctx is done.
//
// Errors are *Error: BadCredentials, Disabled, NotAuthorized or Temporary.
type Authenticator interface {
	// Plain checks a name and a password (RFC 4616). A non-empty authzid
	// must name the same account.
	Plain(ctx context.Context, authcid, authzid, password string) (Identity, error)
	// Scram gives what a server needs for SCRAM-SHA-256 (RFC 7677). A user
	// that does not exist gets a Verifier that nothing satisfies.
	Scram(ctx context.Context, authcid, authzid string) (Verifier, error)
}

// Verifier is what a server knows of a password for SCRAM-SHA-256, and who has
// logged in once the client's proof is right.
type Verifier struct {
	Salt       []byte
	Iterations int
	StoredKey  []byte
	ServerKey  []byte

	// Refuse is the answer to a right proof, if it is not to be a login
	// (Disabled, NotAuthorized).
	Refuse   error
	Identity Identity
}

// Destination is what an address reaches: one account.
type Destination struct {
	Account uint64
	// Name is the account's canonical name.
	Name string
	// Detail is the subaddress: "list" of alice+list@example.org (RFC 5233).
	Detail string
	// Disabled: the account is not accepting mail for the time being.
	Disabled bool
}

// Resolver finds who gets the mail for an address.
type Resolver interface {
	// Resolve looks up an address: an account, an alias, either of them with
	// a subaddress, or the domain's catch-all, in this order. An alias of
	// several accounts gives several destinations. The result is shared and
	// must not be changed.
	//
	// Errors are *Error: NoSuchUser, NoSuchDomain, Temporary. An empty
	// domain (RCPT TO:<Postmaster>, RFC 5321 §4.1.1.3) stands for the
	// default domain.
	Resolve(ctx context.Context, local, domain string) ([]Destination, error)
}
