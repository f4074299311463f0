package imapserver

import (
	"errors"
	"strings"

	"citron/auth"
	"citron/mail/acl"
	"citron/wire/imap"
)

// Access control lists (RFC 4314): GETACL, SETACL, DELETEACL, LISTRIGHTS and
// MYRIGHTS.
//
// Identifiers are the names of accounts in any form in which one can log in
// with them, "anyone", and either with a "-" before it. They are prepared as
// login names are, by RFC 8265, rather than by SASLprep, which that has
// replaced. What else might be an identifier, no account here could be.

var aclCommands = []spec{
	{"GETACL", inAccount, 0, on((*Session).getACL)},
	{"SETACL", inAccount, 0, on((*Session).setACL)},
	{"DELETEACL", inAccount, 0, on((*Session).deleteACL)},
	{"LISTRIGHTS", inAccount, 0, on((*Session).listRights)},
	{"MYRIGHTS", inAccount, 0, on((*Session).myRights)},
}

// anyone is the identifier of everybody (RFC 4314 §2).
const anyone = "anyone"

func (s *Session) getACL(_ *command, a *imap.GetACL) error {
	at, err := s.locate(a.Mailbox, acl.Admin)
	if err != nil {
		return err
	}
	list := at.info.ACL.Whole(uint64(at.acct.ID()))
	names, err := s.namesIn(list)
	if err != nil {
		return err
	}
	entries := make([]imap.ACLEntry, 0, len(list))
	for _, e := range list {
		name, ok := names[e.Account]
		if !ok {
			continue // the account is no more
		}
		if e.Negative {
			name = "-" + name
		}
		entries = append(entries, imap.ACLEntry{Identifier: name, Rights: e.Rights.String()})
	}
	s.w.ACL(at.name(), entries)
	return nil
}

// namesIn gives the names of those in a list that there are.
func (s *Session) namesIn(list acl.List) (map[uint64]string, error) {
	numbers := make([]uint64, 0, len(list))
	for _, e := range list {
		if e.Account != acl.Anyone {
			numbers = append(numbers, e.Account)
		}
	}
	accounts, err := s.accounts(numbers...)
	if err != nil {
		return nil, err
	}
	names := map[uint64]string{acl.Anyone: anyone}
	for _, a := range accounts {
		names[a.Number] = a.Name
	}
	return names, nil
}

func (s *Session) setACL(_ *command, a *imap.SetACL) error {
	change, err := acl.ParseChange(a.Rights)
	if err != nil {
		return bad("Rights: " + err.Error())
	}
	at, who, err := s.listEntry(a.Mailbox, a.Identifier)
	if err != nil {
		return err
	}
	names, err := s.namesIn(at.info.ACL)
	if err != nil {
		return err
	}
	if err := s.mayBeShared(at, who); err != nil {
		return err
	}
	var dead []uint64
	for _, e := range at.info.ACL {
		if _, ok := names[e.Account]; !ok {
			dead = append(dead, e.Account)
		}
	}
	return at.acct.SetACL(s.srv.ctx, s.user.actor(), at.info.ID, who, change, dead)
}

// mayBeShared refuses to let others into an account whose name none of their
// mailboxes could have, and anyone into one's own where the operator will not
// have that: the lists of all users would hold whatever one of them likes.
func (s *Session) mayBeShared(at place, who acl.Who) error {
	owner := uint64(at.acct.ID())
	if who.Account == owner || who.Negative {
		return nil
	}
	accounts, err := s.accounts(owner)
	switch {
	case err != nil:
		return err
	case len(accounts) == 0 || !sharable(accounts[0].Name):
		return errNotSharable
	case who.Account == acl.Anyone && !accounts[0].Shared && !s.srv.cfg.ShareWithAll:
		return errNotWithAll
	}
	return nil
}

var errNotSharable = no(imap.CodeCannot, "Mailboxes of an account with this name cannot be shared")

var errNotWithAll = no(imap.CodeNoPerm, "Mailboxes of one's own are shared with single users here, not with anyone")

func (s *Session) deleteACL(_ *command, a *imap.DeleteACL) error {
	at, who, err := s.listEntry(a.Mailbox, a.Identifier)
	if err != nil {
		return err
	}
	return at.acct.DeleteACL(s.srv.ctx, s.user.actor(), at.info.ID, who)
}

// listRights: no rights are tied, and only the owner has some in any case
// (RFC 4314 §3.4). The identifier is given back as it came (§3.4).
func (s *Session) listRights(_ *command, a *imap.ListRights) error {
	at, who, err := s.listEntry(a.Mailbox, a.Identifier)
	if err != nil {
		return err
	}
	required := acl.Required(uint64(at.acct.ID()), who)
	var optional []string
	switch err := s.mayBeShared(at, who); {
	case err == nil:
		optional = acl.Optional(required)
	case !errors.Is(err, errNotWithAll) && !errors.Is(err, errNotSharable):
		return err
	}
	s.w.ListRights(at.name(), a.Identifier, required.String(), optional)
	return nil
}

func (s *Session) myRights(_ *command, a *imap.MyRights) error {
	at, err := s.lookUp(a.Mailbox)
	if err != nil {
		return err
	}
	if at.rights&acl.Any == acl.None {
		return at.allow(acl.Lookup) // RFC 4314 §4: none of those needed
	}
	s.w.MyRights(at.name(), at.rights.String())
	return nil
}

// listEntry finds the mailbox and the identifier of a command for those who
// administer it.
func (s *Session) listEntry(mailbox, identifier string) (at place, who acl.Who, err error) {
	if at, err = s.locate(mailbox, acl.Admin); err == nil {
		who, err = s.identify(identifier)
	}
	return at, who, err
}

// identify finds who an identifier means. One that cannot be prepared is BAD
// (RFC 4314 §3); a typing error is told rather than kept as an entry that
// somebody else might come to own.
func (s *Session) identify(identifier string) (acl.Who, error) {
	name, negative := strings.CutPrefix(identifier, "-")
	who := acl.Who{Account: acl.Anyone, Negative: negative}
	if name == anyone {
		return who, nil
	}
	account, err := s.srv.names.ByName(s.srv.ctx, name)
	switch {
	case errors.Is(err, auth.Invalid):
		return who, bad("No account can have this name")
	case errors.Is(err, auth.NoSuchUser):
		return who, no(imap.CodeNonExistent, "No such user")
	case err != nil:
		return who, cannotLook(err)
	}
	who.Account = account.Number
	return who, nil
}
