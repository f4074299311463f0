package directory

import (
	"context"

	"citron/auth"
	"citron/engine/kv"
)

// Domain describes a domain that is served.
type Domain struct {
	Name     string // A-labels
	CatchAll string // name of the account that gets the rest; empty: nobody
}

// AddDomain makes a domain; one that is there already is an error (Exists).
func (d *Directory) AddDomain(ctx context.Context, name string) error {
	domain, err := mustPrepareDomain(name)
	if err != nil {
		return err
	}
	return d.update(ctx, func(tx kv.Tx) error {
		res, err := tx.Read(ctx, kv.Reads{Gets: [][]byte{domainKey(domain)}})
		if err != nil {
			return err
		}
		if res.Values[0] != nil {
			return auth.Errorf(auth.Exists, "domain %s", domain)
		}
		tx.Set(domainKey(domain), domainRecord{}.encode())
		return nil
	})
}

// RemoveDomain removes a domain without accounts and aliases.
func (d *Directory) RemoveDomain(ctx context.Context, name string) error {
	domain, err := mustPrepareDomain(name)
	if err != nil {
		return err
	}
	return d.update(ctx, func(tx kv.Tx) error {
		from := nameKey(address{domain: domain})
		res, err := tx.Read(ctx, kv.Reads{
			Gets:   [][]byte{domainKey(domain)},
			Ranges: []kv.Range{{From: from, To: kv.PrefixEnd(from), Limit: 1, KeysOnly: true}},
		})
		switch {
		case err != nil:
			return err
		case res.Values[0] == nil:
			return auth.Errorf(auth.NoSuchDomain, "%s", domain)
		case res.Ranges[0].Len() > 0:
			return auth.Errorf(auth.Invalid, "%s has accounts or aliases: delete them first", domain)
		}
		tx.Delete(domainKey(domain))
		return nil
	})
}

// SetCatchAll gives an account the mail for all names that a domain does not
// have. An empty account: nobody gets it.
func (d *Directory) SetCatchAll(ctx context.Context, name, account string) error {
	domain, err := mustPrepareDomain(name)
	if err != nil {
		return err
	}
	if account == "" {
		return d.update(ctx, func(tx kv.Tx) error { return setCatchAll(ctx, tx, domain, 0) })
	}
	_, err = d.change(ctx, account, func(tx kv.Tx, e *entry) (bool, error) {
		return false, setCatchAll(ctx, tx, domain, e.number)
	})
	return err
}

func setCatchAll(ctx context.Context, tx kv.Tx, domain string, number uint64) error {
	res, err := tx.Read(ctx, kv.Reads{Gets: [][]byte{domainKey(domain)}})
	if err != nil {
		return err
	}
	if res.Values[0] == nil {
		return auth.Errorf(auth.NoSuchDomain, "%s", domain)
	}
	r, err := decodeDomain(res.Values[0])
	if err != nil {
		return err
	}
	r.catchAll = number
	tx.Set(domainKey(domain), r.encode())
	return nil
}

func mustPrepareDomain(name string) (string, error) {
	domain, err := prepareDomain(name)
	if err != nil {
		return "", auth.Errorf(auth.Invalid, "%q is no domain", name)
	}
	return domain, nil
}
