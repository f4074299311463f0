// Package directory keeps domains, accounts, aliases and verifiers, and answers
// auth.Authenticator and auth.Resolver from them. It lives in the reserved
// account 0 of a key-value engine; docs/key-layout.md gives its keys.
//
// # Invariants
//
// Account numbers begin at 1 and are never given out again. A name is an
// account or an alias, never both. An alias and a catch-all name accounts that
// exist. A verifier exists as long as an account refers to it.
//
// Creating, changing and deleting an account writes the directory first, with a
// note of what the store has still to do; then the store does it, idempotently;
// then the note goes. Settle finishes what a crash left noted.
//
// # Passwords
//
// A password is kept as SCRAM-SHA-256 keys, PLAIN being checked against them,
// or, if it was imported, as an argon2id hash, which SCRAM cannot use; never
// both, because the weaker would then be what a thief attacks. Checks run a
// bounded number at a time. A success is remembered for some minutes under a
// keyed hash, since phones reconnect a lot; the credential's id in it makes it
// worthless when the password changes.
package directory

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"time"

	"citron/auth"
	"citron/engine/kv"
	"citron/engine/record"
)

// account0 is the directory's own account of the engine.
const account0 kv.Account = 0

// Defaults of Options.
const (
	// DefaultIterations of PBKDF2. RFC 7677 §4 asks for 4,096 at least, for
	// the sake of the phones of 2015, and has 15,000 for machines; this takes
	// today's phone about 20 ms, and a server about 3 ms per PLAIN login that
	// is not remembered.
	DefaultIterations = 16384
	// DefaultHashMemory is what argon2id may use at one time, in bytes.
	DefaultHashMemory = 256 << 20
	// DefaultRemember is how long a successful check is remembered.
	DefaultRemember = 5 * time.Minute
	// DefaultSeparator parts a name and its subaddress (RFC 5233).
	DefaultSeparator = '+'
)

// Options of a Directory; zero fields have the defaults above.
type Options struct {
	Engine kv.Engine
	// Store makes and drops the accounts' mail; nil: there is no store yet,
	// and what it has to do stays noted.
	Store Store
	// DefaultDomain is added to names without one; empty: such names are
	// unknown.
	DefaultDomain string
	// Separator of subaddresses; NoSeparator: there are none.
	Separator  byte
	Iterations int // of new verifiers, 4,096 or more
	HashMemory int64
	Remember   time.Duration
	// Revoked is told, after the fact is durable, that a credential lets
	// nobody in any more: its sessions are to end. It must not block.
	Revoked func(account uint64, credential auth.CredentialID)
}

// NoSeparator as Options.Separator turns subaddresses off.
const NoSeparator = 0xff

// Directory implements auth.Authenticator, auth.Resolver and auth.Names; its methods may be
// called concurrently. Errors are *auth.Error.
type Directory struct {
	opts      Options
	secret    []byte // makes the salts of unknown users
	hashing   *limiter
	successes *successes
	accounts  *cache[string, *entry]
	numbered  *cache[uint64, auth.Account]
	addresses *cache[address, []auth.Destination]
	writing   sync.Mutex // one writer at a time, so that Outcome can be asked
	settling  sync.Mutex // one call of the store at a time
}

var (
	_ auth.Authenticator = (*Directory)(nil)
	_ auth.Resolver      = (*Directory)(nil)
	_ auth.Names         = (*Directory)(nil)
)

// Open opens the directory in the engine, making an empty one if there is none,
// and settles what the last run left undone.
func Open(ctx context.Context, o Options) (*Directory, error) {
	if err := o.fillIn(); err != nil {
		return nil, err
	}
	d := &Directory{
		opts:      o,
		hashing:   newLimiter(o.HashMemory),
		successes: newSuccesses(o.Remember),
		accounts:  newCache[string, *entry](),
		numbered:  newCache[uint64, auth.Account](),
		addresses: newCache[address, []auth.Destination](),
	}
	if err := d.loadSecret(ctx); err != nil {
		return nil, err
	}
	return d, d.Settle(ctx)
}

func (o *Options) fillIn() error {
	if o.Separator == 0 {
		o.Separator = DefaultSeparator
	}
	if o.Iterations == 0 {
		o.Iterations = DefaultIterations
	}
	if o.HashMemory == 0 {
		o.HashMemory = DefaultHashMemory
	}
	if o.Remember == 0 {
		o.Remember = DefaultRemember
	}
	if o.Revoked == nil {
		o.Revoked = func(uint64, auth.CredentialID) {}
	}
	if o.Iterations < minIterations {
		return auth.Errorf(auth.Invalid, "%d iterations: RFC 7677 asks for %d at least", o.Iterations, minIterations)
	}
	if o.DefaultDomain != "" {
		domain, err := prepareDomain(o.DefaultDomain)
		if err != nil {
			return auth.Errorf(auth.Invalid, "default domain %q: %v", o.DefaultDomain, err)
		}
		o.DefaultDomain = domain
	}
	return nil
}

// loadSecret reads the secret, or makes it once.
func (d *Directory) loadSecret(ctx context.Context) error {
	return d.update(ctx, func(tx kv.Tx) error {
		r, err := tx.Read(ctx, kv.Reads{Gets: [][]byte{{keySecret}}})
		if err != nil {
			return err
		}
		if v := r.Values[0]; v != nil {
			dec := record.Decode(v, version)
			d.secret = dec.Take(secretLen)
			return dec.End()
		}
		d.secret = make([]byte, secretLen)
		rand.Read(d.secret)
		tx.Set([]byte{keySecret}, append([]byte{version}, d.secret...))
		return nil
	})
}

// update runs one transaction and finds out about an unknown outcome. The
// caches forget what they know afterwards.
func (d *Directory) update(ctx context.Context, fn func(kv.Tx) error) error {
	d.writing.Lock()
	defer d.writing.Unlock()
	err := d.opts.Engine.Update(ctx, account0, fn)
	var unknown *kv.UnknownError
	if errors.As(err, &unknown) {
		done, askErr := d.opts.Engine.Outcome(ctx, account0, unknown.ID)
		switch {
		case askErr != nil:
			err = errors.Join(err, askErr)
		case done:
			err = nil
		}
	}
	d.accounts.clear()
	d.numbered.clear()
	d.addresses.clear()
	return temporary(err)
}

// view runs one snapshot's reads.
func (d *Directory) view(ctx context.Context, fn func(kv.Reader) error) error {
	return temporary(d.opts.Engine.View(ctx, account0, fn))
}

// temporary gives an engine's error its kind.
func temporary(err error) error {
	var known *auth.Error
	if err == nil || errors.As(err, &known) {
		return err
	}
	return &auth.Error{Kind: auth.Temporary, Cause: fmt.Errorf("directory: %w", err)}
}
