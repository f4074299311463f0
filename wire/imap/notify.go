package imap

import (
	"math/bits"
	"strings"
)

// Notify is NOTIFY (RFC 5465).
type Notify struct {
	// Groups are the event groups of NOTIFY SET; none for NOTIFY NONE.
	Groups []NotifyGroup
	// Status asks for a STATUS response for each mailbox watched.
	Status bool
}

// NotifyGroup says which events of some mailboxes are to be told.
type NotifyGroup struct {
	Filter MailboxFilter
	Events NotifyEvents // 0 for NONE
	// Fetch is what MessageNew asks of messages that come into the selected
	// mailbox; nil for nothing.
	Fetch []FetchItem
	// Unknown holds events that this package does not know, in upper case.
	Unknown []string
}

// NotifyEvents is a bit set of the events of RFC 5465 §5.
type NotifyEvents uint8

const (
	NotifyMessageNew NotifyEvents = 1 << iota
	NotifyMessageExpunge
	NotifyFlagChange
	NotifyAnnotationChange
	NotifyMailboxName
	NotifySubscriptionChange
	NotifyMailboxMetadataChange
	NotifyServerMetadataChange

	// NotifyMessageEvents are those about messages, the only ones for the
	// selected mailbox (RFC 5465 §6.1).
	NotifyMessageEvents = NotifyMessageNew | NotifyMessageExpunge | NotifyFlagChange | NotifyAnnotationChange
)

// notifyEventNames is indexed by bit number.
var notifyEventNames = [...]string{
	"MessageNew", "MessageExpunge", "FlagChange", "AnnotationChange",
	"MailboxName", "SubscriptionChange", "MailboxMetadataChange", "ServerMetadataChange",
}

// Names gives the names of the events.
func (e NotifyEvents) Names() []string {
	names := make([]string, 0, bits.OnesCount8(uint8(e)))
	for i, name := range notifyEventNames {
		if e&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return names
}

// CodeNotificationOverflow says that NOTIFY asks for too much, or that the
// server stops notifying (RFC 5465 §3.1, §5.8).
const CodeNotificationOverflow CodeAtom = "NOTIFICATIONOVERFLOW"

// CodeBadEvent is BADEVENT with the events that can be asked for (RFC 5465
// §3.1).
type CodeBadEvent NotifyEvents

func (CodeBadEvent) CodeName() string { return "BADEVENT" }

func (c CodeBadEvent) appendArg(dst []byte) []byte {
	dst = append(dst, " ("...)
	dst = append(dst, strings.Join(NotifyEvents(c).Names(), " ")...)
	return append(dst, ')')
}

// "BADEVENT" SP "(" event-name *(SP event-name) ")"; a client passes over
// events it does not know.
func parseBadEvent(c *cursor) Code {
	c.sp()
	code := CodeBadEvent(0)
	c.list(func() {
		event, _ := notifyEvent(c.atom())
		code |= CodeBadEvent(event)
	})
	return code
}

func notifyEvent(name []byte) (NotifyEvents, bool) {
	for i, n := range notifyEventNames {
		if strings.EqualFold(n, string(name)) {
			return 1 << i, true
		}
	}
	return 0, false
}

func (*Notify) Name() string { return "NOTIFY" }

func (n *Notify) appendArgs(e *encoder) {
	if len(n.Groups) == 0 {
		e.raw(" NONE")
		return
	}
	e.raw(" SET")
	if n.Status {
		e.raw(" STATUS")
	}
	for i := range n.Groups {
		e.raw(" (")
		n.Groups[i].append(e)
		e.raw(")")
	}
}

func (g *NotifyGroup) append(e *encoder) {
	e.mailboxFilter(&g.Filter)
	if g.Events == 0 && len(g.Unknown) == 0 {
		e.raw(" NONE")
		return
	}
	separator := " ("
	for _, name := range append(g.Events.Names(), g.Unknown...) {
		e.raw(separator)
		e.raw(name)
		if name == notifyEventNames[0] && g.Fetch != nil {
			appendFetchList(e, g.Fetch)
		}
		separator = " "
	}
	e.raw(")")
}

// appendFetchList appends a list of items with the space before it.
func appendFetchList(e *encoder, items []FetchItem) {
	separator := " ("
	for i := range items {
		e.raw(separator)
		e.dst = appendFetchItem(e.dst, &items[i])
		separator = " "
	}
	e.raw(")")
}

// notify = "NOTIFY" SP (notify-set / notify-none)
// notify-set = "SET" [SP "STATUS"] SP event-group *(SP event-group)
func parseNotify(c *cursor) (Command, error) {
	n := &Notify{}
	c.sp()
	at := c.pos
	switch c.upperAtom() {
	case "NONE":
		return n, c.err
	case "SET":
	default:
		c.failAt(at, "expected SET or NONE")
	}
	if c.ok() && c.peek() == ' ' && c.peekAt(1) != '(' {
		c.sp()
		c.keyword("STATUS")
		n.Status = true
	}
	selected := false
	for c.ok() && (len(n.Groups) == 0 || !c.atEnd()) {
		if len(n.Groups) == maxListItems {
			c.failKind(TooLarge, c.pos, "too many event groups")
		}
		c.sp()
		at := c.pos
		n.Groups = append(n.Groups, parseNotifyGroup(c))
		if n.Groups[len(n.Groups)-1].Filter.isSelected() {
			if selected { // RFC 5465 §6.1
				c.failAt(at, "the selected mailbox can be named once")
			}
			selected = true
		}
	}
	return n, c.err
}

// event-group = "(" filter-mailboxes SP events ")"
func parseNotifyGroup(c *cursor) (g NotifyGroup) {
	c.expect('(')
	g.Filter = c.mailboxFilter(FilterSubtreeOne)
	c.sp()
	at := c.pos
	if c.ok() && c.peek() != '(' {
		c.keyword("NONE")
	} else {
		c.list(func() { parseNotifyEvent(c, &g) })
		g.check(c, at)
	}
	c.expect(')')
	return g
}

// event = message-event / mailbox-event / user-event / event-ext. Of an event
// not known, a list that may follow is passed over: it is refused for its name.
func parseNotifyEvent(c *cursor, g *NotifyGroup) {
	name := c.atom()
	event, known := notifyEvent(name)
	hasList := c.ok() && c.peek() == ' ' && c.peekAt(1) == '('
	switch {
	case c.err != nil:
	case !known:
		g.Unknown = append(g.Unknown, upper(name))
		if hasList {
			c.sp()
			c.skipValue()
		}
	case event == NotifyMessageNew && hasList:
		if !g.Filter.isSelected() {
			c.fail("only messages of the selected mailbox can be fetched")
		}
		c.sp()
		g.Fetch = nil
		c.list(func() { g.Fetch = append(g.Fetch, parseFetchItem(c, c.fetchName())) })
	}
	g.Events |= event
}

// check refuses combinations that must be answered BAD (RFC 5465 §5, §6.1).
func (g *NotifyGroup) check(c *cursor, at int) {
	both := NotifyMessageNew | NotifyMessageExpunge
	switch {
	case g.Events&NotifyMessageEvents != 0 && g.Events&both != both:
		c.failAt(at, "MessageNew and MessageExpunge must be asked for together, and with any event about messages")
	case g.Filter.isSelected() && g.Events&^NotifyMessageEvents != 0:
		c.failAt(at, "for the selected mailbox there are events about messages only")
	}
}
