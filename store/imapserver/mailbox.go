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
	s.tellNormalised(info, a.Mailbox)
	c.code = imap.CodeMailboxID(info.ObjectID)
	return nil
}

// tellNormalised says under which name a mailbox goes if that is not the one
// the client gave (RFC 9051 §6.3.4, §6.3.9.7).
func (s *Session) tellNormalised(info *account.MailboxInfo, given string) {
	given = strings.TrimSuffix(given, string(mailbox.Separator))
	if info.Name != given {
		s.w.List(&imap.ListData{Separator: mailbox.Separator, Mailbox: info.Name, OldName: given})
	}
}

func (s *Session) delete(c *command, a *imap.Delete) error {
	info, ok := s.user.account.Lookup(mailbox.Canonical(a.Mailbox))
	if err := s.user.account.DeleteMailbox(s.srv.ctx, s.user.actor(), a.Mailbox); err != nil {
		return err
	}
	if ok && s.selected != nil && s.selected.id() == info.ID {
		s.unselect()
		s.w.Status("*", imap.OK, imap.CodeClosed, "The selected mailbox was deleted")
	}
	return nil
}

func (s *Session) rename(_ *command, a *imap.Rename) error {
	return s.user.account.RenameMailbox(s.srv.ctx, s.user.actor(), a.From, a.To)
}

func (s *Session) subscribe(_ *command, a *imap.Subscribe) error {
	return s.user.account.Subscribe(s.srv.ctx, s.user.actor(), a.Mailbox)
}

func (s *Session) unsubscribe(_ *command, a *imap.Unsubscribe) error {
	return s.user.account.Unsubscribe(s.srv.ctx, s.user.actor(), a.Mailbox)
}
