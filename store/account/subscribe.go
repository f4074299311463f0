package account

import "context"

// Subscribe adds a name, of a mailbox or not (RFC 9051 §6.3.7).
func (a *Account) Subscribe(ctx context.Context, by Actor, name string) error {
	name, err := a.store.checkName(name)
	if err != nil {
		return err
	}
	return a.write(ctx, func(t *txn) error {
		if t.subscribed(name) {
			return nil
		}
		subs := t.a.subs
		if t.subs != nil {
			subs = t.subs
		}
		if len(subs) >= t.a.store.opt.MaxSubscriptions {
			return refuse(Limit, "the account has as many subscriptions as it can have")
		}
		t.set(subKey(name), []byte{recordVersion})
		t.editSubs()[name] = true
		t.logNames(SubscriptionsChanged, NameChange{Mailbox: t.showSubscribed(name, true), To: name})
		return nil
	})
}

// Unsubscribe takes a name away; nothing if it is not subscribed.
func (a *Account) Unsubscribe(ctx context.Context, by Actor, name string) error {
	name = canonical(name)
	return a.write(ctx, func(t *txn) error {
		if !t.subscribed(name) {
			return nil
		}
		t.delete(subKey(name))
		delete(t.editSubs(), name)
		t.logNames(SubscriptionsChanged, NameChange{Mailbox: t.showSubscribed(name, false), From: name})
		return nil
	})
}

// showSubscribed keeps MailboxInfo.Subscribed true; 0 if there is no mailbox.
func (t *txn) showSubscribed(name string, on bool) MailboxID {
	id := t.nameIndex()[name]
	if id != 0 {
		t.edit(t.find(id)).Subscribed = on
	}
	return id
}
