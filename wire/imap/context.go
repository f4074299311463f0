package imap

// Contexts (RFC 5267): what SEARCH and SORT say of changes to their results.

// ContextChange is a pair in ADDTO or REMOVEFROM.
type ContextChange struct {
	Remove bool // REMOVEFROM rather than ADDTO
	// Position is where the first of Nums comes to stand, or stood, from 1;
	// 0 is wherever mailbox order puts them, of SEARCH only.
	Position uint32
	Nums     []Range // in the order of the results (AppendSorted); never empty
}

// contextChanges takes the value of ADDTO or REMOVEFROM:
// "(" context-position SP sequence-set *(SP context-position SP sequence-set) ")"
func (c *cursor) contextChanges(d *SearchData, remove bool) {
	c.expect('(')
	for c.ok() {
		p := ContextChange{Remove: remove, Position: c.number()}
		c.sp()
		p.Nums = c.inOrder()
		d.Changes = append(d.Changes, p)
		if !c.take(' ') {
			break
		}
	}
	c.expect(')')
}

// contextChanges writes ADDTO and REMOVEFROM in the order of d.Changes, which
// a client must keep to (RFC 5267 §4.3.2).
func (w *Writer) contextChanges(changes []ContextChange) {
	for i := range changes {
		p := &changes[i]
		switch {
		case i > 0 && p.Remove == changes[i-1].Remove:
			w.raw(" ")
		case p.Remove:
			w.raw(" REMOVEFROM (")
		default:
			w.raw(" ADDTO (")
		}
		w.uint(uint64(p.Position))
		w.raw(" ")
		w.Buf = AppendNumSet(w.Buf, p.Nums)
		if i+1 == len(changes) || changes[i+1].Remove != p.Remove {
			w.raw(")")
		}
	}
}

// CancelUpdate is CANCELUPDATE (RFC 5267 §4.3.5).
type CancelUpdate struct{ Tags []string } // at least one

func (*CancelUpdate) Name() string { return "CANCELUPDATE" }

// "CANCELUPDATE" 1*(SP quoted); a literal does as well.
func parseCancelUpdate(c *cursor) (Command, error) {
	u := &CancelUpdate{}
	for c.ok() && (len(u.Tags) == 0 || !c.atEnd()) {
		c.sp()
		if len(u.Tags) == maxListItems {
			c.failKind(TooLarge, c.pos, "too many tags")
		}
		u.Tags = append(u.Tags, c.str())
	}
	return u, c.err
}

func (u *CancelUpdate) appendArgs(e *encoder) {
	for _, tag := range u.Tags {
		e.sp()
		e.dst = AppendString(e.dst, tag, false)
	}
}

// CodeNoUpdate is NOUPDATE with the tag of the command whose UPDATE is refused
// (RFC 5267 §4.3.1).
type CodeNoUpdate string

func (CodeNoUpdate) CodeName() string { return "NOUPDATE" }

func (c CodeNoUpdate) appendArg(dst []byte) []byte {
	return AppendString(append(dst, ' '), string(c), false)
}

func parseNoUpdate(c *cursor) Code {
	c.sp()
	return CodeNoUpdate(c.codeString())
}
