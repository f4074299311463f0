package imapserver

import (
	"errors"
	"slices"
	"strings"

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
	for i := range n.feeds {
		f := &n.feeds[i]
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
// error leaves it to be told again.
func (s *Session) newsOf(c *command, f *feed, news account.News) {
	err := s.tellLog(c, f, news)
	if err == nil {
		err = s.tellMailboxes(c, f, news)
	}
	switch {
	case err == nil:
		f.at = news.ModSeq
	case errors.Is(err, errGone):
	case errors.Is(err, account.ErrTrimmed):
		s.overflow()
	default:
		s.srv.cfg.Logger.Warn("cannot read what is new", "cause", err, "account", s.accountName())
		s.notify.pause(s.now)
	}
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
		if err := s.entered(c, s.placeOf(f.acct, info, f.prefix), 0); err != nil {
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
	events := s.notify.of(s, at)
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

// entered writes the STATUS of a mailbox that the client watches now and did not
// until now: before is what it was told of it.
func (s *Session) entered(c *command, at place, before imap.NotifyEvents) error {
	events := s.notify.of(s, at)
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

// tellLog tells what happened to names, in the order in which it did: what
// comes after relies on it.
func (s *Session) tellLog(c *command, f *feed, news account.News) error {
	if !news.Log {
		return nil
	}
	for at := f.at; at < news.ModSeq; {
		list, through, err := f.acct.LogSince(s.srv.ctx, at, news.ModSeq)
		if err != nil {
			return err
		}
		for i := range list {
			if err := s.tellRecord(c, f, &list[i]); err != nil {
				return err
			}
		}
		at = through
	}
	return nil
}

func (s *Session) tellRecord(c *command, f *feed, r *account.LogRecord) error {
	mine := s.notify.mine.take(f.acct, r)
	switch r.Kind {
	case account.NamesChanged:
		if !mine {
			s.tellNames(f, r.Changes)
		}
		for _, change := range r.Changes {
			if err := s.tellRenamed(c, f, change); err != nil {
				return err
			}
		}
	case account.SubscriptionsChanged:
		for _, change := range r.Changes {
			if err := s.tellSubscription(c, f, change, mine); err != nil {
				return err
			}
		}
	}
	return c.breathe()
}

// tellNames writes LIST for mailboxes created, deleted and renamed (RFC 5465
// §5.4). Of a hierarchy renamed only the topmost that the client watches is
// told.
func (s *Session) tellNames(f *feed, changes []account.NameChange) {
	top := ""
	for _, change := range changes {
		switch {
		case change.From == "":
			s.tellName(f, change, change.To)
			s.tellParent(f, change.To)
		case change.To == "":
			s.tellGoneName(f, change.From)
			s.tellParent(f, change.From)
		case top != "" && mailbox.IsBelow(change.From, top):
		case s.tellName(f, change, change.To) || s.tellName(f, change, change.From):
			top = change.From
		}
	}
}

// watchesName says whether names like this one are told of.
func (s *Session) watchesName(f *feed, name string) bool {
	return s.notify.others.of(s.watched(f.acct, name))&imap.NotifyMailboxName != 0
}

// tellName writes LIST for a mailbox made, or renamed, if events of a name of
// it are asked for. That it may be gone by now a later record tells.
func (s *Session) tellName(f *feed, change account.NameChange, name string) bool {
	if !s.watchesName(f, name) {
		return false
	}
	info, there := f.acct.Lookup(change.To)
	if !there || info.ID != change.Mailbox {
		info = &account.MailboxInfo{Name: change.To, Subscribed: f.acct.Subscribed(change.To)}
	}
	d := s.eventData(f, change.To, info)
	d.OldName = change.From
	s.w.List(d)
	return true
}

// tellGoneName writes LIST for a mailbox deleted.
func (s *Session) tellGoneName(f *feed, name string) {
	if s.watchesName(f, name) {
		s.w.List(s.eventData(f, name, nil))
	}
}

// tellParent writes LIST for the name above one made or deleted, whether there
// is such a mailbox or not, as it is now: it may have got its first inferior or
// lost its last.
func (s *Session) tellParent(f *feed, name string) {
	if i := strings.LastIndexByte(name, mailbox.Separator); i > 0 && s.watchesName(f, name[:i]) {
		s.tellNow(f, name[:i])
	}
}

// tellNow writes LIST for a name as it is now.
func (s *Session) tellNow(f *feed, name string) {
	info, there := f.acct.Lookup(name)
	if !there {
		info = nil
	}
	s.w.List(s.eventData(f, name, info))
}

// tellSubscription writes LIST for a name subscribed or unsubscribed (RFC 5465
// §5.5). To those who watch what is subscribed it matters either way.
func (s *Session) tellSubscription(c *command, f *feed, change account.NameChange, mine bool) error {
	name := change.From + change.To
	w := s.watched(f.acct, name)
	w.subscribed = true
	if !mine && s.notify.others.of(w)&imap.NotifySubscriptionChange != 0 {
		s.tellNow(f, name)
	}
	info, there := f.acct.Lookup(name)
	if !there || change.To == "" {
		return nil
	}
	w.subscribed = false
	return s.entered(c, s.placeOf(f.acct, info, f.prefix), s.notify.others.of(w))
}

// tellRenamed writes the STATUS of a mailbox that is watched by its new name and
// was not by the old one.
func (s *Session) tellRenamed(c *command, f *feed, change account.NameChange) error {
	info, there := f.acct.Mailbox(change.Mailbox)
	if !there || change.From == "" || info.Name != change.To {
		return nil
	}
	return s.entered(c, s.placeOf(f.acct, info, f.prefix), s.notify.others.of(s.watched(f.acct, change.From)))
}

// eventData is the LIST response of an event; info is nil for a name without a
// mailbox. All attributes are told, since the client cannot ask for some.
func (s *Session) eventData(f *feed, name string, info *account.MailboxInfo) *imap.ListData {
	d := &imap.ListData{Mailbox: name, Separator: mailbox.Separator}
	if info == nil {
		d.Attributes = append(d.Attributes, `\NonExistent`)
	}
	if f.acct.HasChildren(name) {
		d.Attributes = append(d.Attributes, `\HasChildren`)
	} else {
		d.Attributes = append(d.Attributes, `\HasNoChildren`)
	}
	if f.acct.Subscribed(name) {
		d.Attributes = append(d.Attributes, `\Subscribed`)
	}
	if info != nil {
		d.Attributes = append(d.Attributes, info.SpecialUse...)
	}
	return d
}
