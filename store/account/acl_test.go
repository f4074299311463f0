package account_test

import (
	"testing"

	"citron/mail/acl"
	"citron/store/account"
)

// Who may rename another's INBOX takes no flags from its messages, and the new
// mailbox is for those whom INBOX was for (RFC 4314 §4, RENAME).
func TestRenameInboxOfAnother(t *testing.T) {
	r := newSharing(t)
	r.add(account.Inbox, 2, account.Flagged|account.Seen)
	r.grant(account.Inbox, acl.Who{Account: uint64(bob)}, "lrx")
	r.grant(account.Inbox, acl.Who{Account: uint64(alice)}, "-wst")
	inbox, _ := r.a.Mailbox(account.Inbox)
	if err := r.a.RenameMailbox(r.ctx, account.Actor{Account: uint64(bob)}, "INBOX", "old"); err != nil {
		t.Fatal(err)
	}
	old, _ := r.a.Lookup("old")
	equal(t, "list", inbox.ACL, old.ACL)
	for _, e := range r.entries(r.view(old.ID)) {
		equal(t, "flags", account.Flagged|account.Seen, e.Flags)
	}
	equal(t, "left", uint32(0), r.view(account.Inbox).Set.Len())
	r.sound()
}

// A list has its limit, below which it comes again; entries of accounts that are
// no more make room.
func TestACLHasALimit(t *testing.T) {
	r := newRig(t, account.Options{MaxACL: 3})
	set := func(who uint64, dead ...uint64) error {
		return r.a.SetACL(r.ctx, r.by, account.Inbox, acl.Who{Account: who}, acl.Change{Op: acl.Add, Rights: acl.Lookup}, dead)
	}
	for _, who := range []uint64{30, 31} {
		if err := set(who); err != nil {
			t.Fatal(err)
		}
	}
	if err := set(32); account.KindOf(err) != account.Limit {
		t.Errorf("a fourth identifier: %v", err)
	}
	if err := set(32, 30); err != nil {
		t.Errorf("in the place of one that is no more: %v", err)
	}
	inbox, _ := r.a.Mailbox(account.Inbox)
	equal(t, "rights of the dead", acl.None, r.a.Rights(inbox, 30))
	equal(t, "rights", acl.Lookup, r.a.Rights(inbox, 32))
}
