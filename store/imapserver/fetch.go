package imapserver

import (
	"errors"

	"citron/mail/acl"
	"citron/mail/message"
	"citron/store/account"
	"citron/store/opened"
	"citron/store/uidset"
	"citron/wire/imap"
)

// FETCH (RFC 9051 §6.4.5) with CHANGEDSINCE and VANISHED (RFC 7162 §3.1.4,
// §3.2.6). A message's response is written in fetchitem.go, its octets in
// fetchbody.go and fetchbinary.go.

var fetchCommands = []spec{
	{"FETCH", inSelected, slow | keepsNumbers | byNumber, on((*Session).fetch)},
}

// How many messages are read together in one round trip: their descriptions,
// their bodies, and those that are marked \Seen in one transaction.
const (
	describeBatch = 256
	bodyBatch     = 64
	seenBatch     = 64
)

// batchBytes bounds what the descriptions of a batch can take in memory. A
// description is no longer than its message, and no longer than maxDescribed.
const (
	batchBytes   = 16 << 20
	maxDescribed = 2 << 20
)

// fetcher is one FETCH under way.
type fetcher struct {
	s       *Session
	c       *command
	items   []imap.FetchItem
	filters []*message.FieldFilter // of items that select header fields
	want    account.Want
	// marks: some item marks messages \Seen.
	marks   bool
	showUID bool // the client did not ask for UID, and gets it
	showMod bool // the same for MODSEQ
	flags   bool // the client asks for FLAGS
	since   account.ModSeq

	// Memory used again for each few messages.
	lent    account.Batch
	objects []account.ObjectID

	count       seqCounter
	found       uint64 // messages answered for
	told        teller // of flags read since the client was last told
	undecodable bool   // some part has a transfer encoding nobody knows
	unreadable  error  // why some message could not be read

	msg  fetched // the one being answered for
	torn bool    // a part of its response may be on its way
	// still, if set, says whether the rest of it may be sent, too: of URLFETCH,
	// which has its octets on the rights of somebody else.
	still   func() bool
	scratch []byte // header fields, small decoded parts
	encoded []byte // a header or small part as read
}

func (s *Session) fetch(c *command, a *imap.Fetch) error {
	m := s.selected
	if a.Vanished && !s.enabled.has(qresync) {
		return bad("ENABLE QRESYNC comes first")
	}
	uids, err := m.resolve(a.Set, a.UID)
	if err != nil {
		return err
	}
	if a.Window != nil { // before CHANGEDSINCE (RFC 9394 §3.4)
		uids = inWindow(m.view.Set.Intersect(uids), *a.Window)
	}
	f := s.newFetcher(c, a)
	asked := m.view.Set.Intersect(uids).Count()
	if f.since > 0 {
		if uids, err = f.changedOnly(a, uids); err != nil {
			return err
		}
	}
	if err := m.acct.Entries(s.srv.ctx, m.view, uids, f.batch); err != nil {
		return err
	}
	return f.outcome(a.UID || f.since > 0, asked)
}

// outcome is NO where something that was asked for could not be given.
func (f *fetcher) outcome(mayMiss bool, asked uint64) error {
	switch {
	case f.unreadable != nil:
		return &refusal{kind: imap.NO, code: imap.CodeCorruption, text: "Some of the messages cannot be read", cause: f.unreadable}
	case f.undecodable: // RFC 3516 §4.3
		return no(imap.CodeUnknownCTE, "A part has an unknown transfer encoding")
	case !mayMiss && f.found < asked:
		// RFC 2180 §4.1.2: told of, but expunged long ago.
		return no(imap.CodeExpungeIssued, "Some of the messages no longer exist")
	}
	return nil
}

func (s *Session) newFetcher(c *command, a *imap.Fetch) *fetcher {
	f := &fetcher{s: s, c: c, items: a.Items, since: account.ModSeq(a.ChangedSince), showUID: a.UID && !s.enabled.has(uidOnly),
		filters: make([]*message.FieldFilter, len(a.Items)), count: seqCounter{told: s.selected.view.Set}}
	modSeq := false
	for i := range a.Items {
		it := &a.Items[i]
		switch it.Kind {
		case imap.FetchUID:
			f.showUID = false
		case imap.FetchFlags:
			f.flags = true
		case imap.FetchModSeq:
			modSeq = true
		}
		if sec := &it.Section; sec.Text == imap.SectionHeaderFields || sec.Text == imap.SectionHeaderFieldsNot {
			f.filters[i] = message.NewFieldFilter(sec.Fields, sec.Text == imap.SectionHeaderFieldsNot)
		}
		f.want |= wants(it)
		f.marks = f.marks || it.HasBody() && !it.Peek && s.selected.may(acl.Seen)
	}
	if modSeq || f.since > 0 {
		s.enableCondstore()
	}
	// FLAGS that come with MODSEQ let a client keep its cache (RFC 7162
	// §3.1.4.2); CHANGEDSINCE implies it (§3.1.4.1).
	f.showMod = !modSeq && (f.since > 0 || s.enabled.has(condstore) && (f.flags || f.marks))
	return f
}

// wants says what must be read of a message to answer an item.
func wants(it *imap.FetchItem) account.Want {
	switch {
	case it.Kind == imap.FetchRFC822Header, it.Kind == imap.FetchSection && isTopHeader(&it.Section):
		return account.WantIndex | account.WantHeader
	case it.Kind == imap.FetchEnvelope, it.Kind == imap.FetchBody, it.Kind == imap.FetchBodyStructure, it.Kind == imap.FetchPreview:
		return account.WantIndex
	case it.HasBody(), it.Kind == imap.FetchBinarySize:
		return account.WantIndex | account.WantBody
	case it.Kind == imap.FetchEmailID, it.Kind == imap.FetchThreadID:
		return account.WantObject
	}
	return 0
}

// changedOnly leaves the messages that may have changed after since (batch
// looks at each one's modseq) and, for VANISHED, says which of the UIDs asked
// for are gone (RFC 7162 §3.2.6). Those that are gone but not told yet are
// still there for this client.
func (f *fetcher) changedOnly(a *imap.Fetch, uids uidset.Ranges) (uidset.Ranges, error) {
	m := f.s.selected
	acct := m.acct
	now, err := acct.Open(f.s.srv.ctx, m.id())
	if err != nil {
		return nil, err
	}
	changes, err := acct.Changes(f.s.srv.ctx, now, f.since)
	if err != nil {
		return nil, err
	}
	untold, _ := uidset.Diff(m.view.Set, now.Set)
	if a.Vanished {
		gone := changes.Gone.Union(changes.Fleeting).Intersect(m.named(a.Set)).Subtract(untold)
		if len(gone) > 0 {
			f.s.w.Vanished(true, numSet(gone))
		}
	}
	return uids.Intersect(changes.Came.Union(changes.Changed).Union(untold)), nil
}

// named gives the UIDs that a client's set names, there or not; "*" may be any
// number, because the highest UIDs may be among those that went.
func (m *selected) named(set imap.SeqSet) uidset.Ranges {
	if set.Saved {
		return m.saved
	}
	named := ranges(set.Nums)
	if set.Star != 0 {
		first := min(uidset.UID(set.Star), max(m.view.Set.Last(), 1))
		named = named.Union(uidset.Ranges{{First: first, Last: uidset.MaxUID}})
	}
	return named
}

// batch is the account's callback.
func (f *fetcher) batch(entries []account.Entry) error {
	if f.since > 0 {
		entries = f.changed(entries)
	}
	for len(entries) > 0 {
		n := f.together(entries)
		if err := f.some(entries[:n]); err != nil {
			return err
		}
		entries = entries[n:]
	}
	f.told.done(f.s.selected)
	return nil
}

// changed drops, in place, entries that did not change after since.
func (f *fetcher) changed(entries []account.Entry) []account.Entry {
	kept := entries[:0]
	for i := range entries {
		if entries[i].ModSeq > f.since {
			kept = append(kept, entries[i])
		}
	}
	return kept
}

// together says how many of the entries are answered for with one round trip.
func (f *fetcher) together(entries []account.Entry) int {
	most := len(entries)
	switch {
	case f.marks:
		most = min(most, seenBatch)
	case f.want&account.WantBody != 0:
		most = min(most, bodyBatch)
	case f.want != 0:
		most = min(most, describeBatch)
	}
	if f.want == 0 {
		return most
	}
	bytes := int64(0)
	for i := range entries[:most] {
		if bytes += min(entries[i].Size, maxDescribed); bytes > batchBytes {
			return i + 1
		}
	}
	return most
}

// some answers for a few messages.
func (f *fetcher) some(entries []account.Entry) error {
	marked, err := f.markSeen(entries)
	if err != nil {
		return err
	}
	var stored []account.Stored
	if f.want != 0 {
		f.objects = f.objects[:0]
		for i := range entries {
			f.objects = append(f.objects, entries[i].Object)
		}
		if stored, err = f.s.selected.acct.SummariesInto(f.s.srv.ctx, &f.lent, f.objects, f.want); err != nil {
			return err
		}
	}
	info := f.s.currentInfo()
	for i := range entries {
		e := &entries[i]
		f.msg = fetched{Message: opened.Message{From: f.s.selected.acct}, e: e, info: info, marked: marked.Contains(e.UID)}
		if stored != nil {
			f.msg.Stored = &stored[i]
		}
		if err := f.one(&f.msg); err != nil {
			return err
		}
	}
	return nil
}

// failed notes that a message could not be answered for; the others can. Any
// other error than the message's own ends the FETCH.
func (f *fetcher) failed(err error) error {
	var octets *opened.UnreadableError
	switch {
	case errors.Is(err, account.ErrGone):
		return nil
	case errors.Is(err, account.ErrDamaged), errors.As(err, &octets):
		f.found++
		f.unreadable = err
		return nil
	}
	return err
}
