package imapserver

import (
	"citron/mail/thread"
	"citron/store/uidset"
	"citron/wire/imap"
)

// thread is THREAD (RFC 5256 §3).
func (s *Session) thread(c *command, a *imap.Thread) error {
	if a.Algorithm != "ORDEREDSUBJECT" && a.Algorithm != "REFERENCES" {
		return bad("Threading is by ORDEREDSUBJECT or REFERENCES")
	}
	if hasKey(&a.Key, imap.SearchModSeq) {
		s.enableCondstore()
	}
	found, err := s.find(c, s.selected, &a.Search, false)
	if err != nil {
		return err
	}
	members, err := s.threadFound(c, a, found)
	if err != nil {
		return err
	}
	return s.writeThread(c, members)
}

// threadFound makes threads of what was found.
func (s *Session) threadFound(c *command, a *imap.Thread, found *searcher) ([]imap.ThreadMember, error) {
	t, err := s.sortingOf(c, found.m, found.found)
	if err != nil {
		return nil, err
	}
	defer t.done()
	numbers := s.numbersOf(found.m, found.found, a.UID)
	next := 0
	messages, err := t.box.Messages(t.cols, found.found, s.activeComparator().Collation, func(uidset.UID) uint32 {
		next++
		return numbers[next-1]
	}, c.breathe)
	if err != nil {
		return nil, err
	}
	if a.Algorithm == "ORDEREDSUBJECT" {
		return thread.OrderedSubject(messages, c.breathe)
	}
	return thread.References(messages, c.breathe)
}

// writeThread writes THREAD, which may be long, in pieces.
func (s *Session) writeThread(c *command, members []imap.ThreadMember) error {
	w := s.w.Thread()
	for i, m := range members {
		w.Member(m)
		if i%numbersPerBreath != numbersPerBreath-1 {
			continue
		}
		if err := c.breathe(); err != nil {
			return err
		}
	}
	w.End()
	return nil
}
