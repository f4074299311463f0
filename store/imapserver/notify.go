package imapserver

import (
	"slices"
	"time"

	"citron/mail/acl"
	"citron/ops/conn"
	"citron/wire/imap"
)

// NOTIFY (RFC 5465): what a client wants to hear of without asking. Which
// mailboxes and events that are is in notifyfilter.go; what is said of changes
// in other mailboxes than the selected one in notifynews.go. Of the selected one
// sync.go speaks, which asks wants what may be said.
//
// Nothing waits for a client anywhere: the accounts' feeds (notifyfeed.go) wake
// the session, and what it keeps of what it has told is one modseq per account.
// What changed since comes from account.News, and costs what changed.

var notifyCommands = []spec{
	{"NOTIFY", inAccount, slow, on((*Session).notifySet)},
}

// supportedEvents are those that can be asked for. There are no annotations
// (RFC 5257), so AnnotationChange cannot.
const supportedEvents = imap.NotifyMessageNew | imap.NotifyMessageExpunge | imap.NotifyFlagChange |
	imap.NotifyMailboxName | imap.NotifySubscriptionChange |
	imap.NotifyMailboxMetadataChange | imap.NotifyServerMetadataChange

// notifying is what a session was last asked for; without any NOTIFY it has
// none.
type notifying struct {
	selected  imap.NotifyEvents // of the selected mailbox
	immediate bool              // SELECTED: EXPUNGE needs no command
	fetch     []imap.FetchItem  // asked of new messages in it
	others    watchList
	feeds     []*feed // the user's own account first
	// public counts what was shared with anyone when that was last looked at.
	public        uint64
	unwatchPublic func() // nil if it does not matter
	// spokeAt is when the server last said anything.
	spokeAt time.Time
	// paused: reading what is new failed; it is tried again then.
	paused time.Time
	// mine is what the command just run did, of which its client is not told.
	mine deeds
	// left are mailboxes that were selected and whose client was not told
	// everything while they were.
	left []place
}

// active says that the client listens at all times; n may be nil.
func (n *notifying) active() bool {
	return n != nil && n.selected|n.others.events != 0
}

// pause has what failed tried again later; n may be nil.
func (n *notifying) pause(now time.Time) {
	if n != nil {
		n.paused = now.Add(time.Minute)
	}
}

// stop ends listening; n may be nil.
func (n *notifying) stop() {
	if n == nil {
		return
	}
	for _, f := range n.feeds {
		f.unwatch()
	}
	if n.unwatchPublic != nil {
		n.unwatchPublic()
	}
	n.feeds, n.unwatchPublic = nil, nil
}

// notifySet is NOTIFY SET and NOTIFY NONE. Until the first of them the selected
// mailbox is told of as ever; from then on what is told is what was asked for
// (RFC 5465 §3.1).
func (s *Session) notifySet(c *command, a *imap.Notify) error {
	for i := range a.Groups {
		if g := &a.Groups[i]; g.Events&^supportedEvents != 0 || len(g.Unknown) > 0 {
			return no(imap.CodeBadEvent(supportedEvents), "No such event here")
		}
	}
	if notifySize(a) > s.srv.cfg.MaxNotify {
		return no(imap.CodeNotificationOverflow, "Too much to watch")
	}
	if s.notify.active() { // what was asked for before goes on from here
		for _, f := range slices.Clone(s.notify.feeds) {
			if err := s.newsOf(c, f, f.acct.News(f.at)); err != nil {
				return err
			}
		}
	}
	n := newNotifying(a)
	n.spokeAt = s.now
	err := s.listen(n)
	if err == nil {
		err = s.describe(c, n, a.Status)
	}
	if err == nil {
		err = s.tellAccumulated(c)
	}
	if err != nil {
		n.stop()
		return err
	}
	s.notify.stop()
	s.notify = n
	for i := range n.fetch {
		if n.fetch[i].Kind == imap.FetchModSeq {
			s.enableCondstore()
		}
	}
	if s.selected != nil {
		s.selected.seenAt = 0 // look again: other things are told now
	}
	return nil
}

// tellAccumulated tells what has come up in the selected mailbox so far, as far
// as that was wanted until now: it may be that nothing of it is from here on (RFC
// 5465 §3.1). Its only error is errGone.
func (s *Session) tellAccumulated(c *command) error {
	told := s.selected == nil
	if !told {
		s.update(c, true, func() { told = true })
	}
	if !told {
		return errGone
	}
	return nil
}

// notifySize is about how much memory a NOTIFY takes as long as it lasts, in
// names.
func notifySize(a *imap.Notify) int {
	size := len(a.Groups)
	for i := range a.Groups {
		g := &a.Groups[i]
		size += len(g.Filter.Names) + fetchSize(g.Fetch)
	}
	return size
}

// fetchSize is about how much memory is held by items to be fetched later.
func fetchSize(items []imap.FetchItem) int {
	size := len(items)
	for i := range items {
		size += len(items[i].Section.Fields) + len(items[i].Section.Part)
	}
	return size
}

func newNotifying(a *imap.Notify) *notifying {
	n := &notifying{}
	for i := range a.Groups {
		switch g := &a.Groups[i]; g.Filter.Kind {
		case imap.FilterSelected, imap.FilterSelectedDelayed:
			n.selected, n.fetch = g.Events, g.Fetch
			n.immediate = g.Filter.Kind == imap.FilterSelected
		default:
			n.others.add(g)
		}
	}
	return n
}

// describe writes the STATUS of every mailbox but the selected one whose
// messages are watched, if that is asked for, and says which are watched in vain
// because the user may know of them but not read them (RFC 5465 §3.1).
func (s *Session) describe(c *command, n *notifying, status bool) error {
	for _, f := range n.feeds {
		for _, info := range f.acct.Mailboxes() {
			at := s.placeOf(f.acct, info, f.prefix)
			if f.fresh {
				f.learns(info.ID, accessOf(at.rights))
			}
			events := n.others.of(s.watched(f, info.Name))
			switch {
			case events == 0 || !at.rights.Has(acl.Lookup):
				continue
			case !at.rights.Has(acl.Read):
				s.w.List(s.eventData(f, info.Name, info, `\NoAccess`))
			case status && events&imap.NotifyMessageNew != 0 && !(s.selected != nil && s.selected.is(at)):
				items := messageItems
				if events&imap.NotifyFlagChange != 0 {
					items |= imap.StatusUnseen | imap.StatusHighestModSeq
				}
				if err := s.writeStatusOf(c, at, items); err != nil {
					return err
				}
			}
			if err := c.breathe(); err != nil {
				return err
			}
		}
		f.fresh = false
	}
	return nil
}

// messageItems is what is told when messages came or went. UIDVALIDITY is
// among it for mailboxes that the client hears of for the first time.
const messageItems = imap.StatusMessages | imap.StatusUIDNext | imap.StatusUIDValidity

// notice tells a client that listens what is new, while no command is in
// progress; true if that is under way.
func (s *Session) notice() bool {
	n := s.notify
	if !n.active() || s.now.Before(n.paused) || !s.scan.Idle() {
		return false
	}
	if s.selected != nil && n.selected != 0 {
		s.update(&command{s: s, name: "NOTIFY"}, n.immediate, func() {})
	}
	s.tellNews()
	return s.task != nil || s.then != conn.Continue
}

// rest says what a session between commands waits for. One that listens is like
// one in IDLE: it may be silent as long as it likes (RFC 5383 §4), and its
// server not longer than StillHere.
func (s *Session) rest() conn.Wait {
	n := s.notify
	if !n.active() {
		return conn.Wait{Input: true, Until: s.deadline()}
	}
	until := n.spokeAt.Add(s.srv.cfg.StillHere)
	if !s.now.Before(until) {
		s.w.Status("*", imap.OK, nil, "Still here")
		until = s.now.Add(s.srv.cfg.StillHere)
	}
	for _, at := range [...]time.Time{n.paused, s.contextsDueAt()} {
		if at.After(s.now) && at.Before(until) {
			until = at
		}
	}
	return conn.Wait{Input: true, Until: until, Idle: true}
}

// overflow ends a NOTIFY whose feed cannot be followed any more (RFC 5465
// §5.8).
func (s *Session) overflow() {
	s.notify.stop()
	s.notify = &notifying{}
	s.heardAt = s.now // autologout begins anew
	s.w.Status("*", imap.OK, imap.CodeNotificationOverflow, "Too much has happened; ask again")
}
