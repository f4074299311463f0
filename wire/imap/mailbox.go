package imap

// Create is CREATE (RFC 9051 §6.3.4).
type Create struct {
	Mailbox string
	// SpecialUse holds attributes such as \Sent, as sent (RFC 6154 §3).
	SpecialUse []string
}

// Commands with mailbox names only (RFC 9051 §6.3.5 to §6.3.8).
type (
	Delete      struct{ Mailbox string }
	Rename      struct{ From, To string }
	Subscribe   struct{ Mailbox string }
	Unsubscribe struct{ Mailbox string }
)

func (*Create) Name() string      { return "CREATE" }
func (*Delete) Name() string      { return "DELETE" }
func (*Rename) Name() string      { return "RENAME" }
func (*Subscribe) Name() string   { return "SUBSCRIBE" }
func (*Unsubscribe) Name() string { return "UNSUBSCRIBE" }

func (m *Delete) appendArgs(e *encoder)      { e.sp(); e.mailbox(m.Mailbox) }
func (m *Subscribe) appendArgs(e *encoder)   { e.sp(); e.mailbox(m.Mailbox) }
func (m *Unsubscribe) appendArgs(e *encoder) { e.sp(); e.mailbox(m.Mailbox) }

func (m *Rename) appendArgs(e *encoder) {
	e.sp()
	e.mailbox(m.From)
	e.sp()
	e.mailbox(m.To)
}

func (m *Create) appendArgs(e *encoder) {
	e.sp()
	e.mailbox(m.Mailbox)
	if m.SpecialUse == nil {
		return
	}
	e.raw(" (USE (")
	for i, use := range m.SpecialUse {
		if i > 0 {
			e.sp()
		}
		e.raw(use)
	}
	e.raw("))")
}

func parseDelete(c *cursor) (Command, error) {
	c.sp()
	return &Delete{c.mailbox()}, c.err
}

func parseSubscribe(c *cursor) (Command, error) {
	c.sp()
	return &Subscribe{c.mailbox()}, c.err
}

func parseUnsubscribe(c *cursor) (Command, error) {
	c.sp()
	return &Unsubscribe{c.mailbox()}, c.err
}

// rename = "RENAME" SP mailbox SP mailbox
func parseRename(c *cursor) (Command, error) {
	c.sp()
	r := &Rename{From: c.mailbox()}
	c.sp()
	r.To = c.mailbox()
	return r, c.err
}

// createParams are the create-param of RFC 4466 §2.2, by name.
var createParams = map[string]func(*cursor, *Create){
	"USE": parseCreateUse,
}

// create = "CREATE" SP mailbox [SP "(" create-param *(SP create-param) ")"]
func parseCreate(c *cursor) (Command, error) {
	c.sp()
	m := &Create{Mailbox: c.mailbox()}
	if c.err != nil || c.atEnd() {
		return m, c.err
	}
	c.sp()
	c.list(func() {
		at := c.pos
		if parse := createParams[c.upperAtom()]; parse != nil {
			parse(c, m)
		} else {
			c.failAt(at, "unknown CREATE parameter")
		}
	})
	return m, c.err
}

// "USE" SP "(" [use-attr *(SP use-attr)] ")" (RFC 6154 §6)
func parseCreateUse(c *cursor, m *Create) {
	c.sp()
	m.SpecialUse = []string{}
	c.listOrEmpty(func() {
		at := c.pos
		flag := c.flag()
		if c.ok() && flag[0] != '\\' {
			c.failAt(at, "a special-use attribute begins with a backslash")
		}
		m.SpecialUse = addFold(m.SpecialUse, flag)
	})
}
