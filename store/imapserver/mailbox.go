package imapserver

import (
	"errors"
	"strings"

	"citron/mail/acl"
	"citron/mail/mailbox"
	"citron/store/account"
	"citron/wire/imap"
)

// Commands on mailboxes by name (RFC 9051 §6.3.4 to §6.3.8).

var mailboxCommands = []spec{
	{"CREATE", inAccount, 0, on((*Session).create)},
	{"DELETE", inAccount, 0, on((*Session).delete)},
	{"RENAME", inAccount, slow, on((*Session).rename)},
	{"SUBSCRIBE", inAccount, 0, on((*Session).subscribe)},
	{"UNSUBSCRIBE", inAccount, 0, on((*Session).unsubscribe)},
}

// create is CREATE with RFC 6154 §3 and RFC 8474 §4.1. Superior names need no
// mailbox, so none is made for them.
func (s *Session) create(c *command, a *imap.Create) error {
	to, err := s.building(a.Mailbox)
	if err != nil {
		return err
	}
	if len(a.SpecialUse) > 0 && to.prefix != "" {
		return no(imap.CodeUseAttr, "Only mailboxes of your own can have a special use")
	}
	info, err := to.acct.CreateMailbox(s.srv.ctx, s.user.actor(), to.name, account.CreateMailboxOptions{SpecialUse: a.SpecialUse, Like: to.top})
	if err != nil {
		return err
	}
	if given := strings.TrimSuffix(a.Mailbox, string(mailbox.Separator)); given != to.prefix+info.Name {
		s.writeOldName(to.prefix+info.Name, given)
	}
	s.didName(account.NamesChanged, to.acct, "", info.Name)
	c.code = imap.CodeMailboxID(info.ObjectID)
	return nil
}

// building finds where a mailbox of a new name is to be, if the user may make
// one there: it takes the "k" right on the nearest mailbox above it (RFC 4314
// §4, CREATE). Above the highest names of an account there is none: there its
// owner may, and in an account that is nobody's own who has the right on INBOX,
// whose list the new mailbox then gets.
// Whoever may not is told nothing of what is there.
func (s *Session) building(name string) (site, error) {
	to, err := s.site(strings.TrimSuffix(name, string(mailbox.Separator)))
	switch {
	case errors.Is(err, account.ErrNoMailbox):
		return site{}, errNoBuilding
	case err != nil:
		return site{}, err
	}
	parent, ok := to.acct.Nearest(to.name)
	if !ok && to.prefix == "" {
		return to, nil
	}
	if !ok && to.shared {
		to.top = account.Inbox
		parent, ok = to.acct.Mailbox(to.top)
	}
	if !ok || !to.acct.Rights(parent, s.user.Account).Has(acl.Create) {
		return site{}, errNoBuilding
	}
	return to, nil
}

var errNoBuilding = no(imap.CodeNoPerm, "You may not make mailboxes there")

func (s *Session) delete(_ *command, a *imap.Delete) error {
	at, err := s.site(a.Mailbox)
	if err != nil {
		return err
	}
	var gone account.MailboxID
	if info, ok := at.acct.Lookup(at.name); ok {
		if err := s.placeOf(at.acct, info, at.prefix).allow(acl.Delete); err != nil {
			return err
		}
		gone = info.ID
	} else if at.prefix != "" {
		return account.ErrNoMailbox // whatever is below it
	}
	if err := at.acct.DeleteMailbox(s.srv.ctx, s.user.actor(), at.name); err != nil {
		return err
	}
	s.didName(account.NamesChanged, at.acct, at.name, "")
	if name := at.prefix + at.name; name != a.Mailbox {
		s.writeOldName(name, a.Mailbox, `\NonExistent`)
	}
	if m := s.selected; m != nil && m.acct == at.acct && m.id() == gone {
		s.unselect()
		s.w.Status("*", imap.OK, imap.CodeClosed, "The selected mailbox was deleted")
	}
	return nil
}

// rename takes the "x" right on the mailbox and the "k" right above its new
// name (RFC 4314 §4, RENAME). It does not lead from one account into another:
// UIDVALIDITY, quota and whose the mail is would all be another's.
func (s *Session) rename(c *command, a *imap.Rename) error {
	from, err := s.site(a.From)
	if err != nil {
		return err
	}
	if info, ok := from.acct.Lookup(from.name); ok {
		err = s.placeOf(from.acct, info, from.prefix).allow(acl.Delete)
	} else if from.prefix != "" {
		err = account.ErrNoMailbox
	}
	if err != nil {
		return err
	}
	to, err := s.building(a.To)
	if err != nil {
		return err
	}
	if from.acct != to.acct {
		return no(imap.CodeCannot, "Mailboxes cannot be renamed into another account; move their messages")
	}
	if err := from.acct.RenameMailbox(c.steps(acl.None), s.user.actor(), from.name, to.name); err != nil {
		return err
	}
	s.didName(account.NamesChanged, from.acct, from.name, strings.TrimSuffix(to.name, string(mailbox.Separator)))
	given := strings.TrimSuffix(a.To, string(mailbox.Separator))
	if from.prefix+from.name != a.From || to.prefix+to.name != given {
		s.writeOldName(to.prefix+to.name, a.From)
	}
	return nil
}

// writeOldName tells a client that gave a name not in normal form which
// mailbox it spoke of (RFC 9051 §6.3.4 to §6.3.6, §6.3.9.7).
func (s *Session) writeOldName(name, given string, attributes ...string) {
	s.w.List(&imap.ListData{Attributes: attributes, Separator: mailbox.Separator, Mailbox: name, OldName: given})
}

// subscribe asks for no mailbox of that name, and so for no right on one
// (RFC 4314 §4, SUBSCRIBE).
func (s *Session) subscribe(_ *command, a *imap.Subscribe) error {
	name, err := s.fullName(a.Mailbox)
	if err != nil {
		return err
	}
	if err := s.user.account.Subscribe(s.srv.ctx, s.user.actor(), name); err != nil {
		return err
	}
	s.didName(account.SubscriptionsChanged, s.user.account, "", name)
	return nil
}

func (s *Session) unsubscribe(_ *command, a *imap.Unsubscribe) error {
	name, err := s.fullName(a.Mailbox)
	if err != nil {
		return err
	}
	if err := s.user.account.Unsubscribe(s.srv.ctx, s.user.actor(), name); err != nil {
		return err
	}
	s.didName(account.SubscriptionsChanged, s.user.account, name, "")
	return nil
}

// fullName is the canonical form of a name, as far as there can be one for a
// name set apart for others.
func (s *Session) fullName(name string) (string, error) {
	at, err := s.site(name)
	if errors.Is(err, account.ErrNoMailbox) {
		return name, nil
	}
	return at.prefix + at.name, err
}
