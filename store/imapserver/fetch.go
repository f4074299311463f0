package imapserver

import (
	"errors"

	"citron/mail/message"
	"citron/store/account"
	"citron/store/uidset"
	"citron/wire/imap"
)

// FETCH (RFC 9051 §6.4.5) with CHANGEDSINCE and VANISHED (RFC 7162 §3.1.4,
// §3.2.6). Bodies are in fetchbody.go.

var fetchCommands = []spec{
	{"FETCH", inSelected, slow | keepsNumbers, on((*Session).fetch)},
}

// Messages whose stored descriptions are read in one round trip, and, where
// reading marks them \Seen, in one transaction.
const (
	describeBatch = 256
	seenBatch     = 64
)

// fetcher is one FETCH under way.
type fetcher struct {
	s     *Session
	c     *command
	items []imap.FetchItem
	want  account.Want
	// stored: some item needs what is stored of the message itself.
	stored bool
	// marks: some item marks messages \Seen.
	marks   bool
	showUID bool // the client did not ask for UID, and gets it
	showMod bool // the same for MODSEQ
	flags   bool // the client asks for FLAGS
	since   account.ModSeq
	found   uint64
	// undecodable: some part has a transfer encoding nobody knows.
	undecodable bool
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
	f := s.newFetcher(c, a)
	asked := m.view.Set.Intersect(uids).Count()
	if f.since > 0 {
		if uids, err = f.changedOnly(a, uids); err != nil {
			return err
		}
	}
	if err := s.user.account.Entries(s.srv.ctx, m.view, uids, f.batch); err != nil {
		return err
	}
	return f.outcome(a.UID || f.since > 0, asked)
}

// outcome is NO where something that was asked for could not be given.
func (f *fetcher) outcome(mayMiss bool, asked uint64) error {
	switch {
	case f.undecodable:
		return no(imap.CodeUnknownCTE, "A part has an unknown transfer encoding")
	case !mayMiss && f.found < asked:
		// RFC 2180 §4.1.3: told of, but expunged long ago.
		return no(imap.CodeExpungeIssued, "Some of the messages no longer exist")
	}
	return nil
}

func (s *Session) newFetcher(c *command, a *imap.Fetch) *fetcher {
	f := &fetcher{s: s, c: c, items: a.Items, since: account.ModSeq(a.ChangedSince), showUID: a.UID}
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
		case imap.FetchEmailID, imap.FetchThreadID:
			f.stored = true
		}
		f.want |= wants(it)
		f.marks = f.marks || it.HasBody() && !it.Peek && !s.selected.readOnly
	}
	f.stored = f.stored || f.want != 0
	if modSeq || f.since > 0 {
		s.enableCondstore()
	}
	// FLAGS that come with MODSEQ let a client keep its cache (RFC 7162
	// §3.1.4.2); CHANGEDSINCE implies it (§3.1.4.1).
	f.showMod = !modSeq && (f.since > 0 || s.enabled.has(condstore) && (f.flags || f.marks))
	return f
}

// wants says which stored descriptions an item is made of.
func wants(it *imap.FetchItem) account.Want {
	switch it.Kind {
	case imap.FetchEnvelope, imap.FetchBody, imap.FetchBodyStructure, imap.FetchPreview:
		return account.WantIndex
	case imap.FetchRFC822Header:
		return account.WantIndex | account.WantHeader
	case imap.FetchSection:
		if isTopHeader(&it.Section) {
			return account.WantIndex | account.WantHeader
		}
		return account.WantIndex
	case imap.FetchRFC822, imap.FetchRFC822Text, imap.FetchBinary, imap.FetchBinarySize:
		return account.WantIndex
	}
	return 0
}

// changedOnly leaves the messages changed after since and, for VANISHED, says
// which of the UIDs asked for are gone (RFC 7162 §3.2.6).
func (f *fetcher) changedOnly(a *imap.Fetch, uids uidset.Ranges) (uidset.Ranges, error) {
	view := f.s.selected.view
	changes, err := f.s.user.account.Changes(f.s.srv.ctx, view, f.since)
	if err != nil {
		return nil, err
	}
	if a.Vanished {
		asked := ranges(a.Set.Resolve(uint32(view.Set.Last())))
		if a.Set.Saved {
			asked = f.s.selected.saved
		}
		if gone := changes.Gone.Intersect(asked); len(gone) > 0 {
			f.s.w.Vanished(true, numSet(gone))
		}
	}
	return uids.Intersect(changes.Came.Union(changes.Changed)), nil
}

// batch is the account's callback.
func (f *fetcher) batch(entries []account.Entry) error {
	size := len(entries)
	if f.stored {
		size = describeBatch
	}
	if f.marks {
		size = seenBatch
	}
	for len(entries) > 0 {
		n := min(size, len(entries))
		if err := f.some(entries[:n]); err != nil {
			return err
		}
		entries = entries[n:]
	}
	return nil
}

// some answers for a few messages.
func (f *fetcher) some(entries []account.Entry) error {
	marked, err := f.markSeen(entries)
	if err != nil {
		return err
	}
	var stored []account.Stored
	if f.stored {
		objects := make([]account.ObjectID, len(entries))
		for i := range entries {
			objects[i] = entries[i].Object
		}
		if stored, err = f.s.user.account.Summaries(f.s.srv.ctx, objects, f.want); err != nil {
			return err
		}
	}
	info := f.s.currentInfo()
	for i := range entries {
		e := &entries[i]
		one := fetched{e: e, info: info, flags: marked.Contains(e.UID)}
		if stored != nil {
			one.stored = &stored[i]
		}
		if err := f.one(&one); err != nil {
			return err
		}
	}
	return nil
}

// markSeen sets \Seen where reading does, in the entries too, and says of
// which messages that was a change.
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
	res, err := s.user.account.StoreFlags(s.srv.ctx, s.user.actor(), m.id(), unseen, change, func(now []account.Entry, _ []account.ModSeq) error {
		update(entries, now)
		return nil
	})
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

// fetched is one message while it is answered for.
type fetched struct {
	e      *account.Entry
	info   *account.MailboxInfo // names the entry's keywords
	stored *account.Stored
	flags  bool // tell the flags even if not asked for
	index  message.Index
	opened bool // index is
	tree   message.Tree
	body   account.MessageReader // nil until needed
}

func (f *fetcher) one(m *fetched) error {
	seq, ok := f.s.selected.view.Set.Seq(m.e.UID)
	if !ok || f.stored && !m.stored.Found {
		return nil
	}
	f.found++
	defer m.close()
	w := &f.s.w
	w.FetchStart(seq)
	if f.showUID {
		w.FetchUID(uint32(m.e.UID))
	}
	if m.flags && !f.flags {
		f.s.fetchFlags(m.info, m.e)
	}
	if f.showMod {
		w.FetchModSeq(uint64(m.e.ModSeq))
	}
	for i := range f.items {
		if err := f.item(m, &f.items[i]); err != nil {
			return err
		}
	}
	w.FetchEnd()
	return f.c.breathe()
}

// item writes one data item.
func (f *fetcher) item(m *fetched, it *imap.FetchItem) error {
	w := &f.s.w
	switch it.Kind {
	case imap.FetchFlags:
		f.s.fetchFlags(m.info, m.e)
	case imap.FetchUID:
		w.FetchUID(uint32(m.e.UID))
	case imap.FetchInternalDate:
		w.FetchInternalDate(m.e.InternalDate)
	case imap.FetchSize:
		w.FetchSize(m.e.Size)
	case imap.FetchModSeq:
		w.FetchModSeq(uint64(m.e.ModSeq))
	case imap.FetchSaveDate:
		w.FetchSaveDate(m.e.SaveDate)
	case imap.FetchEmailID:
		w.FetchEmailID(m.stored.EmailID)
	case imap.FetchThreadID:
		w.FetchThreadID(m.stored.ThreadID)
	default:
		return f.described(m, it)
	}
	return nil
}

// described writes an item that the message's index is needed for.
func (f *fetcher) described(m *fetched, it *imap.FetchItem) error {
	if err := f.s.openIndex(m); err != nil {
		return err
	}
	w := &f.s.w
	switch it.Kind {
	case imap.FetchEnvelope:
		w.FetchRaw(it.Kind, m.index.Envelope())
	case imap.FetchBody:
		w.FetchRaw(it.Kind, nil)
		w.Buf = m.index.AppendBody(w.Buf, f.s.enabled.has(rev2))
	case imap.FetchBodyStructure:
		w.FetchRaw(it.Kind, nil)
		w.Buf = m.index.AppendBodyStructure(w.Buf, f.s.enabled.has(rev2))
	case imap.FetchPreview:
		w.FetchPreview(string(m.index.Preview()), true)
	default:
		return f.octets(m, it)
	}
	return nil
}

// openIndex opens the message's index; one of an older version is made anew
// from the message.
func (s *Session) openIndex(m *fetched) error {
	if m.opened {
		return nil
	}
	ix, err := message.OpenIndex(m.stored.Index)
	if errors.Is(err, message.ErrIndex) {
		ix, err = s.reindex(m)
	}
	m.index, m.opened = ix, err == nil
	return err
}

func (m *fetched) close() {
	if m.body != nil {
		m.body.Close()
	}
}
