package order

import (
	"citron/mail/collate"
	"citron/mail/merge"
	"citron/mail/message"
	"citron/mail/thread"
	"citron/store/uidset"
	"citron/wire/imap"
	"cmp"
	"encoding/binary"
)

// Order is what messages are sorted by. Relevancy (RFC 6203 §6), which is of a
// search and not of a message, is a number for each UID of the set sorted.
type Order struct {
	Criteria   []imap.SortCriterion
	Comparator collate.Comparator
}

// stringKeyOf are the columns of the criteria that are strings.
var stringKeyOf = map[imap.SortKey]message.SortKey{
	imap.SortSubject: message.SortSubject, imap.SortFrom: message.SortFrom,
	imap.SortTo: message.SortTo, imap.SortCc: message.SortCc,
	imap.SortDisplayFrom: message.SortDisplayFrom, imap.SortDisplayTo: message.SortDisplayTo,
}

// level is a criterion as numbers: of a row, or of a place in the set sorted.
type level struct {
	numbers  []int64  // by row; or
	ranks    *ranks   // of the strings
	strings  []uint32 // by row
	inverted bool     // the comparator's direction
	scores   []uint8  // by place
	reverse  bool     // the criterion's direction
}

// of is the number of a message under a criterion; lesser ones go first.
func (l *level) of(row, place int32) int64 {
	n := int64(0)
	switch {
	case l.numbers != nil:
		n = l.numbers[row]
	case l.scores != nil:
		n = -int64(l.scores[place])
	default:
		// Inverted, all but the empty string, which always goes first.
		if n = int64(l.ranks.rank[l.strings[row]]); l.inverted && n > 0 {
			n = int64(len(l.ranks.rank)) + 1 - n
		}
	}
	if l.reverse {
		return -n
	}
	return n
}

// levels are the criteria on columns.
func (m *Mailbox) levels(c *Columns, o *Order, scores []uint8, breathe Breathe) ([]level, error) {
	levels := make([]level, 0, len(o.Criteria))
	for _, k := range o.Criteria {
		l := level{reverse: k.Reverse}
		switch k.Key {
		case imap.SortArrival:
			l.numbers = c.arrival
		case imap.SortDate:
			l.numbers = c.sent
		case imap.SortSize:
			l.numbers = c.size
		case imap.SortRelevancy:
			l.scores = scores
		default:
			key := stringKeyOf[k.Key]
			ranks, err := m.ranksOf(c, key, o.Comparator.Collation, breathe)
			if err != nil {
				return nil, err
			}
			l.ranks, l.strings, l.inverted = ranks, c.strings[key].numbers, o.Comparator.Reverse
		}
		levels = append(levels, l)
	}
	return levels, nil
}

// item is a message while it is sorted.
type item struct {
	first int64 // by the first criterion
	row   int32
	place int32 // in the set: the last criterion, and where its score is
}

// Breathe is called now and then by what takes long; an error ends it and is
// given back.
type Breathe func() error

// Sort gives the UIDs of a set in an order, and for each its place in the set.
// Messages that have no row are left out. scores has the relevancy of each
// message of the set, for criteria that ask for it.
func (m *Mailbox) Sort(c *Columns, uids uidset.Ranges, o *Order, scores []uint8, breathe Breathe) (sorted []uidset.UID, places []int32, err error) {
	levels, err := m.levels(c, o, scores, breathe)
	if err != nil {
		return nil, nil, err
	}
	items := make([]item, 0, uids.Count())
	rank := placer{uids: uids}
	c.each(uids, func(row int) {
		it := item{row: int32(row), place: rank.of(c.uids[row])}
		it.first = levels[0].of(it.row, it.place)
		items = append(items, it)
	})
	items = sortByFirst(items)
	if len(levels) > 1 {
		if err := sortEqual(items, levels[1:], breathe); err != nil {
			return nil, nil, err
		}
	}
	sorted, places = make([]uidset.UID, len(items)), make([]int32, len(items))
	for i, it := range items {
		sorted[i], places[i] = c.uids[it.row], it.place
	}
	return sorted, places, breathe()
}

// sortEqual sorts those that are equal by the first criterion by the others.
func sortEqual(items []item, levels []level, breathe Breathe) error {
	compare := func(a, b item) int {
		for i := range levels {
			if x, y := levels[i].of(a.row, a.place), levels[i].of(b.row, b.place); x != y {
				return cmp.Compare(x, y)
			}
		}
		return cmp.Compare(a.place, b.place)
	}
	for from := 0; from < len(items); {
		to := from + 1
		for to < len(items) && items[to].first == items[from].first {
			to++
		}
		if to-from > 1 {
			sorted, err := merge.Sort(items[from:to], compare, breathe)
			if err != nil {
				return err
			}
			copy(items[from:to], sorted)
		}
		from = to
	}
	return nil
}

// placer gives the places of ascending UIDs in a set.
type placer struct {
	uids   uidset.Ranges
	before int32
}

func (p *placer) of(u uidset.UID) int32 {
	for p.uids[0].Last < u {
		p.before += int32(p.uids[0].Last-p.uids[0].First) + 1
		p.uids = p.uids[1:]
	}
	return p.before + int32(u-p.uids[0].First)
}

// Key gives a message's place in an order as octets that compare as messages
// do, those of equal ones by UID. ok is false if it has no row. Relevancy is not
// of a message and must not be among the criteria.
func (c *Columns) Key(u uidset.UID, o *Order) (key string, ok bool) {
	row, ok := c.row(u)
	if !ok {
		return "", false
	}
	var b []byte
	for _, k := range o.Criteria {
		from := len(b)
		b = c.appendCriterion(b, row, k.Key, o.Comparator)
		if k.Reverse {
			invert(b[from:])
		}
	}
	return string(binary.BigEndian.AppendUint32(b, uint32(u))), true
}

func (c *Columns) appendCriterion(b []byte, row int, k imap.SortKey, by collate.Comparator) []byte {
	switch k {
	case imap.SortArrival:
		return appendNumber(b, c.arrival[row])
	case imap.SortDate:
		return appendNumber(b, c.sent[row])
	case imap.SortSize:
		return appendNumber(b, c.size[row])
	}
	s := &c.strings[stringKeyOf[k]]
	text := s.texts.at(s.numbers[row])
	if len(text) == 0 {
		return append(b, 0) // before all others
	}
	b = append(b, 1)
	from := len(b)
	b = appendEscaped(b, by.AppendKey(nil, text))
	if by.Reverse {
		invert(b[from:])
	}
	return b
}

func appendNumber(b []byte, n int64) []byte {
	return binary.BigEndian.AppendUint64(b, uint64(n)^1<<63)
}

// appendEscaped appends a string and an end that compares below all that could
// go on.
func appendEscaped(b, s []byte) []byte {
	for _, x := range s {
		if b = append(b, x); x == 0 {
			b = append(b, 1)
		}
	}
	return append(b, 0, 0)
}

func invert(b []byte) {
	for i := range b {
		b[i] = ^b[i]
	}
}

// Messages gives what threads are made of (mail/thread), of a set of UIDs;
// number is what the answer calls each. Subjects are compared under a collation
// (RFC 5255 §4.2).
func (m *Mailbox) Messages(c *Columns, uids uidset.Ranges, collation *collate.Collation, number func(uidset.UID) uint32, breathe Breathe) ([]thread.Message, error) {
	ranks, err := m.ranksOf(c, message.SortSubject, collation, breathe)
	if err != nil {
		return nil, err
	}
	subjects := c.strings[message.SortSubject].numbers
	list := make([]thread.Message, 0, uids.Count())
	c.each(uids, func(row int) {
		list = append(list, thread.Message{Num: number(c.uids[row]), Date: c.sent[row], Subject: ranks.rank[subjects[row]],
			Reply: c.reply[row], ID: c.ids[row], Refs: c.rowRefs(row)})
	})
	return list, nil
}
