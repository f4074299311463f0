package auth

import (
	"context"
	"errors"

	"citron/wire/sasl"
)

// Exchange is one AUTHENTICATE: a SASL mechanism of wire/sasl, asking an
// Authenticator. It is not safe for concurrent use; Next may take as long as
// the Authenticator's methods.
type Exchange struct {
	server   sasl.Server
	ctx      context.Context
	auth     Authenticator
	verifier Verifier
	identity Identity
}

// mechanisms makes the server side of each mechanism of sasl.Mechanisms.
var mechanisms = map[string]func(*Exchange, sasl.Bindings) sasl.Server{
	sasl.Plain: func(x *Exchange, _ sasl.Bindings) sasl.Server { return sasl.NewPlainServer(x.plain) },
	sasl.Login: func(x *Exchange, _ sasl.Bindings) sasl.Server { return sasl.NewLoginServer(x.plain) },
	sasl.ScramSHA256: func(x *Exchange, b sasl.Bindings) sasl.Server {
		return sasl.NewScramServer(false, b, x.keys)
	},
	sasl.ScramSHA256Plus: func(x *Exchange, b sasl.Bindings) sasl.Server {
		return sasl.NewScramServer(true, b, x.keys)
	},
}

// Mechanisms lists what a connection should announce, the strongest first:
// those that send the password itself only where cleartext says that this is
// safe (TLS, or loopback by configuration), those with channel binding only
// where the connection has one.
func Mechanisms(cleartext, binding bool) []string {
	var names []string
	for _, m := range sasl.Mechanisms {
		if (!m.Cleartext || cleartext) && (!m.Binding || binding) {
			names = append(names, m.Name)
		}
	}
	return names
}

// Begin starts an exchange of the named mechanism, in capitals. It is nil if
// there is no such mechanism. That it was announced is for the caller to check.
// ctx covers the whole exchange.
func Begin(ctx context.Context, a Authenticator, mechanism string, b sasl.Bindings) *Exchange {
	make, ok := mechanisms[mechanism]
	if !ok {
		return nil
	}
	x := &Exchange{ctx: ctx, auth: a}
	x.server = make(x, b)
	return x
}

// BeginExternal starts an exchange of EXTERNAL with a client who is known from
// outside SASL, by a certificate. who gives the identity for an authorization
// identity, "" for the one that follows from what is known.
func BeginExternal(who func(authzid string) (Identity, error)) *Exchange {
	x := &Exchange{}
	x.server = sasl.NewExternalServer(func(authzid string) (err error) {
		x.identity, err = who(authzid)
		return err
	})
	return x
}

// Next takes the client's message (nil: no initial response) and gives the
// challenge to be sent while done is false. When done, Identity says who it is.
// Errors are *Error.
func (x *Exchange) Next(response []byte) (challenge []byte, done bool, err error) {
	challenge, done, err = x.server.Next(response)
	if err != nil {
		return nil, false, kindOf(err)
	}
	if !done || x.verifier.StoredKey == nil {
		return challenge, done, nil
	}
	if x.verifier.Refuse != nil {
		return nil, false, kindOf(x.verifier.Refuse)
	}
	x.identity = x.verifier.Identity
	return challenge, done, nil
}

// Identity is who logged in, once Next said done.
func (x *Exchange) Identity() Identity { return x.identity }

func (x *Exchange) plain(authzid, authcid, password string) error {
	id, err := x.auth.Plain(x.ctx, authcid, authzid, password)
	x.identity = id
	return err
}

func (x *Exchange) keys(authzid, authcid string) (sasl.Keys, error) {
	v, err := x.auth.Scram(x.ctx, authcid, authzid)
	x.verifier = v
	return sasl.Keys{Salt: v.Salt, Iterations: v.Iterations, StoredKey: v.StoredKey, ServerKey: v.ServerKey}, err
}

// kindOf gives the mechanisms' errors their kind.
func kindOf(err error) error {
	var known *Error
	switch {
	case errors.As(err, &known):
		return known
	case errors.Is(err, sasl.ErrProof), errors.Is(err, sasl.ErrBinding), errors.Is(err, sasl.ErrDowngrade):
		return &Error{Kind: BadCredentials, Cause: err}
	case errors.Is(err, sasl.ErrSyntax), errors.Is(err, sasl.ErrTooLong), errors.Is(err, sasl.ErrOver):
		return &Error{Kind: BadExchange, Cause: err}
	}
	return &Error{Kind: Temporary, Cause: err}
}
