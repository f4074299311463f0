package imap

import "unicode/utf8"

// mailbox-list = "(" [mbx-list-flags] ")" SP (DQUOTE QUOTED-CHAR DQUOTE / nil)
// SP mailbox [SP mbox-list-extended]
func parseListResponse(c *cursor, lsub bool) Response {
	r := &ListResponse{Lsub: lsub}
	c.sp()
	c.listOrEmpty(func() { r.Attributes = append(r.Attributes, c.flag()) })
	c.sp()
	r.Separator = c.separator()
	c.sp()
	r.Mailbox = c.anyMailbox()
	if c.ok() && !c.atEnd() {
		c.sp()
		c.listOrEmpty(func() { parseListItem(c, &r.ListData) })
	}
	return r
}

func (c *cursor) separator() byte {
	if c.nil() {
		return 0
	}
	s := c.quoted()
	if len(s) != 1 || s[0] >= utf8.RuneSelf {
		c.fail("a hierarchy separator is one ASCII character")
		return 0
	}
	return s[0]
}

// anyMailbox is a mailbox name that may be empty, as LIST "" "" answers.
func (c *cursor) anyMailbox() string {
	at := c.pos
	raw := c.astringBytes(classAString)
	if equalUpper(raw, "INBOX") {
		return "INBOX"
	}
	return c.decodeRaw(at, raw)
}

// mbox-list-extended-item = mbox-list-extended-item-tag SP tagged-ext-val
func parseListItem(c *cursor, d *ListData) {
	name := upper(c.astringBytes(classAString))
	c.sp()
	switch name {
	case "CHILDINFO":
		c.list(func() { d.ChildInfo = append(d.ChildInfo, c.astring()) })
	case "OLDNAME":
		c.expect('(')
		d.OldName = c.anyMailbox()
		c.expect(')')
	default:
		c.skipValue()
	}
}

// "STATUS" SP mailbox SP "(" [status-att-list] ")"
func parseStatusData(c *cursor) Response {
	r := &StatusDataResponse{}
	c.sp()
	r.Mailbox = c.anyMailbox()
	c.sp()
	c.listOrEmpty(func() {
		item, known := statusItem(c.upperAtom())
		c.sp()
		if !known {
			c.skipValue()
			return
		}
		r.Items |= item
		parseStatusItem(c, r, item)
	})
	return r
}

func parseStatusItem(c *cursor, r *StatusDataResponse, item StatusItems) {
	switch item {
	case StatusMessages:
		r.Messages = c.number()
	case StatusRecent:
		r.Recent = c.number()
	case StatusUIDNext:
		r.UIDNext = c.number()
	case StatusUIDValidity:
		r.UIDValidity = c.number()
	case StatusUnseen:
		r.Unseen = c.number()
	case StatusDeleted:
		r.Deleted = c.number()
	case StatusSize:
		r.Size = c.number64()
	case StatusHighestModSeq:
		r.HighestModSeq = c.modSeq(0)
	case StatusMailboxID:
		c.expect('(')
		r.MailboxID = c.objectID()
		c.expect(')')
	case StatusDeletedStorage:
		r.DeletedStorage = c.number64()
	case StatusAppendLimit:
		if c.nil() {
			r.AppendLimit = -1
			return
		}
		r.AppendLimit = c.number64()
	}
}

// "NAMESPACE" SP namespace SP namespace SP namespace
func parseNamespaceResponse(c *cursor) Response {
	r := &NamespaceResponse{}
	for _, list := range [3]*[]NamespaceDescr{&r.Personal, &r.Others, &r.Shared} {
		c.sp()
		*list = parseNamespaceList(c)
	}
	return r
}

// namespace = nil / "(" 1*namespace-descr ")"
func parseNamespaceList(c *cursor) (list []NamespaceDescr) {
	if c.nil() {
		return nil
	}
	c.expect('(')
	for c.ok() && c.take('(') {
		at := c.pos
		d := NamespaceDescr{Prefix: c.decodeRaw(at, c.strBytes())}
		c.sp()
		d.Separator = c.separator()
		for c.ok() && c.peek() == ' ' { // namespace-response-extension
			c.sp()
			c.skipValue()
		}
		c.expect(')')
		list = append(list, d)
		c.take(' ')
	}
	c.expect(')')
	return list
}
