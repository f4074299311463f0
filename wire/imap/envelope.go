package imap

// Envelope is the ENVELOPE of a message (RFC 9051 §7.5.2). A list that is NIL
// is nil.
type Envelope struct {
	Date, Subject NString
	From, Sender  []Address
	ReplyTo       []Address
	To, Cc, Bcc   []Address
	InReplyTo     NString
	MessageID     NString
}

// Address is an address of an envelope. Host NIL begins a group, whose name is
// Mailbox, or ends it when Mailbox is NIL too.
type Address struct {
	Name    NString
	Route   NString // addr-adl
	Mailbox NString
	Host    NString
}

// lists are the six address lists in their order.
func (e *Envelope) lists() [6]*[]Address {
	return [6]*[]Address{&e.From, &e.Sender, &e.ReplyTo, &e.To, &e.Cc, &e.Bcc}
}

// envelope = "(" env-date SP env-subject SP env-from SP env-sender SP
// env-reply-to SP env-to SP env-cc SP env-bcc SP env-in-reply-to SP
// env-message-id ")"
func parseEnvelope(c *cursor) *Envelope {
	e := &Envelope{}
	c.expect('(')
	e.Date = c.nstr()
	c.sp()
	e.Subject = c.nstr()
	for _, list := range e.lists() {
		c.sp()
		*list = parseAddresses(c)
	}
	c.sp()
	e.InReplyTo = c.nstr()
	c.sp()
	e.MessageID = c.nstr()
	c.expect(')')
	return e
}

// "(" 1*address ")" / nil
func parseAddresses(c *cursor) (list []Address) {
	if c.nil() {
		return nil
	}
	c.expect('(')
	for c.ok() && c.take('(') {
		a := Address{Name: c.nstr()}
		c.sp()
		a.Route = c.nstr()
		c.sp()
		a.Mailbox = c.nstr()
		c.sp()
		a.Host = c.nstr()
		c.expect(')')
		list = append(list, a)
		c.take(' ')
	}
	c.expect(')')
	return list
}

// AppendEnvelope appends e in wire form.
func AppendEnvelope(dst []byte, e *Envelope, utf8Mode bool) []byte {
	dst = append(dst, '(')
	dst = appendNStr(dst, e.Date, utf8Mode)
	dst = append(dst, ' ')
	dst = appendNStr(dst, e.Subject, utf8Mode)
	for _, list := range e.lists() {
		dst = append(dst, ' ')
		dst = appendAddresses(dst, *list, utf8Mode)
	}
	dst = append(dst, ' ')
	dst = appendNStr(dst, e.InReplyTo, utf8Mode)
	dst = append(dst, ' ')
	dst = appendNStr(dst, e.MessageID, utf8Mode)
	return append(dst, ')')
}

func appendAddresses(dst []byte, list []Address, utf8Mode bool) []byte {
	if len(list) == 0 {
		return AppendNIL(dst)
	}
	dst = append(dst, '(')
	for i := range list {
		a := &list[i]
		dst = append(dst, '(')
		dst = appendNStr(dst, a.Name, utf8Mode)
		dst = append(dst, ' ')
		dst = appendNStr(dst, a.Route, utf8Mode)
		dst = append(dst, ' ')
		dst = appendNStr(dst, a.Mailbox, utf8Mode)
		dst = append(dst, ' ')
		dst = appendNStr(dst, a.Host, utf8Mode)
		dst = append(dst, ')')
	}
	return append(dst, ')')
}

func appendNStr(dst []byte, s NString, utf8Mode bool) []byte {
	if !s.Valid {
		return AppendNIL(dst)
	}
	return AppendString(dst, s.Value, utf8Mode)
}
