package imapserver

import (
	"slices"
	"strings"

	"citron/mail/acl"
	"citron/mail/mailbox"
	"citron/store/account"
	"citron/wire/imap"
)

// The accounts that a session with a NOTIFY listens to: the user's own, and
// those of others who share mailboxes that it may ask for.

// feed is an account that is listened to.
type feed struct {
	acct    *account.Account
	prefix  string // as in place
	unwatch func()
	// at is the account's modseq up to which everything was told, logAt that
	// for its own log, which may be ahead.
	at, logAt account.ModSeq
	// known is what the client knows it may do with mailboxes, where that is
	// not usual: it may know and read all of its own, and none of others'. An
	// ACL that changes does not say what it was before, and of what the user
	// may not know of nothing may be said (RFC 5465 §3.1, §5.9).
	known map[account.MailboxID]access
	// fresh: known has not been filled yet.
	fresh bool
}

// access is what a user may do, as far as NOTIFY minds.
type access uint8

const (
	hidden   access = iota // no "l" right
	listable               // the "l" right
	readable               // and the "r" right
)

func accessOf(r acl.Rights) access {
	switch {
	case !r.Has(acl.Lookup):
		return hidden
	case !r.Has(acl.Read):
		return listable
	}
	return readable
}

// usual is the access to most mailboxes of the account.
func (f *feed) usual() access {
	if f.prefix == "" {
		return readable
	}
	return hidden
}

// knew is the access to a mailbox as the client knows it.
func (f *feed) knew(id account.MailboxID) access {
	if a, ok := f.known[id]; ok {
		return a
	}
	return f.usual()
}

// learns notes what the client now knows.
func (f *feed) learns(id account.MailboxID, a access) {
	if a == f.usual() {
		delete(f.known, id)
		return
	}
	if f.known == nil {
		f.known = map[account.MailboxID]access{}
	}
	f.known[id] = a
}

// maxFeeds is how many accounts a NOTIFY listens to.
const maxFeeds = 100

var errTooMuch = no(imap.CodeNotificationOverflow, "Too much to watch")

// listen begins to listen to the accounts that can have something to tell and
// that n does not listen to yet. What was not told yet of an account listened to
// before is still told.
func (s *Session) listen(n *notifying) error {
	if !n.active() {
		return nil
	}
	if len(n.feeds) == 0 {
		s.listenTo(n, s.user.account, "")
	}
	if !n.others.foreign {
		return nil
	}
	if n.unwatchPublic == nil {
		n.unwatchPublic = s.user.account.WatchPublic(s.conn.Wake)
	}
	public := s.user.account.PublicChanges()
	list, err := s.sharers()
	if err != nil {
		return err
	}
	for _, a := range list {
		root := rootOf(a)
		if !n.others.reaches(root) || slices.ContainsFunc(n.feeds, func(f *feed) bool { return f.prefix == root }) {
			continue
		}
		if len(n.feeds) == maxFeeds {
			return errTooMuch
		}
		acct, err := s.guest(a.Number)
		if account.KindOf(err) == account.NoMailbox {
			continue
		}
		if err != nil {
			return err
		}
		s.listenTo(n, acct, root)
	}
	n.public = public
	return nil
}

func (s *Session) listenTo(n *notifying, acct *account.Account, prefix string) {
	f := &feed{acct: acct, prefix: prefix, at: acct.ModSeq(), unwatch: acct.Watch(s.conn.Wake)}
	f.logAt = f.at
	f.fresh = true
	if s.notify != nil {
		for _, old := range s.notify.feeds {
			if old.acct == acct {
				f.at, f.logAt, f.known, f.fresh = old.at, old.logAt, old.known, false
			}
		}
	}
	n.feeds = append(n.feeds, f)
}

// listensTo says whether an account's handle is needed; n may be nil.
func (n *notifying) listensTo(acct *account.Account) bool {
	return n != nil && slices.ContainsFunc(n.feeds, func(f *feed) bool { return f.acct == acct })
}

// feedOf finds the account that a name of the user's is in, and the name there.
func (n *notifying) feedOf(name string) (*feed, string) {
	for _, f := range n.feeds {
		if f.prefix != "" && strings.HasPrefix(name, f.prefix) {
			return f, name[len(f.prefix):]
		}
	}
	return n.feeds[0], name
}

// reaches says whether a group can match names that begin with a root.
func (l *watchList) reaches(root string) bool {
	above := strings.TrimSuffix(root, string(mailbox.Separator))
	return slices.ContainsFunc(l.groups, func(g watchGroup) bool {
		return g.kind == imap.FilterSubscribed || g.everything() || slices.ContainsFunc(g.names, func(name string) bool {
			return strings.HasPrefix(name, root) || name == above || mailbox.IsBelow(above, name)
		})
	})
}

// visible gives a mailbox of the feed as far as the user may know of it.
func (s *Session) visible(f *feed, name string) (place, bool) {
	info, there := f.acct.Lookup(name)
	if !there {
		return place{}, false
	}
	at := s.placeOf(f.acct, info, f.prefix)
	return at, at.rights.Has(acl.Lookup)
}

// hasInferiors says whether there are mailboxes below a name that the user may
// know of.
func (s *Session) hasInferiors(f *feed, name string) bool {
	if f.prefix == "" || !f.acct.HasChildren(name) {
		return f.acct.HasChildren(name)
	}
	return slices.ContainsFunc(f.acct.Mailboxes(), func(info *account.MailboxInfo) bool {
		return mailbox.IsBelow(info.Name, name) && f.acct.Rights(info, s.user.Account).Has(acl.Lookup)
	})
}
