package directory

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"

	"citron/auth"
	"citron/engine/kv"
	"citron/wire/sasl"
)

// entry is an account with its verifier, as read.
type entry struct {
	number   uint64
	record   accountRecord
	verifier verifier // nil: none
}

func (e *entry) identity() auth.Identity {
	return auth.Identity{Account: e.number, Name: e.record.name.String(), Credential: e.record.credential}
}

// Plain implements auth.Authenticator.
func (d *Directory) Plain(ctx context.Context, authcid, authzid, password string) (auth.Identity, error) {
	name, err := d.prepare(authcid)
	if err != nil {
		return auth.Identity{}, &auth.Error{Kind: auth.BadCredentials, Cause: err}
	}
	password, err = preparePassword(password)
	if err != nil {
		return auth.Identity{}, &auth.Error{Kind: auth.BadCredentials, Cause: err}
	}
	e, err := d.lookup(ctx, name)
	if err != nil {
		return auth.Identity{}, err
	}
	if err := d.checkPlain(ctx, e, name.String(), password); err != nil {
		return auth.Identity{}, err
	}
	if err := d.refuse(e, authzid); err != nil {
		return auth.Identity{}, err
	}
	return e.identity(), nil
}

// checkPlain decides about the password alone; e is nil for an unknown user.
func (d *Directory) checkPlain(ctx context.Context, e *entry, name, password string) error {
	var v verifier
	if e != nil {
		if d.successes.known(name, password, e.record.credential) {
			return nil
		}
		v = e.verifier
	}
	right, err := d.check(ctx, v, name, password)
	switch {
	case err != nil:
		return temporary(err)
	case !right || v == nil:
		return &auth.Error{Kind: auth.BadCredentials}
	}
	d.successes.remember(name, password, e.record.credential)
	return nil
}

// refuse says why a right password is no login all the same.
func (d *Directory) refuse(e *entry, authzid string) error {
	if authzid != "" {
		if other, err := d.prepare(authzid); err != nil || other != e.record.name {
			return auth.Errorf(auth.NotAuthorized, "%s asked to be %q", e.record.name, authzid)
		}
	}
	if e.record.disabled {
		return auth.Errorf(auth.Disabled, "%s", e.record.name)
	}
	return nil
}

// Scram implements auth.Authenticator.
func (d *Directory) Scram(ctx context.Context, authcid, authzid string) (auth.Verifier, error) {
	name, err := d.prepare(authcid)
	if err != nil {
		return fake(d.fakeKeys(authcid)), nil
	}
	e, err := d.lookup(ctx, name)
	if err != nil {
		return auth.Verifier{}, err
	}
	if e == nil {
		return fake(d.fakeKeys(name.String())), nil
	}
	keys, ok := e.verifier.(scramVerifier)
	if !ok {
		return fake(d.fakeKeys(name.String())), nil
	}
	v := fake(keys.Keys)
	v.Refuse = d.refuse(e, authzid)
	v.Identity = e.identity()
	return v, nil
}

// fake makes a Verifier without an Identity.
func fake(k sasl.Keys) auth.Verifier {
	return auth.Verifier{Salt: k.Salt, Iterations: k.Iterations, StoredKey: k.StoredKey, ServerKey: k.ServerKey}
}

// fakeKeys are those of a user that does not exist: the same each time, and
// nobody knows a password for them. They look like those of a password that was
// set with the present number of iterations.
func (d *Directory) fakeKeys(name string) sasl.Keys {
	derive := func(what string) []byte {
		m := hmac.New(sha256.New, d.secret)
		m.Write([]byte(what))
		m.Write([]byte{0})
		m.Write([]byte(name))
		return m.Sum(nil)
	}
	return sasl.Keys{
		Salt: derive("salt")[:saltLen], Iterations: d.opts.Iterations,
		StoredKey: derive("stored key"), ServerKey: derive("server key"),
	}
}

// lookup finds the account of a name; nil if there is none.
func (d *Directory) lookup(ctx context.Context, name address) (*entry, error) {
	key := name.String()
	e, ok, epoch := d.accounts.get(key)
	if ok {
		return e, nil
	}
	err := d.view(ctx, func(r kv.Reader) error {
		number, err := readAccountName(ctx, r, name)
		if err != nil || number == 0 {
			return err
		}
		e, err = readEntry(ctx, r, number)
		return err
	})
	if err == nil && e != nil {
		d.accounts.put(key, e, epoch)
	}
	return e, err
}

// readAccountName gives the number of the account of this name, 0 if there is
// none.
func readAccountName(ctx context.Context, r kv.Reader, name address) (uint64, error) {
	res, err := r.Read(ctx, kv.Reads{Gets: [][]byte{nameKey(name)}})
	if err != nil || res.Values[0] == nil {
		return 0, err
	}
	n, err := decodeName(res.Values[0])
	if err != nil || n.alias {
		return 0, err
	}
	return n.accounts[0], nil
}

// readEntry reads an account that a name refers to, and its verifier.
func readEntry(ctx context.Context, r kv.Reader, number uint64) (*entry, error) {
	res, err := r.Read(ctx, kv.Reads{Gets: [][]byte{numberKey(keyAccount, number)}})
	if err != nil {
		return nil, err
	}
	e := &entry{number: number}
	if e.record, err = decodeAccount(res.Values[0]); err != nil || e.record.verifier == 0 {
		return e, err
	}
	res, err = r.Read(ctx, kv.Reads{Gets: [][]byte{numberKey(keyVerifier, e.record.verifier)}})
	if err != nil {
		return nil, err
	}
	e.verifier, _, err = decodeVerifier(res.Values[0])
	return e, err
}
