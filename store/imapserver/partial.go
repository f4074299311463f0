package imapserver

import (
	"citron/store/account"
	"citron/store/uidset"
	"citron/wire/imap"
)

// PARTIAL (RFC 9394, RFC 5267 §4.4): a window of what SEARCH found, or of what
// UID FETCH is asked for.

// inWindow gives the messages in a window of those found.
func inWindow(found uidset.Ranges, window imap.PartialRange) uidset.Ranges {
	first, last := window.Window(found.Count())
	if first > last {
		return nil
	}
	_, rest := found.Cut(first - 1)
	in, _ := rest.Cut(last - first + 1)
	return in
}

// highestIn is the highest mod-sequence of some messages.
func (f *searcher) highestIn(uids uidset.Ranges) (highest account.ModSeq, err error) {
	err = f.m.acct.Entries(f.s.srv.ctx, f.m.view, uids, func(entries []account.Entry) error {
		for i := range entries {
			highest = max(highest, entries[i].ModSeq)
		}
		return f.c.breathe()
	})
	return highest, err
}
