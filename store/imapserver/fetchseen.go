package imapserver

import (
	"errors"

	"citron/store/account"
	"citron/store/uidset"
)

// markSeen sets \Seen where reading does (RFC 9051 §6.4.5), in the entries too,
// and says of which messages that was a change. A full disk keeps nobody from
// reading: then nothing is marked.
func (f *fetcher) markSeen(entries []account.Entry) (uidset.Ranges, error) {
	if !f.marks {
		return nil, nil
	}
	var unseen uidset.Ranges
	for i := range entries {
		if entries[i].Flags&account.Seen == 0 {
			unseen.Add(entries[i].UID)
		}
	}
	if len(unseen) == 0 {
		return nil, nil
	}
	s, m := f.s, f.s.selected
	change := account.FlagChange{Op: account.AddFlags, System: account.Seen}
	res, err := m.acct.StoreFlags(s.srv.ctx, s.user.actor(), m.id(), unseen, change,
		func(now []account.Entry, _ []account.ModSeq) error {
			update(entries, now)
			return nil
		})
	if errors.Is(err, account.ErrNoSpace) || errors.Is(err, account.ErrTemporary) {
		s.srv.cfg.Logger.Warn("messages read but not marked so", "account", s.accountName(), "cause", err)
		err = nil
	}
	if err != nil {
		return nil, err
	}
	m.knows(res.Changed, res.ModSeq)
	f.c.highestModSeq = true
	return res.Changed, nil
}

// update puts newer states of some entries in the place of the older ones;
// both are in order of UIDs.
func update(entries, now []account.Entry) {
	for i := range entries {
		if len(now) > 0 && entries[i].UID == now[0].UID {
			entries[i] = now[0]
			now = now[1:]
		}
	}
}

// teller collects messages whose flags the client was told in a response of
// its own command, all read in one round trip, so that they are not told again.
type teller struct {
	uids uidset.Ranges
	at   account.ModSeq
}

// tell notes an entry whose flags are newer than what sync has told.
func (t *teller) tell(m *selected, e *account.Entry) {
	if e.ModSeq > m.flagsAt {
		t.uids.Add(e.UID)
		t.at = max(t.at, e.ModSeq)
	}
}

func (t *teller) done(m *selected) {
	m.knows(t.uids, t.at)
	*t = teller{}
}

// seqCounter gives the sequence numbers of ascending UIDs that are all in told.
type seqCounter struct {
	told *uidset.Set
	uid  uidset.UID
	seq  uint32
}

// of gives a UID's sequence number. A UID that follows the last one has the
// number that follows, without a search.
func (c *seqCounter) of(u uidset.UID) uint32 {
	if c.seq > 0 && u == c.uid+1 {
		c.seq++
	} else {
		c.seq, _ = c.told.Seq(u)
	}
	c.uid = u
	return c.seq
}
