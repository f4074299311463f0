package account

import (
	"context"

	"citron/engine/kv"
	"citron/store/uidset"
)

// Expunge removes those of uids that have \Deleted (UID EXPUNGE, RFC 4315 §2.1;
// EXPUNGE with uidset.Everything), in steps of Options.Step, and says which are
// gone and the modseq of the last step (0: none). Sessions not yet told can
// read them for Options.ExpungeGrace. Kind: NoMailbox.
func (a *Account) Expunge(ctx context.Context, by Actor, id MailboxID, uids uidset.Ranges) (gone uidset.Ranges, modseq ModSeq, err error) {
	ctx = kv.MakingRoom(ctx)
	err = a.inSteps(ctx, id, uids, uidset.WithDeleted, func(some uidset.Ranges) error {
		return a.write(ctx, func(t *txn) error {
			b, err := t.box(id)
			if err != nil {
				return err
			}
			some = b.set.Select(uidset.WithDeleted, some)
			list, err := t.entries(b, some)
			if err != nil || len(list) == 0 {
				return err
			}
			t.expunge(t.edit(b), list)
			gone, modseq = append(gone, some...), t.op
			return nil
		})
	})
	return uidset.Normalize(gone), modseq, err
}

// expunge takes messages out of a mailbox: out of its chunks, into its log and
// the graveyard. Their entries stay for the sweep.
func (t *txn) expunge(w *work, list []Entry) {
	modseq := t.stamp()
	editor := w.set.Edit()
	var gone uidset.Ranges
	for i := range list {
		editor.Remove(list[i].UID, list[i].Size)
		gone.Add(list[i].UID)
	}
	t.apply(w, editor)
	w.rec.gone = w.rec.gone.Union(gone)
	t.bury(w.ID, modseq, gone)
}

// bury leaves the entries of UIDs to the sweep.
func (t *txn) bury(id MailboxID, modseq ModSeq, uids uidset.Ranges) {
	at := t.now.Unix()
	g := grave{uids: uids}
	t.set(graveKey(uint64(at), id, modseq), g.append(nil))
	a := t.a
	t.after = append(t.after, func(committed bool) {
		if committed {
			a.store.care.soon(a.id, unix(at).Add(a.store.opt.ExpungeGrace))
		}
	})
}
