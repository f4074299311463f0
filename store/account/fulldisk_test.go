package account_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"citron/engine/enginetest"
	"citron/store/account"
	"citron/store/uidset"
)

// On a full disk deleting goes on, in all its steps up to the sweep, and all
// else is refused.
func TestDeletingOnAFullDisk(t *testing.T) {
	now := time.Unix(1e9, 0)
	o := account.Options{Now: func() time.Time { return now }, ExpungeGrace: time.Hour}
	r := newRig(t, o)
	engine := &enginetest.Full{Engine: r.engine}
	r.engine = engine
	r.open(o)
	r.add(account.Inbox, 20, 0)
	r.create("Old")
	r.add(r.mailbox("Old"), 5, 0)
	engine.Now.Store(true)

	no := func(what string, err error) {
		t.Helper()
		if account.KindOf(err) != account.NoSpace {
			t.Errorf("%s on a full disk: %v", what, err)
		}
	}
	flag := func(op account.FlagOp, f account.SystemFlag, words ...string) error {
		_, err := r.a.StoreFlags(r.ctx, r.by, account.Inbox, uidset.Ranges{{First: 1, Last: 10}},
			account.FlagChange{Op: op, System: f, Keywords: words}, nil)
		return err
	}
	no("a keyword", flag(account.AddFlags, 0, "$Work"))
	no("a flag", flag(account.AddFlags, account.Flagged))
	no("a flag less", flag(account.RemoveFlags, account.Deleted))
	_, err := r.a.Copy(r.ctx, r.by, account.Inbox, uidset.Everything(), r.mailbox("Old"))
	no("a copy", err)
	_, err = r.a.CreateMailbox(r.ctx, r.by, "New", account.CreateMailboxOptions{})
	no("a mailbox", err)

	r.must(flag(account.AddFlags, account.Deleted|account.Seen))
	gone, _, err := r.a.Expunge(r.ctx, r.by, account.Inbox, uidset.Ranges{{First: 1, Last: 5}})
	r.must(err)
	if gone.Count() != 5 {
		t.Errorf("%d expunged", gone.Count())
	}
	r.must(r.a.DeleteMailbox(r.ctx, r.by, "Old"))
	now = now.Add(2 * time.Hour)
	r.maintain()
	if n := r.keys('g'); n != 0 {
		t.Errorf("%d graves are not swept", n)
	}
	r.must(r.store.SweepBodies(r.ctx))
	r.must(r.store.Delete(r.ctx, alice))
}

func (r *rig) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Error(err)
	}
}

// Who waits for the same account does not share a refusal, nor a permission.
func TestFullDiskTogether(t *testing.T) {
	r := newRig(t, account.Options{})
	engine := &enginetest.Full{Engine: r.engine}
	r.engine = engine
	r.open(account.Options{})
	r.add(account.Inbox, 100, account.Deleted)
	engine.Now.Store(true)
	var all sync.WaitGroup
	for i := range 100 {
		all.Go(func() {
			if _, _, err := r.a.Expunge(r.ctx, r.by, account.Inbox, uidset.Ranges{{First: account.UID(i + 1), Last: account.UID(i + 1)}}); err != nil {
				t.Error(err)
			}
		})
		all.Go(func() {
			_, err := r.a.CreateMailbox(r.ctx, r.by, fmt.Sprint("m", i), account.CreateMailboxOptions{})
			if account.KindOf(err) != account.NoSpace {
				t.Errorf("a mailbox: %v", err)
			}
		})
	}
	all.Wait()
	if n := r.view(account.Inbox).Info.Messages; n != 0 {
		t.Errorf("%d messages left", n)
	}
}
