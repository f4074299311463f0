package imapserver

import (
	"errors"
	"slices"

	"citron/mail/mailbox"
	"citron/ops/conn"
	"citron/store/account"
	"citron/wire/imap"
)

// What a listening client is told of other mailboxes than the selected one.

// deeds are what a client's own command did, of which it is not told (RFC 5465
// §5).
type deeds struct {
	changes []deed     // of messages in other mailboxes
	names   []nameDeed // of names
}

// deed is a change of an account.
type deed struct {
	acct *account.Account
	at   account.ModSeq
}

// nameDeed is a change of a name in an account; From is empty for what is new,
// To for what is gone.
type nameDeed struct {
	acct *account.Account
	kind account.LogKind
	account.NameChange
}

// did notes that a command changed messages; only a listening session minds.
func (s *Session) did(acct *account.Account, at account.ModSeq) {
	if s.notify.active() && at != 0 {
		s.notify.mine.changes = append(s.notify.mine.changes, deed{acct, at})
	}
}

// didName notes that a command did something to a name of an account.
func (s *Session) didName(kind account.LogKind, acct *account.Account, from, to string) {
	if s.notify.active() {
		change := account.NameChange{From: mailbox.Canonical(from), To: mailbox.Canonical(to)}
		s.notify.mine.names = append(s.notify.mine.names, nameDeed{acct, kind, change})
	}
}

// take says whether a record is of the command's own, once: if another session
// did the very same meanwhile, one of the two is told.
func (d *deeds) take(acct *account.Account, r *account.LogRecord) bool {
	i := slices.IndexFunc(d.names, func(mine nameDeed) bool {
		isOther := func(c account.NameChange) bool { return !covers(mine.NameChange, c) }
		return mine.acct == acct && mine.kind == r.Kind && !slices.ContainsFunc(r.Changes, isOther)
	})
	if i >= 0 {
		d.names = slices.Delete(d.names, i, i+1)
	}
	return i >= 0
}

// covers says whether a command that asked for one change brought the other
// about: the same, or that of an inferior name.
func covers(asked, c account.NameChange) bool {
	if asked.From == c.From {
		return asked.To == c.To
	}
	return asked.From != "" && asked.To != "" && mailbox.IsBelow(c.From, asked.From) && c.To == asked.To+c.From[len(asked.From):]
}

// tellNews tells what is new in the accounts listened to, as a coroutine if
// there is anything to tell.
func (s *Session) tellNews() {
	n := s.notify
	if !n.active() || s.task != nil || s.then != conn.Continue || s.now.Before(n.paused) {
		return
	}
	if n.unwatchPublic != nil && n.public != s.user.account.PublicChanges() {
		c := &command{s: s, name: "NOTIFY"}
		s.start(c, func() { s.newsFailed(s.tellPublic(c)) })
		return
	}
	for _, f := range n.feeds {
		news := f.acct.News(f.at)
		isLeft := func(at place) bool { return at.acct == f.acct }
		isNews := func(m account.MailboxNews) bool { return s.newsItems(f, m) != 0 }
		if news.Log || slices.ContainsFunc(n.left, isLeft) || slices.ContainsFunc(news.Mailboxes, isNews) {
			c := &command{s: s, name: "NOTIFY"}
			s.start(c, func() { s.newsOf(c, f, news) })
			return
		}
		f.at = news.ModSeq
	}
	n.mine, n.left = deeds{}, nil
}

// newsOf tells the news of an account. What was told is noted at the end: an
// error leaves it to be told again, later. Its own only error is errGone.
func (s *Session) newsOf(c *command, f *feed, news account.News) error {
	err := s.tellLog(c, f, news)
	if err == nil {
		err = s.tellMailboxes(c, f, news)
	}
	switch {
	case err == nil:
		f.at = news.ModSeq
	case errors.Is(err, account.ErrNoAccount) && f.prefix != "":
		n := s.notify // it was deleted, and what was in it nobody knows
		f.unwatch()
		n.feeds = slices.DeleteFunc(n.feeds, func(x *feed) bool { return x == f })
	default:
		return s.newsFailed(err)
	}
	return nil
}

// newsFailed deals with an error of telling what is new, if there is one; what
// it gives is errGone or nil.
func (s *Session) newsFailed(err error) error {
	switch {
	case err == nil, errors.Is(err, errGone):
		return err
	case errors.Is(err, account.ErrTrimmed), errors.Is(err, errTooMuch):
		s.overflow()
	default:
		// What was told already is told again, which does no harm.
		s.srv.cfg.Logger.Warn("cannot read what is new", "cause", err, "account", s.accountName())
		s.notify.pause(s.now)
	}
	return nil
}

// tellMailboxes writes STATUS for mailboxes whose messages changed, and for
// those that were selected until now.
func (s *Session) tellMailboxes(c *command, f *feed, news account.News) error {
	n := s.notify
	told := map[account.MailboxID]bool{}
	for _, m := range news.Mailboxes {
		items := s.newsItems(f, m)
		if items == 0 {
			continue
		}
		told[m.Info.ID] = true
		if err := s.tellStatus(c, s.placeOf(f.acct, m.Info, f.prefix), items); err != nil {
			return err
		}
	}
	for _, at := range n.left {
		info, there := at.acct.Mailbox(at.info.ID)
		if at.acct != f.acct || !there || told[info.ID] {
			continue
		}
		if err := s.enters(c, f, s.placeOf(f.acct, info, f.prefix), 0); err != nil {
			return err
		}
	}
	n.left = slices.DeleteFunc(n.left, func(at place) bool { return at.acct == f.acct })
	return nil
}

func (s *Session) tellStatus(c *command, at place, items imap.StatusItems) error {
	if err := s.writeStatusOf(c, at, items); err != nil {
		return err
	}
	return c.breathe()
}

// newsItems is what is to be said of a mailbox; 0 for nothing. Of the selected
// one sync speaks.
func (s *Session) newsItems(f *feed, m account.MailboxNews) (items imap.StatusItems) {
	at := s.placeOf(f.acct, m.Info, f.prefix)
	if s.selected != nil && s.selected.is(at) {
		return 0
	}
	events := s.eventsOf(f, at)
	flags := events&imap.NotifyFlagChange != 0
	switch {
	case events&imap.NotifyMessageNew == 0:
		return 0
	case m.Before <= f.at && slices.Contains(s.notify.mine.changes, deed{f.acct, m.At}):
		return 0
	case m.Messages:
		items = messageItems
	case !flags || !m.Unseen && !s.enabled.has(condstore):
		return 0 // RFC 5465 §5.1
	}
	if flags && (m.Messages || m.Unseen) {
		items |= imap.StatusUnseen
	}
	if s.enabled.has(condstore) {
		items |= imap.StatusHighestModSeq
	}
	return items | imap.StatusUIDValidity
}

// enters writes the STATUS of a mailbox that the client watches now and did not
// until now: before is what it was told of it.
func (s *Session) enters(c *command, f *feed, at place, before imap.NotifyEvents) error {
	events := s.eventsOf(f, at)
	if s.selected != nil && s.selected.is(at) || (events&^before)&imap.NotifyMessageNew == 0 || at.info.UIDNext <= 1 {
		return nil
	}
	items := messageItems
	if events&imap.NotifyFlagChange != 0 {
		items |= imap.StatusUnseen
	}
	if s.enabled.has(condstore) {
		items |= imap.StatusHighestModSeq
	}
	return s.tellStatus(c, at, items)
}
