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
		t.choose(t.edit(b), validity)
		return nil
	})
}

// choose gives a mailbox a UIDVALIDITY that checkChoice allows. A mailbox that
// had it by chance, and never held a message, takes another.
func (t *txn) choose(w *work, validity uint32) {
	w.UIDValidity, w.chosen = validity, true
	w.moved(t.stamp(), true)
	t.head.lastValidity = max(t.head.lastValidity, validity)
	for _, id := range t.nameIndex() {
		if b := t.find(id); id != w.ID && b.UIDValidity == validity && !b.chosen {
			other := t.edit(b)
			other.UIDValidity = t.head.nextValidity(t.now)
			other.moved(t.stamp(), true)
		}
	}
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
		w := t.edit(b)
		w.UIDNext = next
		w.moved(t.stamp(), true)
		return nil
	})
}

// maxRaised bounds what RaiseModSeq takes from another server: after it there
// is still room for more changes than can ever happen.
const maxRaised ModSeq = 1 << 62

// RaiseModSeq says that clients may know the mailbox, under its UIDVALIDITY,
// from another server that was at floor. Later changes take modseqs above it,
// and the log begins there: a client that asks for what changed since a lower
// one learns of every UID that is gone (RFC 7162 §3.2.6), because what went
// there is not known here. Kinds: NoMailbox, Cannot.
func (a *Account) RaiseModSeq(ctx context.Context, by Actor, id MailboxID, floor ModSeq) error {
	if floor >= maxRaised {
		return refuse(Cannot, "this modseq leaves no room for others")
	}
	return a.write(ctx, func(t *txn) error {
		b, err := t.box(id)
		if err != nil || floor <= b.LogFloor || b.UIDNext > 1 && floor <= b.ModSeq {
			return err
		}
		t.head.modseq = max(t.head.modseq, floor)
		w := t.edit(b)
		if w.LogFloor = floor; w.ModSeq <= floor {
			w.ModSeq = t.stamp()
			w.moved(w.ModSeq, true)
		}
		if w.logRecords > 0 {
			t.deleteRange(logRange(id, 0, w.ModSeq+1))
			w.LogFloor, w.logRecords = w.ModSeq, 0
		}
		return nil
	})
}
