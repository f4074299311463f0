package account_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"testing"
	"time"

	"citron/engine/kv"
	"citron/mail/acl"
	"citron/store"
	"citron/store/account"
	"citron/store/uidset"
)

// damaged gives a store with some history, in which fn damages each key of a
// letter.
func damagedRig(t *testing.T, letter byte, fn func(tx kv.Tx, key, value []byte)) *rig {
	r := newRig(t, account.Options{InlineLimit: 200, Step: 4})
	r.add(account.Inbox, 9, account.Flagged)
	if _, err := r.a.Append(r.ctx, r.by, account.Inbox, []account.AppendItem{{
		Incoming: r.incoming(small(10) + fmt.Sprintf("%0500d", 1)), Keywords: []string{"k"}, Sources: []account.Source{{Mailbox: account.Inbox, UID: 1, Object: 1}},
	}}); err != nil {
		t.Fatal(err)
	}
	deleted := account.FlagChange{Op: account.AddFlags, System: account.Deleted}
	if _, err := r.a.StoreFlags(r.ctx, r.by, account.Inbox, uidset.Of(2, 3), deleted, nil); err != nil {
		t.Fatal(err)
	}
	if _, _, err := r.a.Expunge(r.ctx, r.by, account.Inbox, uidset.Of(2)); err != nil {
		t.Fatal(err)
	}
	if _, err := r.a.Copy(r.ctx, r.by, account.Inbox, uidset.Of(4, 5, 6, 7, 8, 9), r.mailbox("Archive")); err != nil {
		t.Fatal(err)
	}
	if err := r.a.DeleteMailbox(r.ctx, r.by, "Junk"); err != nil {
		t.Fatal(err)
	}
	r.grant(r.mailbox("Archive"), acl.Who{Account: acl.Anyone}, "lr")
	r.makeURLKey(account.Inbox, alice)
	r.deliver(small(11), store.Recipient{Account: uint64(alice), Once: once("k")})
	inbox := r.view(account.Inbox).Info
	for name, queued := range map[string]string{"waits": "", "queued": "Q1"} {
		sending := account.Sending{Attempt: name, Target: "Sent", Draft: account.DraftID{Name: "INBOX", Mailbox: inbox.ID, UIDValidity: inbox.UIDValidity, UID: 3}}
		if _, err := r.a.Send(r.ctx, r.by, &sending); err != nil {
			t.Fatal(err)
		}
		if queued != "" {
			r.must(r.a.Queued(r.ctx, name, queued))
		}
	}
	r.index()
	r.a.Close()
	r.store.Close()
	r.openBodies()
	err := r.engine.Update(r.ctx, alice, func(tx kv.Tx) error {
		got, err := tx.Read(r.ctx, kv.Reads{Ranges: []kv.Range{{From: []byte{letter}, To: []byte{letter + 1}}}})
		for i := range got.Ranges[0].Len() {
			fn(tx, got.Ranges[0].Key(i), got.Ranges[0].Value(i))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// findings runs Verify.
func (r *rig) findings() (list []string) {
	r.t.Helper()
	err := account.Verify(r.ctx, r.engine, r.bodies, func(f account.Finding) { list = append(list, f.Text) })
	if err != nil {
		r.t.Fatal(err)
	}
	return list
}

func TestVerifyAndRepair(t *testing.T) {
	for _, how := range []struct {
		name string
		fn   func(tx kv.Tx, key, value []byte)
	}{
		{"deleted", func(tx kv.Tx, key, value []byte) { tx.Delete(key) }},
		{"unreadable", func(tx kv.Tx, key, value []byte) { tx.Set(key, []byte{77}) }},
		{"cut", func(tx kv.Tx, key, value []byte) { tx.Set(key, value[:len(value)/2]) }},
	} {
		for _, letter := range "hmcelogxynrdaquvzkp" {
			t.Run(fmt.Sprintf("%c %s", letter, how.name), func(t *testing.T) {
				r := damagedRig(t, byte(letter), how.fn)
				before := r.findings()
				forgotten := letter == 'n' || letter == 'r' || (letter == 'a' || letter == 'u' || letter == 'z' || letter == 'p') && how.name == "deleted" // what is only remembered cannot be missed
				if len(before) == 0 && !(forgotten && how.name != "unreadable") && !(letter == 'l' && how.name == "cut") {
					t.Fatal("Verify found nothing")
				}
				lost := 0
				err := account.Repair(r.ctx, r.engine, r.bodies, func(f account.Finding) { lost++ })
				if err != nil {
					t.Fatal(err)
				}
				left := r.findings()
				if letter != 'y' && len(left) > 0 { // of a small message the header is a part of the text
					t.Fatalf("after Repair: %q", left)
				}
				r.check(letter)
			})
		}
	}
}

// An account that lost its note in the list of those that may have messages
// waiting gets it back.
func TestRepairNote(t *testing.T) {
	r := damagedRig(t, 'k', func(kv.Tx, []byte, []byte) {})
	r.must(r.engine.Update(r.ctx, kv.Outboxes, func(tx kv.Tx) error {
		tx.DeleteRange([]byte{'a'}, nil)
		return nil
	}))
	equal(t, "findings", []string{"Messages wait to be queued, but the account is not noted for that."}, r.findings())
	r.must(account.Repair(r.ctx, r.engine, r.bodies, func(account.Finding) {}))
	equal(t, "findings", 0, len(r.findings()))
	r.open(account.Options{})
	equal(t, "waiting", []string{"7 waits"}, r.waits())
}

// check looks for the messages after a repair.
func (r *rig) check(letter rune) {
	r.t.Helper()
	r.open(account.Options{})
	defer r.a.Close()
	found := make(map[string]bool)
	for _, info := range r.a.Mailboxes() {
		for _, e := range r.entries(r.view(info.ID)) {
			if m, err := r.a.OpenMessage(r.ctx, e.Object); err == nil {
				m.Close()
				found[r.text(e.Object)] = true
			}
		}
	}
	for i := 1; i <= 9; i++ {
		if !found[small(i)] && i != 2 && letter != 'y' {
			r.t.Errorf("message %d is lost", i)
		}
	}
}

// An object that is lost takes the entries with it that name it, be they under
// a UID, dark in a mailbox, in one deleted, or of a copy that was not finished.
func TestRepairOfLostObjects(t *testing.T) {
	r := newRig(t, account.Options{Step: 4})
	res := r.add(account.Inbox, 12, 0)
	for _, name := range []string{"Archive", "Junk", "Trash"} {
		ctx := r.ctx
		if name == "Trash" { // whoever wanted this copy leaves in the middle
			ctx = account.WithProgress(ctx, func(uint64, uint64) error { return context.Canceled })
		}
		if _, err := r.a.Copy(ctx, r.by, account.Inbox, res.UIDs, r.mailbox(name)); err != nil && name != "Trash" {
			t.Fatal(err)
		}
	}
	if err := r.a.DeleteMailbox(r.ctx, r.by, "Junk"); err != nil {
		t.Fatal(err)
	}
	archive := r.mailbox("Archive")
	lost := []account.ObjectID{r.entries(r.view(archive))[0].Object, r.entries(r.view(archive))[7].Object}
	r.a.Close()
	r.store.Close()
	err := r.engine.Update(r.ctx, alice, func(tx kv.Tx) error {
		for _, id := range lost {
			for _, letter := range []byte("oxyb") {
				tx.Delete(binary.BigEndian.AppendUint64([]byte{letter}, uint64(id)))
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.findings()) == 0 {
		t.Fatal("Verify found nothing")
	}
	if err := account.Repair(r.ctx, r.engine, r.bodies, func(account.Finding) {}); err != nil {
		t.Fatal(err)
	}
	equal(t, "findings", []string(nil), r.findings())
	r.open(account.Options{ExpungeGrace: time.Nanosecond})
	for _, name := range []string{"INBOX", "Archive"} {
		if n := len(r.entries(r.view(r.mailbox(name)))); n != 10 {
			t.Errorf("%d messages in %s", n, name)
		}
	}
	r.maintain() // what is left over is swept
	equal(t, "findings after Maintain", []string(nil), r.findings())
	if n := r.keys('d') + r.keys('g') + r.keys('w'); n != 0 {
		t.Errorf("%d keys are left over", n)
	}
}
