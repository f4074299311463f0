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
