package search

import (
	"time"

	"citron/wire/imap"
)

type compiler struct {
	env     Env
	program *Program
	fuzzy   bool // below FUZZY
	// fuzzyWords is how many words are sought so far.
	fuzzyWords int
}

// node compiles a key. A kind that is not known matches nothing: the parser
// gives none such.
func (c *compiler) node(k *imap.SearchKey) node {
	switch k.Op {
	case imap.SearchAnd, imap.SearchOr:
		kids := make([]node, len(k.Keys))
		for i := range k.Keys {
			kids[i] = c.node(&k.Keys[i])
		}
		if k.Op == imap.SearchAnd {
			return join(opAnd, kids)
		}
		return join(opOr, kids)
	case imap.SearchNot:
		kid := c.node(&k.Keys[0])
		return node{op: opNot, level: kid.level, kids: []node{kid}}
	case imap.SearchFuzzy:
		fuzzy := c.fuzzy
		c.fuzzy = true
		kid := c.node(&k.Keys[0])
		c.fuzzy = fuzzy
		return kid
	case imap.SearchSeq, imap.SearchUID:
		return c.numbers(k)
	case imap.SearchEmailID, imap.SearchThreadID:
		return identifier(k)
	case imap.SearchSentBefore, imap.SearchSentOn, imap.SearchSentSince:
		return sentDate(k)
	}
	if k.Op >= imap.SearchBcc && k.Op <= imap.SearchText {
		return c.text(k)
	}
	return entryTest(entryKey(k, c.env.Now))
}

// entryTest makes a node of a test that needs only the mailbox's entry.
func entryTest(test func(Candidate) bool) node {
	return node{level: Entry, test: func(s *subject) (Verdict, error) { return verdict(test(s.Candidate)), nil }}
}

func verdict(yes bool) Verdict {
	if yes {
		return Yes
	}
	return No
}

// entryKey gives the test of a key that needs only the mailbox's entry.
func entryKey(k *imap.SearchKey, now time.Time) func(Candidate) bool {
	n := k.Num
	ago := now.Add(-time.Duration(min(n, 1<<33)) * time.Second)
	switch k.Op {
	case imap.SearchAll:
		return func(Candidate) bool { return true }
	case imap.SearchFlag:
		return func(c Candidate) bool { return c.Flags()&k.Flag == k.Flag }
	case imap.SearchUnflag:
		return func(c Candidate) bool { return c.Flags()&k.Flag == 0 }
	case imap.SearchKeyword:
		return func(c Candidate) bool { return c.HasKeyword(k.Text) }
	case imap.SearchUnkeyword:
		return func(c Candidate) bool { return !c.HasKeyword(k.Text) }
	case imap.SearchLarger:
		return func(c Candidate) bool { return uint64(c.Size()) > n }
	case imap.SearchSmaller:
		return func(c Candidate) bool { return uint64(c.Size()) < n }
	case imap.SearchModSeq:
		return func(c Candidate) bool { return c.ModSeq() >= n }
	case imap.SearchOlder: // RFC 5032 §3
		return func(c Candidate) bool { return !c.InternalDate().After(ago) }
	case imap.SearchYounger:
		return func(c Candidate) bool { return !c.InternalDate().Before(ago) }
	case imap.SearchSaveDateSupported: // RFC 8514 §4.3
		return func(c Candidate) bool { return !c.SaveDate().IsZero() }
	case imap.SearchBefore, imap.SearchOn, imap.SearchSince:
		cmp := compareDay(k.Op-imap.SearchBefore, k.Date)
		return func(c Candidate) bool { return cmp(dayOf(c.InternalDate())) }
	case imap.SearchSavedBefore, imap.SearchSavedOn, imap.SearchSavedSince:
		cmp := compareDay(k.Op-imap.SearchSavedBefore, k.Date)
		return func(c Candidate) bool { return cmp(dayOf(savedAt(c))) }
	}
	return func(Candidate) bool { return false }
}

// savedAt is the save date, or the internal date where there is none (RFC 8514
// §4.3).
func savedAt(c Candidate) time.Time {
	if t := c.SaveDate(); !t.IsZero() {
		return t
	}
	return c.InternalDate()
}

// compareDay gives the comparison of BEFORE (0), ON (1) and SINCE (2) with a
// date.
func compareDay(relation imap.SearchOp, date time.Time) func(day int64) bool {
	want := dayOf(date)
	switch relation {
	case 0:
		return func(day int64) bool { return day < want }
	case 1:
		return func(day int64) bool { return day == want }
	}
	return func(day int64) bool { return day >= want }
}

// dayOf is the calendar day of t in its own zone, as days since 1970-01-01.
func dayOf(t time.Time) int64 {
	y, m, d := t.Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / 86400
}

// numbers compiles a set of message numbers or UIDs; "$" stands for UIDs.
func (c *compiler) numbers(k *imap.SearchKey) node {
	switch {
	case k.Set.Saved:
		return entryTest(func(m Candidate) bool { return c.env.Saved.Contains(m.UID()) })
	case k.Op == imap.SearchSeq:
		set := k.Set.Resolve(c.env.MaxSeq)
		return entryTest(func(m Candidate) bool { return set.Contains(m.Seq()) })
	}
	set := k.Set.Resolve(c.env.MaxUID)
	return entryTest(func(m Candidate) bool { return set.Contains(m.UID()) })
}

// identifier compiles EMAILID and THREADID (RFC 8474 §5.3).
func identifier(k *imap.SearchKey) node {
	get := Candidate.EmailID
	if k.Op == imap.SearchThreadID {
		get = Candidate.ThreadID
	}
	return node{level: Index, test: func(s *subject) (Verdict, error) {
		if s.upTo < Index {
			return Unknown, nil
		}
		id, err := get(s.Candidate)
		return verdict(id == k.Text), err
	}}
}

// sentDate compiles the keys that look at the Date field; a message without one
// that can be read matches none of them.
func sentDate(k *imap.SearchKey) node {
	cmp := compareDay(k.Op-imap.SearchSentBefore, k.Date)
	return node{level: Index, test: func(s *subject) (Verdict, error) {
		if s.upTo < Index {
			return Unknown, nil
		}
		ix, err := s.Index()
		if err != nil {
			return Unknown, err
		}
		d, ok := ix.Date()
		return verdict(ok && cmp(d.Day())), nil
	}}
}
