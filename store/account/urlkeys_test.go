package account_test

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"citron/engine/kv"
	"citron/store/account"
)

func (r *rig) urlKey(id account.MailboxID, user kv.Account) []byte {
	r.t.Helper()
	key, err := r.a.URLKey(r.ctx, id, uint64(user))
	if err != nil {
		r.t.Fatal(err)
	}
	return key
}

func (r *rig) makeURLKey(id account.MailboxID, user kv.Account) []byte {
	r.t.Helper()
	key, err := r.a.MakeURLKey(r.ctx, r.by, id, uint64(user))
	if err != nil || len(key) != account.URLKeySize || bytes.Equal(key, make([]byte, account.URLKeySize)) {
		r.t.Fatalf("%x %v", key, err)
	}
	return key
}

// Keys are made when they are first asked for, one for each user and mailbox,
// stay through RENAME and restarts, and go with the mailbox.
func TestURLKeys(t *testing.T) {
	r := newRig(t, account.Options{})
	archive := r.mailbox("Archive")
	if r.urlKey(archive, alice) != nil {
		t.Error("a key that nobody made")
	}
	keys := [][]byte{r.makeURLKey(archive, alice), r.makeURLKey(archive, bob), r.makeURLKey(account.Inbox, alice), r.makeURLKey(account.URLTable, alice)}
	for i, k := range keys {
		if j := slices.IndexFunc(keys, func(o []byte) bool { return bytes.Equal(k, o) }); j != i {
			t.Errorf("keys %d and %d are the same", j, i)
		}
	}
	equal(t, "made once", keys[0], r.makeURLKey(archive, alice))
	if err := r.a.RenameMailbox(r.ctx, r.by, "Archive", "Old"); err != nil {
		t.Fatal(err)
	}
	r.a.Close()
	r.store.Close()
	r.open(account.Options{})
	equal(t, "after RENAME and a restart", keys[0], r.urlKey(archive, alice))

	if err := r.a.ResetURLKey(r.ctx, r.by, archive, uint64(alice)); err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(keys[0], r.urlKey(archive, alice)) || r.a.URLResets(archive, uint64(alice)) != 1 {
		t.Error("the key was not reset")
	}
	equal(t, "another's", keys[1], r.urlKey(archive, bob))
	if err := r.a.DropURLTable(r.ctx, r.by); err != nil || r.urlKey(account.URLTable, alice) != nil {
		t.Errorf("the table's key is still there: %v", err)
	}
	r.sound()

	if err := r.a.DeleteMailbox(r.ctx, r.by, "Old"); err != nil {
		t.Fatal(err)
	}
	if r.urlKey(archive, alice) != nil || r.urlKey(archive, bob) != nil {
		t.Error("keys outlive their mailbox")
	}
	if _, err := r.a.MakeURLKey(r.ctx, r.by, archive, uint64(alice)); !errors.Is(err, account.ErrNoMailbox) {
		t.Errorf("a key for a mailbox that is gone: %v", err)
	}
	if err := r.a.ResetURLKey(r.ctx, r.by, archive, uint64(alice)); !errors.Is(err, account.ErrNoMailbox) {
		t.Errorf("a key for a mailbox that is gone: %v", err)
	}
	r.sound()
}

// A key that is damaged is no key: it is told, never used, and taken away by
// Repair.
func TestDamagedURLKeys(t *testing.T) {
	r := newRig(t, account.Options{})
	r.makeURLKey(account.Inbox, alice)
	inbox := []byte{'u', 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, byte(alice)}
	for what, value := range map[string][]byte{"short": {1, 2}, "empty": {1}, "of another version": append([]byte{2}, make([]byte, account.URLKeySize)...)} {
		r.write(alice, inbox, value)
		if key, err := r.a.URLKey(r.ctx, account.Inbox, uint64(alice)); key != nil || !errors.Is(err, account.ErrDamaged) {
			t.Errorf("%s: %x %v", what, key, err)
		}
		if len(r.findings()) != 1 {
			t.Errorf("%s: %q", what, r.findings())
		}
	}
	r.write(alice, []byte{'u', 0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 9}, append([]byte{1}, make([]byte, account.URLKeySize)...))
	r.write(alice, []byte{'u', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 99}, append([]byte{1}, make([]byte, account.URLKeySize)...))
	r.write(alice, []byte{'u', 7}, []byte{1})
	if len(r.findings()) != 4 {
		t.Errorf("%q", r.findings())
	}
	r.a.Close()
	r.store.Close()
	if err := account.Repair(r.ctx, r.engine, r.bodies, func(account.Finding) {}); err != nil {
		t.Fatal(err)
	}
	r.sound()
	r.open(account.Options{})
	r.makeURLKey(account.Inbox, alice)
}
