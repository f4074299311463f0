package imapserver

import (
	"citron/mail/acl"
	"citron/store/uidset"
	"citron/wire/imap"
)

// EXPUNGE (RFC 9051 §6.4.3) and UID EXPUNGE (RFC 4315 §2.1). What went is told
// as every other change is, before the tagged reply.

var expungeCommands = []spec{
	{"EXPUNGE", inSelected, slow, on((*Session).expunge)},
}

func (s *Session) expunge(c *command, a *imap.Expunge) error {
	m := s.selected
	if err := m.demand(acl.Expunge); err != nil {
		return err
	}
	uids := uidset.Everything()
	if a.UID {
		var err error
		if uids, err = m.resolve(a.Set, true); err != nil {
			return err
		}
		if len(uids) == 0 {
			return nil
		}
	}
	gone, _, err := m.acct.Expunge(c.steps(acl.Expunge), s.user.actor(), m.id(), uids)
	if err != nil {
		return err
	}
	c.expunged, c.highestModSeq = gone, len(gone) > 0
	return nil
}

var errReadOnly = no(imap.CodeNoPerm, "The mailbox is selected read-only")
