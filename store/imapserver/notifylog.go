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
// slept, since what comes after relies on what was before. How a name is now,
// which a later record may be about, is told at the end.

// logTeller tells an account's log.
type logTeller struct {
	s *Session
	c *command
	f *feed
	// names, as the client knows them, are to be described as they are at the
	// end; entered are mailboxes that the client watches now, and what it was
	// told of them before.
	names   []string
	entered []entrance
}

type entrance struct {
	f      *feed
	id     account.MailboxID
	before imap.NotifyEvents
}

func (s *Session) tellLog(c *command, f *feed, news account.News) error {
	t := &logTeller{s: s, c: c, f: f}
	for upTo := news.ModSeq; news.Log && f.logAt < upTo; {
		list, through, err := f.acct.LogSince(s.srv.ctx, f.logAt, upTo)
		if err != nil {
			return err
		}
		for i := range list {
			if err := t.record(&list[i]); err != nil {
				return err
			}
		}
		if f.logAt = through; through < upTo {
			continue
		}
		// What is told now must not be ahead of the log.
		names, boxes := t.present()
		if more := f.acct.News(upTo); more.Log {
			upTo = more.ModSeq
			continue
		}
		if err := t.finish(names, boxes); err != nil {
			return err
		}
	}
	f.logAt = max(f.logAt, news.ModSeq)
	return nil
}

// tellPublic is for what others have come to share with anyone.
func (s *Session) tellPublic(c *command) error {
	t := &logTeller{s: s, c: c, f: s.notify.feeds[0]}
	if err := t.sharers(); err != nil {
		return err
	}
	return t.finish(t.present())
}

// finish tells how names and mailboxes are at the end.
func (t *logTeller) finish(names []*imap.ListData, boxes []place) error {
	for _, d := range names {
		t.s.w.List(d)
	}
	for i, at := range boxes {
		if err := t.s.enters(t.c, t.entered[i].f, at, t.entered[i].before); err != nil {
			return err
		}
	}
	return nil
}

// present is how the names to be described and the mailboxes entered are now.
func (t *logTeller) present() (names []*imap.ListData, boxes []place) {
	slices.Sort(t.names)
	t.names = slices.Compact(t.names)
	for _, full := range t.names {
		f, name := t.s.notify.feedOf(full)
		at, there := t.s.visible(f, name)
		if !there { // or not to be known of
			at.info = nil
		}
		names = append(names, t.s.eventData(f, name, at.info))
	}
	t.entered = slices.DeleteFunc(t.entered, func(e entrance) bool {
		_, there := e.f.acct.Mailbox(e.id)
		return !there
	})
	for _, e := range t.entered {
		info, _ := e.f.acct.Mailbox(e.id)
		if info == nil {
			info = &account.MailboxInfo{} // gone just now: without messages
		}
		boxes = append(boxes, t.s.placeOf(e.f.acct, info, e.f.prefix))
	}
	return names, boxes
}

func (t *logTeller) record(r *account.LogRecord) error {
	mine := t.s.notify.mine.take(t.f.acct, r)
	switch r.Kind {
	case account.NamesChanged:
		if !mine {
			t.renamed(r.Changes)
		}
		for _, change := range r.Changes {
			t.follow(change)
		}
	case account.SubscriptionsChanged:
		for _, change := range r.Changes {
			t.subscription(change, mine)
		}
	case account.MetadataChanged:
		t.annotations(r)
	case account.ACLChanged:
		if len(r.Changes) == 0 {
			return t.sharers()
		}
		for _, change := range r.Changes {
			t.rights(t.f, change.Mailbox)
		}
	}
	return t.c.breathe()
}

// renamed writes LIST for mailboxes created, deleted and renamed (RFC 5465
// §5.4). Of a hierarchy renamed only the topmost that the client watches is
// told.
func (t *logTeller) renamed(changes []account.NameChange) {
	top := ""
	for _, change := range changes {
		switch {
		case t.mayKnow(change) == hidden:
		case change.From == "":
			t.made(change, change.To)
			t.parent(t.f, change.To)
		case change.To == "":
			if t.watches(t.f, change.From) {
				t.s.w.List(t.s.eventData(t.f, change.From, nil))
			}
			t.parent(t.f, change.From)
		case top != "" && mailbox.IsBelow(change.From, top):
		case t.made(change, change.To) || t.made(change, change.From):
			top = change.From
		}
	}
}

// mayKnow is what the client may know of a mailbox that something happened to:
// if it is new what its list says, else what it knew before.
func (t *logTeller) mayKnow(change account.NameChange) access {
	info, there := t.f.acct.Mailbox(change.Mailbox)
	switch {
	case change.From != "" && change.From != "INBOX": // INBOX stays, what it held is new
		return t.f.knew(change.Mailbox)
	case !there:
		return t.f.usual()
	}
	return accessOf(t.f.acct.Rights(info, t.s.user.Account))
}

// follow keeps up with what the client now knows. A mailbox may be watched by
// its new name that was not by the old one.
func (t *logTeller) follow(change account.NameChange) {
	knows := t.mayKnow(change)
	if change.To == "" {
		knows = t.f.usual()
	}
	t.f.learns(change.Mailbox, knows)
	if change.From != "" && change.To != "" {
		t.entered = append(t.entered, entrance{t.f, change.Mailbox, t.s.notify.others.of(t.s.watched(t.f, change.From))})
	}
}

// watches says whether names like this one are told of.
func (t *logTeller) watches(f *feed, name string) bool {
	return t.s.notify.others.of(t.s.watched(f, name))&imap.NotifyMailboxName != 0
}

// made writes LIST for a mailbox made, or renamed, if events of a name of it
// are asked for. That it may be gone by now a later record tells.
func (t *logTeller) made(change account.NameChange, name string) bool {
	if !t.watches(t.f, name) {
		return false
	}
	info, there := t.f.acct.Lookup(change.To)
	if !there || info.ID != change.Mailbox {
		info = &account.MailboxInfo{Name: change.To}
	}
	d := t.s.eventData(t.f, change.To, info)
	if change.From != "" {
		d.OldName = t.f.prefix + change.From
	}
	t.s.w.List(d)
	return true
}

// parent is for the name above one made or deleted, whether there is such a
// mailbox or not: it may have got its first inferior or lost its last.
func (t *logTeller) parent(f *feed, name string) {
	if i := strings.LastIndexByte(name, mailbox.Separator); i > 0 && t.watches(f, name[:i]) {
		t.names = append(t.names, f.prefix+name[:i])
	}
}

// subscription is for a name subscribed or unsubscribed (RFC 5465 §5.5). To
// those who watch what is subscribed it matters either way.
func (t *logTeller) subscription(change account.NameChange, mine bool) {
	if t.f.prefix != "" {
		return // another's
	}
	full := change.From + change.To
	f, name := t.s.notify.feedOf(full)
	w := t.s.watched(f, name)
	w.subscribed = true
	if !mine && t.s.notify.others.of(w)&imap.NotifySubscriptionChange != 0 {
		t.names = append(t.names, full)
	}
	if at, there := t.s.visible(f, name); there && change.To != "" {
		w.subscribed = false
		t.entered = append(t.entered, entrance{f, at.info.ID, t.s.notify.others.of(w)})
	}
}

// rights tells that the user's rights on a mailbox are others now (RFC 5465
// §5.4, §5.9).
func (t *logTeller) rights(f *feed, id account.MailboxID) {
	info, there := f.acct.Mailbox(id)
	if !there {
		return // which a later record tells
	}
	was, is := f.knew(id), accessOf(f.acct.Rights(info, t.s.user.Account))
	f.learns(id, is)
	events := t.s.notify.others.of(t.s.watched(f, info.Name))
	if was == is || events == 0 {
		return
	}
	named := events&imap.NotifyMailboxName != 0
	switch {
	case is == hidden && named:
		t.s.w.List(t.s.eventData(f, info.Name, nil, `\NoAccess`))
	case is == hidden:
		t.s.w.List(t.s.eventData(f, info.Name, &account.MailboxInfo{}, `\NoAccess`))
	case is == listable:
		t.s.w.List(t.s.eventData(f, info.Name, info, `\NoAccess`))
	default:
		t.s.w.List(t.s.eventData(f, info.Name, info))
		t.entered = append(t.entered, entrance{f, id, 0})
	}
	if named && (was == hidden || is == hidden) {
		t.parent(f, info.Name)
	}
}

// sharers begins to listen to accounts that share with the user now, and tells
// what he may know there. One that no longer does says so in its own log.
func (t *logTeller) sharers() error {
	if err := t.s.listen(t.s.notify); err != nil {
		return err
	}
	for _, f := range t.s.notify.feeds {
		if !f.fresh {
			continue
		}
		f.fresh = false
		for _, info := range f.acct.Mailboxes() {
			if t.rights(f, info.ID); t.c.breathe() != nil {
				return errGone
			}
		}
	}
	return nil
}

// annotations writes METADATA (RFC 5465 §5.6, §5.7). A private entry is one
// user's only. What is in a record is all of one mailbox, or of the server.
func (t *logTeller) annotations(r *account.LogRecord) {
	s, f := t.s, t.f
	name, wanted := s.notifiesMetadata(f, r.Changes[0].Mailbox)
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

// notifiesMetadata says whether the client asked to be told of the annotations
// of a mailbox, or of the server, and under which name it knows it.
func (s *Session) notifiesMetadata(f *feed, id account.MailboxID) (name string, wanted bool) {
	if id == account.OwnMetadata {
		return "", f.prefix == "" && s.notify.others.events&imap.NotifyServerMetadataChange != 0
	}
	info, there := f.acct.Mailbox(id)
	if !there {
		return "", false
	}
	at := s.placeOf(f.acct, info, f.prefix)
	return at.name(), s.eventsOf(f, at)&imap.NotifyMailboxMetadataChange != 0
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
