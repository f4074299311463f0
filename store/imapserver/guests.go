package imapserver

import (
	"slices"
	"strings"

	"citron/auth"
	"citron/mail/mailbox"
	"citron/store/account"
	"citron/wire/imap"
)

// The mailboxes of others stand below two names of the user's (RFC 2342), each
// account's below its own: "Other Users/alice@example.org/INBOX", and
// "Shared/team@example.org/INBOX" if the account is nobody's own.
const (
	otherUsers = "Other Users"
	sharedOnes = "Shared"
)

// foreign says whether a name is set apart for the mailboxes of others.
func foreign(name string) bool {
	for _, root := range [...]string{otherUsers, sharedOnes} {
		if name == root || mailbox.IsBelow(name, root) {
			return true
		}
	}
	return false
}

// rootOf is the prefix of an account's mailboxes in the names of others.
func rootOf(a auth.Account) string {
	if a.Shared {
		return sharedOnes + "/" + a.Name + "/"
	}
	return otherUsers + "/" + a.Name + "/"
}

// sharable says whether an account's name can stand in that of a mailbox.
func sharable(name string) bool {
	return !strings.ContainsRune(name, mailbox.Separator) && mailbox.Check(name) == nil
}

// sharers are the accounts that may have let the user into a mailbox. It costs
// nothing where nobody shares anything.
func (s *Session) sharers() ([]auth.Account, error) {
	numbers, err := s.user.account.Sharers(s.srv.ctx)
	if err != nil || len(numbers) == 0 {
		return nil, err
	}
	list, err := s.accounts(numbers...)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(list, func(a auth.Account) bool { return !sharable(a.Name) }), nil
}

// accounts asks the directory for the accounts of these numbers.
func (s *Session) accounts(numbers ...uint64) ([]auth.Account, error) {
	list, err := s.srv.names.ByNumber(s.srv.ctx, numbers...)
	if err != nil {
		return nil, cannotLook(err)
	}
	return list, nil
}

// cannotLook is the answer when the directory cannot be asked.
func cannotLook(err error) *refusal {
	return &refusal{kind: imap.NO, code: imap.CodeUnavailable, text: "Cannot look for users now", cause: err}
}

// foreignSite finds the account that a name set apart for others speaks of,
// among those that share anything with the user: others are not looked for, so
// that not even the time tells whether they exist.
func (s *Session) foreignSite(name string) (site, error) {
	list, err := s.sharers()
	if err != nil {
		return site{}, err
	}
	for _, a := range list {
		root := rootOf(a)
		if len(name) <= len(root) || !strings.EqualFold(name[:len(root)], root) {
			continue
		}
		acct, err := s.guest(a.Number)
		if err != nil {
			return site{}, err
		}
		return site{acct: acct, prefix: root, name: mailbox.Canonical(name[len(root):]), shared: a.Shared}, nil
	}
	return site{}, account.ErrNoMailbox
}

// guest opens the account of another. The session closes it when no command
// needs it any more.
func (s *Session) guest(number uint64) (*account.Account, error) {
	for _, a := range s.guests {
		if uint64(a.ID()) == number {
			return a, nil
		}
	}
	a, err := s.srv.open(s.srv.ctx, number)
	switch account.KindOf(err) {
	case 0:
	case account.NoAccount:
		return nil, account.ErrNoMailbox // it is being deleted
	default:
		return nil, err
	}
	if err != nil {
		return nil, err
	}
	s.guests = append(s.guests, a)
	return a, nil
}

// closeGuests closes the accounts of others that nothing needs.
func (s *Session) closeGuests() {
	if len(s.guests) == 0 || s.task != nil || s.appending != nil {
		return
	}
	kept := s.guests[:0]
	for _, a := range s.guests {
		if s.selected != nil && s.selected.acct == a || s.notify.listensTo(a) {
			kept = append(kept, a)
		} else {
			a.Close()
		}
	}
	clear(s.guests[len(kept):])
	if s.guests = kept; len(kept) == 0 {
		s.guests = nil
	}
}
