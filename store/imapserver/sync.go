package imapserver

import (
	"errors"

	"citron/store/account"
	"citron/store/uidset"
)

// Telling a client what has changed in its mailbox since it was last told
// (RFC 9051 §5.2, RFC 7162 §3.2). The account's feed only wakes; what to say is
// computed here from two views and the log between them, so a missed or
// superfluous wake does no harm.

// delta is what is to be told.
type delta struct {
	next    account.View
	at      account.ModSeq // the account's modseq before next was opened
	gone    uidset.Ranges  // to be told now; empty if they may not be
	came    uidset.Ranges
	news    uint64        // how many came or have other flags
	changed uidset.Ranges // candidates for FETCH FLAGS
	// flags: flag changes are told.
	flags bool
	// whole: after it the client knows next's messages entirely. frozen: it
	// wants to know of none but those that its own command took away.
	whole, frozen bool
}

// manyChanges is above which telling them needs a coroutine.
const manyChanges = 500

// delta compares what the client was told with the account's present, as far as
// it wants to know; nil when there is nothing new. expunges says whether EXPUNGE
// may be sent now. It changes nothing: what it gives is new until sync has told
// it.
func (s *Session) delta(c *command, expunges bool) (*delta, error) {
	m, a := s.selected, s.selected.acct
	messages, flags := s.wants()
	if !messages {
		return s.ownExpunges(c), nil
	}
	now := a.ModSeq()
	due := m.withheld && expunges || m.contextsDue(s.now)
	if now == m.seenAt && !due {
		return nil, nil
	}
	next, err := a.Open(s.srv.ctx, m.id())
	if err != nil {
		return nil, err
	}
	if flags && next.ModSeq() == m.flagsAt && !due {
		m.seenAt = now
		return nil, nil
	}
	d := &delta{next: next, at: now, flags: flags, whole: true}
	gone, came := uidset.Diff(m.view.Set, next.Set)
	d.came, d.news = came, came.Count()
	if len(gone) > 0 && !expunges {
		d.whole = false
	} else {
		d.gone = gone
	}
	if flags && next.ModSeq() > m.flagsAt {
		changes, err := a.Changes(s.srv.ctx, next, m.flagsAt)
		if err != nil {
			return nil, err
		}
		d.news += changes.Changed.Count()
		// What came may have been told without its later flags (NOTIFY).
		d.changed = m.unknown(m.view.Set.Intersect(changes.Changed.Union(changes.Came)), next.ModSeq())
	}
	return d, nil
}

// ownExpunges is for a client that wants to know of no messages: only that of
// what its own command did.
func (s *Session) ownExpunges(c *command) *delta {
	gone := s.selected.view.Set.Intersect(c.expunged)
	if len(gone) == 0 {
		return nil
	}
	return &delta{next: s.selected.view, gone: gone, frozen: true}
}

// effort is about how many responses telling a delta will write, or what is to
// be done for contexts in terms of that.
func (s *Session) effort(d *delta) uint64 {
	return d.gone.Count() + d.changed.Count() + d.news*s.selected.contextsWeight()
}

// sync tells the client what is new. It is called by the dispatcher before the
// tagged reply, and in IDLE; c may yield if it is a coroutine.
func (s *Session) sync(c *command, d *delta) error {
	m := s.selected
	news, err := s.contextNews(c, d)
	if err != nil {
		return err
	}
	if err := s.tellExpunged(c, news); err != nil {
		return err
	}
	if err := s.tellGone(c, d); err != nil {
		return err
	}
	switch {
	case d.frozen:
		m.view = partial(m.view, m.view, d.gone, nil)
		return s.tellContexts(c, news)
	case d.whole:
		m.view = d.next
	case s.notify != nil:
		// New mail is told although EXPUNGE must wait: the phone may not say
		// anything for hours.
		m.view = partial(m.view, d.next, nil, d.came)
	default:
		d.came = nil
	}
	m.withheld = !d.whole
	if len(d.came) > 0 {
		s.tellCame()
	}
	s.tellKeywords(d.next.Info)
	if err = s.tellFlags(c, d.next, d.changed); err == nil {
		if m.seenAt = d.at; d.flags {
			m.flagsAt, m.known = d.next.ModSeq(), nil
		}
	}
	// RFC 5465 wants what UPDATE fetches before ESEARCH (§7), and what NOTIFY
	// alone does after it (§5.2).
	first := s.updatesFetch()
	if first && err == nil {
		err = s.fetchNew(c, d.came, news)
	}
	if !errors.Is(err, errGone) { // a part of it was told before the EXPUNGEs
		err = errors.Join(err, s.tellContexts(c, news))
	}
	if err != nil || first {
		return err
	}
	return s.fetchNew(c, d.came, nil)
}

// partial is a view told so far, without what went and with what came of next;
// it still stands for the modseq it did. Its sizes are not to be relied on.
func partial(told, next account.View, gone, came uidset.Ranges) account.View {
	e := told.Set.Edit()
	gone.Each(func(u uidset.UID) bool {
		e.Remove(u, 0)
		return true
	})
	next.Set.Each(came, func(_ uint32, u uidset.UID, f uidset.Flags) bool {
		e.Add(u, 0, f)
		return true
	})
	next.Set, next.Info = e.Done(), told.Info
	return next
}

// tellGone writes EXPUNGE, numbers running down as the client's do, or
// VANISHED.
func (s *Session) tellGone(c *command, d *delta) error {
	if len(d.gone) == 0 {
		return nil
	}
	if s.enabled.has(qresync) || s.enabled.has(uidOnly) {
		s.w.Vanished(false, numSet(d.gone))
		return nil
	}
	removed := uint32(0)
	var err error
	s.selected.view.Set.Each(d.gone, func(seq uint32, _ uidset.UID, _ uidset.Flags) bool {
		s.w.Expunge(seq - removed)
		removed++
		err = c.breathe()
		return err == nil
	})
	return err
}

// tellCame writes EXISTS and, for IMAP4rev1, RECENT.
func (s *Session) tellCame() {
	m := s.selected
	s.w.Exists(m.view.Set.Len())
	if !m.writable() {
		s.addRecent(m.acct.Recent(m.id()))
	} else {
		s.addRecent(m.acct.ClaimRecent(m.id(), m.view.Set.Last()))
	}
	if !s.enabled.has(rev2) {
		s.w.Recent(m.recentCount())
	}
}

// addRecent notes that messages from a UID on are \Recent here.
func (s *Session) addRecent(from account.UID) {
	m := s.selected
	if last := m.view.Set.Last(); from <= last {
		m.recent = m.recent.Union(uidset.Ranges{{First: from, Last: last}})
	}
}

// tellFlags writes FETCH for the messages of uids whose flags the client does
// not know yet. Unsolicited ones carry the UID (RFC 9051 §7.5.2, RFC 7162
// §3.2.4).
func (s *Session) tellFlags(c *command, next account.View, uids uidset.Ranges) error {
	m := s.selected
	if len(uids) == 0 {
		return nil
	}
	return m.acct.Entries(s.srv.ctx, next, uids, func(batch []account.Entry) error {
		info := s.currentInfo()
		for i := range batch {
			e := &batch[i]
			seq, ok := m.view.Set.Seq(e.UID)
			if !ok || e.ModSeq <= m.flagsAt || m.isKnown(e) {
				continue
			}
			s.writeFlags(seq, info, e)
			if err := c.breathe(); err != nil {
				return err
			}
		}
		return nil
	})
}

// tellKeywords writes FLAGS when the mailbox has keywords the client was not
// told of; it goes before any FETCH that could name them. Handlers that write
// flags call it, too.
func (s *Session) tellKeywords(info *account.MailboxInfo) {
	if m := s.selected; len(info.Keywords) > m.keywords {
		m.keywords = len(info.Keywords)
		s.writeFlagsResponse(info)
		s.writePermanentFlags(info)
	}
}

// mailboxGone says whether an error of delta means that the selected mailbox
// was deleted.
func mailboxGone(err error) bool {
	return errors.Is(err, account.ErrNoMailbox) || errors.Is(err, account.ErrGone)
}
