package imap

// ListData is one LIST response (RFC 9051 §7.3.1).
type ListData struct {
	Attributes []string // with backslash
	// Separator is the hierarchy separator, 0 for NIL.
	Separator byte
	Mailbox   string // UTF-8
	// ChildInfo holds the selection options of CHILDINFO, such as
	// "SUBSCRIBED" (RFC 5258 §3.5).
	ChildInfo []string
	// OldName, if not "", is the name it had (RFC 9051 §6.3.9.7).
	OldName string
}

// List writes LIST.
func (w *Writer) List(d *ListData) { w.list("* LIST (", d) }

// Lsub writes LSUB (RFC 3501 §7.2.3).
func (w *Writer) Lsub(d *ListData) { w.list("* LSUB (", d) }

func (w *Writer) list(head string, d *ListData) {
	w.raw(head)
	w.space = false
	for _, a := range d.Attributes {
		w.item(a)
	}
	w.raw(") ")
	w.separator(d.Separator)
	w.raw(" ")
	w.Buf = AppendMailbox(w.Buf, d.Mailbox, w.UTF8)
	if len(d.ChildInfo) > 0 || d.OldName != "" {
		w.listExtended(d)
	}
	w.CRLF()
}

// mbox-list-extended = "(" [item *(SP item)] ")"
func (w *Writer) listExtended(d *ListData) {
	w.raw(" (")
	w.space = false
	if len(d.ChildInfo) > 0 {
		w.item(`"CHILDINFO" (`)
		w.space = false
		for _, option := range d.ChildInfo {
			w.item("")
			w.Buf = AppendString(w.Buf, option, false)
		}
		w.raw(")")
		w.space = true
	}
	if d.OldName != "" {
		w.item(`"OLDNAME" (`)
		w.Buf = AppendMailbox(w.Buf, d.OldName, w.UTF8)
		w.raw(")")
	}
	w.raw(")")
}

func (w *Writer) separator(sep byte) {
	if sep == 0 {
		w.raw("NIL")
		return
	}
	w.Buf = AppendString(w.Buf, []byte{sep}, false)
}

// StatusStart begins "* STATUS mailbox (", to be followed by items and
// StatusEnd.
func (w *Writer) StatusStart(mailbox string) {
	w.raw("* STATUS ")
	w.Buf = AppendMailbox(w.Buf, mailbox, w.UTF8)
	w.raw(" (")
	w.space = false
}

// StatusNumber writes an item that is a number.
func (w *Writer) StatusNumber(item StatusItems, n uint64) {
	w.item(item.String())
	w.raw(" ")
	w.uint(n)
}

// StatusMailboxID writes MAILBOXID (RFC 8474 §4.3).
func (w *Writer) StatusMailboxID(id string) {
	w.item("MAILBOXID (")
	w.raw(id)
	w.raw(")")
}

// StatusNoAppendLimit writes APPENDLIMIT NIL: no limit (RFC 7889 §4).
func (w *Writer) StatusNoAppendLimit() { w.item("APPENDLIMIT NIL") }

// StatusEnd ends STATUS.
func (w *Writer) StatusEnd() { w.raw(")\r\n") }

// NamespaceDescr is one namespace.
type NamespaceDescr struct {
	Prefix    string // UTF-8
	Separator byte   // 0 for NIL
}

// Namespace writes NAMESPACE; an empty list is NIL (RFC 9051 §7.3.3).
func (w *Writer) Namespace(personal, others, shared []NamespaceDescr) {
	w.raw("* NAMESPACE")
	for _, list := range [3][]NamespaceDescr{personal, others, shared} {
		w.raw(" ")
		if len(list) == 0 {
			w.raw("NIL")
			continue
		}
		w.raw("(")
		for _, d := range list {
			w.raw("(")
			w.Buf = appendMailboxString(w.Buf, d.Prefix, w.UTF8)
			w.raw(" ")
			w.separator(d.Separator)
			w.raw(")")
		}
		w.raw(")")
	}
	w.CRLF()
}
