package imapserver

import (
	"errors"

	"citron/mail/acl"
	"citron/mail/mailbox"
	"citron/store/account"
	"citron/store/uidset"
	"citron/wire/imap"
)

// Opening and leaving a mailbox: SELECT and EXAMINE (RFC 9051 §6.3.2, §6.3.3,
// RFC 7162 §3.1.8, §3.2.5), CLOSE, UNSELECT, CHECK.

var selectCommands = []spec{
	{"SELECT", inAccount, slow | untold, on((*Session).selectMailbox)},
	{"EXAMINE", inAccount, slow | untold, on((*Session).selectMailbox)},
	{"CLOSE", inSelected, slow | untold, on((*Session).closeMailbox)},
	{"UNSELECT", inSelected, untold, on((*Session).unselectMailbox)},
	{"CHECK", inSelected, 0, on((*Session).check)},
}

func (s *Session) selectMailbox(c *command, a *imap.Select) error {
	if a.QResync != nil && !s.enabled.has(qresync) {
		return bad("ENABLE QRESYNC comes first")
	}
	if q := a.QResync; q != nil && q.Seqs != nil && s.enabled.has(uidOnly) { // RFC 9586 §3.7
		return errUIDRequired
	}
	if s.selected != nil {
		s.unselect()
		s.w.Status("*", imap.OK, imap.CodeClosed, "Previous mailbox is now closed")
	}
	at, err := s.locate(a.Mailbox, acl.Read)
	if err != nil {
		return err
	}
	accountAt := at.acct.ModSeq()
	view, err := at.acct.Open(s.srv.ctx, at.info.ID)
	if err != nil {
		return err
	}
	if a.CondStore || a.QResync != nil {
		s.enabled |= condstore
	}
	s.selected = &selected{acct: at.acct, prefix: at.prefix, rights: at.rights, view: view, flagsAt: view.ModSeq(),
		rightsAt: accountAt, urlResets: at.acct.URLResets(view.Info.ID, s.user.Account), readOnly: a.ReadOnly, seenAt: accountAt, keywords: len(view.Info.Keywords)}
	s.claimRecent()
	s.describeMailbox(a.Mailbox)
	if a.QResync != nil && a.QResync.UIDValidity == view.Info.UIDValidity {
		if err := s.resync(c, a.QResync); err != nil {
			s.unselect()
			return err
		}
	}
	c.code, c.text = imap.CodeReadWrite, "Selected"
	switch {
	case a.ReadOnly:
		c.code, c.text = imap.CodeReadOnly, "Examined"
	case !s.selected.writable():
		c.code = imap.CodeReadOnly
	}
	return nil
}

// claimRecent takes the messages nobody was told of as \Recent, or, read-only,
// looks at them without taking them (RFC 3501 §6.3.2).
func (s *Session) claimRecent() {
	m := s.selected
	if !m.writable() {
		s.addRecent(m.acct.Recent(m.id()))
		return
	}
	s.addRecent(m.acct.ClaimRecent(m.id(), m.view.Set.Last()))
}

// describeMailbox writes the untagged responses of SELECT. given is the name
// as the client put it.
func (s *Session) describeMailbox(given string) {
	m := s.selected
	info, set := m.view.Info, m.view.Set
	s.writeFlagsResponse(info)
	s.writePermanentFlags(info)
	s.w.Exists(set.Len())
	if !s.enabled.has(rev2) {
		s.w.Recent(m.recentCount())
		if seq, _ := set.FirstUnseen(); seq != 0 && !s.enabled.has(uidOnly) {
			s.w.Status("*", imap.OK, imap.CodeUnseen(seq), "First unseen message")
		}
	}
	s.w.Status("*", imap.OK, imap.CodeUIDValidity(info.UIDValidity), "UIDs valid")
	if info.UIDNext <= uint64(uidset.MaxUID) {
		s.w.Status("*", imap.OK, imap.CodeUIDNext(info.UIDNext), "Predicted next UID")
	}
	s.w.Status("*", imap.OK, imap.CodeHighestModSeq(info.ModSeq), "Highest")
	s.w.Status("*", imap.OK, imap.CodeMailboxID(info.ObjectID), "Mailbox identity")
	s.writeURLMech()
	if s.enabled.has(rev2) {
		s.w.List(s.selectedName(info, given))
	}
}

// selectedName is the LIST response of SELECT (RFC 9051 §6.3.2).
func (s *Session) selectedName(info *account.MailboxInfo, given string) *imap.ListData {
	d := &imap.ListData{Separator: mailbox.Separator, Mailbox: s.selected.prefix + info.Name}
	if s.selected.prefix == "" {
		d.Attributes = info.SpecialUse
	}
	if d.Mailbox != given {
		d.OldName = given
	}
	return d
}

// resync brings a client up to date that was here before (RFC 7162 §3.2.5).
func (s *Session) resync(c *command, q *imap.QResync) error {
	view := s.selected.view
	known := ranges(q.Known)
	if q.Known == nil {
		if view.Info.UIDNext <= 1 {
			return nil
		}
		known = uidset.Ranges{{First: 1, Last: uidset.UID(view.Info.UIDNext - 1)}}
	}
	if account.ModSeq(q.ModSeq) >= view.ModSeq() {
		return nil
	}
	changes, err := s.selected.acct.Changes(s.srv.ctx, view, account.ModSeq(q.ModSeq))
	if err != nil {
		return err
	}
	gone := changes.Gone.Union(changes.Fleeting).Intersect(known)
	if agreed := agreedUpTo(view.Set, q); agreed > 0 {
		gone = gone.Subtract(uidset.Ranges{{First: 1, Last: agreed}})
	}
	if len(gone) > 0 {
		s.w.Vanished(true, numSet(gone))
	}
	s.selected.flagsAt = account.ModSeq(q.ModSeq)
	err = s.tellFlags(c, view, changes.Changed.Union(changes.Came).Intersect(known))
	s.selected.flagsAt = view.ModSeq()
	return err
}

// agreedUpTo is the highest UID up to which client and server agree about what
// has been expunged, by the client's sequence match data (RFC 7162 §3.2.5.2);
// 0 if nowhere. Once a pair differs all later ones do.
func agreedUpTo(set *uidset.Set, q *imap.QResync) uidset.UID {
	uids := pairs(q.UIDs)
	agreed := uidset.UID(0)
	for _, r := range q.Seqs {
		for seq := r.From; ; seq++ {
			uid, ok := uids()
			if !ok || set.UID(seq) != uidset.UID(uid) {
				return agreed
			}
			agreed = uidset.UID(uid)
			if seq == r.To {
				break
			}
		}
	}
	return agreed
}

// pairs yields the numbers of a set one by one.
func pairs(set imap.NumSet) func() (uint32, bool) {
	used := uint32(0)
	return func() (uint32, bool) {
		if len(set) == 0 {
			return 0, false
		}
		n := set[0].From + used
		if used++; n == set[0].To {
			set, used = set[1:], 0
		}
		return n, true
	}
}

// closeMailbox expunges without a word, unless the mailbox is read-only or the
// user may not (RFC 4314 §4, CLOSE), and leaves (RFC 9051 §6.4.1).
func (s *Session) closeMailbox(c *command, _ *imap.Close) error {
	m := s.selected
	if m.may(acl.Expunge) {
		if _, _, err := m.acct.Expunge(c.steps(acl.Expunge), s.user.actor(), m.id(), uidset.Everything()); err != nil && !errors.Is(err, errNoRight) {
			return err
		}
	}
	s.unselect()
	return nil
}

func (s *Session) unselectMailbox(*command, *imap.Unselect) error {
	s.unselect()
	return nil
}

// unselect forgets the selected mailbox, if there is one.
func (s *Session) unselect() {
	s.leaves(s.selected)
	s.dropContexts()
	s.selected = nil
}

// check is NOOP with a promise of being slow that we need not keep (RFC 3501
// §6.4.1).
func (s *Session) check(*command, *imap.Check) error { return nil }
