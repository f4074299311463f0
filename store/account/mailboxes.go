package account

import (
	"context"
	"slices"
	"strings"

	"citron/engine/kv"
)

// specialUses are the attributes of RFC 6154 §2 that a mailbox can be created
// with; \All and \Flagged would be virtual mailboxes, which there are none of.
var specialUses = []string{`\Archive`, `\Drafts`, `\Junk`, `\Sent`, `\Trash`}

// CreateMailbox makes a mailbox; a separator at the end of the name is dropped
// (RFC 9051 §6.3.4). Superior names need no mailbox of their own. Kinds:
// Exists, Cannot, Limit, UseAttr.
func (a *Account) CreateMailbox(ctx context.Context, by Actor, name string, o CreateMailboxOptions) (*MailboxInfo, error) {
	name, err := a.store.checkName(strings.TrimSuffix(name, separator))
	if err != nil {
		return nil, err
	}
	uses, err := checkUses(o.SpecialUse)
	if err != nil {
		return nil, err
	}
	o.SpecialUse = uses
	var made *MailboxInfo
	err = a.write(ctx, func(t *txn) error {
		w, err := t.createMailbox(name, o)
		if err == nil {
			info := w.MailboxInfo
			made = &info
		}
		return err
	})
	return made, err
}

// checkUses gives the attributes as they are stored.
func checkUses(wanted []string) (uses []string, err error) {
	for _, use := range wanted {
		i := slices.IndexFunc(specialUses, func(s string) bool { return strings.EqualFold(s, use) })
		if i < 0 {
			return nil, refuse(UseAttr, "no mailbox can be created for "+use)
		}
		if !slices.Contains(uses, specialUses[i]) {
			uses = append(uses, specialUses[i])
		}
	}
	return uses, nil
}

func (t *txn) createMailbox(name string, o CreateMailboxOptions) (*work, error) {
	names := t.nameIndex()
	switch {
	case names[name] != 0:
		return nil, ErrExists
	case len(names) >= t.a.store.opt.MaxMailboxes || t.head.nextMailbox == 1<<32-1:
		return nil, refuse(Limit, "the account has as many mailboxes as it can have")
	}
	if err := t.checkChoice(names, o); err != nil {
		return nil, err
	}
	t.stamp()
	w := &work{box: t.head.newBox(t.now, name)}
	w.SpecialUse = o.SpecialUse
	if o.UIDValidity != 0 {
		t.choose(w, o.UIDValidity)
	}
	if o.ObjectID != "" {
		w.ObjectID = o.ObjectID
	}
	w.Subscribed = t.subscribed(name)
	if w.ACL = t.inherited(name, o.Like); w.ACL != nil {
		t.set(aclKey(w.ID), appendACL(nil, w.ACL))
	}
	t.works = append(t.works, w)
	t.editNames()[name] = w.ID
	t.logNames(NamesChanged, NameChange{Mailbox: w.ID, From: o.from, To: name})
	return w, nil
}

// checkChoice refuses what an import must not choose, and a special use that
// another mailbox has. A UIDVALIDITY may be shared by imported mailboxes of
// different names, but not with one that the account gave out itself, unless
// that mailbox never held a message and can take another (choose); nor may it be
// as low as one of a mailbox that is gone: a rename could then show a client
// an old name with an old UIDVALIDITY and other messages.
func (t *txn) checkChoice(names map[string]MailboxID, o CreateMailboxOptions) error {
	if o.UIDValidity != 0 && o.UIDValidity <= t.head.deadValidity {
		return refuse(Cannot, "this UIDVALIDITY may have been used before")
	}
	for _, id := range names {
		b := t.find(id)
		if o.UIDValidity != 0 && b.UIDValidity == o.UIDValidity && !b.chosen && b.UIDNext > 1 {
			return refuse(Cannot, "this UIDVALIDITY is in use")
		}
		if o.ObjectID != "" && b.ObjectID == o.ObjectID {
			return refuse(Cannot, "this MAILBOXID is in use")
		}
		for _, use := range o.SpecialUse {
			if slices.Contains(b.SpecialUse, use) {
				return refuse(UseAttr, b.Name+" is already the mailbox for "+use)
			}
		}
	}
	return nil
}

func (t *txn) subscribed(name string) bool {
	if t.subs != nil {
		return t.subs[name]
	}
	return t.a.subs[name]
}

// DeleteMailbox removes a mailbox and its messages, not those below it
// (RFC 9051 §6.3.5). Kinds: NoMailbox, Cannot (INBOX), HasChildren (a name
// without a mailbox of its own).
func (a *Account) DeleteMailbox(ctx context.Context, by Actor, name string) error {
	name = canonical(name)
	if name == inboxName {
		return refuse(Cannot, "INBOX cannot be deleted")
	}
	return a.write(kv.MakingRoom(ctx), func(t *txn) error {
		id, there := t.nameIndex()[name]
		switch {
		case !there && t.hasBelow(name):
			return ErrHasChildren
		case !there:
			return ErrNoMailbox
		}
		t.deleteMailbox(t.edit(t.find(id)))
		delete(t.editNames(), name)
		t.logNames(NamesChanged, NameChange{Mailbox: id, From: name})
		return nil
	})
}

// deleteMailbox takes away what can be taken in one transaction and leaves the
// entries to the sweep: nobody can open them any more but sessions that have
// the mailbox selected.
func (t *txn) deleteMailbox(w *work) {
	w.removed = true
	t.head.used -= w.Size
	if w.UIDNext > 1 { // no client can mistake what never held a message
		t.head.deadValidity = max(t.head.deadValidity, w.UIDValidity)
	}
	g := grave{mailbox: true, extents: w.extents}
	at := t.now.Unix()
	t.set(graveKey(uint64(at), w.ID, t.stamp()), g.append(nil))
	t.delete(mailboxKey(w.ID))
	t.deleteRange(chunkRange(w.ID))
	t.deleteRange(kv.Prefix(appendKey32(nil, keyLog, uint32(w.ID))))
	t.deleteRange(kv.Prefix(appendKey32(nil, keyURL, uint32(w.ID))))
	if w.ACL != nil {
		t.setACL(w, nil)
	}
	t.dropMetadata(w.ID)
	t.after = append(t.after, func(committed bool) {
		if committed {
			t.a.store.care.soon(t.a.id, unix(at).Add(t.a.store.opt.ExpungeGrace))
		}
	})
}

func (t *txn) hasBelow(name string) bool {
	for other := range t.nameIndex() {
		if below(other, name) {
			return true
		}
	}
	return false
}

// RenameMailbox gives a mailbox and all below it another name. INBOX stays:
// its messages move to a new mailbox of the name, which is annotated as INBOX
// is and stays (RFC 5464 §4.1), and what is below it stays
// below it (RFC 9051 §6.3.6). Kinds: NoMailbox, Exists, Cannot, Limit.
func (a *Account) RenameMailbox(ctx context.Context, by Actor, from, to string) error {
	from = canonical(from)
	to, err := a.store.checkName(strings.TrimSuffix(to, separator))
	if err != nil {
		return err
	}
	if from == inboxName {
		return a.renameInbox(ctx, by, to)
	}
	return a.write(ctx, func(t *txn) error { return t.rename(from, to) })
}

// renameInbox makes the mailbox, with INBOX's access control list if there is
// none above it, then moves the messages, all or none, with all their flags.
func (a *Account) renameInbox(ctx context.Context, by Actor, to string) error {
	made, err := a.CreateMailbox(ctx, by, to, CreateMailboxOptions{from: inboxName, Like: Inbox})
	if err != nil {
		return err
	}
	inbox, err := a.Open(ctx, Inbox)
	if err == nil {
		err = a.write(ctx, func(t *txn) error { return t.copyMetadata(Inbox, made.ID) })
	}
	if err == nil {
		by.unbarred = true
		_, err = a.Move(ctx, by, Inbox, inbox.Set.Ranges(), made.ID)
	}
	if err != nil {
		a.DeleteMailbox(context.WithoutCancel(ctx), by, to)
	}
	return err
}

func (t *txn) rename(from, to string) error {
	names := t.nameIndex()
	if names[to] != 0 {
		return ErrExists
	}
	if below(to, from) {
		return refuse(Cannot, "a mailbox cannot be moved below itself")
	}
	var changes []NameChange
	for name, id := range names {
		if name != from && !below(name, from) {
			continue
		}
		renamed, err := t.a.store.checkName(to + name[len(from):])
		if err != nil {
			return err
		}
		if names[renamed] != 0 {
			return ErrExists
		}
		changes = append(changes, NameChange{id, name, renamed})
	}
	if len(changes) == 0 {
		return ErrNoMailbox
	}
	slices.SortFunc(changes, func(a, b NameChange) int { return strings.Compare(a.From, b.From) })
	t.renameAll(changes)
	return nil
}

func (t *txn) renameAll(changes []NameChange) {
	names := t.editNames()
	for _, c := range changes {
		delete(names, c.From)
		names[c.To] = c.Mailbox
		w := t.edit(t.find(c.Mailbox))
		w.Name, w.Subscribed = c.To, t.subscribed(c.To)
		if t.shared(w) {
			t.head.deadValidity = max(t.head.deadValidity, w.UIDValidity)
			w.UIDValidity, w.chosen = t.head.nextValidity(t.now), false
			w.moved(t.stamp(), true)
		}
	}
	t.logNames(NamesChanged, changes...)
}

// shared says whether an imported UIDVALIDITY could make a client take this
// mailbox, under its new name, for another one.
func (t *txn) shared(w *work) bool {
	if !w.chosen {
		return false
	}
	if w.UIDValidity <= t.head.deadValidity {
		return true
	}
	for _, id := range t.nameIndex() {
		if b := t.find(id); b.ID != w.ID && b.UIDValidity == w.UIDValidity {
			return true
		}
	}
	return false
}
