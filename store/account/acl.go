package account

import (
	"context"
	"fmt"
	"slices"

	"citron/mail/acl"
)

// Access control lists (RFC 4314). A mailbox has one in its own key, if it says
// anything but that the owner has every right. Whom to let do what is the
// callers' business, whom Rights tells; but a flag that an actor may not change
// stays as it is, and is not set on what he appends or copies, since only here
// the list and the flags are those of one moment.

// Rights gives the rights that an account has on a mailbox of this one.
func (a *Account) Rights(info *MailboxInfo, who uint64) acl.Rights {
	return info.ACL.Rights(uint64(a.id), who)
}

// SetACL changes what one identifier has on a mailbox (RFC 4314 §3.1). The
// entries of the accounts in dead, which no longer exist, are dropped along with
// it. Kinds: NoMailbox, Limit.
func (a *Account) SetACL(ctx context.Context, by Actor, id MailboxID, who acl.Who, c acl.Change, dead []uint64) error {
	return a.changeACL(ctx, id, func(l acl.List) acl.List {
		for _, d := range dead {
			l = l.Without(uint64(a.id), acl.Who{Account: d}).Without(uint64(a.id), acl.Who{Account: d, Negative: true})
		}
		return l.With(uint64(a.id), who, c)
	})
}

// DeleteACL takes an identifier from a mailbox's list; nothing if it is not
// there (RFC 4314 §3.2). Kind: NoMailbox.
func (a *Account) DeleteACL(ctx context.Context, by Actor, id MailboxID, who acl.Who) error {
	return a.changeACL(ctx, id, func(l acl.List) acl.List { return l.Without(uint64(a.id), who) })
}

func (a *Account) changeACL(ctx context.Context, id MailboxID, change func(acl.List) acl.List) error {
	told := false
	err := a.write(ctx, func(t *txn) error {
		b, err := t.box(id)
		if err != nil {
			return err
		}
		list := change(b.ACL)
		if slices.Equal(list, b.ACL) && (list == nil) == (b.ACL == nil) {
			return nil
		}
		if most := t.a.store.opt.MaxACL; len(list) > most && len(list) > len(b.ACL) {
			return refuse(Limit, fmt.Sprintf("an access control list has at most %d identifiers", most))
		}
		told = true
		t.setACL(t.edit(b), list)
		t.logNames(ACLChanged, NameChange{Mailbox: id})
		return nil
	})
	if err != nil || !told {
		return err
	}
	// The change is done and holds, whether or not those concerned know of it.
	a.tellNow(ctx)
	return nil
}

// setACL gives a mailbox another list, and notes whom that concerns.
func (t *txn) setACL(w *work, list acl.List) {
	owner := uint64(t.a.id)
	before, after := w.ACL.Shares(owner), list.Shares(owner)
	w.ACL = list
	if list == nil {
		t.delete(aclKey(w.ID))
	} else {
		t.set(aclKey(w.ID), appendACL(nil, list))
	}
	for _, account := range before {
		if !slices.Contains(after, account) {
			t.notice(account)
		}
	}
	for _, account := range after {
		if !slices.Contains(before, account) {
			t.notice(account)
		}
	}
}

// inherited is the list that a new mailbox of the name gets: that of the nearest
// mailbox above it, or else that of another (RFC 4314 §4, CREATE).
func (t *txn) inherited(name string, like MailboxID) acl.List {
	names := t.nameIndex()
	for parent := parentName(name); parent != ""; parent = parentName(parent) {
		if id := names[parent]; id != 0 {
			return t.find(id).ACL
		}
	}
	if b := t.find(like); b != nil {
		return b.ACL
	}
	return nil
}

// Nearest gives the nearest mailbox above a name.
func (a *Account) Nearest(name string) (*MailboxInfo, bool) {
	for parent := parentName(canonical(name)); parent != ""; parent = parentName(parent) {
		if info, ok := a.Lookup(parent); ok {
			return info, true
		}
	}
	return nil, false
}

// barred are flags that somebody may not change in a mailbox.
type barred struct {
	system   SystemFlag
	keywords bool // none of them
}

// barred gives the flags that an actor may not change (RFC 4314 §4, STORE).
func (t *txn) barred(b *box, by Actor) (no barred) {
	if by.unbarred {
		return no
	}
	rights := t.a.Rights(&b.MailboxInfo, by.Account)
	if !rights.Has(acl.Seen) {
		no.system |= Seen
	}
	if !rights.Has(acl.DeleteMessages) {
		no.system |= Deleted
	}
	if !rights.Has(acl.Write) {
		no.system |= Answered | Flagged | Draft
		no.keywords = true
	}
	return no
}

// keep puts the flags that may not be changed back into what they were.
func (no barred) keep(before *Entry, system SystemFlag, keywords Keywords) (SystemFlag, Keywords) {
	system = system&^no.system | before.Flags&no.system
	if no.keywords {
		keywords = before.Keywords
	}
	return system, keywords
}

// strip takes the flags that may not be set from messages that are to be
// copied.
func (no barred) strip(list []Entry) {
	for i := range list {
		list[i].Flags, list[i].Keywords = no.keep(&Entry{}, list[i].Flags, list[i].Keywords)
	}
}

// stripItems does so with messages that are to be appended.
func (no barred) stripItems(items []AppendItem) {
	for i := range items {
		if items[i].Flags &^= no.system; no.keywords {
			items[i].Keywords = nil
		}
	}
}
