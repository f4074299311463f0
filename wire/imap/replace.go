package imap

// Replace is REPLACE and UID REPLACE (RFC 8508): APPEND of one message, and
// the removal of another.
type Replace struct {
	UID bool
	// Number is the sequence number, or UID, of the message to go; 0 for "*".
	Number  uint32
	Mailbox string
	With    AppendMessage
}

func (*Replace) Name() string { return "REPLACE" }

func (r *Replace) uidForm() bool { return r.UID }

// replace = "REPLACE" SP seq-number SP mailbox append-message
func parseReplace(c *cursor) (Command, error) {
	r := c.replaceHead()
	c.sp()
	r.With = parseAppendMessage(c)
	return r, c.err
}

// replaceHead takes what stands before the message.
func (c *cursor) replaceHead() *Replace {
	r := &Replace{UID: c.uid}
	c.sp()
	if !c.take('*') {
		r.Number = c.nzNumber()
	}
	c.sp()
	r.Mailbox = c.mailbox()
	return r
}

func (r *Replace) appendArgs(e *encoder) {
	e.sp()
	if r.Number == 0 {
		e.raw("*")
	} else {
		e.uint(uint64(r.Number))
	}
	e.sp()
	e.mailbox(r.Mailbox)
	r.With.append(e)
}
