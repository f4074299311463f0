package order

import (
	"bytes"
	"slices"

	"citron/mail/collate"
	"citron/mail/merge"
	"citron/mail/message"
)

// ranks are the places of a column's strings under a collation; never changed.
type ranks struct {
	rank  []uint32 // by number of the string
	order []uint32 // numbers by rank
}

// keyed is a string's number with its key.
type keyed struct {
	number uint32
	key    []byte
}

// ranksOf gives ranks that cover the strings of columns. Nothing is locked while
// it breathes; two who make the same ranks do so twice.
func (m *Mailbox) ranksOf(c *Columns, key message.SortKey, collation *collate.Collation, breathe Breathe) (*ranks, error) {
	at := rankKey{key, collation}
	m.mu.Lock()
	have := m.ranks[at]
	// The newest columns have all strings that older ones have.
	texts := m.now.strings[key].texts
	m.mu.Unlock()
	if have == nil {
		have = &ranks{}
	}
	if len(have.rank) >= c.strings[key].texts.len() {
		return have, nil
	}
	made, err := have.with(&texts, collation, breathe)
	if err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if now := m.ranks[at]; now == nil || len(now.rank) < len(made.rank) {
		m.ranks[at] = made
	}
	return made, nil
}

// with gives ranks for the strings that came after those of r, too.
func (r *ranks) with(t *texts, collation *collate.Collation, breathe Breathe) (*ranks, error) {
	added, err := keys(t, len(r.rank), collation, breathe)
	if err != nil {
		return nil, err
	}
	next := &ranks{order: make([]uint32, 0, t.len()), rank: make([]uint32, t.len())}
	old := r.order
	var probe []byte
	for _, a := range added {
		at, _ := slices.BinarySearchFunc(old, a.key, func(number uint32, key []byte) int {
			probe = appendKey(probe[:0], t.at(number), collation)
			return bytes.Compare(probe, key)
		})
		next.order = append(append(next.order, old[:at]...), a.number)
		old = old[at:]
	}
	next.order = append(next.order, old...)
	next.number(r, t, added, collation)
	return next, nil
}

// number sets the ranks: strings next to one another have the same if their
// keys are the same, which is known of those that had ranks before.
func (r *ranks) number(before *ranks, t *texts, added []keyed, collation *collate.Collation) {
	same := func(a, b uint32) bool {
		if n := uint32(len(before.rank)); a < n && b < n {
			return before.rank[a] == before.rank[b]
		}
		return bytes.Equal(appendKey(nil, t.at(a), collation), appendKey(nil, t.at(b), collation))
	}
	if len(before.rank) == 0 {
		r.numberNew(added)
		return
	}
	rank := uint32(0)
	for i, number := range r.order {
		if i > 0 && !same(r.order[i-1], number) || i == 0 && len(t.at(number)) > 0 {
			rank++
		}
		r.rank[number] = rank
	}
}

// numberNew is number where all keys are at hand.
func (r *ranks) numberNew(added []keyed) {
	rank := uint32(0)
	for i, a := range added {
		if i > 0 && !bytes.Equal(added[i-1].key, a.key) || i == 0 && len(a.key) > 0 {
			rank++
		}
		r.rank[a.number] = rank
	}
}

// appendKey appends the key of a string: nothing for the empty one, which "always
// collates before non-empty strings" (RFC 5256 §3), whatever the collation says.
func appendKey(dst, s []byte, collation *collate.Collation) []byte {
	if len(s) == 0 {
		return dst
	}
	return collation.AppendKey(dst, s)
}

// keys gives the strings from a number on in the order of their keys.
func keys(t *texts, from int, collation *collate.Collation, breathe Breathe) ([]keyed, error) {
	list := make([]keyed, 0, t.len()-from)
	var arena []byte
	for n := from; n < t.len(); n++ {
		s := t.at(uint32(n))
		if cap(arena)-len(arena) < 4*len(s)+16 {
			arena = make([]byte, 0, max(arenaSize, 4*len(s)+16))
		}
		start := len(arena)
		arena = appendKey(arena, s, collation)
		list = append(list, keyed{uint32(n), arena[start:len(arena):len(arena)]})
		if len(list)%stringsPerBreath == 0 {
			if err := breathe(); err != nil {
				return nil, err
			}
		}
	}
	return merge.Sort(list, func(a, b keyed) int { return bytes.Compare(a.key, b.key) }, breathe)
}

// stringsPerBreath is how many strings are collated between two breaths.
const stringsPerBreath = 1024

// arenaSize is how many bytes of keys are allocated together.
const arenaSize = 64 << 10
