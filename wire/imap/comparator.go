package imap

// maxComparators bounds the arguments of one COMPARATOR.
const maxComparators = 100

// Comparator is COMPARATOR (RFC 5255 §4.7): collations or patterns of
// collations in the order of preference (RFC 4790 §3); none asks which is
// active.
type Comparator struct{ Orders []string }

func (*Comparator) Name() string { return "COMPARATOR" }

func (m *Comparator) appendArgs(e *encoder) {
	for _, order := range m.Orders {
		e.sp()
		e.astring(order)
	}
}

// comparator-cmd = "COMPARATOR" *(SP comp-order-quoted). What a collation may
// be called is not for the grammar of IMAP: "*", which is no astring, is taken
// outside of quotes too.
func parseComparator(c *cursor) (Command, error) {
	m := &Comparator{}
	for c.ok() && !c.atEnd() {
		if len(m.Orders) == maxComparators {
			c.failKind(TooLarge, c.pos, "too many comparators")
			break
		}
		c.sp()
		m.Orders = append(m.Orders, string(c.astringBytes(classList)))
	}
	return m, c.err
}
