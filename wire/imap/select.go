package imap

// Select is SELECT, or EXAMINE when ReadOnly (RFC 9051 §6.3.2, §6.3.3).
type Select struct {
	Mailbox   string
	ReadOnly  bool     // EXAMINE
	CondStore bool     // RFC 7162 §3.1.8
	QResync   *QResync // RFC 7162 §3.2.5
}

// QResync is SELECT's QRESYNC parameter (RFC 7162 §3.2.5): what the client
// knew when it was last here.
type QResync struct {
	UIDValidity uint32
	ModSeq      uint64 // 1 … 2^63-1
	// Known UIDs; nil when not given, which means all up to the highest.
	Known NumSet
	// Seqs and UIDs are sequence match data: the i-th number of Seqs had
	// the i-th of UIDs. Their Counts are equal; nil when not given.
	Seqs, UIDs NumSet
}

func (s *Select) Name() string {
	if s.ReadOnly {
		return "EXAMINE"
	}
	return "SELECT"
}

func (s *Select) appendArgs(e *encoder) {
	e.sp()
	e.mailbox(s.Mailbox)
	if !s.CondStore && s.QResync == nil {
		return
	}
	e.raw(" (")
	if s.CondStore {
		e.raw("CONDSTORE")
	}
	if q := s.QResync; q != nil {
		if s.CondStore {
			e.sp()
		}
		q.append(e)
	}
	e.raw(")")
}

func (q *QResync) append(e *encoder) {
	e.raw("QRESYNC (")
	e.uint(uint64(q.UIDValidity))
	e.sp()
	e.uint(q.ModSeq)
	if q.Known != nil {
		e.sp()
		e.dst = AppendNumSet(e.dst, q.Known)
	}
	if q.Seqs != nil {
		e.raw(" (")
		e.dst = AppendNumSet(e.dst, q.Seqs)
		e.sp()
		e.dst = AppendNumSet(e.dst, q.UIDs)
		e.raw(")")
	}
	e.raw(")")
}

// selectParams are the select-param of RFC 4466 §2.1, by name.
var selectParams = map[string]func(*cursor, *Select){
	"CONDSTORE": func(_ *cursor, s *Select) { s.CondStore = true },
	"QRESYNC":   parseQResync,
}

func parseSelect(c *cursor) (Command, error)  { return parseSelectParams(c, &Select{}) }
func parseExamine(c *cursor) (Command, error) { return parseSelectParams(c, &Select{ReadOnly: true}) }

// select = "SELECT" SP mailbox [SP "(" select-param *(SP select-param) ")"]
func parseSelectParams(c *cursor, s *Select) (Command, error) {
	c.sp()
	s.Mailbox = c.mailbox()
	if c.err != nil || c.atEnd() {
		return s, c.err
	}
	c.sp()
	c.list(func() {
		at := c.pos
		name := c.upperAtom()
		if parse := selectParams[name]; parse != nil {
			parse(c, s)
		} else {
			c.failAt(at, "unknown SELECT parameter")
		}
	})
	return s, c.err
}

// "QRESYNC" SP "(" uidvalidity SP mod-sequence-value [SP known-uids]
// [SP seq-match-data] ")"
func parseQResync(c *cursor, s *Select) {
	if s.QResync != nil {
		c.fail("QRESYNC given twice")
		return
	}
	q := &QResync{}
	s.QResync = q
	c.sp()
	c.expect('(')
	q.UIDValidity = c.nzNumber()
	c.sp()
	q.ModSeq = c.modSeq(1)
	if c.ok() && c.peek() == ' ' && c.peekAt(1) != '(' {
		c.sp()
		q.Known = c.numSet()
	}
	if c.ok() && c.peek() == ' ' {
		c.sp()
		parseSeqMatch(c, q)
	}
	c.expect(')')
}

// seq-match-data = "(" known-sequence-set SP known-uid-set ")"
func parseSeqMatch(c *cursor, q *QResync) {
	at := c.pos
	c.expect('(')
	q.Seqs = c.numSet()
	c.sp()
	q.UIDs = c.numSet()
	c.expect(')')
	if c.ok() && q.Seqs.Count() != q.UIDs.Count() {
		c.failAt(at, "known sequence and UID sets differ in length")
	}
}
