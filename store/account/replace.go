package account

import (
	"context"

	"citron/store/uidset"
)

// Replace files one message as Append does and removes another, which may be in
// another mailbox, in one operation (RFC 8508): both or none, and the quota is
// judged by what is left of both. It takes the Incoming over, whatever it
// returns. Kinds: those of Append, Gone when the message to be removed is not
// there any more.
func (a *Account) Replace(ctx context.Context, by Actor, from MailboxID, old UID, to MailboxID, item AppendItem) (res AppendResult, err error) {
	defer item.Incoming.Abort()
	items := []AppendItem{item}
	keys, weight, err := a.seal(ctx, items)
	if err != nil {
		return res, err
	}
	err = a.update(ctx, keys, weight, func(t *txn, got [][]byte) error {
		res, err = t.replace(by, from, old, to, items, got)
		return err
	})
	return res, err
}

func (t *txn) replace(by Actor, from MailboxID, old UID, to MailboxID, items []AppendItem, got [][]byte) (res AppendResult, err error) {
	b, err := t.box(from)
	if err != nil {
		return res, err
	}
	uids := b.set.Intersect(uidset.Ranges{{First: old, Last: old}})
	gone, err := t.entries(b, uids)
	switch {
	case err != nil:
		return res, err
	case len(gone) == 0:
		return res, refuse(Gone, "the message to be replaced is no longer there")
	}
	if res, err = t.append(by, to, items, got, gone[0].Size); err != nil {
		return res, err
	}
	t.expunge(t.edit(t.find(from)), gone)
	return res, nil
}
