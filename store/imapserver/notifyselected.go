package imapserver

import (
	"reflect"
	"slices"

	"citron/store/account"
	"citron/store/uidset"
	"citron/wire/imap"
)

// What NOTIFY changes for the selected mailbox (RFC 5465 §3.1, §6.1).

// wants says what of the selected mailbox the client is told without asking:
// messages that come and go, and flags. Without any NOTIFY, both.
func (s *Session) wants() (messages, flags bool) {
	if s.notify == nil {
		return true, true
	}
	return s.notify.selected&imap.NotifyMessageNew != 0, s.notify.selected&imap.NotifyFlagChange != 0
}

// withholds says that there is something in the selected mailbox that the
// client did not want to be told, so that the mod-sequences it sees in answers
// to its commands go beyond what it knows.
func (s *Session) withholds() bool {
	messages, flags := s.wants()
	return (!messages || !flags) && s.selected.info().ModSeq > s.selected.toldUpTo()
}

// fetchesNew says whether something may have to be fetched of new messages.
func (s *Session) fetchesNew(came uidset.Ranges) bool {
	return len(came) > 0 && (s.notify != nil && len(s.notify.fetch) > 0 || s.updatesFetch())
}

// updatesFetch says whether a context asks for something of new messages.
func (s *Session) updatesFetch() bool {
	return slices.ContainsFunc(s.selected.contexts, func(x *liveContext) bool { return len(x.fetch) > 0 })
}

// fetchGroup is messages of which the same is asked.
type fetchGroup struct {
	uids  uidset.Ranges
	items []imap.FetchItem
}

// fetchNew writes what the client asked for of new messages, except those that
// its own command made (RFC 5465 §5.2): in NOTIFY, and of those that belong to
// the results of contexts, in UPDATE (§7). Each message has one response.
func (s *Session) fetchNew(c *command, came uidset.Ranges, news []contextNews) error {
	came = came.Subtract(c.created)
	if !s.fetchesNew(came) {
		return nil
	}
	groups := []fetchGroup{{uids: came}}
	if s.notify != nil {
		groups[0].items = s.notify.fetch
	}
	for i := range news {
		groups = divide(groups, news[i].added, news[i].x.fetch)
	}
	for _, g := range groups {
		if len(g.items) == 0 || len(g.uids) == 0 {
			continue
		}
		f := s.newFetcher(c, &imap.Fetch{UID: true, Items: g.items})
		if err := s.selected.acct.Entries(s.srv.ctx, s.selected.view, g.uids, f.batch); err != nil {
			return err
		}
		if err := f.outcome(true, 0); err != nil {
			s.srv.cfg.Logger.Warn("new messages told but not fetched", "cause", err, "account", s.accountName())
		}
	}
	return nil
}

// divide has more asked of some messages.
func divide(groups []fetchGroup, uids uidset.Ranges, items []imap.FetchItem) (out []fetchGroup) {
	if len(items) == 0 {
		return groups
	}
	for _, g := range groups {
		more := fetchGroup{g.uids.Intersect(uids), slices.Clip(g.items)}
		for i := range items {
			if !slices.ContainsFunc(g.items, func(has imap.FetchItem) bool { return reflect.DeepEqual(has, items[i]) }) {
				more.items = append(more.items, items[i])
			}
		}
		g.uids = g.uids.Subtract(uids)
		out = append(out, more, g)
	}
	return slices.DeleteFunc(out, func(g fetchGroup) bool { return len(g.uids) == 0 })
}

// leaves is called when the selected mailbox, if there is one, is left: what its
// client was not told while it was selected, it is told as of any other.
func (s *Session) leaves(m *selected) {
	if m == nil || !s.notify.active() {
		return
	}
	if info, there := m.acct.Mailbox(m.id()); there && info.ModSeq > m.toldUpTo() {
		s.notify.left = append(s.notify.left, place{acct: m.acct, info: info, prefix: m.prefix})
	}
}

// made notes messages that a command put into a mailbox.
func (s *Session) made(c *command, to place, uids uidset.Ranges, at account.ModSeq) {
	if s.selected != nil && s.selected.is(to) {
		c.created = uids
	}
	s.did(to.acct, at)
}
