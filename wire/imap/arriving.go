package imap

// Arriving is an APPEND or REPLACE that is still coming in, at a literal of one
// of its messages.
type Arriving struct {
	Mailbox string
	// Replace is nil for APPEND; it lacks the message.
	Replace *Replace
	// Messages begin where the literal before this one ended; the last of
	// them ends in this one.
	Messages []AppendMessage
	// Continues: the first of Messages holds further parts of the CATENATE
	// that the literal before was a part of.
	Continues bool
	// At is where this literal stands.
	At AppendPoint
}

// AppendPoint is where a literal stands among the arguments of APPEND.
type AppendPoint struct {
	Catenate bool // in the list of CATENATE
	UTF8     bool // in the parentheses of UTF8
}

// Name is the verb.
func (a *Arriving) Name() string {
	if a.Replace != nil {
		return a.Replace.Name()
	}
	return (*Append)(nil).Name()
}

// Literal is the one that is announced.
func (a *Arriving) Literal() Literal {
	m := &a.Messages[len(a.Messages)-1]
	if n := len(m.Catenate); n > 0 {
		return m.Catenate[n-1].Text
	}
	return m.Message
}

// ParseAppend parses a frame that stands at a literal not yet decided upon
// (LiteralStart), if it is an APPEND or REPLACE and the literal belongs to one
// of its messages; for every other literal a is nil. The session may so refuse
// a message, or choose where it goes, before it comes.
//
// before is where the last literal stood that was sunk. What precedes that was
// looked at then; it is passed over, so that many literals cost no more than
// few.
func (p Parser) ParseAppend(f Frame, before AppendPoint) (tag string, a *Arriving, err error) {
	c := &cursor{buf: f.Bytes, frame: &f, utf8: p.UTF8}
	tag, verb, _ := parseVerb(c)
	if c.err != nil || !equalUpper(verb, "APPEND") && !equalUpper(verb, "REPLACE") {
		return tag, nil, nil
	}
	a = &Arriving{}
	if equalUpper(verb, "REPLACE") {
		a.Replace = c.replaceHead()
		a.Mailbox = a.Replace.Mailbox
	} else {
		c.sp()
		a.Mailbox = c.mailbox()
	}
	if c.ok() {
		a.parseRest(c, len(f.sinks), before)
	}
	switch {
	case c.inString: // of a name or URL
		return tag, nil, nil
	case c.err != nil:
		e := c.err.(*Error)
		e.Tag, e.Verb = tag, a.Name()
		return tag, nil, e
	}
	last := &a.Messages[len(a.Messages)-1]
	if n := len(last.Catenate); n > 0 {
		a.At = AppendPoint{Catenate: true, UTF8: last.Catenate[n-1].UTF8}
	} else {
		a.At = AppendPoint{UTF8: last.UTF8}
	}
	return tag, a, nil
}

// parseRest goes on after the last of the literals sunk.
func (a *Arriving) parseRest(c *cursor, sunk int, before AppendPoint) {
	if sunk > 0 {
		c.pos, c.sinks = c.frame.sinks[sunk-1], sunk
		if before.UTF8 {
			c.expect(')')
		}
	}
	if a.Continues = sunk > 0 && before.Catenate; a.Continues {
		var m AppendMessage
		m.Catenate = []CatenatePart{}
		if !c.take(')') {
			c.sp()
			parseCatenate(c, &m)
		}
		a.Messages = append(a.Messages, m)
	}
	if !c.partial() {
		if a.Replace != nil && sunk > 0 {
			c.fail("REPLACE takes one message")
		}
		a.Messages = append(a.Messages, parseAppendMessages(c)...)
	}
	if c.ok() && a.Replace != nil && len(a.Messages) > 1 {
		c.fail("REPLACE takes one message")
	}
}

// AfterSink gives, of a whole command's messages, those that follow the literal
// with a number from 0 among those sunk, all for -1; continues as in Arriving.
func AfterSink(all []AppendMessage, sink int) (rest []AppendMessage, continues bool) {
	if sink < 0 {
		return all, false
	}
	for i := range all {
		m := &all[i]
		if m.Catenate == nil && m.Message.Sink == sink {
			return all[i+1:], false
		}
		for j := range m.Catenate {
			if m.Catenate[j].Text.Sink != sink {
				continue
			}
			rest = append([]AppendMessage{{Catenate: m.Catenate[j+1:]}}, all[i+1:]...)
			return rest, true
		}
	}
	return nil, false
}
