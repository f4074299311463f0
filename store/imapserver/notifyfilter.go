package imapserver

import (
	"slices"

	"citron/mail/mailbox"
	"citron/wire/imap"
)

// Which events of which mailboxes a NOTIFY asks for (RFC 5465 §6).

// watchList is the event groups of a NOTIFY SET but those of the selected
// mailbox. A mailbox has the events of all groups that match it, in whatever
// order they stand (§6, first example); one that a group with NONE matches has
// none at all: that is what §8 has NONE mean, of whatever else is asked.
type watchList struct {
	groups []watchGroup
	events imap.NotifyEvents // of any group
	// foreign: a group can match mailboxes of others at all.
	foreign bool
}

// watchGroup is an event group.
type watchGroup struct {
	kind   imap.MailboxFilterKind
	names  []string // canonical, sorted; the subtree of "" is all there is
	events imap.NotifyEvents
}

func (l *watchList) add(g *imap.NotifyGroup) {
	w := newWatchGroup(&g.Filter, g.Events)
	l.groups = append(l.groups, w)
	l.foreign = l.foreign || w.kind == imap.FilterSubscribed || w.everything() || slices.ContainsFunc(w.names, foreign)
	l.events |= g.Events
}

func newWatchGroup(f *imap.MailboxFilter, events imap.NotifyEvents) watchGroup {
	w := watchGroup{kind: f.Kind, events: events}
	for _, name := range f.Names {
		w.names = append(w.names, mailbox.Canonical(name))
	}
	slices.Sort(w.names)
	w.names = slices.Compact(w.names)
	return w
}

// watched is a name that a group may match, whether there is a mailbox or not.
type watched struct {
	name       string
	inbox      bool // mail is delivered to it
	personal   bool // in the personal namespace
	subscribed bool
}

// of gives the events asked for.
func (l *watchList) of(w watched) (events imap.NotifyEvents) {
	if l.events == 0 {
		return 0
	}
	for i := range l.groups {
		if g := &l.groups[i]; !g.matches(w) {
			continue
		} else if g.events == 0 {
			return 0
		} else {
			events |= g.events
		}
	}
	return events
}

func (g *watchGroup) matches(w watched) bool {
	switch g.kind {
	case imap.FilterInboxes:
		return w.inbox
	case imap.FilterPersonal:
		return w.personal
	case imap.FilterSubscribed:
		return w.subscribed
	case imap.FilterMailboxes:
		return g.has(w.name)
	case imap.FilterSubtreeOne: // of ESEARCH (RFC 7377 §2.2)
		return g.has(w.name) || g.has(mailbox.Parent(w.name))
	}
	for name := w.name; name != ""; name = mailbox.Parent(name) {
		if g.has(name) {
			return true
		}
	}
	return g.everything()
}

// everything: the group asks for what is below the root of all names.
func (g *watchGroup) everything() bool { return g.kind == imap.FilterSubtree && g.has("") }

func (g *watchGroup) has(name string) bool {
	_, found := slices.BinarySearch(g.names, name)
	return found
}

// eventsOf gives the events asked for of a mailbox that the user may know of and
// read; all need both rights (RFC 5465 §5).
func (s *Session) eventsOf(f *feed, at place) imap.NotifyEvents {
	if accessOf(at.rights) != readable {
		return 0
	}
	return s.notify.others.of(s.watched(f, at.info.Name))
}

// watched describes a name of an account to the groups. INBOX is where delivery
// files (store.Filing), and the only such mailbox.
func (s *Session) watched(f *feed, name string) watched {
	full := f.prefix + name
	return watched{name: full, inbox: full == "INBOX", personal: f.prefix == "", subscribed: s.user.account.Subscribed(full)}
}
