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
	came    bool
	changed uidset.Ranges // candidates for FETCH FLAGS
	// whole: after it the client knows next entirely.
	whole bool
}

// manyChanges is above which telling them needs a coroutine.
const manyChanges = 500

// delta compares what the client was told with the account's present; nil when
// there is nothing new. expunges says whether EXPUNGE may be sent now. It
// changes nothing: what it gives is new until sync has told it.
func (s *Session) delta(expunges bool) (*delta, error) {
	m, a := s.selected, s.selected.acct
	now := a.ModSeq()
	if now == m.seenAt && (!m.behind() || !expunges) {
		return nil, nil
	}
	next, err := a.Open(s.srv.ctx, m.id())
	if err != nil {
		return nil, err
	}
	if next.ModSeq() == m.flagsAt && (!m.behind() || !expunges) {
		m.seenAt = now
		return nil, nil
	}
	d := &delta{next: next, at: now, whole: true}
	gone, came := uidset.Diff(m.view.Set, next.Set)
	d.came = len(came) > 0
	if len(gone) > 0 && !expunges {
		d.whole = false
	} else {
		d.gone = gone
	}
	if next.ModSeq() > m.flagsAt {
		changes, err := a.Changes(s.srv.ctx, next, m.flagsAt)
		if err != nil {
			return nil, err
		}
		d.changed = m.unknown(m.view.Set.Intersect(changes.Changed), next.ModSeq())
	}
	return d, nil
}

// size is about how many responses tell will write.
func (d *delta) size() uint64 { return d.gone.Count() + d.changed.Count() }

// sync tells the client what is new. It is called by the dispatcher before the
// tagged reply, and in IDLE; c may yield if it is a coroutine.
func (s *Session) sync(c *command, d *delta) error {
	m := s.selected
	if err := s.tellGone(c, d); err != nil {
		return err
	}
	if d.whole {
		m.view = account.View{Info: d.next.Info, Set: d.next.Set}
		if d.came {
			s.tellCame()
		}
	}
	s.tellKeywords(d.next.Info)
	if err := s.tellFlags(c, d.next, d.changed); err != nil {
		return err
	}
	m.flagsAt, m.seenAt = d.next.ModSeq(), d.at
	m.known = nil
	return nil
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
