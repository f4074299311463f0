package imap

// StoreOp is what STORE does with the flags given.
type StoreOp uint8

const (
	StoreReplace StoreOp = iota // FLAGS
	StoreAdd                    // +FLAGS
	StoreRemove                 // -FLAGS
)

// Store is STORE and UID STORE (RFC 9051 §6.4.6).
type Store struct {
	UID    bool
	Set    SeqSet
	Op     StoreOp
	Silent bool
	Flags  FlagList
	// UnchangedSince is nil when not given (RFC 7162 §3.1.3); 0 is a value.
	UnchangedSince *uint64
}

// Copy is COPY and UID COPY (RFC 9051 §6.4.7).
type Copy struct {
	UID     bool
	Set     SeqSet
	Mailbox string
}

// Move is MOVE and UID MOVE (RFC 9051 §6.4.8, RFC 6851).
type Move struct {
	UID     bool
	Set     SeqSet
	Mailbox string
}

// Expunge is EXPUNGE (RFC 9051 §6.4.3) and, with UID, UID EXPUNGE (RFC 4315
// §2.1); Set is for the latter only.
type Expunge struct {
	UID bool
	Set SeqSet
}

func (*Store) Name() string   { return "STORE" }
func (*Copy) Name() string    { return "COPY" }
func (*Move) Name() string    { return "MOVE" }
func (*Expunge) Name() string { return "EXPUNGE" }

func parseCopy(c *cursor) (Command, error) {
	m := &Copy{UID: c.uid}
	m.Set, m.Mailbox = parseSetMailbox(c)
	return m, c.err
}

func parseMove(c *cursor) (Command, error) {
	m := &Move{UID: c.uid}
	m.Set, m.Mailbox = parseSetMailbox(c)
	return m, c.err
}

// SP sequence-set SP mailbox
func parseSetMailbox(c *cursor) (SeqSet, string) {
	c.sp()
	set := c.seqSet()
	c.sp()
	return set, c.mailbox()
}

// "EXPUNGE", or uid-expunge = "EXPUNGE" SP sequence-set
func parseExpunge(c *cursor) (Command, error) {
	m := &Expunge{UID: c.uid}
	if c.uid {
		c.sp()
		m.Set = c.seqSet()
	}
	return m, c.err
}

// storeModifiers are the store-modifier of RFC 4466 §2.5, by name.
var storeModifiers = map[string]func(*cursor, *Store){
	"UNCHANGEDSINCE": func(c *cursor, s *Store) {
		if s.UnchangedSince != nil {
			c.fail("UNCHANGEDSINCE given twice")
		}
		c.sp()
		n := c.modSeq(0)
		s.UnchangedSince = &n
	},
}

// store = "STORE" SP sequence-set [SP "(" store-modifier … ")"] SP
// store-att-flags
func parseStore(c *cursor) (Command, error) {
	s := &Store{UID: c.uid}
	c.sp()
	s.Set = c.seqSet()
	c.sp()
	if c.ok() && c.peek() == '(' {
		c.list(func() {
			at := c.pos
			if parse := storeModifiers[c.upperAtom()]; parse != nil {
				parse(c, s)
			} else {
				c.failAt(at, "unknown STORE modifier")
			}
		})
		c.sp()
	}
	parseStoreFlags(c, s)
	return s, c.err
}

// store-att-flags = (["+" / "-"] "FLAGS" [".SILENT"]) SP
// (flag-list / (flag *(SP flag)))
func parseStoreFlags(c *cursor, s *Store) {
	at := c.pos
	switch c.upperAtom() {
	case "FLAGS":
	case "FLAGS.SILENT":
		s.Silent = true
	case "+FLAGS":
		s.Op = StoreAdd
	case "+FLAGS.SILENT":
		s.Op, s.Silent = StoreAdd, true
	case "-FLAGS":
		s.Op = StoreRemove
	case "-FLAGS.SILENT":
		s.Op, s.Silent = StoreRemove, true
	default:
		c.failAt(at, "expected FLAGS, +FLAGS or -FLAGS")
	}
	c.sp()
	if c.ok() && c.peek() == '(' {
		s.Flags = c.flagList()
		return
	}
	for c.ok() {
		c.addFlag(&s.Flags)
		if c.atEnd() {
			return
		}
		c.sp()
	}
}

var storeOpNames = [...]string{StoreReplace: "FLAGS", StoreAdd: "+FLAGS", StoreRemove: "-FLAGS"}

func (s *Store) appendArgs(e *encoder) {
	e.sp()
	e.dst = AppendSeqSet(e.dst, s.Set)
	if s.UnchangedSince != nil {
		e.raw(" (UNCHANGEDSINCE ")
		e.uint(*s.UnchangedSince)
		e.raw(")")
	}
	e.sp()
	e.raw(storeOpNames[s.Op])
	if s.Silent {
		e.raw(".SILENT")
	}
	e.sp()
	e.dst = AppendFlags(e.dst, &s.Flags)
}

func (m *Copy) appendArgs(e *encoder) { e.setMailbox(m.Set, m.Mailbox) }
func (m *Move) appendArgs(e *encoder) { e.setMailbox(m.Set, m.Mailbox) }

func (m *Expunge) appendArgs(e *encoder) {
	if m.UID {
		e.sp()
		e.dst = AppendSeqSet(e.dst, m.Set)
	}
}
