package account

import (
	"context"
	"time"

	"citron/engine/kv"
)

// attemptSweep is how many attempts one step of the sweep looks at.
const attemptSweep = 256

// dueAttempt is when the attempt of an order key is looked at again.
func (s *Store) dueAttempt(key []byte) time.Time {
	return unix(int64(be64(key[2:]))).Add(s.opt.AttemptAge)
}

// sweepAttempts forgets attempts that are old enough, or too many, and are not
// waiting.
func (a *Account) sweepAttempts(ctx context.Context, now time.Time) (more bool, err error) {
	r := kv.Prefix([]byte{keyOutbox, outboxOrder}).NoValues()
	r.Limit = attemptSweep
	got, err := a.view(ctx, kv.Reads{Ranges: []kv.Range{r}})
	if err != nil || got.Ranges[0].Len() == 0 {
		return false, err
	}
	p, excess := got.Ranges[0], 0
	if p.Len() == attemptSweep { // else there cannot be too many
		if excess, err = a.excessAttempts(ctx); err != nil {
			return false, err
		}
	}
	var old [][]byte
	for i := range p.Len() {
		if a.store.dueAttempt(p.Key(i)).After(now) && i >= excess {
			break
		}
		old = append(old, p.Key(i))
	}
	if len(old) == 0 {
		return false, nil
	}
	return true, a.write(ctx, func(t *txn) error { return t.forgetAttempts(old) })
}

// excessAttempts counts attempts beyond those that are remembered, up to one
// step of the sweep.
func (a *Account) excessAttempts(ctx context.Context) (int, error) {
	r := kv.Prefix([]byte{keyOutbox, outboxOrder}).NoValues()
	r.Limit = a.store.opt.MaxAttempts + attemptSweep
	got, err := a.view(ctx, kv.Reads{Ranges: []kv.Range{r}})
	if err != nil {
		return 0, err
	}
	return max(got.Ranges[0].Len()-a.store.opt.MaxAttempts, 0), nil
}

// forgetAttempts takes away the attempts of order keys; those whose message
// waits are looked at again later.
func (t *txn) forgetAttempts(orders [][]byte) error {
	var want kv.Reads
	for _, key := range orders {
		want.Gets = append(want.Gets, waitingKey(orderName(key)))
	}
	got, err := t.read(want)
	if err != nil {
		return err
	}
	for i, key := range orders {
		name := orderName(key)
		if t.delete(key); got.Values[i] != nil {
			t.set(orderKey(t.now.Unix(), name), []byte{recordVersion})
			continue
		}
		t.delete(attemptKey(name))
	}
	return nil
}
