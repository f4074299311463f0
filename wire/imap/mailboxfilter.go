package imap

// MailboxFilterKind is a way to say which mailboxes are meant (RFC 5465 §6,
// RFC 7377 §2.2).
type MailboxFilterKind uint8

const (
	FilterSelected        MailboxFilterKind = iota // the selected mailbox
	FilterSelectedDelayed                          // NOTIFY only
	FilterInboxes                                  // those that mail is delivered to
	FilterPersonal                                 // the personal namespace
	FilterSubscribed
	FilterSubtree    // Names and all below them
	FilterSubtreeOne // Names and those directly below them; ESEARCH only
	FilterMailboxes  // Names, without wildcards
)

// MailboxFilter is one filter-mailboxes, of NOTIFY and ESEARCH.
type MailboxFilter struct {
	Kind  MailboxFilterKind
	Names []string // of the last three kinds: at least one, UTF-8; U+FFFD: see noMatch
}

// isSelected says that the selected mailbox is meant.
func (f *MailboxFilter) isSelected() bool { return f.Kind <= FilterSelectedDelayed }

// mailboxFilterNames is indexed by kind.
var mailboxFilterNames = [...]string{"SELECTED", "SELECTED-DELAYED", "INBOXES", "PERSONAL", "SUBSCRIBED", "SUBTREE", "SUBTREE-ONE", "MAILBOXES"}

// String is the name of the kind.
func (k MailboxFilterKind) String() string {
	if int(k) < len(mailboxFilterNames) {
		return mailboxFilterNames[k]
	}
	return ""
}

// filter-mailboxes = "selected" / "selected-delayed" / "inboxes" / "personal" /
// "subscribed" / ("subtree" / "subtree-one" / "mailboxes") SP one-or-more-mailbox;
// without is the one that the command at hand does not have.
func (c *cursor) mailboxFilter(without MailboxFilterKind) (f MailboxFilter) {
	at := c.pos
	name := c.upperAtom()
	for kind, n := range mailboxFilterNames {
		if n != name || MailboxFilterKind(kind) == without {
			continue
		}
		f.Kind = MailboxFilterKind(kind)
		if f.Kind >= FilterSubtree {
			c.sp()
			f.Names = c.oneOrMoreMailboxes()
		}
		return f
	}
	c.failAt(at, "unknown mailbox specifier")
	return f
}

// one-or-more-mailbox = mailbox / "(" mailbox *(SP mailbox) ")"
func (c *cursor) oneOrMoreMailboxes() (names []string) {
	if c.peek() != '(' {
		return []string{c.namedMailbox()}
	}
	c.list(func() { names = append(names, c.namedMailbox()) })
	return names
}

// namedMailbox is a mailbox that is passed over if it does not exist, and so
// if it cannot exist (RFC 5465 §3.1, RFC 7377 §2.2).
func (c *cursor) namedMailbox() string {
	raw := c.astringBytes(classAString)
	if equalUpper(raw, "INBOX") {
		return "INBOX"
	}
	return c.decodePattern(raw)
}

func (e *encoder) mailboxFilter(f *MailboxFilter) {
	e.raw(f.Kind.String())
	if f.Kind < FilterSubtree {
		return
	}
	e.raw(" (")
	for i, name := range f.Names {
		if i > 0 {
			e.sp()
		}
		e.mailbox(name)
	}
	e.raw(")")
}
