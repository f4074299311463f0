package imap

import (
	"bytes"
	"time"
)

// Append is APPEND of one message or, with MULTIAPPEND, many (RFC 9051
// §6.3.12, RFC 3502).
type Append struct {
	Mailbox  string
	Messages []AppendMessage
}

// AppendMessage is one message of an APPEND.
type AppendMessage struct {
	Flags FlagList
	// Date is the INTERNALDATE asked for; zero when not given.
	Date    time.Time
	Message Literal
	// UTF8 is set for the form UTF8 (~{n} …) of RFC 6855 §4.
	UTF8 bool
	// Catenate, if not nil, holds the parts that make the message, instead
	// of Message.
	Catenate []CatenatePart
}

// Literal is a literal of a command: its octets, or a reference to those that
// the session took as they came.
type Literal struct {
	Size   int64
	Binary bool // literal8, "~{n}" (RFC 3516)
	// Sink is the number, from 0, among the literals of the frame that
	// the session took itself; -1 when Data holds the octets.
	Sink int
	Data []byte
}

func (*Append) Name() string { return "APPEND" }

// append = "APPEND" SP mailbox 1*append-message
func parseAppend(c *cursor) (Command, error) {
	c.sp()
	a := &Append{Mailbox: c.mailbox()}
	a.Messages = parseAppendMessages(c)
	return a, c.err
}

func parseAppendMessages(c *cursor) (all []AppendMessage) {
	for c.ok() {
		c.sp()
		all = append(all, parseAppendMessage(c))
		if c.atEnd() {
			break
		}
	}
	return all
}

// append-message = [SP flag-list] [SP date-time] SP append-data
func parseAppendMessage(c *cursor) (m AppendMessage) {
	if c.ok() && c.peek() == '(' {
		m.Flags = c.flagList()
		c.sp()
	}
	if c.ok() && c.peek() == '"' {
		m.Date = c.dateTime()
		c.sp()
	}
	parseAppendData(c, &m)
	return m
}

// append-data = literal / literal8 / "UTF8" SP "(" literal8 ")" /
// "CATENATE" SP "(" cat-part *(SP cat-part) ")"
func parseAppendData(c *cursor, m *AppendMessage) {
	switch at := c.pos; c.peek() {
	case '{', '~', 0:
		m.Message = c.messageLiteral()
	default:
		switch c.upperAtom() {
		case "UTF8":
			m.UTF8 = true
			m.Message = c.utf8Literal()
		case "CATENATE":
			c.sp()
			c.expect('(')
			m.Catenate = []CatenatePart{}
			parseCatenate(c, m)
		default:
			c.failAt(at, "expected a literal, UTF8 or CATENATE")
		}
	}
}

// utf8Literal takes SP "(" literal8 ")", but for the last where the literal is
// still to come.
func (c *cursor) utf8Literal() Literal {
	c.sp()
	c.expect('(')
	lit := c.messageLiteral()
	if c.ok() && !lit.Binary {
		c.fail("UTF8 takes a literal8")
	}
	if !c.partial() {
		c.expect(')')
	}
	return lit
}

func (c *cursor) messageLiteral() Literal {
	lit := c.literal()
	lit.Data = bytes.Clone(lit.Data)
	return lit
}

func (a *Append) appendArgs(e *encoder) {
	e.sp()
	e.mailbox(a.Mailbox)
	for i := range a.Messages {
		a.Messages[i].append(e)
	}
}

func (m *AppendMessage) append(e *encoder) {
	if !m.Flags.Empty() {
		e.sp()
		e.dst = AppendFlags(e.dst, &m.Flags)
	}
	if !m.Date.IsZero() {
		e.sp()
		e.dst = AppendDateTime(e.dst, m.Date)
	}
	e.sp()
	switch {
	case m.Catenate != nil:
		e.catenate(m.Catenate)
	case m.UTF8:
		e.utf8Literal(m.Message)
	default:
		e.literal(m.Message)
	}
}

func (e *encoder) utf8Literal(lit Literal) {
	e.raw("UTF8 (")
	e.literal(lit)
	e.raw(")")
}
