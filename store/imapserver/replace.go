package imapserver

import (
	"errors"
	"math"

	"citron/store/account"
	"citron/store/uidset"
	"citron/wire/imap"
)

// REPLACE (RFC 8508): an APPEND that takes the message it replaces out of the
// selected mailbox, in one transaction.

var replaceCommands = []spec{
	{"REPLACE", inSelected, slow | byNumber, on((*Session).replace)},
}

// replacing is the message that a REPLACE will remove.
type replacing struct {
	uid  uidset.UID
	size int64
}

// replaced finds the message to be replaced.
func (s *Session) replaced(r *imap.Replace, to place) (*replacing, error) {
	m := s.selected
	// What UID STORE, UID EXPUNGE and APPEND together need (RFC 8508 §4.1).
	if err := m.demand(expunges); err != nil {
		return nil, err
	}
	if m.acct != to.acct {
		return nil, no(imap.CodeCannot, "Both mailboxes of REPLACE must belong to the same user")
	}
	set := imap.SeqSet{Star: math.MaxUint32}
	if r.Number != 0 {
		set = imap.SeqSetOf(r.Number)
	}
	uids, err := m.resolve(set, r.UID)
	if err != nil {
		return nil, err
	}
	p := &replacing{}
	err = m.acct.Entries(s.srv.ctx, m.view, uids, func(entries []account.Entry) error {
		p.uid, p.size = entries[0].UID, entries[0].Size
		return nil
	})
	if err == nil && p.uid == 0 {
		err = errNothingToReplace
	}
	return p, err
}

var errNothingToReplace = no(imap.CodeNonExistent, "The message to be replaced is not there")

// replace runs when the whole command has come.
func (s *Session) replace(c *command, a *imap.Replace) error {
	p, err := s.arrived(c, a.Mailbox, a, []imap.AppendMessage{a.With})
	if err != nil {
		return err
	}
	m := s.selected
	result, err := m.acct.Replace(s.srv.ctx, s.user.actor(), m.id(), p.replace.uid, p.to.info.ID, p.items[0])
	switch {
	case errors.Is(err, account.ErrGone):
		return no(imap.CodeExpungeIssued, "The message to be replaced was expunged")
	case err != nil:
		return tryCreate(err)
	}
	s.made(c, p.to, result.UIDs, result.ModSeq)
	c.expunged = uidset.Ranges{{First: p.replace.uid, Last: p.replace.uid}}
	// Before the EXPUNGE, so that the client knows the new message when the
	// old one goes (RFC 8508 §4.3).
	s.w.Status("*", imap.OK, s.appended(p.to, a.Mailbox, result), "Replacement message ready")
	c.highestModSeq = true
	return nil
}
