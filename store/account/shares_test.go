package account_test

import (
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"citron/engine/kv"
	"citron/engine/vfs/crashfs"
	"citron/mail/acl"
	"citron/store/account"
	"citron/store/uidset"
)

func (r *rig) grant(id account.MailboxID, who acl.Who, change string) {
	r.t.Helper()
	c, err := acl.ParseChange(change)
	if err == nil {
		err = r.a.SetACL(r.ctx, r.by, id, who, c, nil)
	}
	if err != nil {
		r.t.Fatal(err)
	}
}

// sharers are those that an account has noted.
func (r *rig) sharers(id kv.Account) []uint64 {
	r.t.Helper()
	a, err := r.store.Account(r.ctx, id)
	if err != nil {
		r.t.Fatal(err)
	}
	defer a.Close()
	list, err := a.Sharers(r.ctx)
	if err != nil {
		r.t.Fatal(err)
	}
	return list
}

const bob, carol kv.Account = 20, 21

func newSharing(t *testing.T) *rig {
	r := newRig(t, account.Options{})
	for _, id := range []kv.Account{bob, carol} {
		if err := r.store.Create(r.ctx, id, account.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

// The share comes with the first list that grants anything and goes with the
// last, whatever becomes of lists in between.
func TestSharesFollowLists(t *testing.T) {
	r := newSharing(t)
	both := acl.Who{Account: uint64(bob)}
	want := func(id kv.Account, shared bool) {
		t.Helper()
		if got := r.sharers(id); slices.Contains(got, uint64(alice)) != shared {
			t.Errorf("account %d has noted %v, want alice %v", id, got, shared)
		}
	}
	want(bob, false)
	r.grant(account.Inbox, both, "lr")
	want(bob, true)
	want(carol, false)
	if err := r.create("below"); err != nil {
		t.Fatal(err)
	}
	box, _ := r.a.Lookup("below")
	r.grant(box.ID, both, "l")
	r.grant(account.Inbox, both, "-lr")
	want(bob, true)
	r.grant(box.ID, acl.Who{Account: uint64(bob), Negative: true}, "r")
	if err := r.a.DeleteMailbox(r.ctx, r.by, "below"); err != nil {
		t.Fatal(err)
	}
	r.maintain()
	want(bob, false)
	// With anyone.
	r.grant(account.Inbox, acl.Who{Account: acl.Anyone}, "l")
	want(bob, true)
	want(carol, true)
	want(alice, false)
	r.grant(account.Inbox, acl.Who{Account: acl.Anyone}, "")
	want(carol, false)
	// To nobody that there is.
	r.grant(account.Inbox, acl.Who{Account: 99}, "l")
	// When the owner goes.
	r.grant(account.Inbox, both, "l")
	want(bob, true)
	if err := r.store.Delete(r.ctx, alice); err != nil {
		t.Fatal(err)
	}
	want(bob, false)
}

// Lists and shares are there after a restart, and Verify finds nothing wrong.
func TestSharesSurviveRestart(t *testing.T) {
	r := newSharing(t)
	r.grant(account.Inbox, acl.Who{Account: uint64(bob)}, "lrs")
	before, _ := r.a.Mailbox(account.Inbox)
	r.open(account.Options{})
	after, _ := r.a.Mailbox(account.Inbox)
	equal(t, "list", before.ACL, after.ACL)
	equal(t, "sharers", []uint64{uint64(alice)}, r.sharers(bob))
	r.sound()
}

// A process that ends between the owner's commit and the share leaves a notice,
// which the next one deals with.
func TestNoticeIsDealtWithLater(t *testing.T) {
	r := newSharing(t)
	r.grant(account.Inbox, acl.Who{Account: uint64(bob)}, "lr")
	number := func(id kv.Account) []byte { return binary.BigEndian.AppendUint64(nil, uint64(id)) }
	r.write(bob, append([]byte("j\x02"), number(alice)...), nil)
	r.write(alice, append([]byte("j\x01"), number(bob)...), []byte{1, 0})
	r.open(account.Options{})
	if got := r.sharers(bob); len(got) != 0 {
		t.Fatalf("told already: %v", got)
	}
	r.maintain()
	equal(t, "sharers", []uint64{uint64(alice)}, r.sharers(bob))
	r.sound()
}

// write puts a key behind the store's back.
func (r *rig) write(id kv.Account, key, value []byte) {
	r.t.Helper()
	err := r.engine.Update(r.ctx, id, func(tx kv.Tx) error {
		if tx.Delete(key); value != nil {
			tx.Set(key, value)
		}
		return nil
	})
	if err != nil {
		r.t.Fatal(err)
	}
}

// A crash anywhere in a SETACL leaves the list as it was or as it was to be, and
// when Maintain has run, the other account has noted just that.
func TestCrashInSetACL(t *testing.T) {
	for after, done := uint64(1), false; !done; after++ {
		fs := crashfs.New()
		d := mount(t, fs, account.Options{})
		for _, id := range []kv.Account{alice, bob} {
			if err := d.store.Create(t.Context(), id, account.CreateOptions{}); err != nil {
				t.Fatal(err)
			}
		}
		a := d.account(t, alice)
		at := fs.Calls() + after
		fs.OnCall(crashfs.PowerCut(at, nil))
		all := acl.Change{Op: acl.Replace, Rights: acl.All}
		err := a.SetACL(t.Context(), account.Actor{Account: uint64(alice)}, account.Inbox, acl.Who{Account: uint64(bob)}, all, nil)
		done = err == nil && fs.Calls() < at
		d = mount(t, fs.Crash(rand.New(rand.NewPCG(after, 5))), account.Options{})
		r := &rig{t: t, ctx: t.Context(), store: d.store, a: d.account(t, alice)}
		inbox, _ := r.a.Mailbox(account.Inbox)
		granted := r.a.Rights(inbox, uint64(bob)) == acl.All
		if err == nil && !granted {
			t.Fatalf("after %d calls: what was acknowledged is lost", after)
		}
		r.maintain()
		if noted := len(r.sharers(bob)) > 0; noted != granted {
			t.Fatalf("after %d calls: granted is %v, noted is %v", after, granted, noted)
		}
		d.verify(t)
		d.close()
	}
}

// Accounts that share with one another and send each other messages at the same
// time wait for nobody for ever.
func TestAccountsShareConcurrently(t *testing.T) {
	r := newSharing(t)
	theirs := r.other(bob)
	r.add(account.Inbox, 10, 0)
	var wg sync.WaitGroup
	for _, pair := range [][2]*rig{{r, theirs}, {theirs, r}} {
		from, to := pair[0], pair[1]
		wg.Go(func() {
			for i := range 30 {
				change := acl.Change{Op: acl.Op(i % 2), Rights: acl.All * acl.Rights(i%3%2)}
				if err := from.a.SetACL(r.ctx, from.by, account.Inbox, acl.Who{Account: to.by.Account}, change, nil); err != nil {
					t.Error(err)
				}
			}
		})
		move := func() {
			for i := range 30 {
				if _, err := from.a.MoveTo(r.ctx, from.by, account.Inbox, uidset.Ranges{{First: 1, Last: account.UID(3 * i)}}, to.a, account.Inbox); err != nil && !errors.Is(err, account.ErrCannot) {
					t.Error(err)
				}
			}
		}
		wg.Go(move)
		wg.Go(move)
	}
	wg.Wait()
	r.maintain()
	if here, there := r.view(account.Inbox).Set.Len(), theirs.view(account.Inbox).Set.Len(); here+there != 10 {
		t.Errorf("%d and %d messages of 10", here, there)
	}
	r.sound()
}
