package imapserver

import (
	"citron/mail/acl"
	"citron/store/account"
	"citron/store/uidset"
	"citron/wire/imap"
)

// selected is the selected mailbox as this session's client knows it.
//
// view is what the client was told: sequence numbers are positions in
// view.Set. It is one of the account's own immutable views, shared by all
// sessions that were told the same, and changes only when the whole difference
// to a newer one has been told, unless NOTIFY asked for a part (partial). While
// EXPUNGE may not be sent, flag changes are told all the same; flagsAt is the
// modseq up to which they were. With a NOTIFY that does not ask for them it
// stays behind.
type selected struct {
	// acct is whose mailbox it is.
	acct     *account.Account
	view     account.View
	flagsAt  account.ModSeq
	readOnly bool // by EXAMINE
	// prefix stands before the mailbox's name, as in place; rights are the
	// user's, as the client was told of them (rights.go).
	prefix string
	rights acl.Rights
	// rightsAt is the account's modseq when they were last looked at.
	rightsAt account.ModSeq
	// seenAt is the account's modseq when sync last looked.
	seenAt account.ModSeq
	// withheld says that messages went and the client was not told, because no
	// command allowed it; view is then older than flagsAt.
	withheld bool
	// urlResets is how often the key of the user's URLs was reset, as told.
	urlResets uint64
	// keywords is how many keywords of the mailbox the client was told of.
	keywords int
	// recent are the UIDs that are \Recent in this session (RFC 3501
	// §2.3.2); it may hold expunged ones.
	recent uidset.Ranges
	// known are flags that the client knows although it was not told by
	// sync: it set them itself, or was told by the reply to STORE.
	known []knownFlags
	// saved is the result of the last SEARCH that was to be saved
	// (RFC 5182), as UIDs; nil when empty.
	saved uidset.Ranges
	// contexts are the results that are kept up to date (RFC 5267 §4.3).
	contexts []*liveContext
}

// knownFlags says that the client knows the flags of uids as of modseq.
type knownFlags struct {
	uids   uidset.Ranges
	modSeq account.ModSeq
}

// maxKnown bounds what is remembered while flags are not told at all, or one
// command changes them in many steps.
const maxKnown = 512

// id is the mailbox's number.
func (m *selected) id() account.MailboxID { return m.view.Info.ID }

// toldUpTo is the modseq up to which the client knows everything.
func (m *selected) toldUpTo() account.ModSeq { return min(m.flagsAt, m.view.ModSeq()) }

// knows notes that the client knows the flags of uids as they were at modseq,
// because it set them silently or has just been told. STORE calls it with the
// modseq of each of its steps.
func (m *selected) knows(uids uidset.Ranges, at account.ModSeq) {
	if len(uids) == 0 {
		return
	}
	if len(m.known) >= maxKnown { // then some flags are told once more
		m.known = m.known[1:]
	}
	m.known = append(m.known, knownFlags{uids, at})
}

// isKnown says whether the client knows an entry's flags.
func (m *selected) isKnown(e *account.Entry) bool {
	for _, k := range m.known {
		if e.ModSeq <= k.modSeq && k.uids.Contains(e.UID) {
			return true
		}
	}
	return false
}

// unknown leaves out the UIDs whose flags as of a modseq the client knows for
// sure, mostly because it has just set them: they need not be looked at.
func (m *selected) unknown(uids uidset.Ranges, at account.ModSeq) uidset.Ranges {
	for _, k := range m.known {
		if k.modSeq >= at {
			uids = uids.Subtract(k.uids)
		}
	}
	return uids
}

// recentCount is the number of messages RECENT speaks of.
func (m *selected) recentCount() uint32 {
	n := uint32(0)
	for _, r := range m.recent {
		n += m.view.Set.Count(r)
	}
	return n
}

// ranges makes the account's kind of set from the wire's.
func ranges(set imap.NumSet) uidset.Ranges {
	out := make(uidset.Ranges, len(set))
	for i, r := range set {
		out[i] = uidset.Range{First: uidset.UID(r.From), Last: uidset.UID(r.To)}
	}
	return out
}

// numSet makes the wire's kind of set from the account's.
func numSet(set uidset.Ranges) imap.NumSet {
	out := make(imap.NumSet, len(set))
	for i, r := range set {
		out[i] = imap.Range{From: uint32(r.First), To: uint32(r.Last)}
	}
	return out
}

// resolve gives the UIDs that a client's set names among the messages it was
// told of: by UID if uid, else by sequence number. A sequence number beyond
// the mailbox is an error of the client's (RFC 9051 §9, seq-number), a UID that
// is not there is not (§6.4.9). With "$" it is what SEARCH saved.
func (m *selected) resolve(set imap.SeqSet, uid bool) (uidset.Ranges, error) {
	told := m.view.Set
	switch {
	case set.Saved:
		return told.Intersect(m.saved), nil
	case uid:
		return told.Intersect(ranges(set.Resolve(uint32(told.Last())))), nil
	}
	seqs := set.Resolve(told.Len())
	if seqs.Max() > told.Len() || len(seqs) == 0 {
		return nil, bad("No message has that number")
	}
	return told.Intersect(told.BySeq(ranges(seqs))), nil
}
