package directory

import (
	"context"

	"citron/auth"
	"citron/engine/kv"
)

// Lookup describes the account of a name; NoSuchUser if there is none.
func (d *Directory) Lookup(ctx context.Context, name string) (Account, error) {
	a, err := d.mustPrepare(name)
	if err != nil {
		return Account{}, err
	}
	e, err := d.lookup(ctx, a)
	if err != nil {
		return Account{}, err
	}
	if e == nil {
		return Account{}, auth.Errorf(auth.NoSuchUser, "%s is no account", a)
	}
	return e.record.describe(e.number), nil
}

// names lists up to limit names after the given one, in the order of the keys:
// by domain, then by local-part.
func names(ctx context.Context, r kv.Reader, from, to []byte, limit int) ([]address, []nameRecord, error) {
	res, err := r.Read(ctx, kv.Reads{Ranges: []kv.Range{{From: from, To: to, Limit: limit}}})
	if err != nil {
		return nil, nil, err
	}
	pairs := res.Ranges[0]
	list := make([]address, pairs.Len())
	records := make([]nameRecord, pairs.Len())
	for i := range list {
		list[i] = parseAddress(pairs.Key(i)[1:])
		if records[i], err = decodeName(pairs.Value(i)); err != nil {
			return nil, nil, err
		}
	}
	return list, records, nil
}

// page is how many names are read in one round trip.
const page = 1024

// eachName calls fn with pages of a domain's names, all names if domain is
// empty, from one snapshot.
func (d *Directory) eachName(ctx context.Context, domain string, fn func(kv.Reader, []address, []nameRecord) error) error {
	from := []byte{keyName}
	if domain != "" {
		prepared, err := mustPrepareDomain(domain)
		if err != nil {
			return err
		}
		from = nameKey(address{domain: prepared})
	}
	to := kv.PrefixEnd(from)
	return d.view(ctx, func(r kv.Reader) error {
		for {
			list, records, err := names(ctx, r, from, to, page)
			if err != nil || len(list) == 0 {
				return err
			}
			if err := fn(r, list, records); err != nil {
				return err
			}
			from = append(nameKey(list[len(list)-1]), 0)
		}
	})
}

// Accounts calls fn with each account of a domain, or of all domains if domain
// is empty, sorted by domain and name, until fn returns an error.
func (d *Directory) Accounts(ctx context.Context, domain string, fn func(Account) error) error {
	return d.eachName(ctx, domain, func(r kv.Reader, _ []address, records []nameRecord) error {
		var numbers []uint64
		for _, n := range records {
			if !n.alias {
				numbers = append(numbers, n.accounts[0])
			}
		}
		accounts, err := readAccounts(ctx, r, numbers)
		if err != nil {
			return err
		}
		for i, a := range accounts {
			if err := fn(a.describe(numbers[i])); err != nil {
				return err
			}
		}
		return nil
	})
}

// Aliases calls fn with each alias of a domain, or of all domains if domain is
// empty, sorted by domain and name, until fn returns an error.
func (d *Directory) Aliases(ctx context.Context, domain string, fn func(Alias) error) error {
	return d.eachName(ctx, domain, func(r kv.Reader, list []address, records []nameRecord) error {
		for i, n := range records {
			if !n.alias {
				continue
			}
			accounts, err := readAccounts(ctx, r, n.accounts)
			if err != nil {
				return err
			}
			alias := Alias{Name: list[i].String()}
			for _, a := range accounts {
				alias.Targets = append(alias.Targets, a.name.String())
			}
			if err := fn(alias); err != nil {
				return err
			}
		}
		return nil
	})
}

// Domains lists all domains, sorted.
func (d *Directory) Domains(ctx context.Context) ([]Domain, error) {
	var list []Domain
	err := d.view(ctx, func(r kv.Reader) error {
		from := []byte{keyDomain}
		res, err := r.Read(ctx, kv.Reads{Ranges: []kv.Range{kv.Prefix(from)}})
		if err != nil {
			return err
		}
		pairs := res.Ranges[0]
		for i := range pairs.Len() {
			record, err := decodeDomain(pairs.Value(i))
			if err != nil {
				return err
			}
			domain := Domain{Name: string(pairs.Key(i)[1:])}
			if record.catchAll != 0 {
				a, err := readAccounts(ctx, r, []uint64{record.catchAll})
				if err != nil {
					return err
				}
				domain.CatchAll = a[0].name.String()
			}
			list = append(list, domain)
		}
		return nil
	})
	return list, err
}
