package directory

import (
	"context"
	"crypto/rand"

	"citron/auth"
	"citron/engine/kv"
)

// change runs one transaction on the account of a name and, once it is durable,
// says that the credential it had is revoked, if fn said so.
func (d *Directory) change(ctx context.Context, name string, fn func(kv.Tx, *entry) (revoke bool, err error)) (Account, error) {
	a, err := d.mustPrepare(name)
	if err != nil {
		return Account{}, err
	}
	var e *entry
	var revoke bool
	var old auth.CredentialID
	err = d.update(ctx, func(tx kv.Tx) error {
		number, err := readAccountName(ctx, tx, a)
		if err != nil {
			return err
		}
		if number == 0 {
			return auth.Errorf(auth.NoSuchUser, "%s is no account", a)
		}
		if e, err = readEntry(ctx, tx, number); err != nil {
			return err
		}
		old = e.record.credential
		revoke, err = fn(tx, e)
		return err
	})
	if err != nil {
		return Account{}, err
	}
	if revoke {
		d.opts.Revoked(e.number, old)
	}
	return e.record.describe(e.number), nil
}

func (e *entry) write(tx kv.Tx) { tx.Set(numberKey(keyAccount, e.number), e.record.encode()) }

// SetPassword gives an account a new password, and a new credential id. nil:
// nobody can log in.
func (d *Directory) SetPassword(ctx context.Context, name string, s *Secret) (Account, error) {
	return d.change(ctx, name, func(tx kv.Tx, e *entry) (bool, error) {
		if err := dropReference(ctx, tx, e.record.verifier); err != nil {
			return false, err
		}
		e.record.verifier = 0
		if s != nil {
			number, err := d.newVerifier(ctx, tx, s)
			if err != nil {
				return false, err
			}
			e.record.verifier = number
		}
		rand.Read(e.record.credential[:])
		e.write(tx)
		return true, nil
	})
}

func (d *Directory) newVerifier(ctx context.Context, tx kv.Tx, s *Secret) (uint64, error) {
	res, err := tx.Read(ctx, kv.Reads{Gets: [][]byte{{keyHead}}})
	if err != nil {
		return 0, err
	}
	h, err := decodeHead(res.Values[0])
	if err != nil {
		return 0, err
	}
	number := h.nextVerifier
	h.nextVerifier++
	tx.Set([]byte{keyHead}, h.encode())
	tx.Set(numberKey(keyVerifier, number), s.verifier.encode(1))
	return number, nil
}

// Disable keeps an account from logging in and its mail waiting at the MTA; its
// credential is revoked, so that sessions end. Doing it twice is no error.
func (d *Directory) Disable(ctx context.Context, name string) (Account, error) {
	return d.change(ctx, name, func(tx kv.Tx, e *entry) (bool, error) {
		e.record.disabled = true
		e.write(tx)
		return true, nil
	})
}

// Enable undoes Disable.
func (d *Directory) Enable(ctx context.Context, name string) (Account, error) {
	return d.change(ctx, name, func(tx kv.Tx, e *entry) (bool, error) {
		e.record.disabled = false
		e.write(tx)
		return false, nil
	})
}

// SetQuota sets the account's limit, in octets, 0 for none, here and then in
// the store.
func (d *Directory) SetQuota(ctx context.Context, name string, quota uint64) (Account, error) {
	a, err := d.change(ctx, name, func(tx kv.Tx, e *entry) (bool, error) {
		e.record.quota = quota
		e.write(tx)
		tx.Set(numberKey(keyPending, e.number), []byte{version, pendingMake})
		return false, nil
	})
	if err != nil {
		return a, err
	}
	return a, d.makeMail(ctx, []Account{a})
}

// Delete removes an account, the aliases that reach nobody else, and then its
// mail. Nobody gets its number again.
func (d *Directory) Delete(ctx context.Context, name string) (Account, error) {
	ctx = kv.MakingRoom(ctx)
	a, err := d.change(ctx, name, func(tx kv.Tx, e *entry) (bool, error) {
		if err := d.forgetTargets(ctx, tx, e.number); err != nil {
			return false, err
		}
		if err := d.forgetCatchAll(ctx, tx, e.number); err != nil {
			return false, err
		}
		if err := dropReference(ctx, tx, e.record.verifier); err != nil {
			return false, err
		}
		tx.Delete(nameKey(e.record.name))
		tx.Delete(numberKey(keyAccount, e.number))
		tx.Set(numberKey(keyPending, e.number), []byte{version, pendingDrop})
		return true, nil
	})
	if err != nil {
		return a, err
	}
	return a, d.dropMail(ctx, a.Number)
}

// forgetTargets takes the account out of every alias that names it.
func (d *Directory) forgetTargets(ctx context.Context, tx kv.Tx, number uint64) error {
	prefix := numberKey(keyTarget, number)
	res, err := tx.Read(ctx, kv.Reads{Ranges: []kv.Range{kv.Prefix(prefix).NoValues()}})
	if err != nil {
		return err
	}
	pairs := res.Ranges[0]
	for i := range pairs.Len() {
		if err := removeTarget(ctx, tx, parseAddress(pairs.Key(i)[len(prefix):]), number); err != nil {
			return err
		}
	}
	return nil
}

// forgetCatchAll takes the account from the domains whose catch-all it is.
func (d *Directory) forgetCatchAll(ctx context.Context, tx kv.Tx, number uint64) error {
	from := []byte{keyDomain}
	res, err := tx.Read(ctx, kv.Reads{Ranges: []kv.Range{kv.Prefix(from)}})
	if err != nil {
		return err
	}
	pairs := res.Ranges[0]
	for i := range pairs.Len() {
		r, err := decodeDomain(pairs.Value(i))
		if err != nil {
			return err
		}
		if r.catchAll == number {
			tx.Set(pairs.Key(i), domainRecord{}.encode())
		}
	}
	return nil
}
