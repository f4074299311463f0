package directory

import (
	"context"
	"encoding/binary"

	"citron/engine/kv"
	"citron/engine/record"
)

// Store is the other half of an account: its mail. Both methods may be asked to
// do what is done already, and then do nothing.
type Store interface {
	// MakeAccounts makes the mail of these accounts (INBOX and the like) if
	// it is not there, and sets their quota.
	MakeAccounts(ctx context.Context, accounts []Account) error
	// DropAccount removes all mail of an account.
	DropAccount(ctx context.Context, number uint64) error
}

// What a record under keyPending says the store has still to do.
const (
	pendingMake = 1
	pendingDrop = 2
)

// makeMail has the store do its half, and takes the notes away.
func (d *Directory) makeMail(ctx context.Context, accounts []Account) error {
	if d.opts.Store == nil || len(accounts) == 0 {
		return nil
	}
	d.settling.Lock()
	defer d.settling.Unlock()
	accounts, err := d.stillToMake(ctx, accounts)
	if err != nil || len(accounts) == 0 {
		return err
	}
	if err := d.opts.Store.MakeAccounts(ctx, accounts); err != nil {
		return temporary(err)
	}
	numbers := make([]uint64, len(accounts))
	for i, a := range accounts {
		numbers[i] = a.Number
	}
	return d.settled(ctx, pendingMake, numbers...)
}

// stillToMake leaves out accounts that were deleted in the meantime.
func (d *Directory) stillToMake(ctx context.Context, accounts []Account) (still []Account, err error) {
	reads := kv.Reads{Gets: make([][]byte, len(accounts))}
	for i, a := range accounts {
		reads.Gets[i] = numberKey(keyPending, a.Number)
	}
	err = d.view(ctx, func(r kv.Reader) error {
		res, err := r.Read(ctx, reads)
		for i, v := range res.Values {
			if len(v) == 2 && v[1] == pendingMake {
				still = append(still, accounts[i])
			}
		}
		return err
	})
	return still, err
}

func (d *Directory) dropMail(ctx context.Context, number uint64) error {
	if d.opts.Store == nil {
		return nil
	}
	d.settling.Lock()
	defer d.settling.Unlock()
	if err := d.opts.Store.DropAccount(ctx, number); err != nil {
		return temporary(err)
	}
	return d.settled(ctx, pendingDrop, number)
}

// settled takes notes away, but not one that has become another meanwhile: an
// account that was deleted while its mail was being made.
func (d *Directory) settled(ctx context.Context, what byte, numbers ...uint64) error {
	return d.update(ctx, func(tx kv.Tx) error {
		reads := kv.Reads{Gets: make([][]byte, len(numbers))}
		for i, n := range numbers {
			reads.Gets[i] = numberKey(keyPending, n)
		}
		res, err := tx.Read(ctx, reads)
		if err != nil {
			return err
		}
		for i, v := range res.Values {
			if len(v) == 2 && v[1] == what {
				tx.Delete(reads.Gets[i])
			}
		}
		return nil
	})
}

// Settle has the store do whatever is noted. Open calls it; after a failure of
// the store it may be called again.
func (d *Directory) Settle(ctx context.Context) error {
	if d.opts.Store == nil {
		return nil
	}
	makes, drops, err := d.pending(ctx)
	if err != nil {
		return err
	}
	for len(makes) > 0 {
		n := min(len(makes), batch)
		if err := d.makeMail(ctx, makes[:n]); err != nil {
			return err
		}
		makes = makes[n:]
	}
	for _, number := range drops {
		if err := d.dropMail(ctx, number); err != nil {
			return err
		}
	}
	return nil
}

// pending reads the notes.
func (d *Directory) pending(ctx context.Context) (makes []Account, drops []uint64, err error) {
	err = d.view(ctx, func(r kv.Reader) error {
		from := []byte{keyPending}
		res, err := r.Read(ctx, kv.Reads{Ranges: []kv.Range{kv.Prefix(from)}})
		if err != nil {
			return err
		}
		var numbers []uint64
		pairs := res.Ranges[0]
		for i := range pairs.Len() {
			if len(pairs.Key(i)) != 9 || len(pairs.Value(i)) != 2 {
				return record.ErrMalformed
			}
			number := binary.BigEndian.Uint64(pairs.Key(i)[1:])
			if pairs.Value(i)[1] == pendingDrop {
				drops = append(drops, number)
			} else {
				numbers = append(numbers, number)
			}
		}
		records, err := readAccounts(ctx, r, numbers)
		for i, a := range records {
			makes = append(makes, a.describe(numbers[i]))
		}
		return err
	})
	return makes, drops, err
}
