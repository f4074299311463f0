package imapserver

import (
	"citron/mail/mailbox"
	"citron/store/account"
)

// place is a mailbox and the account it lives in, which need not be the
// user's own.
type place struct {
	acct *account.Account
	info *account.MailboxInfo
}

// locate finds the mailbox that a client's name means.
func (s *Session) locate(name string) (place, error) {
	info, ok := s.user.account.Lookup(mailbox.Canonical(name))
	if !ok {
		return place{}, account.ErrNoMailbox
	}
	return place{s.user.account, info}, nil
}

// is says whether the selected mailbox is the one at a place.
func (m *selected) is(at place) bool { return m.acct == at.acct && m.id() == at.info.ID }
