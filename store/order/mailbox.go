package order

import (
	"hash/maphash"
	"slices"
	"sync"

	"citron/mail/collate"
	"citron/mail/message"
	"citron/store/uidset"
)

// Mailbox is what is in memory of one mailbox. Its methods may be called
// concurrently.
type Mailbox struct {
	mu    sync.Mutex
	now   *Columns
	dedup [stringKeys]dedup
	ranks map[rankKey]*ranks
}

// dedup finds strings that a column has already. It is kept while rows are
// added in great numbers, which is where it is worth its memory.
type dedup map[uint64]uint32

type rankKey struct {
	key       message.SortKey
	collation *collate.Collation
}

func newMailbox() *Mailbox { return &Mailbox{now: new(Columns), ranks: map[rankKey]*ranks{}} }

// Columns are the rows there are.
func (m *Mailbox) Columns() *Columns {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.now
}

// Add adds rows in the order of UIDs; of those that are there already nothing
// changes.
func (m *Mailbox) Add(rows []Row) {
	m.mu.Lock()
	defer m.mu.Unlock()
	next := *m.now // what is appended to its slices, nobody sees who has the old
	if len(rows) > 0 && len(next.uids) > 0 && rows[0].UID <= next.uids[len(next.uids)-1] {
		m.insert(&next, rows)
	} else {
		for i := range rows {
			m.append(&next, &rows[i])
		}
	}
	m.now = &next
}

// insert puts rows between others, which are copied.
func (m *Mailbox) insert(next *Columns, rows []Row) {
	old := *next
	*next = Columns{}
	for k := range next.strings {
		next.strings[k].texts = old.strings[k].texts
	}
	for row := range old.uids {
		for len(rows) > 0 && rows[0].UID < old.uids[row] {
			m.append(next, &rows[0])
			rows = rows[1:]
		}
		if len(rows) > 0 && rows[0].UID == old.uids[row] {
			rows = rows[1:]
		}
		next.copyRow(&old, row)
	}
	for i := range rows {
		m.append(next, &rows[i])
	}
}

func (m *Mailbox) append(c *Columns, r *Row) {
	var numbers [stringKeys]uint32
	for k := range numbers {
		numbers[k] = m.number(k, &c.strings[k].texts, r.Strings[k])
	}
	c.append(r, &numbers)
}

// number gives a string its number: that of the same string, if it is known.
func (m *Mailbox) number(key int, t *texts, s []byte) uint32 {
	if m.dedup[key] == nil {
		m.dedup[key] = dedup{}
	}
	hash := maphash.Bytes(seed, s)
	if number, known := m.dedup[key][hash]; known && string(t.at(number)) == string(s) {
		return number
	}
	number := t.add(s)
	m.dedup[key][hash] = number
	return number
}

// Settle gives up what is only useful while many rows are added.
func (m *Mailbox) Settle() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.dedup = [stringKeys]dedup{}
}

// Crowded says that most of the rows are of messages that are gone, where there
// are as many as live: it is time to begin anew.
func (m *Mailbox) Crowded(live uint32) bool {
	const spare = 4096
	return m.Columns().Len() > 2*int(live)+spare
}

// bytes is the memory the mailbox takes, roughly.
func (m *Mailbox) bytes() int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := m.now.bytes()
	for _, r := range m.ranks {
		n += int64(cap(r.rank)+cap(r.order)) * 4
	}
	for _, d := range m.dedup {
		n += int64(len(d)) * 24
	}
	return n
}

// seed makes the hashes of this process different from those of others, so that
// nobody can send messages whose identifiers collide.
var seed = maphash.MakeSeed()

// HashID is what Row has of an identifier, never 0. Identifiers are taken to be
// the same if their hashes are: of 64 bits with a secret seed.
func HashID(id []byte) uint64 { return max(maphash.Bytes(seed, id), 1) }

// RowOf is the row of a message with its index.
func RowOf(u uidset.UID, arrival, size int64, ix *message.Index) Row {
	r := Row{UID: u, Arrival: arrival, Size: size, Sent: arrival, Reply: ix.IsReply()}
	if d, ok := ix.Date(); ok {
		r.Sent = d.Unix
	}
	for k := range r.Strings {
		r.Strings[k] = ix.SortKey(message.SortKey(k))
	}
	var answers []uint64
	ix.EachID(func(in message.IDField, id []byte) {
		switch in {
		case message.InMessageID:
			r.ID = HashID(id)
		case message.InInReplyTo:
			answers = append(answers, HashID(id))
		case message.InReferences:
			r.Refs = append(r.Refs, HashID(id))
		}
	})
	if len(r.Refs) == 0 && len(answers) > 0 {
		r.Refs = answers[:1]
	}
	r.Refs = slices.Clip(r.Refs)
	return r
}
