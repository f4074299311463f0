package imapserver

import (
	"citron/mail/collate"
	"citron/wire/imap"
)

// COMPARATOR (RFC 5255 §4.7): how SEARCH, SORT and THREAD compare strings in
// this session.

var comparatorCommands = []spec{
	{"COMPARATOR", inAccount, 0, on((*Session).setComparator)},
}

// activeComparator is the comparator in force.
func (s *Session) activeComparator() collate.Comparator {
	if s.comparator.Collation == nil {
		return collate.Comparator{Collation: collate.Default()}
	}
	return s.comparator
}

func (s *Session) setComparator(c *command, a *imap.Comparator) error {
	if len(a.Orders) == 0 {
		s.w.Comparator(s.activeComparator().String(), nil)
		return nil
	}
	for _, order := range a.Orders {
		if !collate.ValidOrder(order) {
			return bad("Not the name or pattern of a comparator")
		}
	}
	active, matching, ok := collate.Select(a.Orders)
	if !ok {
		return no(imap.CodeBadComparator, "There is no such comparator")
	}
	s.comparator = active
	names := make([]string, len(matching))
	for i, m := range matching {
		names[i] = m.String()
	}
	s.w.Comparator(active.String(), names)
	c.text = "Will use " + active.String() + " for collation"
	return nil
}

// checkComparator refuses a search whose strings the active comparator cannot
// seek (RFC 5255 §4.4: a tagged BAD), and relevancy where nothing is fuzzy (RFC
// 6203 §4).
func (s *Session) checkComparator(a *imap.Search) error {
	if !s.activeComparator().HasSubstring() && hasText(&a.Key) {
		return bad("Comparator " + s.activeComparator().String() + " cannot look for strings; choose another with COMPARATOR")
	}
	if a.Return&imap.ReturnRelevancy != 0 && !hasKey(&a.Key, imap.SearchFuzzy) {
		return bad("RELEVANCY needs a FUZZY search key")
	}
	return nil
}

// scoresIn gives the scores of a window of what was found.
func scoresIn(scores []uint8, window imap.PartialRange) []uint8 {
	first, last := window.Window(uint64(len(scores)))
	if first > last {
		return nil
	}
	return scores[first-1 : last]
}
