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
	if err := r.a.RaiseModSeq(r.ctx, r.by, box, 1<<40); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time lower than what is
		if err := r.a.RaiseUIDNext(r.ctx, r.by, box, 7); err != nil {
			t.Fatal(err)
		}
		if err := r.a.RaiseModSeq(r.ctx, r.by, box, 7); err != nil {
			t.Fatal(err)
		}
		r.open(account.Options{})
	}
	info, _ := r.a.Mailbox(box)
	if info.UIDValidity != 12345 || info.UIDNext != 500 || info.ModSeq <= 1<<40 {
		t.Errorf("%+v", info)
	}
	res := r.add(box, 1, 0)
	if res.UIDs[0].First != 500 || res.ModSeq <= 1<<40 {
		t.Errorf("got UID %d, modseq %d", res.UIDs[0].First, res.ModSeq)
	}
	r.knows(box, 1<<40, true)
	r.knows(box, 1<<40-1, false)
	// Once more, from a server that went on: the log here is of no use.
	if err := r.a.RaiseModSeq(r.ctx, r.by, box, 1<<41); err != nil {
		t.Fatal(err)
	}
	r.knows(box, 1<<41, false)
	r.add(box, 1, 0)
	info, _ = r.a.Mailbox(box)
	r.knows(box, info.LogFloor, true)
	if info.ModSeq <= info.LogFloor || info.LogFloor <= 1<<41 {
		t.Errorf("%+v", info)
	}
	r.sound()
	if err := r.a.RaiseUIDNext(r.ctx, r.by, box, 1<<32+1); !errors.Is(err, account.ErrCannot) {
		t.Errorf("beyond the last UID: %v", err)
	}
	if err := r.a.RaiseModSeq(r.ctx, r.by, box, 1<<62); !errors.Is(err, account.ErrCannot) {
		t.Errorf("without room for others: %v", err)
	}
}

// A mailbox that never held a message leaves its UIDVALIDITY to an import.
func TestChooseWhatAnotherHas(t *testing.T) {
	r := newRig(t, account.Options{})
	junk, _ := r.a.Lookup("Junk")
	trash, _ := r.a.Lookup("Trash")
	r.add(trash.ID, 1, 0)
	if err := r.a.ChooseUIDValidity(r.ctx, r.by, r.mailbox("Sent"), junk.UIDValidity); err != nil {
		t.Fatal(err)
	}
	now, _ := r.a.Lookup("Junk")
	if now.UIDValidity <= trash.UIDValidity {
		t.Errorf("Junk has %d", now.UIDValidity)
	}
	if err := r.a.ChooseUIDValidity(r.ctx, r.by, r.mailbox("Archive"), trash.UIDValidity); !errors.Is(err, account.ErrCannot) {
		t.Errorf("that of a mailbox with mail: %v", err)
	}
	r.open(account.Options{})
	if again, _ := r.a.Lookup("Junk"); again.UIDValidity != now.UIDValidity {
		t.Errorf("Junk had %d and has %d", now.UIDValidity, again.UIDValidity)
	}
	r.sound()
}

// knows says whether the log tells all that changed since.
func (r *rig) knows(box account.MailboxID, since account.ModSeq, want bool) {
	r.t.Helper()
	c, err := r.a.Changes(r.ctx, r.view(box), since)
	if err != nil || c.Complete != want {
		r.t.Errorf("since %d: complete is %v, %v", since, c.Complete, err)
	}
}

// sound has Verify find nothing.
func (r *rig) sound() {
	r.t.Helper()
	err := account.Verify(r.ctx, r.engine, r.bodies, func(f account.Finding) { r.t.Error(f.Text) })
	if err != nil {
		r.t.Error(err)
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
