package directory

import (
	"context"
	"crypto/rand"
	"time"

	"citron/auth"
	"citron/engine/kv"
)

// Account describes an account.
type Account struct {
	Number   uint64
	Name     string // canonical
	Quota    uint64 // octets; 0: no limit
	Disabled bool
	Shared   bool      // nobody's own; others see its mailboxes as shared ones
	Created  time.Time // whole seconds, UTC
}

// NewAccount says what to make.
type NewAccount struct {
	// Name is user@domain; the domain is made if it is not there.
	Name string
	// Secret is the password; nil: nobody can log in yet.
	Secret *Secret
	Quota  uint64
	// Shared marks the account as nobody's own.
	Shared bool
}

// batch is how many accounts one transaction makes: some 300 octets each.
const batch = 4096

// AddAccounts makes accounts, and has the store make their mail. A name that is
// taken, or given twice, is an error (Exists). Up to 4,096 accounts are made
// together or not at all; of more, those before the error are there. After an
// error of the store the accounts exist, and Settle makes their mail.
func (d *Directory) AddAccounts(ctx context.Context, list ...NewAccount) ([]Account, error) {
	return d.addAccounts(ctx, list, false)
}

// EnsureAccounts is AddAccounts for those that do not exist; accounts of these
// names that do are given back as they are.
func (d *Directory) EnsureAccounts(ctx context.Context, list ...NewAccount) ([]Account, error) {
	return d.addAccounts(ctx, list, true)
}

func (d *Directory) addAccounts(ctx context.Context, list []NewAccount, ensure bool) ([]Account, error) {
	names := make([]address, len(list))
	for i, n := range list {
		var err error
		if names[i], err = d.mustPrepare(n.Name); err != nil {
			return nil, err
		}
	}
	all := make([]Account, 0, len(list))
	shared := map[*Secret]uint64{}
	for start := 0; start < len(list); start += batch {
		end := min(start+batch, len(list))
		a := adding{list: list[start:end], names: names[start:end], ensure: ensure, shared: shared}
		if err := d.update(ctx, func(tx kv.Tx) error { return a.run(ctx, tx) }); err != nil {
			return all, err
		}
		all = append(all, a.accounts...)
		if err := d.makeMail(ctx, a.made); err != nil {
			return all, err
		}
	}
	return all, nil
}

// adding is one transaction of addAccounts.
type adding struct {
	list   []NewAccount
	names  []address
	ensure bool
	shared map[*Secret]uint64 // secrets that have a verifier already

	head     head
	accounts []Account // in the order of list
	made     []Account // those that are new
}

func (a *adding) run(ctx context.Context, tx kv.Tx) error {
	existing, err := a.read(ctx, tx)
	if err != nil {
		return err
	}
	references := map[*Secret]uint64{}
	seen := make(map[address]bool, len(a.names))
	for i, name := range a.names {
		if found := existing[i]; found != nil {
			a.accounts = append(a.accounts, *found)
			continue
		}
		if seen[name] {
			return auth.Errorf(auth.Exists, "%s is given twice", name)
		}
		seen[name] = true
		if a.list[i].Secret != nil {
			references[a.list[i].Secret]++
		}
		a.add(tx, name, a.list[i])
	}
	if len(a.made) == 0 {
		return nil
	}
	if err := a.writeVerifiers(ctx, tx, references); err != nil {
		return err
	}
	tx.Set([]byte{keyHead}, a.head.encode())
	return nil
}

// read brings the head and looks for the names; existing holds the accounts
// that are there already.
func (a *adding) read(ctx context.Context, tx kv.Tx) (existing []*Account, err error) {
	reads := kv.Reads{Gets: [][]byte{{keyHead}}}
	domains := map[string]int{}
	for _, name := range a.names {
		reads.Gets = append(reads.Gets, nameKey(name))
	}
	for _, name := range a.names {
		if _, ok := domains[name.domain]; !ok {
			domains[name.domain] = len(reads.Gets)
			reads.Gets = append(reads.Gets, domainKey(name.domain))
		}
	}
	res, err := tx.Read(ctx, reads)
	if err != nil {
		return nil, err
	}
	if a.head, err = decodeHead(res.Values[0]); err != nil {
		return nil, err
	}
	for domain, i := range domains {
		if res.Values[i] == nil {
			tx.Set(domainKey(domain), domainRecord{}.encode())
		}
	}
	return a.existing(ctx, tx, res.Values[1:1+len(a.names)])
}

func (a *adding) existing(ctx context.Context, tx kv.Tx, values [][]byte) ([]*Account, error) {
	found := make([]*Account, len(values))
	var numbers []uint64
	var at []int
	for i, v := range values {
		if v == nil {
			continue
		}
		n, err := decodeName(v)
		if err != nil {
			return nil, err
		}
		if !a.ensure || n.alias {
			return nil, auth.Errorf(auth.Exists, "%s", a.names[i])
		}
		numbers, at = append(numbers, n.accounts[0]), append(at, i)
	}
	records, err := readAccounts(ctx, tx, numbers)
	for i, r := range records {
		account := r.describe(numbers[i])
		found[at[i]] = &account
	}
	return found, err
}

// add writes one account; its verifier's number is known before the verifier.
func (a *adding) add(tx kv.Tx, name address, n NewAccount) {
	number := a.head.nextAccount
	a.head.nextAccount++
	r := accountRecord{quota: n.Quota, shared: n.Shared, created: time.Now().UTC().Truncate(time.Second), name: name}
	rand.Read(r.credential[:])
	if n.Secret != nil {
		if a.shared[n.Secret] == 0 {
			a.shared[n.Secret] = a.head.nextVerifier
			a.head.nextVerifier++
		}
		r.verifier = a.shared[n.Secret]
	}
	tx.Set(numberKey(keyAccount, number), r.encode())
	tx.Set(nameKey(name), nameRecord{accounts: []uint64{number}}.encode())
	tx.Set(numberKey(keyPending, number), []byte{version, pendingMake})
	account := r.describe(number)
	a.accounts = append(a.accounts, account)
	a.made = append(a.made, account)
}

func (a *adding) writeVerifiers(ctx context.Context, tx kv.Tx, references map[*Secret]uint64) error {
	for secret, count := range references {
		if err := addReferences(ctx, tx, a.shared[secret], secret.verifier, count); err != nil {
			return err
		}
	}
	return nil
}

// describe is the record as callers see it.
func (r accountRecord) describe(number uint64) Account {
	return Account{Number: number, Name: r.name.String(), Quota: r.quota, Disabled: r.disabled, Shared: r.shared, Created: r.created}
}

// addReferences counts accounts towards a verifier, writing it if it is new.
func addReferences(ctx context.Context, tx kv.Tx, number uint64, v verifier, count uint64) error {
	key := numberKey(keyVerifier, number)
	res, err := tx.Read(ctx, kv.Reads{Gets: [][]byte{key}})
	if err != nil {
		return err
	}
	if res.Values[0] != nil {
		_, before, err := decodeVerifier(res.Values[0])
		if err != nil {
			return err
		}
		count += before
	}
	tx.Set(key, v.encode(count))
	return nil
}

// dropReference takes an account from a verifier, which goes with the last.
func dropReference(ctx context.Context, tx kv.Tx, number uint64) error {
	if number == 0 {
		return nil
	}
	key := numberKey(keyVerifier, number)
	res, err := tx.Read(ctx, kv.Reads{Gets: [][]byte{key}})
	if err != nil {
		return err
	}
	v, references, err := decodeVerifier(res.Values[0])
	switch {
	case err != nil:
		return err
	case references > 1:
		tx.Set(key, v.encode(references-1))
	default:
		tx.Delete(key)
	}
	return nil
}
