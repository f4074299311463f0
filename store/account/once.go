package account

import (
	"context"
	"encoding/binary"
	"time"

	"citron/engine/kv"
	"citron/engine/record"
	"citron/store"
)

// A copy that is to be filed once leaves a record in the transaction that files
// it. Who delivers has it forgotten when it will not deliver again; what nobody
// forgets, because a queue was lost, is swept.

// onceAge is how long such a record stays if nobody forgets it.
const onceAge = 30 * 24 * time.Hour

// onceSweep is how many records a step of the sweep looks at.
const onceSweep = 512

// onceKeySize is the shortest a record's key can be: letter, time, one octet.
const onceKeySize = 1 + 8 + 1

// onceKey orders the records by when their messages came to be.
func onceKey(o store.Once) []byte {
	return append(appendKey64(nil, keyOnce, uint64(max(o.Since.Unix(), 0))), o.Key...)
}

// appendOnce is Append to INBOX of what may have been filed before.
func (a *Account) appendOnce(ctx context.Context, by Actor, items []AppendItem, once store.Once) error {
	defer func() {
		for i := range items {
			items[i].Incoming.Abort()
		}
	}()
	keys, weight, err := a.seal(ctx, items)
	if err != nil {
		return err
	}
	key := onceKey(once)
	return a.update(ctx, append(keys, key), weight, func(t *txn, got [][]byte) error {
		last := len(got) - 1
		if got[last] != nil || t.once[string(key)] {
			return nil
		}
		if _, err := t.append(by, Inbox, items, got[:last], 0); err != nil {
			return err
		}
		if t.once == nil {
			t.once = make(map[string]bool)
		}
		t.once[string(key)] = true
		t.set(key, binary.AppendUvarint([]byte{recordVersion}, uint64(t.now.Unix())))
		return nil
	})
}

// forgetOnce drops records.
func (a *Account) forgetOnce(ctx context.Context, once []store.Once) error {
	return a.write(ctx, func(t *txn) error {
		for _, o := range once {
			t.delete(onceKey(o))
		}
		return nil
	})
}

// sweepOnce drops records that nobody has forgotten for onceAge, those of the
// oldest messages first.
func (a *Account) sweepOnce(ctx context.Context, now time.Time) (more bool, err error) {
	limit := now.Add(-onceAge)
	r := kv.Range{From: []byte{keyOnce}, To: appendKey64(nil, keyOnce, uint64(max(limit.Unix(), 0))), Limit: onceSweep}
	got, err := a.view(ctx, kv.Reads{Ranges: []kv.Range{r}})
	if err != nil {
		return false, err
	}
	var old [][]byte
	for i := range got.Ranges[0].Len() {
		// A record that cannot be read is verify's to report.
		if filed, err := decodeOnce(got.Ranges[0].Value(i)); err == nil && filed.Before(limit) {
			old = append(old, got.Ranges[0].Key(i))
		}
	}
	if len(old) == 0 {
		return false, nil
	}
	return true, a.write(ctx, func(t *txn) error {
		for _, key := range old {
			t.delete(key)
		}
		return nil
	})
}

// decodeOnce gives when the copy was filed.
func decodeOnce(value []byte) (filed time.Time, err error) {
	d := record.Decode(value, recordVersion)
	filed = unix(int64(d.Uint()))
	return filed, d.End()
}
