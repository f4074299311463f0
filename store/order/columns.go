package order

import (
	"sort"

	"citron/mail/message"
	"citron/store/uidset"
)

// stringKeys is how many sort keys are strings (message.SortKey).
const stringKeys = int(message.SortDisplayTo) + 1

// Row is what is known of a message when it is added.
type Row struct {
	UID     uidset.UID
	Arrival int64 // internal date, in seconds
	Size    int64 // RFC822.SIZE
	// Sent is the sent date in seconds; that of Arrival if there is none
	// that can be read (RFC 5256 §2.2).
	Sent    int64
	Strings [stringKeys][]byte // by message.SortKey, UTF-8
	Reply   bool               // see message.Index.IsReply
	// ID stands for the Message-ID, 0 for none; Refs for the references (RFC
	// 5256 §3). See HashID.
	ID   uint64
	Refs []uint64
}

// Columns are rows, by column; never changed.
type Columns struct {
	uids    []uidset.UID
	arrival []int64
	size    []int64
	sent    []int64
	strings [stringKeys]column
	reply   []bool
	ids     []uint64
	refs    []uint64
	refsEnd []uint32 // by row, where its refs end
}

// column is a column of strings.
type column struct {
	numbers []uint32 // by row
	texts   texts
}

// texts are strings by number.
type texts struct {
	bytes []byte
	ends  []uint32 // by number, where the string ends
}

func (t *texts) len() int { return len(t.ends) }

func (t *texts) at(number uint32) []byte {
	from := uint32(0)
	if number > 0 {
		from = t.ends[number-1]
	}
	return t.bytes[from:t.ends[number]]
}

// maxTexts is the most bytes of the strings of a column, so that an offset fits;
// a string beyond it is empty.
const maxTexts = 1<<32 - 1

func (t *texts) add(s []byte) (number uint32) {
	if len(t.bytes)+len(s) > maxTexts {
		s = nil
	}
	t.bytes = append(t.bytes, s...)
	t.ends = append(t.ends, uint32(len(t.bytes)))
	return uint32(len(t.ends) - 1)
}

// Len is the number of rows.
func (c *Columns) Len() int { return len(c.uids) }

// row is where a UID is, or would be.
func (c *Columns) row(u uidset.UID) (row int, found bool) {
	row = sort.Search(len(c.uids), func(i int) bool { return c.uids[i] >= u })
	return row, row < len(c.uids) && c.uids[row] == u
}

// Missing is what of a set has no row.
func (c *Columns) Missing(uids uidset.Ranges) uidset.Ranges {
	var missing uidset.Ranges
	row := 0
	for _, r := range uids {
		if row < len(c.uids) && c.uids[row] < r.First {
			row += sort.Search(len(c.uids)-row, func(i int) bool { return c.uids[row+i] >= r.First })
		}
		next := r.First // the first not seen to have a row
		for ; row < len(c.uids) && c.uids[row] <= r.Last; row++ {
			if u := c.uids[row]; u > next {
				missing.AddRange(uidset.Range{First: next, Last: u - 1})
			}
			next = c.uids[row] + 1
		}
		if next <= r.Last && next >= r.First {
			missing.AddRange(uidset.Range{First: next, Last: r.Last})
		}
	}
	return missing
}

// each calls fn with the rows of the UIDs of a set, in their order.
func (c *Columns) each(uids uidset.Ranges, fn func(row int)) {
	for _, r := range uids {
		row, _ := c.row(r.First)
		for ; row < len(c.uids) && c.uids[row] <= r.Last; row++ {
			fn(row)
		}
	}
}

func (c *Columns) rowRefs(row int) []uint64 {
	from := uint32(0)
	if row > 0 {
		from = c.refsEnd[row-1]
	}
	return c.refs[from:c.refsEnd[row]]
}

// append adds a row whose UID is above all others. Only the Mailbox calls it.
func (c *Columns) append(r *Row, numbers *[stringKeys]uint32) {
	c.uids = append(c.uids, r.UID)
	c.arrival = append(c.arrival, r.Arrival)
	c.size = append(c.size, r.Size)
	c.sent = append(c.sent, r.Sent)
	for k := range c.strings {
		c.strings[k].numbers = append(c.strings[k].numbers, numbers[k])
	}
	c.reply = append(c.reply, r.Reply)
	c.ids = append(c.ids, r.ID)
	c.refs = append(c.refs, r.Refs...)
	c.refsEnd = append(c.refsEnd, uint32(len(c.refs)))
}

// copyRow adds a row of other columns that have the same strings.
func (c *Columns) copyRow(from *Columns, row int) {
	r := Row{UID: from.uids[row], Arrival: from.arrival[row], Size: from.size[row], Sent: from.sent[row],
		Reply: from.reply[row], ID: from.ids[row], Refs: from.rowRefs(row)}
	var numbers [stringKeys]uint32
	for k := range numbers {
		numbers[k] = from.strings[k].numbers[row]
	}
	c.append(&r, &numbers)
}

// bytes is the memory the columns take, roughly.
func (c *Columns) bytes() int64 {
	n := cap(c.uids)*4 + (cap(c.arrival)+cap(c.size)+cap(c.sent)+cap(c.ids)+cap(c.refs))*8 + cap(c.reply) + cap(c.refsEnd)*4
	for k := range c.strings {
		s := &c.strings[k]
		n += cap(s.numbers)*4 + cap(s.texts.bytes) + cap(s.texts.ends)*4
	}
	return int64(n)
}
