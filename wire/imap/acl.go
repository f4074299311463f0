package imap

// Commands on access control lists (RFC 4314 §3). Identifiers and rights are
// as sent; package acl knows what they mean.
type (
	// SetACL is SETACL (RFC 4314 §3.1). Rights may begin with "+" or "-".
	SetACL struct{ Mailbox, Identifier, Rights string }
	// DeleteACL is DELETEACL (RFC 4314 §3.2).
	DeleteACL struct{ Mailbox, Identifier string }
	// GetACL is GETACL (RFC 4314 §3.3).
	GetACL struct{ Mailbox string }
	// ListRights is LISTRIGHTS (RFC 4314 §3.4).
	ListRights struct{ Mailbox, Identifier string }
	// MyRights is MYRIGHTS (RFC 4314 §3.5).
	MyRights struct{ Mailbox string }
)

func (*SetACL) Name() string     { return "SETACL" }
func (*DeleteACL) Name() string  { return "DELETEACL" }
func (*GetACL) Name() string     { return "GETACL" }
func (*ListRights) Name() string { return "LISTRIGHTS" }
func (*MyRights) Name() string   { return "MYRIGHTS" }

// setacl = "SETACL" SP mailbox SP identifier SP mod-rights
func parseSetACL(c *cursor) (Command, error) {
	c.sp()
	a := &SetACL{Mailbox: c.mailbox()}
	c.sp()
	a.Identifier = c.astring()
	c.sp()
	a.Rights = c.astring()
	return a, c.err
}

// deleteacl = "DELETEACL" SP mailbox SP identifier
func parseDeleteACL(c *cursor) (Command, error) {
	c.sp()
	a := &DeleteACL{Mailbox: c.mailbox()}
	c.sp()
	a.Identifier = c.astring()
	return a, c.err
}

// getacl = "GETACL" SP mailbox
func parseGetACL(c *cursor) (Command, error) {
	c.sp()
	return &GetACL{c.mailbox()}, c.err
}

// listrights = "LISTRIGHTS" SP mailbox SP identifier
func parseListRights(c *cursor) (Command, error) {
	c.sp()
	a := &ListRights{Mailbox: c.mailbox()}
	c.sp()
	a.Identifier = c.astring()
	return a, c.err
}

// myrights = "MYRIGHTS" SP mailbox
func parseMyRights(c *cursor) (Command, error) {
	c.sp()
	return &MyRights{c.mailbox()}, c.err
}

func (a *GetACL) appendArgs(e *encoder)   { e.sp(); e.mailbox(a.Mailbox) }
func (a *MyRights) appendArgs(e *encoder) { e.sp(); e.mailbox(a.Mailbox) }

func (a *DeleteACL) appendArgs(e *encoder)  { e.mailboxIdentifier(a.Mailbox, a.Identifier) }
func (a *ListRights) appendArgs(e *encoder) { e.mailboxIdentifier(a.Mailbox, a.Identifier) }

func (a *SetACL) appendArgs(e *encoder) {
	e.mailboxIdentifier(a.Mailbox, a.Identifier)
	e.sp()
	e.astring(a.Rights)
}

func (e *encoder) mailboxIdentifier(mailbox, identifier string) {
	e.sp()
	e.mailbox(mailbox)
	e.sp()
	e.astring(identifier)
}

// ACLEntry is what one identifier has (RFC 4314 §3.6).
type ACLEntry struct {
	Identifier string // with "-" before it for negative rights
	Rights     string
}

// ACL writes ACL (RFC 4314 §3.6).
func (w *Writer) ACL(mailbox string, entries []ACLEntry) {
	w.raw("* ACL ")
	w.Buf = AppendMailbox(w.Buf, mailbox, w.UTF8)
	for _, e := range entries {
		w.astring(e.Identifier)
		w.astring(e.Rights)
	}
	w.CRLF()
}

// ListRights writes LISTRIGHTS (RFC 4314 §3.7).
func (w *Writer) ListRights(mailbox, identifier, required string, optional []string) {
	w.raw("* LISTRIGHTS ")
	w.Buf = AppendMailbox(w.Buf, mailbox, w.UTF8)
	w.astring(identifier)
	w.astring(required)
	for _, rights := range optional {
		w.astring(rights)
	}
	w.CRLF()
}

// MyRights writes MYRIGHTS (RFC 4314 §3.8).
func (w *Writer) MyRights(mailbox, rights string) {
	w.raw("* MYRIGHTS ")
	w.Buf = AppendMailbox(w.Buf, mailbox, w.UTF8)
	w.astring(rights)
	w.CRLF()
}

// astring writes a space and an astring.
func (w *Writer) astring(s string) {
	w.raw(" ")
	w.Buf = AppendAString(w.Buf, s, w.UTF8)
}

// Responses about access control lists.
type (
	// ACLResponse is ACL (RFC 4314 §3.6).
	ACLResponse struct {
		Mailbox string
		Entries []ACLEntry
	}
	// ListRightsResponse is LISTRIGHTS (RFC 4314 §3.7).
	ListRightsResponse struct {
		Mailbox, Identifier, Required string
		Optional                      []string
	}
	// MyRightsResponse is MYRIGHTS (RFC 4314 §3.8).
	MyRightsResponse struct{ Mailbox, Rights string }
)

func (*ACLResponse) response()        {}
func (*ListRightsResponse) response() {}
func (*MyRightsResponse) response()   {}

// acl-data = "ACL" SP mailbox *(SP identifier SP rights)
func parseACLResponse(c *cursor) Response {
	c.sp()
	r := &ACLResponse{Mailbox: c.anyMailbox()}
	for !c.atEnd() {
		c.sp()
		e := ACLEntry{Identifier: c.astring()}
		c.sp()
		e.Rights = c.astring()
		r.Entries = append(r.Entries, e)
	}
	return r
}

// listrights-data = "LISTRIGHTS" SP mailbox SP identifier SP rights
// *(SP rights)
func parseListRightsResponse(c *cursor) Response {
	c.sp()
	r := &ListRightsResponse{Mailbox: c.anyMailbox()}
	c.sp()
	r.Identifier = c.astring()
	c.sp()
	r.Required = c.astring()
	for !c.atEnd() {
		c.sp()
		r.Optional = append(r.Optional, c.astring())
	}
	return r
}

// myrights-data = "MYRIGHTS" SP mailbox SP rights
func parseMyRightsResponse(c *cursor) Response {
	c.sp()
	r := &MyRightsResponse{Mailbox: c.anyMailbox()}
	c.sp()
	r.Rights = c.astring()
	return r
}
