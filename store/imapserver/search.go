package imapserver

import (
	"errors"
	"unicode/utf8"

	"citron/mail/search"
	"citron/store/account"
	"citron/store/uidset"
	"citron/wire/imap"
)

// SEARCH (RFC 9051 §6.4.4) with ESEARCH (RFC 4731), SEARCHRES (RFC 5182),
// MODSEQ (RFC 7162 §3.1.5). The sets the mailbox keeps narrow the search before
// anything is read (narrow.go); the program of mail/search decides the rest.

var searchCommands = []spec{
	{"SEARCH", inSelected, slow | keepsNumbers, on((*Session).search)},
}

// searcher is one SEARCH under way.
type searcher struct {
	s       *Session
	c       *command
	program *search.Program
	info    *account.MailboxInfo
	found   uidset.Ranges
	// Mod-sequences of the first, the last and the highest found.
	first, last, highest account.ModSeq
	done, goal           uint32
}

func (s *Session) search(c *command, a *imap.Search) error {
	if err := s.checkCharset(a); err != nil {
		return err
	}
	m := s.selected
	modSeq := hasModSeq(&a.Key)
	if modSeq {
		s.enableCondstore()
	}
	found, err := s.find(c, a, modSeq)
	if err != nil {
		if a.Return&imap.ReturnSave != 0 {
			m.saved = nil // RFC 5182 §2.1
		}
		return err
	}
	s.tellFound(c, a, found, modSeq)
	return nil
}

// checkCharset refuses what strings could not be understood in, and makes all
// of them UTF-8.
func (s *Session) checkCharset(a *imap.Search) error {
	switch a.Charset {
	case "", "UTF-8", "US-ASCII":
	default:
		return no(imap.CodeBadCharset{"US-ASCII", "UTF-8"}, "Strings can be in these charsets")
	}
	if a.Charset != "" && s.enabled.has(utf8Accept) && !s.enabled.has(rev2) {
		return bad("CHARSET is not for sessions with UTF8=ACCEPT") // RFC 6855 §3
	}
	return a.MapStrings(func(text string) (string, error) {
		if !utf8.ValidString(text) {
			return "", bad("A string is not valid in its charset")
		}
		return text, nil
	})
}

// find runs the search.
func (s *Session) find(c *command, a *imap.Search, modSeq bool) (*searcher, error) {
	m := s.selected
	n := narrower{s: s, m: m}
	among, exact, err := n.narrow(&a.Key)
	if err != nil {
		return nil, err
	}
	f := &searcher{s: s, c: c, goal: uint32(among.Count())}
	if exact && !modSeq {
		f.found = among
		return f, nil
	}
	f.program = search.Compile(&a.Key, search.Env{
		Now: s.now, MaxSeq: m.view.Set.Len(), MaxUID: uint32(m.view.Set.Last()), Saved: numSet(m.saved),
	})
	return f, s.user.account.Entries(s.srv.ctx, m.view, among, f.batch)
}

// batch is the account's callback: cheap keys first, then what is stored of
// the messages they left open, read together, then bodies.
func (f *searcher) batch(entries []account.Entry) error {
	f.info = f.s.currentInfo()
	yes := make([]bool, len(entries))
	var open []int
	for i := range entries {
		v, err := f.program.Try(&candidate{f: f, e: &entries[i]}, search.Entry)
		if err != nil {
			return err
		}
		if yes[i] = v == search.Yes; v == search.Unknown {
			open = append(open, i)
		}
	}
	for len(open) > 0 {
		n := min(len(open), describeBatch)
		if err := f.deeper(entries, yes, open[:n]); err != nil {
			return err
		}
		open = open[n:]
	}
	for i := range entries {
		if yes[i] {
			f.add(&entries[i])
		}
	}
	f.done += uint32(len(entries))
	return f.c.progress(f.done, f.goal)
}

// deeper decides the messages that their entries alone did not.
func (f *searcher) deeper(entries []account.Entry, yes []bool, open []int) error {
	objects := make([]account.ObjectID, len(open))
	for i, at := range open {
		objects[i] = entries[at].Object
	}
	want := account.WantIndex
	if f.program.Level() >= search.Header {
		want |= account.WantHeader
	}
	stored, err := f.s.user.account.Summaries(f.s.srv.ctx, objects, want)
	if err != nil {
		return err
	}
	for i, at := range open {
		if !stored[i].Found {
			continue
		}
		c := &candidate{f: f, e: &entries[at]}
		c.fetched = fetched{e: c.e, stored: &stored[i]}
		match, err := f.program.Match(c)
		c.fetched.close()
		if err != nil && !errors.Is(err, account.ErrGone) {
			return err
		}
		yes[at] = match && err == nil
		if err := f.c.progress(f.done+uint32(at), f.goal); err != nil {
			return err
		}
	}
	return nil
}

func (f *searcher) add(e *account.Entry) {
	if len(f.found) == 0 {
		f.first = e.ModSeq
	}
	f.last = e.ModSeq
	f.highest = max(f.highest, e.ModSeq)
	f.found.Add(e.UID)
}

// tellFound writes the answer and saves what is to be saved.
func (s *Session) tellFound(c *command, a *imap.Search, f *searcher, modSeq bool) {
	m := s.selected
	if a.Return&imap.ReturnSave != 0 {
		m.saved = saved(a.Return, f.found)
	}
	shown := a.Return &^ imap.ReturnSave
	if a.Extended && shown == 0 {
		return // RFC 5182 §2.1: only saved
	}
	d := imap.SearchData{Tag: c.tag, UID: a.UID, Return: shown}
	if !a.Extended {
		d.Return = imap.ReturnAll
	}
	numbers := f.found
	if !a.UID {
		numbers = seqs(m.view.Set, f.found)
	}
	d.All = numSet(numbers)
	d.Min, d.Max, d.Count = d.All.Min(), d.All.Max(), uint32(d.All.Count())
	if modSeq && d.Count > 0 {
		d.ModSeq = uint64(f.modSeqFor(d.Return))
	}
	if a.Extended || s.enabled.has(rev2) {
		s.w.ESearch(&d)
		return
	}
	s.w.Search(&d)
}

// saved is what SAVE keeps: with MIN or MAX and nothing else, only those
// (RFC 5182 §2.1).
func saved(shown imap.SearchReturn, found uidset.Ranges) uidset.Ranges {
	shown &^= imap.ReturnSave
	if len(found) == 0 || shown == 0 || shown&(imap.ReturnAll|imap.ReturnCount) != 0 {
		return found
	}
	var keep []uidset.Range
	if shown&imap.ReturnMin != 0 {
		keep = append(keep, uidset.Range{First: found[0].First, Last: found[0].First})
	}
	if shown&imap.ReturnMax != 0 {
		last := found[len(found)-1].Last
		keep = append(keep, uidset.Range{First: last, Last: last})
	}
	return uidset.Normalize(keep)
}

// modSeqFor is the highest mod-sequence of the messages that are shown
// (RFC 4731 §3.2).
func (f *searcher) modSeqFor(shown imap.SearchReturn) account.ModSeq {
	if shown&(imap.ReturnAll|imap.ReturnCount) != 0 {
		return f.highest
	}
	var n account.ModSeq
	if shown&imap.ReturnMin != 0 {
		n = f.first
	}
	if shown&imap.ReturnMax != 0 {
		n = max(n, f.last)
	}
	return n
}

func hasModSeq(k *imap.SearchKey) bool {
	if k.Op == imap.SearchModSeq {
		return true
	}
	for i := range k.Keys {
		if hasModSeq(&k.Keys[i]) {
			return true
		}
	}
	return false
}
