package account_test

import (
	"testing"
	"time"

	"citron/engine/kv"
	"citron/store/account"
)

// Accounts of other roles hold no mailboxes: neither verify nor care looks at
// them.
func TestReservedAccounts(t *testing.T) {
	r := newRig(t, account.Options{ScanEvery: time.Minute})
	for _, id := range []kv.Account{0, kv.Queue, kv.Policies, kv.Reserved + 7} {
		err := r.engine.Update(r.ctx, id, func(tx kv.Tx) error {
			tx.Set([]byte("g-of-another-role"), []byte("not a grave"))
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if found := r.findings(); len(found) > 0 {
		t.Errorf("findings %q", found)
	}
	for i := range 20 {
		if _, err := r.store.Maintain(r.ctx, time.Now().Add(time.Duration(i)*time.Minute)); err != nil {
			t.Fatal(err)
		}
	}
	if found := r.findings(); len(found) > 0 {
		t.Errorf("findings %q", found)
	}
}
