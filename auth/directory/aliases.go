package directory

import (
	"context"
	"slices"

	"citron/auth"
	"citron/engine/kv"
)

// Alias is a name for other accounts.
type Alias struct {
	Name    string   // canonical
	Targets []string // names of accounts
}

// maxTargets bounds an alias: each is a copy of every message.
const maxTargets = 100

// AddAlias lets a name reach an account, besides those it reaches already. Its
// domain must exist, and the name must be no account.
func (d *Directory) AddAlias(ctx context.Context, alias, account string) error {
	a, err := d.mustPrepare(alias)
	if err != nil {
		return err
	}
	_, err = d.change(ctx, account, func(tx kv.Tx, e *entry) (bool, error) {
		return false, addTarget(ctx, tx, a, e.number)
	})
	return err
}

func addTarget(ctx context.Context, tx kv.Tx, alias address, number uint64) error {
	res, err := tx.Read(ctx, kv.Reads{Gets: [][]byte{nameKey(alias), domainKey(alias.domain)}})
	if err != nil {
		return err
	}
	if res.Values[1] == nil {
		return auth.Errorf(auth.NoSuchDomain, "%s: add the domain first", alias.domain)
	}
	n := nameRecord{alias: true}
	if v := res.Values[0]; v != nil {
		if n, err = decodeName(v); err != nil {
			return err
		}
	}
	switch {
	case !n.alias:
		return auth.Errorf(auth.Exists, "%s is an account", alias)
	case slices.Contains(n.accounts, number):
		return auth.Errorf(auth.Exists, "alias %s", alias)
	case len(n.accounts) >= maxTargets:
		return auth.Errorf(auth.Invalid, "an alias reaches at most %d accounts", maxTargets)
	}
	n.accounts = append(n.accounts, number)
	tx.Set(nameKey(alias), n.encode())
	tx.Set(targetKey(number, alias), []byte{version})
	return nil
}

// RemoveAlias removes an alias, or one of the accounts it reaches if account is
// not empty.
func (d *Directory) RemoveAlias(ctx context.Context, alias, account string) error {
	a, err := d.mustPrepare(alias)
	if err != nil {
		return err
	}
	if account != "" {
		_, err = d.change(ctx, account, func(tx kv.Tx, e *entry) (bool, error) {
			return false, removeTarget(ctx, tx, a, e.number)
		})
		return err
	}
	return d.update(ctx, func(tx kv.Tx) error {
		n, err := readAlias(ctx, tx, a)
		if err != nil {
			return err
		}
		for _, number := range n.accounts {
			tx.Delete(targetKey(number, a))
		}
		tx.Delete(nameKey(a))
		return nil
	})
}

// removeTarget takes an account out of an alias, which goes with its last.
func removeTarget(ctx context.Context, tx kv.Tx, alias address, number uint64) error {
	n, err := readAlias(ctx, tx, alias)
	if err != nil {
		return err
	}
	i := slices.Index(n.accounts, number)
	if i < 0 {
		return auth.Errorf(auth.NoSuchUser, "%s does not reach that account", alias)
	}
	n.accounts = slices.Delete(n.accounts, i, i+1)
	if len(n.accounts) == 0 {
		tx.Delete(nameKey(alias))
	} else {
		tx.Set(nameKey(alias), n.encode())
	}
	tx.Delete(targetKey(number, alias))
	return nil
}

func readAlias(ctx context.Context, r kv.Reader, alias address) (nameRecord, error) {
	res, err := r.Read(ctx, kv.Reads{Gets: [][]byte{nameKey(alias)}})
	if err != nil {
		return nameRecord{}, err
	}
	if res.Values[0] == nil {
		return nameRecord{}, auth.Errorf(auth.NoSuchUser, "%s is no alias", alias)
	}
	n, err := decodeName(res.Values[0])
	if err == nil && !n.alias {
		err = auth.Errorf(auth.NoSuchUser, "%s is an account, not an alias", alias)
	}
	return n, err
}
