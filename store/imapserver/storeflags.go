package imapserver

import (
	"citron/store/account"
	"citron/store/uidset"
	"citron/wire/imap"
)

// STORE (RFC 9051 §6.4.6) with UNCHANGEDSINCE (RFC 7162 §3.1.3).

var storeCommands = []spec{
	{"STORE", inSelected, slow | keepsNumbers, on((*Session).storeFlags)},
}

func (s *Session) storeFlags(c *command, a *imap.Store) error {
	m := s.selected
	if m.readOnly {
		return errReadOnly
	}
	change := flagChange(a)
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
	teller, err := s.newFlagTeller(c, a.Silent)
	if err != nil {
		return err
	}
	res, err := s.user.account.StoreFlags(s.srv.ctx, s.user.actor(), m.id(), uids, change, teller.batch)
	if err != nil {
		return err
	}
	c.highestModSeq = res.ModSeq > 0
	missing := m.view.Set.Intersect(uids).Subtract(teller.answered).Subtract(res.Modified)
	return s.storeOutcome(c, a.UID, res.Modified, missing)
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
	if !uid && len(missing) > 0 {
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
	// foreign are messages that another session changed before; a client
	// that asked for silence does not know their flags all the same.
	foreign uidset.Ranges
	// answered are the messages whose flags are as the command wants them.
	answered uidset.Ranges
}

func (s *Session) newFlagTeller(c *command, silent bool) (*flagTeller, error) {
	t := &flagTeller{s: s, c: c, silent: silent}
	if !silent {
		return t, nil
	}
	d, err := s.delta(false)
	if err == nil && d != nil {
		t.foreign = d.changed
	}
	return t, err
}

// batch is the account's callback, called when the change is durable.
func (t *flagTeller) batch(entries []account.Entry, before []account.ModSeq) error {
	s, m := t.s, t.s.selected
	info := s.currentInfo()
	var known uidset.Ranges
	var at account.ModSeq
	for i := range entries {
		e := &entries[i]
		seq, ok := m.view.Set.Seq(e.UID)
		if !ok {
			continue
		}
		quiet := t.silent && !t.foreign.Contains(e.UID)
		switch {
		case !quiet:
			s.writeFlags(seq, info, e)
		case s.enabled.has(condstore):
			s.writeModSeq(seq, e)
		}
		known.Add(e.UID)
		t.answered.Add(e.UID)
		at = max(at, e.ModSeq)
		if err := t.c.breathe(); err != nil {
			return err
		}
	}
	m.knows(known, at)
	return nil
}

// writeModSeq tells a client that asked for silence the new mod-sequence
// (RFC 7162 §3.1.3).
func (s *Session) writeModSeq(seq uint32, e *account.Entry) {
	s.w.FetchStart(seq)
	s.w.FetchUID(uint32(e.UID))
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
