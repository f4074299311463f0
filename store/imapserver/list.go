package imapserver

import (
	"errors"
	"slices"
	"strings"

	"citron/auth"
	"citron/mail/acl"
	"citron/mail/mailbox"
	"citron/store/account"
	"citron/wire/imap"
)

// LIST (RFC 9051 §6.3.9 with RFC 5258, 5819, 6154), LSUB (RFC 3501 §6.3.9),
// NAMESPACE (RFC 2342) and STATUS (RFC 9051 §6.3.11).

var listCommands = []spec{
	{"LIST", inAccount, slow, on((*Session).list)},
	{"LSUB", inAccount, slow, on((*Session).lsub)},
	{"NAMESPACE", inAccount, 0, on((*Session).namespace)},
	{"STATUS", inAccount, slow, on((*Session).status)},
}

func (s *Session) list(c *command, a *imap.List) error {
	if !a.Extended && a.Patterns[0] == "" {
		s.w.List(&imap.ListData{Attributes: []string{`\Noselect`}, Separator: mailbox.Separator})
		return nil
	}
	if a.Status&imap.StatusHighestModSeq != 0 {
		s.enableCondstore()
	}
	if len(a.Patterns) > maxPatterns {
		return no(imap.CodeLimit, "Too many patterns")
	}
	ask := listRequest{choose: a.Select, patterns: patterns(a.Reference, a.Patterns), starLevels: !a.Extended && !s.enabled.has(rev2)}
	boxes, err := s.listable(c)
	if err != nil {
		return err
	}
	l, err := newListing(boxes, s.user.account.Subscriptions(), ask, c.breathe)
	if err != nil {
		return err
	}
	annotations := newListMetadata(s, l, a.Metadata)
	for i, r := range l.rows {
		if err := c.breathe(); err != nil {
			return err
		}
		answer, ok := l.answer(r)
		if !ok {
			continue
		}
		s.w.List(s.listData(a, answer))
		if answer.met && r.at != nil {
			if err := s.listMore(c, a, *r.at); err != nil {
				return err
			}
			if err := annotations.write(i); err != nil {
				return err
			}
		}
	}
	return nil
}

// listMore writes what is asked for of a mailbox beside LIST itself. The
// STATUS of one that may not be read is left out, and there is always a set of
// rights to tell (RFC 5819 §2, RFC 8440 §3).
func (s *Session) listMore(c *command, a *imap.List, at place) error {
	if a.Return&imap.ReturnMyRights != 0 {
		s.w.MyRights(at.name(), at.rights.String())
	}
	if a.Status != 0 && at.rights.Has(acl.Read) {
		return s.writeStatusOf(c, at, a.Status)
	}
	return nil
}

// listable are the mailboxes that the user may know of, his own and those of
// others, in bytewise order of their names.
func (s *Session) listable(c *command) ([]place, error) {
	own := s.user.account.Mailboxes()
	boxes := make([]place, 0, len(own))
	for _, info := range own {
		boxes = append(boxes, s.placeOf(s.user.account, info, ""))
	}
	sharers, err := s.sharers()
	if err != nil || len(sharers) == 0 {
		return boxes, err
	}
	for _, a := range sharers {
		if boxes, err = s.addListable(boxes, a); err == nil {
			err = c.breathe()
		}
		if err != nil {
			return nil, err
		}
	}
	slices.SortStableFunc(boxes, func(x, y place) int { return strings.Compare(x.name(), y.name()) })
	return slices.CompactFunc(boxes, func(x, y place) bool { return x.name() == y.name() }), nil
}

// addListable adds the mailboxes of another's account.
func (s *Session) addListable(boxes []place, a auth.Account) ([]place, error) {
	acct, err := s.guest(a.Number)
	if errors.Is(err, account.ErrNoMailbox) {
		return boxes, nil
	}
	if err != nil {
		return nil, err
	}
	for _, info := range acct.Mailboxes() {
		if at := s.placeOf(acct, info, rootOf(a)); at.rights.Has(acl.Lookup) {
			boxes = append(boxes, at)
		}
	}
	return boxes, nil
}

// maxPatterns bounds what one LIST asks for.
const maxPatterns = 100

// patterns makes the canonical patterns: there are no break-out characters, so
// the reference stands in front. In the extended syntax empty ones mean
// nothing.
func patterns(reference string, given []string) []string {
	var out []string
	for _, p := range given {
		if p != "" {
			out = append(out, mailbox.Pattern(reference, p))
		}
	}
	return out
}

// listData chooses attributes. The basic syntax gets all that is known, since
// it cannot ask.
func (s *Session) listData(a *imap.List, r listAnswer) *imap.ListData {
	d := &imap.ListData{Mailbox: r.name, Separator: mailbox.Separator}
	attr := func(when bool, name string) {
		if when {
			d.Attributes = append(d.Attributes, name)
		}
	}
	attr(r.at == nil, s.nonExistent(a.Extended))
	level := !r.met && a.Select&imap.SelectRecursiveMatch == 0
	if !a.Extended || a.Return&imap.ReturnChildren != 0 || level {
		attr(r.hasChildren, `\HasChildren`)
		attr(!r.hasChildren, `\HasNoChildren`)
	}
	attr(r.subscribed && (a.Select&imap.SelectSubscribed != 0 || a.Return&imap.ReturnSubscribed != 0), `\Subscribed`)
	d.Attributes = append(d.Attributes, r.specialUse()...)
	if r.childInfo {
		d.ChildInfo = criteria(a.Select)
	}
	return d
}

// nonExistent is how a name without a mailbox is marked: those who speak only
// RFC 3501 do not know \NonExistent, which implies \Noselect.
func (s *Session) nonExistent(extended bool) string {
	if extended || s.enabled.has(rev2) {
		return `\NonExistent`
	}
	return `\Noselect`
}

// criteria names the selection criteria for CHILDINFO.
func criteria(choose imap.ListSelect) (names []string) {
	if choose&imap.SelectSubscribed != 0 {
		names = append(names, "SUBSCRIBED")
	}
	if choose&imap.SelectSpecialUse != 0 {
		names = append(names, "SPECIAL-USE")
	}
	return names
}

// lsub lists subscribed names; of a hierarchy cut off by "%" the level itself,
// with \Noselect.
func (s *Session) lsub(c *command, a *imap.Lsub) error {
	if a.Pattern == "" {
		s.w.Lsub(&imap.ListData{Attributes: []string{`\Noselect`}, Separator: mailbox.Separator})
		return nil
	}
	ask := listRequest{choose: imap.SelectSubscribed, patterns: patterns(a.Reference, []string{a.Pattern}), anyLevel: true}
	boxes, err := s.listable(c)
	if err != nil {
		return err
	}
	l, err := newListing(boxes, s.user.account.Subscriptions(), ask, c.breathe)
	if err != nil {
		return err
	}
	for _, r := range l.rows {
		if err := c.breathe(); err != nil {
			return err
		}
		answer, ok := l.answer(r)
		if !ok {
			continue
		}
		d := &imap.ListData{Mailbox: r.name, Separator: mailbox.Separator}
		if !answer.met {
			d.Attributes = []string{`\Noselect`}
		}
		s.w.Lsub(d)
	}
	return nil
}

// namespace: one of each kind, always, so that a client which asks but once
// sees what is shared with its user later (RFC 2342 §5).
func (s *Session) namespace(*command, *imap.Namespace) error {
	one := func(prefix string) []imap.NamespaceDescr {
		return []imap.NamespaceDescr{{Prefix: prefix, Separator: mailbox.Separator}}
	}
	s.w.Namespace(one(""), one(otherUsers+"/"), one(sharedOnes+"/"))
	return nil
}

func (s *Session) status(c *command, a *imap.Status) error {
	at, err := s.locate(a.Mailbox, acl.Read)
	if err != nil {
		return err
	}
	if a.Items&imap.StatusHighestModSeq != 0 {
		s.enableCondstore()
	}
	return s.writeStatusOf(c, at, a.Items)
}

// writeStatusOf writes a STATUS response; all of it is in the mailbox record,
// but for DELETED-STORAGE.
func (s *Session) writeStatusOf(c *command, at place, items imap.StatusItems) error {
	info := at.info
	var freed uint64
	if items&imap.StatusDeletedStorage != 0 {
		var err error
		if freed, err = s.deletedStorage(c, at); err != nil {
			return err
		}
	}
	s.w.StatusStart(at.name())
	number := func(item imap.StatusItems, n uint64) {
		if items&item != 0 {
			s.w.StatusNumber(item, n)
		}
	}
	number(imap.StatusMessages, uint64(info.Messages))
	if items&imap.StatusRecent != 0 {
		number(imap.StatusRecent, uint64(s.recentIn(at)))
	}
	number(imap.StatusUIDNext, info.UIDNext)
	number(imap.StatusUIDValidity, uint64(info.UIDValidity))
	number(imap.StatusUnseen, uint64(info.Unseen))
	number(imap.StatusDeleted, uint64(info.Deleted))
	number(imap.StatusSize, info.Size)
	number(imap.StatusHighestModSeq, uint64(info.ModSeq))
	if items&imap.StatusMailboxID != 0 {
		s.w.StatusMailboxID(info.ObjectID)
	}
	number(imap.StatusAppendLimit, uint64(s.srv.cfg.AppendLimit))
	number(imap.StatusDeletedStorage, freed)
	s.w.StatusEnd()
	return nil
}

// recentIn counts the messages nobody was told of yet; in the selected mailbox
// those of this session.
func (s *Session) recentIn(at place) uint32 {
	if m := s.selected; m != nil && m.is(at) {
		return m.recentCount()
	}
	view, err := at.acct.Open(s.srv.ctx, at.info.ID)
	if err != nil || view.Set.Len() == 0 {
		return 0
	}
	return view.Set.Len() - view.Set.Rank(at.acct.Recent(at.info.ID)-1)
}
