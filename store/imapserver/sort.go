package imapserver

import (
	"slices"

	"citron/store/account"
	"citron/store/order"
	"citron/store/uidset"
	"citron/wire/imap"
)

// SORT and THREAD (RFC 5256), SORT=DISPLAY (RFC 5957), ESORT (RFC 5267 §3).

var sortCommands = []spec{
	{"SORT", inSelected, slow | keepsNumbers | byNumber, filtering((*Session).sort)},
	{"THREAD", inSelected, slow | keepsNumbers | byNumber, filtering((*Session).thread)},
}

// sortedMessages is what SORT has found, in its order.
type sortedMessages struct {
	uids []uidset.UID
	// numbers are what the answer calls them: UIDs or message numbers.
	numbers []uint32
	scores  []uint8 // with RELEVANCY
}

func (s *Session) sort(c *command, a *imap.Sort) error {
	if err := s.checkUpdate(c, &a.ReturnOptions); err != nil {
		return err
	}
	byRelevancy := slices.ContainsFunc(a.Criteria, func(k imap.SortCriterion) bool { return k.Key == imap.SortRelevancy })
	asked := a.Search
	if byRelevancy {
		asked.Return |= imap.ReturnRelevancy // that find scores what it finds
	}
	modSeq := hasKey(&a.Key, imap.SearchModSeq)
	if modSeq {
		s.enableCondstore()
	}
	found, err := s.find(c, s.selected, &asked, modSeq)
	if err != nil {
		s.forgetSaved(&a.Search, err)
		return err
	}
	sorted, err := s.sortFound(c, a, found)
	if err != nil {
		s.forgetSaved(&a.Search, err)
		return err
	}
	program, err := s.selected.settleKey(a.Key) // before SAVE changes what "$" is
	if err != nil {
		return err
	}
	if err := s.tellSorted(c, a, found, sorted, modSeq); err != nil || a.Return&imap.ReturnUpdate == 0 {
		return err
	}
	return s.keepUp(c, &a.Search, program, a.Criteria, found.found)
}

// sortFound puts what was found into order.
func (s *Session) sortFound(c *command, a *imap.Sort, found *searcher) (*sortedMessages, error) {
	t, err := s.sortingOf(c, found.m, found.found)
	if err != nil {
		return nil, err
	}
	defer t.done()
	by := order.Order{Criteria: a.Criteria, Comparator: s.activeComparator()}
	uids, places, err := t.box.Sort(t.cols, found.found, &by, found.scores, c.breathe)
	if err != nil {
		return nil, err
	}
	sorted := &sortedMessages{uids: uids, numbers: s.numbersOf(found.m, found.found, a.UID)}
	inOrder := make([]uint32, len(places))
	for i, place := range places {
		inOrder[i] = sorted.numbers[place]
	}
	sorted.numbers = inOrder
	if found.scored {
		sorted.scores = make([]uint8, len(places))
		for i, place := range places {
			sorted.scores[i] = found.scores[place]
		}
	}
	return sorted, nil
}

// numbersOf gives what an answer calls each message of a set: its UID or its
// message number.
func (s *Session) numbersOf(m *selected, uids uidset.Ranges, uid bool) []uint32 {
	numbers := make([]uint32, 0, uids.Count())
	m.view.Set.Each(uids, func(seq uint32, u uidset.UID, _ uidset.Flags) bool {
		if uid {
			seq = uint32(u)
		}
		numbers = append(numbers, seq)
		return true
	})
	return numbers
}

// tellSorted writes the answer and saves what is to be saved.
func (s *Session) tellSorted(c *command, a *imap.Sort, found *searcher, sorted *sortedMessages, modSeq bool) error {
	if a.Return&imap.ReturnSave != 0 {
		s.selected.saved = found.found
		if some, all := sorted.shown(&a.ReturnOptions); !all {
			s.selected.saved = uidset.Of(some...)
		}
	}
	if a.Extended && a.Return == imap.ReturnSave {
		return nil // RFC 5182 §2.1: only saved
	}
	var highest account.ModSeq
	if modSeq && len(sorted.uids) > 0 {
		highest = found.highest
		if some, all := sorted.shown(&a.ReturnOptions); a.Extended && !all {
			var err error
			if highest, err = found.highestIn(uidset.Of(some...)); err != nil {
				return err
			}
		}
	}
	if !a.Extended {
		return s.writeSort(c, sorted.numbers, highest)
	}
	return s.writeESort(c, a, sorted, highest)
}

// shown are the messages that the answer is about, for SAVE and for MODSEQ (RFC
// 5182 §2.1, RFC 4731 §3.2, RFC 9394 §3.2): with MIN, MAX or PARTIAL and nothing
// else only those, first and last being those of the order (RFC 5267 §3.1).
func (m *sortedMessages) shown(o *imap.ReturnOptions) (some []uidset.UID, all bool) {
	items := o.Return & (imap.ReturnMin | imap.ReturnMax | imap.ReturnPartial)
	if items == 0 || o.Return&(imap.ReturnAll|imap.ReturnCount) != 0 || len(m.uids) == 0 {
		return nil, true
	}
	if items&imap.ReturnMin != 0 {
		some = append(some, m.uids[0])
	}
	if items&imap.ReturnMax != 0 {
		some = append(some, m.uids[len(m.uids)-1])
	}
	if items&imap.ReturnPartial != 0 {
		if first, last := o.Window.Window(uint64(len(m.uids))); first <= last {
			some = append(some, m.uids[first-1:last]...)
		}
	}
	return some, false
}

// writeSort writes SORT, which may be long, in pieces.
func (s *Session) writeSort(c *command, numbers []uint32, modSeq account.ModSeq) error {
	s.w.SortStart()
	for piece := range slices.Chunk(numbers, numbersPerBreath) {
		for _, n := range piece {
			s.w.SearchNumber(n)
		}
		if err := c.breathe(); err != nil {
			return err
		}
	}
	s.w.SearchEnd(uint64(modSeq))
	return nil
}

// writeESort writes ESEARCH with results in the order of SORT (RFC 5267 §3.2).
func (s *Session) writeESort(c *command, a *imap.Sort, sorted *sortedMessages, modSeq account.ModSeq) error {
	d := imap.SearchData{Tag: c.tag, UID: a.UID, Return: a.Return & imap.ReturnItems, Window: a.Window,
		Count: uint32(len(sorted.numbers)), ModSeq: uint64(modSeq), Relevancy: sorted.scores}
	if n := len(sorted.numbers); n > 0 {
		d.Min, d.Max = sorted.numbers[0], sorted.numbers[n-1]
	}
	if a.Return&imap.ReturnPartial != 0 {
		if first, last := a.Window.Window(uint64(len(sorted.numbers))); first <= last {
			d.Partial = inRanges(sorted.numbers[first-1 : last])
		}
		if a.Return&imap.ReturnRelevancy != 0 {
			d.Relevancy = scoresIn(sorted.scores, a.Window)
		}
	}
	s.w.ESearchStart(&d)
	if a.Return&imap.ReturnAll != 0 {
		first := true
		for piece := range slices.Chunk(inRanges(sorted.numbers), numbersPerBreath) {
			s.w.ESearchAll(piece, first)
			first = false
			if err := c.breathe(); err != nil {
				return err
			}
		}
	}
	s.w.ESearchEnd(&d)
	return nil
}

// inRanges is numbers in their order with those that follow one another joined.
func inRanges(numbers []uint32) []imap.Range {
	var out []imap.Range
	for _, n := range numbers {
		out = imap.AppendSorted(out, imap.Range{From: n, To: n})
	}
	return out
}
