package imapserver

import (
	"citron/mail/acl"
	"citron/store/account"
	"citron/store/uidset"
	"citron/wire/imap"
)

// STORE (RFC 9051 §6.4.6) with UNCHANGEDSINCE (RFC 7162 §3.1.3).

var storeCommands = []spec{
	{"STORE", inSelected, slow | keepsNumbers | byNumber, on((*Session).storeFlags)},
}

func (s *Session) storeFlags(c *command, a *imap.Store) error {
	m := s.selected
	change := flagChange(a)
	if err := m.demandFlags(&change); err != nil {
		return err
	}
	if len(a.Flags.Unknown) > 0 {
		return no(imap.CodeCannot, "No such system flag")
	}
	uids, err := m.resolve(a.Set, a.UID)
	if err != nil {
		return err
	}
	if a.UnchangedSince != nil {
		s.enableCondstore()
	}
	if len(uids) == 0 {
		return nil
	}
	t := flagTeller{s: s, c: c, silent: a.Silent, count: seqCounter{told: m.view.Set}}
	res, err := m.acct.StoreFlags(c.steps(acl.None), s.user.actor(), m.id(), uids, change, t.batch)
	if err != nil {
		return err
	}
	c.highestModSeq = res.ModSeq > 0
	if err := s.tellRefused(c, res.Modified); err != nil {
		return err
	}
	missing := m.view.Set.Intersect(uids).Subtract(t.answered).Subtract(res.Modified)
	if a.UID || a.Silent {
		missing = nil // RFC 9051 §6.4.9, RFC 2180 §4.2.1
	}
	return s.storeOutcome(c, a.UID, res.Modified, missing)
}

// tellRefused tells the flags of messages that failed the UNCHANGEDSINCE test,
// so that the client need not ask for them (RFC 7162 §3.1.3).
func (s *Session) tellRefused(c *command, uids uidset.Ranges) error {
	m := s.selected
	if len(uids) == 0 {
		return nil
	}
	var told teller
	count := seqCounter{told: m.view.Set}
	return m.acct.Entries(s.srv.ctx, m.view, uids, func(entries []account.Entry) error {
		info := s.currentInfo()
		for i := range entries {
			s.writeFlags(count.of(entries[i].UID), info, &entries[i])
			told.tell(m, &entries[i])
			if err := c.breathe(); err != nil {
				return err
			}
		}
		told.done(m)
		return nil
	})
}

// storeOutcome reports the messages that STORE left alone: those that failed
// the UNCHANGEDSINCE test, and those expunged that the client knows by number
// (RFC 2180 §4.2.3, RFC 7162 §3.1.3 example 11).
func (s *Session) storeOutcome(c *command, uid bool, failed, missing uidset.Ranges) error {
	var code imap.Code
	if len(failed) > 0 {
		if !uid {
			failed = seqs(s.selected.view.Set, failed)
		}
		code = imap.CodeModified(numSet(failed))
	}
	if len(missing) > 0 {
		if code == nil {
			code = imap.CodeExpungeIssued
		}
		return no(code, "Some of the messages no longer exist")
	}
	if code != nil {
		c.code, c.text = code, "Conditional STORE failed for some"
	}
	return nil
}

// flagChange is what STORE asks of the account.
func flagChange(a *imap.Store) account.FlagChange {
	change := account.FlagChange{Op: flagOps[a.Op], System: systemFlags(a.Flags.System), Keywords: a.Flags.Keywords}
	if a.UnchangedSince != nil {
		since := account.ModSeq(*a.UnchangedSince)
		change.UnchangedSince = &since
	}
	return change
}

var flagOps = map[imap.StoreOp]account.FlagOp{
	imap.StoreReplace: account.ReplaceFlags,
	imap.StoreAdd:     account.AddFlags,
	imap.StoreRemove:  account.RemoveFlags,
}

// flagTeller writes what a client shall hear of flags that a command of its
// own changed.
type flagTeller struct {
	s      *Session
	c      *command
	silent bool
	count  seqCounter
	// answered are the messages whose flags are as the command wants them.
	answered uidset.Ranges
}

// batch is the account's callback, called when the change is durable. A client
// that asked for silence is told all the same of flags that another session
// changed before, so that it always knows them (RFC 9051 §6.4.6).
func (t *flagTeller) batch(entries []account.Entry, before []account.ModSeq) error {
	s, m := t.s, t.s.selected
	info := s.currentInfo()
	var told teller
	for i := range entries {
		e := &entries[i]
		switch quiet := t.silent && m.knewFlags(e.UID, before[i]); {
		case !quiet:
			s.writeFlags(t.count.of(e.UID), info, e)
		case s.enabled.has(condstore):
			s.writeModSeq(t.count.of(e.UID), e)
		}
		told.tell(m, e)
		t.answered.Add(e.UID)
		if err := t.c.breathe(); err != nil {
			return err
		}
	}
	told.done(m)
	return nil
}

// knewFlags says whether the client knew the flags that a message had as of a
// modseq.
func (m *selected) knewFlags(u uidset.UID, at account.ModSeq) bool {
	return at <= m.flagsAt || m.isKnown(&account.Entry{UID: u, ModSeq: at})
}

// writeModSeq tells a client that asked for silence the new mod-sequence
// (RFC 7162 §3.1.3).
func (s *Session) writeModSeq(seq uint32, e *account.Entry) {
	s.startFetch(seq, e.UID)
	s.showUID(e.UID)
	s.w.FetchModSeq(uint64(e.ModSeq))
	s.w.FetchEnd()
}

// seqs gives the sequence numbers of UIDs that are in the set.
func seqs(told *uidset.Set, uids uidset.Ranges) uidset.Ranges {
	var out uidset.Ranges
	told.Each(uids, func(seq uint32, _ uidset.UID, _ uidset.Flags) bool {
		out.Add(uidset.UID(seq))
		return true
	})
	return out
}
