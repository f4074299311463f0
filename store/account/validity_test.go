package account_test

import (
	"errors"
	"testing"

	"citron/store/account"
)

// What another server told clients under the same UIDVALIDITY is not told
// again of something else: neither UIDs nor modseqs.
func TestRaise(t *testing.T) {
	r := newRig(t, account.Options{})
	box := r.mailbox("Archive")
	if err := r.a.ChooseUIDValidity(r.ctx, r.by, box, 12345); err != nil {
		t.Fatal(err)
	}
	if err := r.a.RaiseUIDNext(r.ctx, r.by, box, 500); err != nil {
		t.Fatal(err)
	}
	if err := r.a.RaiseModSeq(r.ctx, r.by, 1<<40); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time lower than what is
		if err := r.a.RaiseUIDNext(r.ctx, r.by, box, 7); err != nil {
			t.Fatal(err)
		}
		if err := r.a.RaiseModSeq(r.ctx, r.by, 7); err != nil {
			t.Fatal(err)
		}
		r.open(account.Options{})
	}
	info, _ := r.a.Mailbox(box)
	if info.UIDValidity != 12345 || info.UIDNext != 500 {
		t.Errorf("%+v", info)
	}
	res := r.add(box, 1, 0)
	if res.UIDs[0].First != 500 || res.ModSeq <= 1<<40 {
		t.Errorf("got UID %d, modseq %d", res.UIDs[0].First, res.ModSeq)
	}
	if err := r.a.RaiseUIDNext(r.ctx, r.by, box, 1<<32+1); !errors.Is(err, account.ErrCannot) {
		t.Errorf("beyond the last UID: %v", err)
	}
	if err := r.a.RaiseModSeq(r.ctx, r.by, 1<<62); !errors.Is(err, account.ErrCannot) {
		t.Errorf("without room for others: %v", err)
	}
}

// A UIDVALIDITY as low as that of a mailbox that is gone is refused, unless
// what is gone never held a message.
func TestChooseAfterDelete(t *testing.T) {
	r := newRig(t, account.Options{})
	old := account.CreateMailboxOptions{UIDValidity: 12345}
	if err := r.a.DeleteMailbox(r.ctx, r.by, "Sent"); err != nil {
		t.Fatal(err)
	}
	if _, err := r.a.CreateMailbox(r.ctx, r.by, "Sent", old); err != nil {
		t.Errorf("after an empty mailbox: %v", err)
	}
	r.add(r.mailbox("Junk"), 1, 0)
	if err := r.a.DeleteMailbox(r.ctx, r.by, "Junk"); err != nil {
		t.Fatal(err)
	}
	if _, err := r.a.CreateMailbox(r.ctx, r.by, "Junk", old); !errors.Is(err, account.ErrCannot) {
		t.Errorf("after a mailbox with mail: %v", err)
	}
}
