package imapserver

import (
	"strings"

	"citron/mail/mailbox"
	"citron/store/account"
	"citron/wire/imap"
)

// Commands on mailboxes by name (RFC 9051 §6.3.4 to §6.3.8).

var mailboxCommands = []spec{
	{"CREATE", inAccount, 0, on((*Session).create)},
	{"DELETE", inAccount, 0, on((*Session).delete)},
	{"RENAME", inAccount, 0, on((*Session).rename)},
	{"SUBSCRIBE", inAccount, 0, on((*Session).subscribe)},
	{"UNSUBSCRIBE", inAccount, 0, on((*Session).unsubscribe)},
}

// create is CREATE with RFC 6154 §3 and RFC 8474 §4.1. Superior names need no
// mailbox, so none is made for them.
func (s *Session) create(c *command, a *imap.Create) error {
	info, err := s.user.account.CreateMailbox(s.srv.ctx, s.user.actor(), a.Mailbox,
		account.CreateMailboxOptions{SpecialUse: a.SpecialUse})
	if err != nil {
		return err
	}
	if given := strings.TrimSuffix(a.Mailbox, string(mailbox.Separator)); given != info.Name {
		s.writeOldName(info.Name, given)
	}
	c.code = imap.CodeMailboxID(info.ObjectID)
	return nil
}

func (s *Session) delete(_ *command, a *imap.Delete) error {
	name := mailbox.Canonical(a.Mailbox)
	info, ok := s.user.account.Lookup(name)
	if err := s.user.account.DeleteMailbox(s.srv.ctx, s.user.actor(), a.Mailbox); err != nil {
		return err
	}
	if name != a.Mailbox {
		s.writeOldName(name, a.Mailbox, `\NonExistent`)
	}
	if ok && s.selected != nil && s.selected.id() == info.ID {
		s.unselect()
		s.w.Status("*", imap.OK, imap.CodeClosed, "The selected mailbox was deleted")
	}
	return nil
}

func (s *Session) rename(_ *command, a *imap.Rename) error {
	if err := s.user.account.RenameMailbox(s.srv.ctx, s.user.actor(), a.From, a.To); err != nil {
		return err
	}
	to := strings.TrimSuffix(a.To, string(mailbox.Separator))
	if mailbox.Canonical(a.From) != a.From || mailbox.Canonical(to) != to {
		s.writeOldName(mailbox.Canonical(to), a.From)
	}
	return nil
}

// writeOldName tells a client that gave a name not in normal form which
// mailbox it spoke of (RFC 9051 §6.3.4 to §6.3.6, §6.3.9.7).
func (s *Session) writeOldName(name, given string, attributes ...string) {
	s.w.List(&imap.ListData{Attributes: attributes, Separator: mailbox.Separator, Mailbox: name, OldName: given})
}

func (s *Session) subscribe(_ *command, a *imap.Subscribe) error {
	return s.user.account.Subscribe(s.srv.ctx, s.user.actor(), a.Mailbox)
}

func (s *Session) unsubscribe(_ *command, a *imap.Unsubscribe) error {
	return s.user.account.Unsubscribe(s.srv.ctx, s.user.actor(), a.Mailbox)
}
