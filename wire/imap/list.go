package imap

// ListSelect is a bit set of LIST selection options (RFC 5258 §3.1).
type ListSelect uint8

const (
	SelectSubscribed ListSelect = 1 << iota
	SelectRemote
	SelectRecursiveMatch
	SelectSpecialUse // RFC 6154 §2
)

// ListReturn is a bit set of LIST return options (RFC 5258 §3.2); RETURN
// STATUS is List.Status.
type ListReturn uint8

const (
	ReturnSubscribed ListReturn = 1 << iota
	ReturnChildren
	ReturnSpecialUse // RFC 6154 §2
	ReturnMyRights   // RFC 8440 §3
)

// List is LIST (RFC 9051 §6.3.9, RFC 5258).
type List struct {
	// Extended is set when selection options, return options or a
	// parenthesised pattern list were given, even if empty (RFC 5258 §3).
	Extended  bool
	Select    ListSelect
	Reference string   // UTF-8
	Patterns  []string // UTF-8, with * and %; "" asks for the hierarchy separator; U+FFFD: see noMatch
	Return    ListReturn
	Status    StatusItems // RFC 5819; 0 when not asked for
	Metadata  []string    // entries, as sent (RFC 9590); nil when not asked for
}

// Lsub is LSUB (RFC 3501 §6.3.9).
type Lsub struct{ Reference, Pattern string }

// noMatch stands for a reference or a pattern that cannot be decoded. No
// mailbox has U+FFFD in its name.
const noMatch = "\ufffd"

func (*List) Name() string { return "LIST" }
func (*Lsub) Name() string { return "LSUB" }

// listOption is a name of a selection or return option with its bit.
type listOption struct {
	name string
	bit  uint8
}

var listSelectOptions = [...]listOption{
	{"SUBSCRIBED", uint8(SelectSubscribed)},
	{"REMOTE", uint8(SelectRemote)},
	{"RECURSIVEMATCH", uint8(SelectRecursiveMatch)},
	{"SPECIAL-USE", uint8(SelectSpecialUse)},
}

var listReturnOptions = [...]listOption{
	{"SUBSCRIBED", uint8(ReturnSubscribed)},
	{"CHILDREN", uint8(ReturnChildren)},
	{"SPECIAL-USE", uint8(ReturnSpecialUse)},
	{"MYRIGHTS", uint8(ReturnMyRights)},
}

func findListOption(table []listOption, name string) (uint8, bool) {
	for _, o := range table {
		if o.name == name {
			return o.bit, true
		}
	}
	return 0, false
}

// list = "LIST" [SP list-select-opts] SP mailbox SP mbox-or-pat
// [SP list-return-opts]
func parseList(c *cursor) (Command, error) {
	l := &List{}
	c.sp()
	if c.ok() && c.peek() == '(' {
		parseListSelect(c, l)
		c.sp()
	}
	l.Reference = c.reference()
	c.sp()
	parseListPatterns(c, l)
	if c.ok() && !c.atEnd() {
		c.sp()
		parseListReturn(c, l)
	}
	return l, c.err
}

func parseListSelect(c *cursor, l *List) {
	l.Extended = true
	at := c.pos
	c.listOrEmpty(func() {
		at := c.pos
		bit, ok := findListOption(listSelectOptions[:], c.upperAtom())
		if !ok {
			c.failAt(at, "unknown LIST selection option")
		}
		l.Select |= ListSelect(bit)
	})
	base := SelectSubscribed | SelectSpecialUse
	if c.ok() && l.Select&SelectRecursiveMatch != 0 && l.Select&base == 0 {
		c.failAt(at, "RECURSIVEMATCH needs an option to match by")
	}
}

// mbox-or-pat = list-mailbox / "(" list-mailbox *(SP list-mailbox) ")"
func parseListPatterns(c *cursor, l *List) {
	if !c.ok() || c.peek() != '(' {
		l.Patterns = []string{c.listPattern()}
		return
	}
	l.Extended = true
	c.list(func() { l.Patterns = append(l.Patterns, c.listPattern()) })
}

// list-return-opts = "RETURN" SP "(" [return-option *(SP return-option)] ")"
func parseListReturn(c *cursor, l *List) {
	l.Extended = true
	c.keyword("RETURN")
	c.sp()
	c.listOrEmpty(func() {
		at := c.pos
		name := c.upperAtom()
		switch {
		case name == "STATUS":
			c.sp()
			l.Status = parseStatusItems(c)
			return
		case name == "METADATA" && l.Metadata == nil:
			c.sp()
			c.list(func() { l.Metadata = append(l.Metadata, c.entryName(1)) })
			return
		}
		bit, ok := findListOption(listReturnOptions[:], name)
		if !ok {
			c.failAt(at, "unknown LIST return option")
		}
		l.Return |= ListReturn(bit)
	})
}

func parseLsub(c *cursor) (Command, error) {
	c.sp()
	l := &Lsub{Reference: c.reference()}
	c.sp()
	l.Pattern = c.listPattern()
	return l, c.err
}

func (l *Lsub) appendArgs(e *encoder) {
	e.sp()
	e.mailbox(l.Reference)
	e.sp()
	e.mailbox(l.Pattern)
}

func (l *List) appendArgs(e *encoder) {
	if l.Select != 0 {
		e.raw(" (")
		e.options(listSelectOptions[:], uint8(l.Select))
		e.raw(")")
	}
	e.sp()
	e.mailbox(l.Reference)
	e.sp()
	l.appendPatterns(e)
	if !l.returns() {
		return
	}
	e.raw(" RETURN (")
	e.options(listReturnOptions[:], uint8(l.Return))
	if l.Status != 0 {
		if l.Return != 0 {
			e.sp()
		}
		e.raw("STATUS (")
		e.dst = AppendStatusItems(e.dst, l.Status)
		e.raw(")")
	}
	if l.Metadata != nil {
		if l.Return != 0 || l.Status != 0 {
			e.sp()
		}
		e.raw("METADATA (")
		e.entryNames(l.Metadata)
		e.raw(")")
	}
	e.raw(")")
}

// returns says whether there are return options.
func (l *List) returns() bool { return l.Return != 0 || l.Status != 0 || l.Metadata != nil }

func (l *List) appendPatterns(e *encoder) {
	plain := l.Select == 0 && !l.returns()
	if len(l.Patterns) == 1 && !(l.Extended && plain) {
		e.mailbox(l.Patterns[0])
		return
	}
	e.raw("(")
	for i, p := range l.Patterns {
		if i > 0 {
			e.sp()
		}
		e.mailbox(p)
	}
	e.raw(")")
}
