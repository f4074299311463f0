package account

import "context"

// SetQuota sets the limit of the account's storage, in bytes of RFC822.SIZE
// over all mailboxes; 0: none. What is there stays, however much.
func (a *Account) SetQuota(ctx context.Context, limit uint64) error {
	return a.write(ctx, func(t *txn) error {
		if t.head.quota != limit {
			t.head.quota = limit
			t.stamp()
			t.writes++ // flush writes the head
		}
		return nil
	})
}

// MailboxCount is how many mailboxes the account has and how many it can have
// (RFC 9208 MAILBOX).
func (a *Account) MailboxCount() (n, most int) {
	a.mu.RLock()
	defer a.mu.RUnlock()
	return len(a.sorted), a.store.opt.MaxMailboxes
}
