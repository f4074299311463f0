package directory

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"

	"citron/auth"
	"citron/engine/record"
	"citron/wire/sasl"
)

const (
	// minIterations is RFC 7677 §4's; maxIterations keeps one login below
	// about two seconds.
	minIterations = 4096
	maxIterations = 10_000_000
	saltLen       = 16
)

// Secret is a password as accounts keep it. Accounts that are given the same
// Secret share one verifier.
type Secret struct{ verifier verifier }

// Password makes a Secret of a password, as SCRAM-SHA-256 keys.
func (d *Directory) Password(ctx context.Context, password string) (*Secret, error) {
	prepared, err := preparePassword(password)
	if err != nil {
		return nil, &auth.Error{Kind: auth.Invalid, Cause: err}
	}
	salt := make([]byte, saltLen)
	rand.Read(salt)
	if err := d.hashing.acquire(ctx, d.scramCost()); err != nil {
		return nil, temporary(err)
	}
	defer d.hashing.release(d.scramCost())
	keys, err := sasl.DeriveKeys(prepared, salt, d.opts.Iterations)
	if err != nil {
		return nil, temporary(err)
	}
	return &Secret{scramVerifier{keys}}, nil
}

// ImportedHash makes a Secret of an argon2id hash in PHC form, as other servers
// keep them:
//
//	$argon2id$v=19$m=65536,t=3,p=4$salt$hash
//
// Only mechanisms that send the password can use it.
func (d *Directory) ImportedHash(phc string) (*Secret, error) {
	v, err := parseArgon2id(phc)
	if err == nil && v.cost() > d.opts.HashMemory {
		err = errors.New("it needs more memory than hashing is given here")
	}
	if err != nil {
		return nil, auth.Errorf(auth.Invalid, "password hash: %w", err)
	}
	return &Secret{v}, nil
}

// verifier checks a password that has been prepared.
type verifier interface {
	verify(password string) (bool, error)
	encode(references uint64) []byte
}

// scramVerifier are SCRAM-SHA-256 keys.
type scramVerifier struct{ sasl.Keys }

func (v scramVerifier) verify(password string) (bool, error) { return v.Keys.Verify(password) }

const (
	verifierScram    = 1
	verifierArgon2id = 2
)

func (v scramVerifier) encode(references uint64) []byte {
	b := binary.AppendUvarint([]byte{version}, references)
	b = append(b, verifierScram)
	b = binary.AppendUvarint(b, uint64(v.Iterations))
	b = record.AppendString(b, string(v.Salt))
	b = record.AppendString(b, string(v.StoredKey))
	return record.AppendString(b, string(v.ServerKey))
}

// decodeVerifier reads a record under keyVerifier.
func decodeVerifier(value []byte) (verifier, uint64, error) {
	d := record.Decode(value, version)
	references := d.Uint()
	switch d.Byte() {
	case verifierScram:
		v := scramVerifier{sasl.Keys{
			Iterations: int(min(d.Uint(), maxIterations+1)),
			Salt:       d.Bytes(), StoredKey: d.Bytes(), ServerKey: d.Bytes(),
		}}
		if v.Iterations < minIterations || v.Iterations > maxIterations || len(v.StoredKey) == 0 {
			d.Fail(record.ErrMalformed)
		}
		if err := d.End(); err != nil {
			return nil, 0, err
		}
		return v, references, nil
	case verifierArgon2id:
		phc := d.String()
		if err := d.End(); err != nil {
			return nil, 0, err
		}
		v, err := parseArgon2id(phc)
		return v, references, err
	}
	d.Fail(record.ErrMalformed)
	return nil, 0, d.End()
}

// check verifies a password within the bounds of hashing. A nil verifier, of an
// account without password, lets nobody in after the same work.
func (d *Directory) check(ctx context.Context, v verifier, name, password string) (bool, error) {
	if v == nil {
		v = scramVerifier{d.fakeKeys(name)}
	}
	cost := d.scramCost()
	if a, ok := v.(*argon2id); ok {
		cost = min(a.cost(), d.opts.HashMemory)
	}
	if err := d.hashing.acquire(ctx, cost); err != nil {
		return false, err
	}
	defer d.hashing.release(cost)
	return v.verify(password)
}
