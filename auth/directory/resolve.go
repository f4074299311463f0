package directory

import (
	"context"
	"strings"

	"citron/auth"
	"citron/engine/kv"
)

// Resolve implements auth.Resolver.
func (d *Directory) Resolve(ctx context.Context, local, domain string) ([]auth.Destination, error) {
	// Keyed by the address as given, so that a hit costs no preparation.
	given := address{local, domain}
	reach, ok, epoch := d.addresses.get(given)
	if ok {
		return reach, nil
	}
	if domain == "" {
		domain = d.opts.DefaultDomain
	}
	domain, err := prepareDomain(domain)
	if err != nil {
		return nil, &auth.Error{Kind: auth.NoSuchDomain, Cause: err}
	}
	local, err = prepareLocal(local)
	if err != nil {
		return nil, &auth.Error{Kind: auth.NoSuchUser, Cause: err}
	}
	err = d.view(ctx, func(r kv.Reader) error {
		var err error
		reach, err = d.resolve(ctx, r, address{local, domain})
		return err
	})
	if err != nil {
		return nil, err
	}
	d.addresses.put(given, reach, epoch)
	return reach, nil
}

// resolve tries the whole name, the name without subaddress and the catch-all
// in one round trip, and reads the accounts in another.
func (d *Directory) resolve(ctx context.Context, r kv.Reader, a address) ([]auth.Destination, error) {
	base, detail := d.cutDetail(a.local)
	res, err := r.Read(ctx, kv.Reads{Gets: [][]byte{
		domainKey(a.domain), nameKey(a), nameKey(address{base, a.domain}),
	}})
	if err != nil {
		return nil, err
	}
	domain, exact, shorter := res.Values[0], res.Values[1], res.Values[2]
	switch {
	case domain == nil:
		return nil, auth.Errorf(auth.NoSuchDomain, "%s", a.domain)
	case exact != nil:
		return named(ctx, r, exact, "")
	case shorter != nil:
		return named(ctx, r, shorter, detail)
	}
	record, err := decodeDomain(domain)
	if err != nil {
		return nil, err
	}
	if record.catchAll == 0 {
		return nil, auth.Errorf(auth.NoSuchUser, "%s", a)
	}
	return destinations(ctx, r, []uint64{record.catchAll}, "")
}

// cutDetail parts "alice+list" into "alice" and "list".
func (d *Directory) cutDetail(local string) (base, detail string) {
	i := strings.IndexByte(local, d.opts.Separator)
	if i <= 0 {
		return local, ""
	}
	return local[:i], local[i+1:]
}

func named(ctx context.Context, r kv.Reader, value []byte, detail string) ([]auth.Destination, error) {
	n, err := decodeName(value)
	if err != nil {
		return nil, err
	}
	return destinations(ctx, r, n.accounts, detail)
}

func destinations(ctx context.Context, r kv.Reader, accounts []uint64, detail string) ([]auth.Destination, error) {
	records, err := readAccounts(ctx, r, accounts)
	if err != nil {
		return nil, err
	}
	reach := make([]auth.Destination, len(accounts))
	for i, a := range records {
		reach[i] = auth.Destination{Account: accounts[i], Name: a.name.String(), Detail: detail, Disabled: a.disabled}
	}
	return reach, nil
}

// readAccounts reads the records of accounts that exist, in one round trip.
func readAccounts(ctx context.Context, r kv.Reader, numbers []uint64) ([]accountRecord, error) {
	reads := kv.Reads{Gets: make([][]byte, len(numbers))}
	for i, n := range numbers {
		reads.Gets[i] = numberKey(keyAccount, n)
	}
	res, err := r.Read(ctx, reads)
	if err != nil {
		return nil, err
	}
	records := make([]accountRecord, len(numbers))
	for i, v := range res.Values {
		if records[i], err = decodeAccount(v); err != nil {
			return nil, err
		}
	}
	return records, nil
}
