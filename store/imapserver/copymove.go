package imapserver

import (
	"citron/mail/acl"
	"citron/store/account"
	"citron/store/uidset"
	"citron/wire/imap"
)

// COPY (RFC 9051 §6.4.7) and MOVE (RFC 6851), both all or nothing, with
// COPYUID (RFC 4315 §3).

var copyCommands = []spec{
	{"COPY", inSelected, slow | byNumber, on((*Session).copyMessages)},
	{"MOVE", inSelected, slow | byNumber, on((*Session).moveMessages)},
}

// expunges are the rights that it takes to have messages gone from a mailbox for
// which others are put somewhere.
const expunges = acl.DeleteMessages | acl.Expunge

func (s *Session) copyMessages(c *command, a *imap.Copy) error {
	m := s.selected
	uids, err := s.transferred(a.Set, a.UID)
	if err != nil || len(uids) == 0 {
		return err
	}
	to, err := s.destination(a.Mailbox)
	if err != nil {
		return err
	}
	var res account.CopyResult
	if to.acct == m.acct {
		res, err = m.acct.Copy(c.steps(acl.Read), s.user.actor(), m.id(), uids, to.info.ID)
	} else {
		res, err = m.acct.CopyTo(c.steps(acl.Read), s.user.actor(), m.id(), uids, to.acct, to.info.ID)
	}
	if err != nil {
		return tryCreate(err)
	}
	s.made(c, to, res.Dest, res.ModSeq)
	if code := s.copyUID(to, res); code != nil {
		c.code, c.text = code, "Copied"
	}
	return nil
}

func (s *Session) moveMessages(c *command, a *imap.Move) error {
	m := s.selected
	// RFC 6851 §4.2: what STORE, COPY and EXPUNGE together need.
	if err := m.demand(expunges); err != nil {
		return err
	}
	uids, err := s.transferred(a.Set, a.UID)
	if err != nil || len(uids) == 0 {
		return err
	}
	to, err := s.destination(a.Mailbox)
	if err != nil {
		return err
	}
	var res account.CopyResult
	if to.acct == m.acct {
		res, err = m.acct.Move(c.steps(expunges), s.user.actor(), m.id(), uids, to.info.ID)
	} else {
		res, err = m.acct.MoveTo(c.steps(expunges), s.user.actor(), m.id(), uids, to.acct, to.info.ID)
	}
	if err != nil {
		return tryCreate(err)
	}
	s.made(c, to, res.Dest, res.ModSeq)
	c.expunged = res.Source
	// COPYUID goes before the EXPUNGEs that sync will write (RFC 6851 §4.3).
	if code := s.copyUID(to, res); code != nil {
		s.w.Status("*", imap.OK, code, "Moved")
	}
	c.highestModSeq = len(res.Source) > 0
	return nil
}

// transferred gives the UIDs of the messages to be copied or moved. By number
// it is all or none of them: a client that names one which another session has
// expunged is told so first (RFC 2180 §4.4.1). By UID those that are gone are
// passed over (RFC 9051 §6.4.9).
func (s *Session) transferred(set imap.SeqSet, byUID bool) (uidset.Ranges, error) {
	m := s.selected
	uids, err := m.resolve(set, byUID)
	if err != nil || byUID || len(uids) == 0 {
		return uids, err
	}
	now, err := m.acct.Open(s.srv.ctx, m.id())
	if err != nil {
		return nil, err
	}
	if now.Set.Intersect(uids).Count() < uids.Count() {
		return nil, no(imap.CodeExpungeIssued, "Some of the messages were expunged")
	}
	return uids, nil
}

// destination finds the mailbox that messages shall go to.
func (s *Session) destination(name string) (place, error) {
	to, err := s.locate(name, acl.Insert)
	return to, tryCreate(err)
}

// copyUID is nil when nothing was copied, or the user is not to know of it.
func (s *Session) copyUID(to place, res account.CopyResult) imap.Code {
	if len(res.Source) == 0 || !s.tellsUIDs(to) {
		return nil
	}
	return imap.CodeCopyUID{UIDValidity: res.UIDValidity, From: numSet(res.Source), To: numSet(res.Dest)}
}

// tellsUIDs says whether the user may hear which UIDs messages got in a mailbox:
// who may put them there but not select it must not (RFC 9051 §6.3.12, §6.4.7).
func (s *Session) tellsUIDs(to place) bool {
	info, there := to.acct.Mailbox(to.info.ID)
	return there && to.acct.Rights(info, s.user.Account).Has(acl.Read)
}
