package imap

// QUOTA (RFC 9208).

// GetQuota is GETQUOTA (RFC 9208 §4.1.1).
type GetQuota struct{ Root string }

// GetQuotaRoot is GETQUOTAROOT (RFC 9208 §4.1.2); the mailbox need not exist.
type GetQuotaRoot struct{ Mailbox string }

// QuotaResource is the use and the limit of one resource: STORAGE in units of
// 1,024 octets, MAILBOX in mailboxes; both 0 … 2^63-1.
type QuotaResource struct {
	Name         string // upper case
	Usage, Limit int64
}

func (*GetQuota) Name() string     { return "GETQUOTA" }
func (*GetQuotaRoot) Name() string { return "GETQUOTAROOT" }

func (q *GetQuota) appendArgs(e *encoder)     { e.sp(); e.astring(q.Root) }
func (q *GetQuotaRoot) appendArgs(e *encoder) { e.sp(); e.mailbox(q.Mailbox) }

// getquota = "GETQUOTA" SP quota-root-name
func parseGetQuota(c *cursor) (Command, error) {
	c.sp()
	return &GetQuota{c.astring()}, c.err
}

// getquotaroot = "GETQUOTAROOT" SP mailbox
func parseGetQuotaRoot(c *cursor) (Command, error) {
	c.sp()
	return &GetQuotaRoot{c.mailbox()}, c.err
}

// Quota writes QUOTA (RFC 9208 §4.2.1).
func (w *Writer) Quota(root string, resources []QuotaResource) {
	w.raw("* QUOTA ")
	w.Buf = AppendString(w.Buf, root, w.UTF8)
	w.raw(" (")
	w.space = false
	for _, r := range resources {
		w.item(r.Name)
		w.raw(" ")
		w.uint(uint64(r.Usage))
		w.raw(" ")
		w.uint(uint64(r.Limit))
	}
	w.raw(")\r\n")
}

// QuotaRoot writes QUOTAROOT with the roots of a mailbox (RFC 9208 §4.2.2).
func (w *Writer) QuotaRoot(mailbox string, roots []string) {
	w.raw("* QUOTAROOT ")
	w.Buf = AppendMailbox(w.Buf, mailbox, w.UTF8)
	for _, root := range roots {
		w.raw(" ")
		w.Buf = AppendString(w.Buf, root, w.UTF8)
	}
	w.CRLF()
}

// Responses of RFC 9208 §4.2.
type (
	QuotaResponse struct {
		Root      string
		Resources []QuotaResource
	}
	QuotaRootResponse struct {
		Mailbox string
		Roots   []string
	}
)

func (*QuotaResponse) response()     {}
func (*QuotaRootResponse) response() {}

// quota-response = "QUOTA" SP quota-root-name SP quota-list; the list may be
// empty (§4.2.1).
func parseQuotaResponse(c *cursor) Response {
	c.sp()
	r := &QuotaResponse{Root: c.astring()}
	c.sp()
	c.listOrEmpty(func() {
		q := QuotaResource{Name: c.upperAtom()}
		c.sp()
		q.Usage = c.number64()
		c.sp()
		q.Limit = c.number64()
		r.Resources = append(r.Resources, q)
	})
	return r
}

// quotaroot-response = "QUOTAROOT" SP mailbox *(SP quota-root-name)
func parseQuotaRootResponse(c *cursor) Response {
	c.sp()
	r := &QuotaRootResponse{Mailbox: c.anyMailbox()}
	for !c.atEnd() {
		c.sp()
		r.Roots = append(r.Roots, c.astring())
	}
	return r
}
