package imap

import (
	"math/bits"
	"strings"
)

// StatusItems is a bit set of STATUS data items (RFC 9051 §6.3.11).
type StatusItems uint16

const (
	StatusMessages StatusItems = 1 << iota
	StatusRecent               // RFC 3501 §6.3.10
	StatusUIDNext
	StatusUIDValidity
	StatusUnseen
	StatusDeleted
	StatusSize           // RFC 8438
	StatusHighestModSeq  // RFC 7162 §3.1.7
	StatusMailboxID      // RFC 8474 §4.3
	StatusAppendLimit    // RFC 7889 §4
	StatusDeletedStorage // RFC 9208 §4.1.4
)

// statusItemNames is indexed by bit number.
var statusItemNames = [...]string{
	"MESSAGES", "RECENT", "UIDNEXT", "UIDVALIDITY", "UNSEEN", "DELETED", "SIZE",
	"HIGHESTMODSEQ", "MAILBOXID", "APPENDLIMIT", "DELETED-STORAGE",
}

// Status is STATUS (RFC 9051 §6.3.11).
type Status struct {
	Mailbox string
	Items   StatusItems
}

func (*Status) Name() string { return "STATUS" }

func (s *Status) appendArgs(e *encoder) {
	e.sp()
	e.mailbox(s.Mailbox)
	e.raw(" (")
	e.dst = AppendStatusItems(e.dst, s.Items)
	e.raw(")")
}

// String is the name of i, which has one bit.
func (i StatusItems) String() string {
	if n := bits.TrailingZeros16(uint16(i)); n < len(statusItemNames) {
		return statusItemNames[n]
	}
	return ""
}

// AppendStatusItems appends the names of items separated by spaces.
func AppendStatusItems(dst []byte, items StatusItems) []byte {
	first := true
	for i, name := range statusItemNames {
		if items&(1<<i) == 0 {
			continue
		}
		if !first {
			dst = append(dst, ' ')
		}
		first = false
		dst = append(dst, name...)
	}
	return dst
}

func statusItem(name string) (StatusItems, bool) {
	for i, n := range statusItemNames {
		if strings.EqualFold(n, name) {
			return 1 << i, true
		}
	}
	return 0, false
}

// status = "STATUS" SP mailbox SP "(" status-att *(SP status-att) ")"
func parseStatus(c *cursor) (Command, error) {
	c.sp()
	s := &Status{Mailbox: c.mailbox()}
	c.sp()
	s.Items = parseStatusItems(c)
	return s, c.err
}

// "(" status-att *(SP status-att) ")"
func parseStatusItems(c *cursor) (items StatusItems) {
	c.list(func() {
		at := c.pos
		item, ok := statusItem(c.upperAtom())
		if !ok {
			c.failAt(at, "unknown STATUS item")
		}
		items |= item
	})
	return items
}
