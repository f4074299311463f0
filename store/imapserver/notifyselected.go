package imapserver

import (
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

// fetchesNew says whether something is to be fetched of new messages.
func (s *Session) fetchesNew(came uidset.Ranges) bool {
	return len(came) > 0 && s.notify != nil && len(s.notify.fetch) > 0
}

// fetchNew writes what the client asked for of new messages, except those that
// its own command made (RFC 5465 §5.2).
func (s *Session) fetchNew(c *command, came uidset.Ranges) error {
	came = came.Subtract(c.created)
	if !s.fetchesNew(came) {
		return nil
	}
	f := s.newFetcher(c, &imap.Fetch{UID: true, Items: s.notify.fetch})
	if err := s.selected.acct.Entries(s.srv.ctx, s.selected.view, came, f.batch); err != nil {
		return err
	}
	if err := f.outcome(true, 0); err != nil {
		s.srv.cfg.Logger.Warn("new messages told but not fetched", "cause", err, "account", s.accountName())
	}
	return nil
}

// leaves is called when the selected mailbox, if there is one, is left: what its client was not
// told while it was selected, it is told as of any other.
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
