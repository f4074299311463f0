package account

import "context"

// ChooseUIDValidity gives a mailbox that never held a message the UIDVALIDITY
// it had elsewhere, for an import that clients shall not notice. Kinds:
// NoMailbox, Cannot.
func (a *Account) ChooseUIDValidity(ctx context.Context, by Actor, id MailboxID, validity uint32) error {
	return a.write(ctx, func(t *txn) error {
		b, err := t.box(id)
		switch {
		case err != nil:
			return err
		case b.UIDValidity == validity:
			return nil
		case b.UIDNext != 1 || validity == 0:
			return refuse(Cannot, "the mailbox has had messages under its own UIDVALIDITY")
		}
		if err := t.checkChoice(t.nameIndex(), CreateMailboxOptions{UIDValidity: validity}); err != nil {
			return err
		}
		t.stamp()
		w := t.edit(b)
		w.UIDValidity, w.chosen = validity, true
		t.head.lastValidity = max(t.head.lastValidity, validity)
		return nil
	})
}

// RaiseUIDNext keeps UIDs below next from being given out, because the server
// that an import comes from may have given them out; next is 1 … 2^32. A
// UIDNEXT beyond it stays. Kinds: NoMailbox, Cannot.
func (a *Account) RaiseUIDNext(ctx context.Context, by Actor, id MailboxID, next uint64) error {
	if next > 1<<32 {
		return refuse(Cannot, "UIDs end at 4294967295")
	}
	return a.write(ctx, func(t *txn) error {
		b, err := t.box(id)
		if err != nil || b.UIDNext >= next {
			return err
		}
		t.stamp()
		t.edit(b).UIDNext = next
		return nil
	})
}

// maxRaised bounds what RaiseModSeq takes from another server: after it there
// is still room for more changes than can ever happen.
const maxRaised ModSeq = 1 << 62

// RaiseModSeq has later changes take modseqs above floor, because a client may
// have been told of that one elsewhere under the same UIDVALIDITY: it would ask
// for what changed since, and miss all below (RFC 7162 §3.2.5). Kind: Cannot.
func (a *Account) RaiseModSeq(ctx context.Context, by Actor, floor ModSeq) error {
	if floor >= maxRaised {
		return refuse(Cannot, "this modseq leaves no room for others")
	}
	return a.write(ctx, func(t *txn) error {
		if t.head.modseq < floor {
			t.head.modseq = floor
			t.stamp()
			t.writes++ // flush writes the head
		}
		return nil
	})
}
