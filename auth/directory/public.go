package directory

import (
	"context"

	"citron/auth"
	"citron/engine/kv"
)

// ByName implements auth.Names.
func (d *Directory) ByName(ctx context.Context, name string) (auth.Account, error) {
	a, err := d.mustPrepare(name)
	if err != nil {
		return auth.Account{}, err
	}
	e, err := d.lookup(ctx, a)
	switch {
	case err != nil:
		return auth.Account{}, err
	case e == nil:
		return auth.Account{}, auth.Errorf(auth.NoSuchUser, "%s is no account", a)
	}
	return e.record.public(e.number), nil
}

// ByNumber implements auth.Names; those it was asked for lately cost no round
// trip, all others together one.
func (d *Directory) ByNumber(ctx context.Context, numbers ...uint64) ([]auth.Account, error) {
	found := make([]auth.Account, 0, len(numbers))
	var unknown []uint64
	var epoch uint64
	for _, n := range numbers {
		a, ok, e := d.numbered.get(n)
		if ok {
			found = append(found, a)
		} else {
			unknown, epoch = append(unknown, n), e
		}
	}
	if len(unknown) == 0 {
		return found, nil
	}
	reads := kv.Reads{Gets: make([][]byte, len(unknown))}
	for i, n := range unknown {
		reads.Gets[i] = numberKey(keyAccount, n)
	}
	return found, d.view(ctx, func(r kv.Reader) error {
		res, err := r.Read(ctx, reads)
		if err != nil {
			return err
		}
		for i, v := range res.Values {
			if v == nil {
				continue
			}
			record, err := decodeAccount(v)
			if err != nil {
				return err
			}
			a := record.public(unknown[i])
			d.numbered.put(a.Number, a, epoch)
			found = append(found, a)
		}
		return nil
	})
}

// public is the record as other users may know it.
func (a accountRecord) public(number uint64) auth.Account {
	return auth.Account{Number: number, Name: a.name.String(), Shared: a.shared, Disabled: a.disabled}
}
