package imapserver

import (
	"slices"
	"strconv"
	"strings"

	"citron/mail/mailbox"
	"citron/store/account"
	"citron/wire/imap"
)

// What a listening client is told of names, and of what hangs on them: the
// account's own log is told record by record, as if the session had never
// slept, since what comes after relies on what was before.

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
	var tell func(account.NameChange) error
	switch r.Kind {
	case account.NamesChanged:
		if !mine {
			s.tellNames(f, r.Changes)
		}
		tell = func(change account.NameChange) error { return s.namesTold(c, f, change) }
	case account.SubscriptionsChanged:
		if f.prefix != "" {
			return nil // another's
		}
		tell = func(change account.NameChange) error { return s.tellSubscription(c, change, mine) }
	case account.MetadataChanged:
		s.tellAnnotations(f, r)
	case account.ACLChanged:
		if len(r.Changes) == 0 {
			return s.tellSharers(c)
		}
		tell = func(change account.NameChange) error { return s.tellRights(c, f, change.Mailbox) }
	}
	if tell != nil {
		for _, change := range r.Changes {
			if err := tell(change); err != nil {
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
		case s.mayKnow(f, change) == hidden:
		case change.From == "":
			s.tellName(f, change, change.To)
			s.tellParent(f, change.To)
		case change.To == "":
			if s.watchesName(f, change.From) {
				s.w.List(s.eventData(f, change.From, nil))
			}
			s.tellParent(f, change.From)
		case top != "" && mailbox.IsBelow(change.From, top):
		case s.tellName(f, change, change.To) || s.tellName(f, change, change.From):
			top = change.From
		}
	}
}

// mayKnow is what the client may know of a mailbox that something happened to:
// if it is new what its list says, else what it knew before.
func (s *Session) mayKnow(f *feed, change account.NameChange) access {
	info, there := f.acct.Mailbox(change.Mailbox)
	if change.From != "" {
		return f.knew(change.Mailbox)
	}
	if !there {
		return f.usual()
	}
	return accessOf(f.acct.Rights(info, s.user.Account))
}

// namesTold follows what the client now knows, and writes the STATUS of a
// mailbox that is watched by its new name and was not by the old one.
func (s *Session) namesTold(c *command, f *feed, change account.NameChange) error {
	knows := s.mayKnow(f, change)
	if change.To == "" {
		knows = f.usual()
	}
	f.learns(change.Mailbox, knows)
	info, there := f.acct.Mailbox(change.Mailbox)
	if !there || change.From == "" || info.Name != change.To {
		return nil
	}
	return s.entered(c, f, s.placeOf(f.acct, info, f.prefix), s.notify.others.of(s.watched(f, change.From)))
}

// watchesName says whether names like this one are told of.
func (s *Session) watchesName(f *feed, name string) bool {
	return s.notify.others.of(s.watched(f, name))&imap.NotifyMailboxName != 0
}

// tellName writes LIST for a mailbox made, or renamed, if events of a name of
// it are asked for. That it may be gone by now a later record tells.
func (s *Session) tellName(f *feed, change account.NameChange, name string) bool {
	if !s.watchesName(f, name) {
		return false
	}
	info, there := f.acct.Lookup(change.To)
	if !there || info.ID != change.Mailbox {
		info = &account.MailboxInfo{Name: change.To}
	}
	d := s.eventData(f, change.To, info)
	if change.From != "" {
		d.OldName = f.prefix + change.From
	}
	s.w.List(d)
	return true
}

// tellParent writes LIST for the name above one made or deleted, whether there
// is such a mailbox or not, as it is now: it may have got its first inferior or
// lost its last.
func (s *Session) tellParent(f *feed, name string) {
	i := strings.LastIndexByte(name, mailbox.Separator)
	if i <= 0 || !s.watchesName(f, name[:i]) {
		return
	}
	s.tellNow(f, name[:i])
}

// tellNow writes LIST for a name as it is now, to one who may not know of the
// mailbox as if it were not there.
func (s *Session) tellNow(f *feed, name string) {
	at, there := s.visible(f, name)
	if !there {
		at.info = nil
	}
	s.w.List(s.eventData(f, name, at.info))
}

// tellSubscription writes LIST for a name subscribed or unsubscribed (RFC 5465
// §5.5). To those who watch what is subscribed it matters either way.
func (s *Session) tellSubscription(c *command, change account.NameChange, mine bool) error {
	f, name := s.notify.feedOf(change.From + change.To)
	w := s.watched(f, name)
	w.subscribed = true
	if !mine && s.notify.others.of(w)&imap.NotifySubscriptionChange != 0 {
		s.tellNow(f, name)
	}
	at, there := s.visible(f, name)
	if !there || change.To == "" {
		return nil
	}
	w.subscribed = false
	return s.entered(c, f, at, s.notify.others.of(w))
}

// tellRights tells that the user's rights on a mailbox are others now (RFC 5465
// §5.4, §5.9).
func (s *Session) tellRights(c *command, f *feed, id account.MailboxID) error {
	info, there := f.acct.Mailbox(id)
	if !there {
		return nil // a later record tells
	}
	at := s.placeOf(f.acct, info, f.prefix)
	was, is := f.knew(id), accessOf(at.rights)
	f.learns(id, is)
	events := s.notify.others.of(s.watched(f, info.Name))
	if was == is || events == 0 {
		return nil
	}
	named := events&imap.NotifyMailboxName != 0
	switch {
	case is == hidden && named:
		s.w.List(s.eventData(f, info.Name, nil, `\NoAccess`))
		s.tellParent(f, info.Name)
	case is == hidden:
		s.w.List(s.eventData(f, info.Name, &account.MailboxInfo{}, `\NoAccess`))
	case is == listable:
		s.w.List(s.eventData(f, info.Name, info, `\NoAccess`))
	default:
		s.w.List(s.eventData(f, info.Name, info))
	}
	if was == hidden && named {
		s.tellParent(f, info.Name)
	}
	if is == readable {
		return s.entered(c, f, at, 0)
	}
	return nil
}

// tellSharers begins to listen to accounts that share with the user now, and
// tells what he may know there. One that no longer does says so in its own log.
func (s *Session) tellSharers(c *command) error {
	if err := s.listen(s.notify); err != nil {
		return err
	}
	for _, f := range s.notify.feeds {
		if !f.fresh {
			continue
		}
		f.fresh = false
		for _, info := range f.acct.Mailboxes() {
			if err := s.tellRights(c, f, info.ID); err != nil {
				return err
			}
		}
	}
	return nil
}

// tellAnnotations writes METADATA (RFC 5465 §5.6, §5.7). A private entry is one
// user's only. What is in a record is all of one mailbox, or of the server.
func (s *Session) tellAnnotations(f *feed, r *account.LogRecord) {
	id := r.Changes[0].Mailbox
	name, wanted := "", f.prefix == "" && s.notify.others.events&imap.NotifyServerMetadataChange != 0
	if info, there := f.acct.Mailbox(id); there {
		at := s.placeOf(f.acct, info, f.prefix)
		name = at.name()
		wanted = s.eventsOf(f, at)&imap.NotifyMailboxMetadataChange != 0
	} else if id != account.OwnMetadata {
		return
	}
	if !wanted || slices.Contains(s.notify.mine.changes, deed{f.acct, r.ModSeq}) {
		return
	}
	var entries []string
	for _, change := range r.Changes {
		if change.From == "" || change.From == strconv.FormatUint(s.user.Account, 10) {
			entries = append(entries, change.To)
		}
	}
	if len(entries) > 0 {
		s.w.MetadataChanged(name, entries)
	}
}

// eventData is the LIST response of an event; info is nil for a name without a
// mailbox. All attributes are told, since the client cannot ask for some.
func (s *Session) eventData(f *feed, name string, info *account.MailboxInfo, more ...string) *imap.ListData {
	d := &imap.ListData{Mailbox: f.prefix + name, Separator: mailbox.Separator}
	if info == nil {
		d.Attributes = append(d.Attributes, `\NonExistent`)
	}
	d.Attributes = append(d.Attributes, more...)
	if s.hasInferiors(f, name) {
		d.Attributes = append(d.Attributes, `\HasChildren`)
	} else {
		d.Attributes = append(d.Attributes, `\HasNoChildren`)
	}
	if s.user.account.Subscribed(d.Mailbox) {
		d.Attributes = append(d.Attributes, `\Subscribed`)
	}
	if info != nil && f.prefix == "" {
		d.Attributes = append(d.Attributes, info.SpecialUse...)
	}
	return d
}
