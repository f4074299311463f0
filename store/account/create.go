package account

import (
	"context"
	"time"

	"citron/engine/kv"
	"citron/store/uidset"
)

// standardFolders are made with an account that asks for them (RFC 6154).
var standardFolders = [...]struct{ name, use string }{
	{"Archive", `\Archive`}, {"Drafts", `\Drafts`}, {"Junk", `\Junk`}, {"Sent", `\Sent`}, {"Trash", `\Trash`},
}

// Create makes an account with INBOX in it; nothing if it exists.
func (s *Store) Create(ctx context.Context, id kv.Account, o CreateOptions) error {
	now := s.opt.Now()
	return storageError(s.engine.Update(ctx, id, func(tx kv.Tx) error {
		got, err := tx.Read(ctx, kv.Reads{Gets: [][]byte{{keyHead}}})
		if err != nil || got.Values[0] != nil {
			return err
		}
		h := head{nextObject: 1, nextIntent: 1, modseq: 1, logFloor: 1, quota: o.Quota, nextMailbox: Inbox}
		putNew(tx, &h, now, inboxName, "")
		if o.StandardFolders {
			for _, f := range standardFolders {
				putNew(tx, &h, now, f.name, f.use)
				tx.Set(subKey(f.name), []byte{recordVersion})
			}
		}
		tx.Set([]byte{keyHead}, h.append(nil))
		return nil
	}))
}

// putNew writes a mailbox into an account that nobody has seen yet.
func putNew(tx kv.Tx, h *head, now time.Time, name, use string) {
	b := h.newBox(now, name)
	if use != "" {
		b.SpecialUse = []string{use}
	}
	tx.Set(mailboxKey(b.ID), b.append(nil))
}

// newBox makes an empty mailbox as of the head's modseq.
func (h *head) newBox(now time.Time, name string) box {
	b := box{
		MailboxInfo: MailboxInfo{
			ID: h.nextMailbox, Name: name, ObjectID: newObjectID(now).text('F'),
			UIDValidity: h.nextValidity(now), UIDNext: 1, ModSeq: h.modseq, LogFloor: h.modseq,
		},
		set: new(uidset.Set), created: h.modseq, recentFrom: 1, movedAt: h.modseq,
	}
	h.nextMailbox++
	return b
}

// Delete removes an account with everything in it. Its bodies are given back
// by the next sweep of the body store; handles on it refuse everything.
func (s *Store) Delete(ctx context.Context, id kv.Account) error {
	a, err := s.Account(ctx, id)
	if err != nil {
		return err
	}
	defer a.Close()
	ctx = kv.MakingRoom(ctx)
	if err := a.withdraw(ctx); err != nil {
		return err
	}
	err = a.write(ctx, func(t *txn) error {
		t.deleteRange(kv.Range{From: []byte{0}, To: nil})
		t.gone = true
		return nil
	})
	if err == nil {
		s.forget(a)
	}
	return err
}
