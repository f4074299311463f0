package imapserver

import (
	"path"

	"citron/mail/acl"
	"citron/store/account"
	"citron/store/uidset"
	"citron/wire/imap"
)

// QUOTA (RFC 9208): each account is a quota root of its own, with the limit of
// its storage, if it has one, and that of its mailboxes. Limits are the
// operator's, so there is no QUOTASET.

var quotaCommands = []spec{
	{"GETQUOTA", inAccount, 0, on((*Session).getQuota)},
	{"GETQUOTAROOT", inAccount, 0, on((*Session).getQuotaRoot)},
}

// quotaRoot is the name of an account's root.
func quotaRoot(name string) string { return "#user/" + name }

// getQuota knows the user's own root only: what others use is their affair
// (§8), and so is whether there are any.
func (s *Session) getQuota(_ *command, a *imap.GetQuota) error {
	if a.Root != quotaRoot(s.user.Name) {
		return no(imap.CodeNonExistent, "No such quota root")
	}
	s.writeQuota(a.Root, s.user.account)
	return nil
}

// getQuotaRoot is answered for names without a mailbox, too, if they are the
// user's own: mailboxes made there would come under the root (§4.1.2). Who may
// read another's mailbox learns of its owner's root (§6).
func (s *Session) getQuotaRoot(_ *command, a *imap.GetQuotaRoot) error {
	site, err := s.site(a.Mailbox)
	if err != nil {
		return err
	}
	root := quotaRoot(s.user.Name)
	if site.acct != s.user.account {
		at, err := s.locate(a.Mailbox, acl.Read)
		if err != nil {
			return err
		}
		root = quotaRoot(path.Base(at.prefix))
	}
	s.w.QuotaRoot(a.Mailbox, []string{root})
	s.writeQuota(root, site.acct)
	return nil
}

// quotaUnit is that of the resource STORAGE, in octets (§5.1).
const quotaUnit = 1024

// writeQuota writes QUOTA. Storage is rounded up: a root that is full says so,
// and one that holds anything is not empty.
func (s *Session) writeQuota(root string, a *account.Account) {
	var list []imap.QuotaResource
	units := func(octets uint64) int64 { return int64(octets/quotaUnit + min(octets%quotaUnit, 1)) }
	if q := a.Quota(); q.Limit > 0 {
		list = append(list, imap.QuotaResource{Name: "STORAGE", Usage: units(q.Used), Limit: units(q.Limit)})
	}
	boxes, most := a.MailboxCount()
	list = append(list, imap.QuotaResource{Name: "MAILBOX", Usage: int64(boxes), Limit: int64(most)})
	s.w.Quota(root, list)
}

// deletedStorage is what EXPUNGE would free, in octets (§4.1.4).
func (s *Session) deletedStorage(c *command, at place) (octets uint64, err error) {
	if at.info.Deleted == 0 {
		return 0, nil
	}
	view, err := at.acct.Open(s.srv.ctx, at.info.ID)
	if err != nil {
		return 0, err
	}
	deleted := view.Set.Select(uidset.WithDeleted, uidset.Everything())
	err = at.acct.Entries(s.srv.ctx, view, deleted, func(batch []account.Entry) error {
		for i := range batch {
			octets += uint64(batch[i].Size)
		}
		return c.breathe()
	})
	return octets, err
}
