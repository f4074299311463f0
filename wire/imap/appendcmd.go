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
	parseAppendMessages(c, a)
	return a, c.err
}

func parseAppendMessages(c *cursor, a *Append) {
	for c.ok() {
		c.sp()
		a.Messages = append(a.Messages, parseAppendMessage(c))
		if c.atEnd() {
			return
		}
	}
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
	if c.ok() && (c.peek() == 'U' || c.peek() == 'u') {
		c.keyword("UTF8")
		c.sp()
		c.expect('(')
		m.UTF8 = true
		m.Message = c.messageLiteral()
		if c.ok() && !m.Message.Binary {
			c.fail("UTF8 takes a literal8")
		}
		if !c.partial() {
			c.expect(')')
		}
		return m
	}
	m.Message = c.messageLiteral()
	return m
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
	if m.UTF8 {
		e.raw("UTF8 (")
	}
	e.literal(m.Message)
	if m.UTF8 {
		e.raw(")")
	}
}
