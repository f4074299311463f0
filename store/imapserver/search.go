package imapserver

import (
	"errors"
	"unicode/utf8"

	"citron/mail/collate"
	"citron/mail/search"
	"citron/store/account"
	"citron/store/opened"
	"citron/store/uidset"
	"citron/wire/imap"
)

// SEARCH (RFC 9051 §6.4.4) with ESEARCH (RFC 4731), SEARCHRES (RFC 5182),
// MODSEQ (RFC 7162 §3.1.5). The sets the mailbox keeps narrow the search before
// anything is read (narrow.go); the program of mail/search decides the rest.

var searchCommands = []spec{
	{"SEARCH", inSelected, slow | keepsNumbers | byNumber, filtering((*Session).search)},
}

// searcher is one SEARCH under way.
type searcher struct {
	s       *Session
	c       *command
	m       *selected // where it searches
	program *search.Program
	info    *account.MailboxInfo // names the entries' keywords
	want    account.Want         // beside what a level needs
	found   uidset.Ranges
	scored  bool    // relevancy is wanted (RFC 6203 §4)
	scores  []uint8 // of each found, if scored
	// Mod-sequences of the first, the last and the highest found.
	first, last, highest account.ModSeq
	// Messages: decided for good, looked at, and to be looked at in all.
	done, at, goal uint32
	// bodiesOnly: the program seems to decide nothing by headers.
	bodiesOnly bool
	candidate  candidate // the one being tried
	// Memory used again for each few messages.
	lent    account.Batch
	objects []account.ObjectID
}

func (s *Session) search(c *command, a *imap.Search) error {
	if err := s.checkUpdate(c, &a.ReturnOptions); err != nil {
		return err
	}
	modSeq := hasKey(&a.Key, imap.SearchModSeq)
	if modSeq {
		s.enableCondstore()
	}
	found, err := s.find(c, s.selected, a, modSeq)
	if err != nil {
		s.forgetSaved(a, err)
		return err
	}
	program, err := s.selected.settleKey(a.Key) // before SAVE changes what "$" is
	if err != nil {
		return err
	}
	if err := s.tellFound(c, a, found, modSeq); err != nil || a.Return&imap.ReturnUpdate == 0 {
		return err
	}
	return s.keepUp(c, a, program, nil, found.found)
}

// forgetSaved empties "$" if a search that was to save is answered NO (RFC 5182
// §2.1); BAD changes nothing.
func (s *Session) forgetSaved(a *imap.Search, err error) {
	if s.selected != nil && a.Return&imap.ReturnSave != 0 && !errors.Is(err, errGone) && asRefusal(err).kind == imap.NO {
		s.selected.saved = nil
	}
}

// checkCharset refuses what strings could not be understood in, and makes all
// of them UTF-8.
func (s *Session) checkCharset(c *command, a *imap.Search) error {
	switch a.Charset {
	case "", "UTF-8", "US-ASCII":
	default:
		return no(imap.CodeBadCharset{"US-ASCII", "UTF-8"}, "Strings can be in these charsets")
	}
	// In SORT and THREAD it is mandatory (RFC 5256 §3).
	mandatory := c.name == "SORT" || c.name == "THREAD"
	if a.Charset != "" && !mandatory && s.enabled.has(utf8Accept) && !s.enabled.has(rev2) {
		return bad("CHARSET is not for sessions with UTF8=ACCEPT") // RFC 6855 §3
	}
	return a.MapStrings(func(text string) (string, error) {
		if !utf8.ValidString(text) {
			return "", bad("A string is not valid in its charset")
		}
		return text, nil
	})
}

// checkSearch refuses what no mailbox can be searched for in this session, and
// makes the strings UTF-8.
func (s *Session) checkSearch(c *command, a *imap.Search) error {
	if err := s.checkKeys(&a.Key); err != nil {
		return err
	}
	if err := s.checkCharset(c, a); err != nil {
		return err
	}
	return s.checkComparator(a)
}

// find runs the search in a mailbox, of which nothing is told to the client.
func (s *Session) find(c *command, m *selected, a *imap.Search, modSeq bool) (*searcher, error) {
	if err := s.checkSearch(c, a); err != nil {
		return nil, err
	}
	n := narrower{s: s, c: c, m: m}
	among, exact, err := n.narrow(&a.Key)
	if err != nil {
		return nil, err
	}
	scored := a.Return&imap.ReturnRelevancy != 0
	if exact && !modSeq && !scored {
		return &searcher{s: s, c: c, m: m, found: among}, nil
	}
	f := s.newSearcher(c, m, &a.Key, s.comparator.Collation)
	f.goal, f.scored = uint32(among.Count()), scored
	return f, m.acct.Entries(s.srv.ctx, m.view, among, f.batch)
}

// newSearcher is ready to try a program on messages of a mailbox.
func (s *Session) newSearcher(c *command, m *selected, key *imap.SearchKey, by *collate.Collation) *searcher {
	f := &searcher{s: s, c: c, m: m}
	if hasKey(key, imap.SearchEmailID) || hasKey(key, imap.SearchThreadID) {
		f.want = account.WantObject
	}
	f.program = search.Compile(key, search.Env{
		Now: s.now, MaxSeq: m.view.Set.Len(), MaxUID: uint32(m.view.Set.Last()), Saved: numSet(m.saved),
		Collation: by,
	})
	return f
}

// batch is the account's callback: cheap keys first, then what is stored of
// the messages they left open, read together.
func (f *searcher) batch(entries []account.Entry) error {
	f.info = f.m.info()
	yes := make([]uint8, len(entries)) // the score; 0 for no
	var open []int
	for i := range entries {
		f.look(&entries[i], nil)
		v, err := f.program.Try(&f.candidate, search.Entry)
		if err != nil {
			return err
		}
		if yes[i] = f.score(v); v == search.Unknown {
			open = append(open, i)
		}
	}
	var err error
	for _, level := range f.levels() {
		if open, err = f.deeper(entries, yes, open, level); err != nil {
			return err
		}
	}
	for i := range entries {
		if yes[i] > 0 {
			f.add(&entries[i], yes[i])
		}
	}
	f.done += uint32(len(entries))
	f.at = f.done
	return f.c.progress(f.at, f.goal)
}

// levels are those at which what the entries left open is tried: bodies are
// read last, and their headers before them, unless that was seen to decide
// nothing.
func (f *searcher) levels() []search.Level {
	switch level := f.program.Level(); {
	case level == search.Entry:
		return nil
	case level == search.Body && !f.bodiesOnly:
		return []search.Level{search.Header, search.Body}
	default:
		return []search.Level{level}
	}
}

// levelWants says what is to be read for a level.
var levelWants = [...]account.Want{
	search.Index:  account.WantIndex,
	search.Header: account.WantIndex | account.WantHeader,
	search.Body:   account.WantIndex | account.WantHeader | account.WantBody,
}

// deeper tries the messages that are open at a level and gives those that are
// still open.
func (f *searcher) deeper(entries []account.Entry, yes []uint8, open []int, level search.Level) (left []int, err error) {
	asked := len(open)
	for len(open) > 0 {
		n := together(entries, open, level)
		if left, err = f.some(entries, yes, open[:n], level, left); err != nil {
			return nil, err
		}
		open = open[n:]
	}
	if asked > 0 && len(left) == asked {
		f.bodiesOnly = true
	}
	return left, nil
}

// together says how many of the open messages are read in one round trip.
func together(entries []account.Entry, open []int, level search.Level) int {
	most := min(len(open), describeBatch)
	if level == search.Body {
		most = min(most, bodyBatch)
	}
	bytes := int64(0)
	for i, at := range open[:most] {
		if bytes += min(entries[at].Size, maxDescribed); bytes > batchBytes {
			return i + 1
		}
	}
	return most
}

// some tries a few messages at a level, and adds those still open to left.
func (f *searcher) some(entries []account.Entry, yes []uint8, open []int, level search.Level, left []int) ([]int, error) {
	f.objects = f.objects[:0]
	for _, at := range open {
		f.objects = append(f.objects, entries[at].Object)
	}
	stored, err := f.m.acct.SummariesInto(f.s.srv.ctx, &f.lent, f.objects, levelWants[level]|f.want)
	if err != nil {
		return nil, err
	}
	for i, at := range open {
		v, err := search.No, stored[i].Err
		if stored[i].Found && err == nil {
			f.look(&entries[at], &stored[i])
			v, err = f.program.Try(&f.candidate, level)
			f.candidate.Close()
		}
		if err != nil {
			if err = f.missed(err); err != nil {
				return nil, err
			}
		}
		if yes[at] = f.score(v); v == search.Unknown && level < search.Body {
			left = append(left, at)
		}
		f.at = max(f.at, f.done+uint32(at)+1)
		if err := f.c.progress(f.at, f.goal); err != nil {
			return nil, err
		}
	}
	return left, nil
}

// look puts a message before the program.
func (f *searcher) look(e *account.Entry, stored *account.Stored) {
	f.candidate = candidate{f: f, e: e, Message: opened.Message{From: f.m.acct, Stored: stored}}
}

// missed passes over a message that went meanwhile or cannot be read; any other
// error ends the search.
func (f *searcher) missed(err error) error {
	var unreadable *opened.UnreadableError
	switch {
	case errors.Is(err, account.ErrGone):
		return nil
	case errors.Is(err, account.ErrDamaged), errors.As(err, &unreadable):
		f.s.srv.cfg.Logger.Error("message cannot be searched", "account", f.s.accountName(), "error", err)
		return nil
	}
	return err
}

// score is what yes holds of a message that was just tried.
func (f *searcher) score(v search.Verdict) uint8 {
	if v != search.Yes {
		return 0
	}
	return f.program.Relevancy()
}

func (f *searcher) add(e *account.Entry, score uint8) {
	if f.scored {
		f.scores = append(f.scores, score)
	}
	if len(f.found) == 0 {
		f.first = e.ModSeq
	}
	f.last = e.ModSeq
	f.highest = max(f.highest, e.ModSeq)
	f.found.Add(e.UID)
}

// tellFound writes the answer and saves what is to be saved.
func (s *Session) tellFound(c *command, a *imap.Search, f *searcher, modSeq bool) error {
	m := s.selected
	if a.Return&imap.ReturnSave != 0 {
		m.saved = saved(&a.ReturnOptions, f.found)
	}
	if a.Extended && a.Return == imap.ReturnSave {
		return nil // RFC 5182 §2.1: only saved
	}
	d, err := f.data(a, modSeq)
	if err != nil {
		return err
	}
	if a.Extended || s.enabled.has(rev2) {
		s.w.ESearch(&d)
		return nil
	}
	return s.writeSearch(c, &d)
}

// data is what an answer shows of what was found.
func (f *searcher) data(a *imap.Search, modSeq bool) (imap.SearchData, error) {
	d := imap.SearchData{Tag: f.c.tag, UID: a.UID, Return: a.Return & imap.ReturnItems, Window: a.Window}
	if !a.Extended {
		d.Return = imap.ReturnAll
	}
	shown := func(found uidset.Ranges) imap.NumSet {
		if !a.UID {
			found = seqs(f.m.view.Set, found)
		}
		return numSet(found)
	}
	d.All = shown(f.found)
	d.Min, d.Max, d.Count = d.All.Min(), d.All.Max(), uint32(d.All.Count())
	var window uidset.Ranges
	if a.Return&imap.ReturnPartial != 0 {
		window = inWindow(f.found, a.Window)
		d.Partial = shown(window)
	}
	if d.Relevancy = f.scores; a.Return&(imap.ReturnAll|imap.ReturnPartial) == imap.ReturnPartial {
		d.Relevancy = scoresIn(f.scores, a.Window)
	}
	if modSeq && d.Count > 0 {
		highest, err := f.modSeqFor(d.Return, window)
		if err != nil {
			return d, err
		}
		d.ModSeq = uint64(highest)
	}
	return d, nil
}

// numbersPerBreath is how many numbers of a SEARCH response are written before
// others may have a turn.
const numbersPerBreath = 1024

// writeSearch writes SEARCH, which may be long, in pieces.
func (s *Session) writeSearch(c *command, d *imap.SearchData) error {
	s.w.SearchStart()
	written := 0
	for n := range d.All.All() {
		s.w.SearchNumber(n)
		if written++; written%numbersPerBreath != 0 {
			continue
		}
		if err := c.breathe(); err != nil {
			return err
		}
	}
	s.w.SearchEnd(d.ModSeq)
	return nil
}

// saved is what SAVE keeps: with MIN, MAX or PARTIAL and nothing else, only
// those (RFC 5182 §2.1, RFC 9394 §3.2).
func saved(o *imap.ReturnOptions, found uidset.Ranges) uidset.Ranges {
	shown := o.Return & imap.ReturnItems
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
	if shown&imap.ReturnPartial != 0 {
		keep = append(keep, inWindow(found, o.Window)...)
	}
	return uidset.Normalize(keep)
}

// modSeqFor is the highest mod-sequence of the messages that are shown
// (RFC 4731 §3.2), those of PARTIAL in its window.
func (f *searcher) modSeqFor(shown imap.SearchReturn, window uidset.Ranges) (n account.ModSeq, err error) {
	if shown&(imap.ReturnAll|imap.ReturnCount) != 0 {
		return f.highest, nil
	}
	if shown&imap.ReturnPartial != 0 {
		if n, err = f.highestIn(window); err != nil {
			return 0, err
		}
	}
	if shown&imap.ReturnMin != 0 {
		n = max(n, f.first)
	}
	if shown&imap.ReturnMax != 0 {
		n = max(n, f.last)
	}
	return n, nil
}

// hasKey says whether a key is, or holds, one of a kind.
func hasKey(k *imap.SearchKey, op imap.SearchOp) bool {
	if k.Op == op {
		return true
	}
	for i := range k.Keys {
		if hasKey(&k.Keys[i], op) {
			return true
		}
	}
	return false
}
