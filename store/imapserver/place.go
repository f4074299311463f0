package imapserver

import (
	"errors"

	"citron/mail/acl"
	"citron/mail/mailbox"
	"citron/store/account"
	"citron/wire/imap"
)

// place is a mailbox and the account it lives in, which need not be the
// user's own.
type place struct {
	acct *account.Account
	info *account.MailboxInfo
	// prefix stands in the user's names before those of the account: empty
	// for the user's own.
	prefix string
	rights acl.Rights // the user's
}

// name is the mailbox's name as the user knows it.
func (p place) name() string { return p.prefix + p.info.Name }

// locate finds the mailbox that a client's name means, if the user has all the
// rights needed (RFC 4314 §4). The account stays open until the end of the
// command, and beyond it if the mailbox is selected.
//
// Who may not know of a mailbox is told what is told of one that is not there
// (RFC 4314 §6).
func (s *Session) locate(name string, need acl.Rights) (place, error) {
	at, err := s.lookUp(name)
	if err != nil {
		return place{}, err
	}
	return at, at.allow(need)
}

// lookUp finds a mailbox, whatever the user's rights are.
func (s *Session) lookUp(name string) (place, error) {
	site, err := s.site(name)
	if err != nil {
		return place{}, err
	}
	info, ok := site.acct.Lookup(site.name)
	if !ok {
		return place{}, account.ErrNoMailbox
	}
	return s.placeOf(site.acct, info, site.prefix), nil
}

// placeOf is a mailbox of an account, with the user's rights.
func (s *Session) placeOf(acct *account.Account, info *account.MailboxInfo, prefix string) place {
	return place{acct, info, prefix, acct.Rights(info, s.user.Account)}
}

// allow refuses a user without the rights needed.
func (p place) allow(need acl.Rights) error {
	switch {
	case p.rights.Has(need):
		return nil
	case p.rights.Has(acl.Lookup):
		return errNoRight
	}
	return account.ErrNoMailbox
}

var errNoRight = no(imap.CodeNoPerm, "Your rights on this mailbox do not allow that")

// is says whether the selected mailbox is the one at a place.
func (m *selected) is(at place) bool { return m.acct == at.acct && m.id() == at.info.ID }

// site is where a mailbox of a name is, or would be made.
type site struct {
	acct   *account.Account
	prefix string // as in place
	name   string // within the account
	shared bool   // the account is nobody's own
	// top is the mailbox that stands for those above the highest ones; 0: none.
	top account.MailboxID
}

// site finds the account that a name belongs to. Of a user who shares nothing
// with this one it says no more than of one who does not exist. A mailbox of
// the user's own from before names were set apart for others is still reached,
// and so is what is below it.
func (s *Session) site(name string) (site, error) {
	name = mailbox.Canonical(name)
	own := site{acct: s.user.account, name: name}
	if !foreign(name) {
		return own, nil
	}
	if _, ok := own.acct.Lookup(name); ok {
		return own, nil
	}
	other, err := s.foreignSite(name)
	if _, ok := own.acct.Nearest(name); ok && errors.Is(err, account.ErrNoMailbox) {
		return own, nil
	}
	return other, err
}
