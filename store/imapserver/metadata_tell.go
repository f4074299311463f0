package imapserver

import (
	"errors"
	"slices"
	"strconv"

	"citron/ops/conn"
	"citron/store/account"
)

// A client that has enabled METADATA is told which annotations others have
// changed (RFC 5464 §4.4.2): those of the user's own mailboxes and, of others'
// accounts, those of the selected mailbox. METADATA-SERVER alone asks for those
// of the server. Whoever has used NOTIFY is told what that asks for instead.

// metadataTold is up to where a session was told of an account's annotations.
type metadataTold struct {
	acct *account.Account
	at   account.ModSeq
	// own are changes that the session made itself.
	own []account.ModSeq
}

// changedMetadata notes that the session itself made a change.
func (s *Session) changedMetadata(acct *account.Account, at account.ModSeq) {
	for i := range s.metadata {
		if s.metadata[i].acct == acct && at != 0 {
			s.metadata[i].own = append(s.metadata[i].own, at)
		}
	}
}

// tellMetadata writes METADATA for what others have changed. When the output is
// full the rest waits for the next time.
func (s *Session) tellMetadata() {
	s.followMetadata()
	for i := range s.metadata {
		if err := s.tellMetadataOf(&s.metadata[i]); err != nil {
			s.srv.cfg.Logger.Warn("cannot read changes of metadata", "cause", err, "account", s.accountName())
		}
	}
}

// followMetadata begins and ends to follow accounts.
func (s *Session) followMetadata() {
	var accounts []*account.Account
	if s.user != nil && s.notify == nil && s.enabled&(metadata|metadataServer) != 0 {
		accounts = append(accounts, s.user.account)
		if m := s.selected; m != nil && m.acct != s.user.account && s.enabled.has(metadata) {
			accounts = append(accounts, m.acct)
		}
	}
	s.metadata = slices.DeleteFunc(s.metadata, func(t metadataTold) bool { return !slices.Contains(accounts, t.acct) })
	for _, a := range accounts {
		if !slices.ContainsFunc(s.metadata, func(t metadataTold) bool { return t.acct == a }) {
			s.metadata = append(s.metadata, metadataTold{acct: a, at: a.ModSeq()})
		}
	}
}

func (s *Session) tellMetadataOf(t *metadataTold) error {
	news := t.acct.News(t.at)
	for news.Log && t.at < news.ModSeq && len(s.w.Buf) < conn.HighWater {
		log, through, err := t.acct.LogSince(s.srv.ctx, t.at, news.ModSeq)
		if errors.Is(err, account.ErrTrimmed) { // what was so long ago is not known any more
			break
		}
		if err != nil {
			return err
		}
		for _, record := range log {
			if record.Kind == account.MetadataChanged && !slices.Contains(t.own, record.ModSeq) {
				s.writeChanges(t.acct, record.Changes)
			}
			if t.at = record.ModSeq; len(s.w.Buf) >= conn.HighWater {
				return nil
			}
		}
		t.at = through
	}
	t.at, t.own = news.ModSeq, nil
	return nil
}

// writeChanges tells of the changes of one operation, which are all of one
// mailbox, those of them that the user may see.
func (s *Session) writeChanges(acct *account.Account, changes []account.NameChange) {
	mailbox, ok := s.annotatedName(acct, changes[0].Mailbox)
	if !ok || s.notifiedOf(acct, changes[0].Mailbox) {
		return
	}
	var names []string
	for _, c := range changes {
		if c.From == "" || c.From == strconv.FormatUint(s.user.Account, 10) {
			names = append(names, c.To)
		}
	}
	if len(names) > 0 {
		s.w.MetadataChanged(mailbox, names)
	}
}

// notifiedOf says whether NOTIFY tells of it, too (RFC 5465 §5.6, §5.7): once
// is enough.
func (s *Session) notifiedOf(acct *account.Account, id account.MailboxID) bool {
	if !s.notify.active() {
		return false
	}
	for _, f := range s.notify.feeds {
		if f.acct == acct {
			_, wanted := s.notifiesMetadata(f, id)
			return wanted
		}
	}
	return false
}

// annotatedName is the name under which the client knows what was annotated,
// if it is to know.
func (s *Session) annotatedName(acct *account.Account, id account.MailboxID) (string, bool) {
	own := acct == s.user.account
	switch {
	case id == account.OwnMetadata:
		return "", own
	case !s.enabled.has(metadata), !own && !(s.selected.acct == acct && s.selected.id() == id):
		return "", false
	}
	info, ok := acct.Mailbox(id)
	switch {
	case !ok:
		return "", false
	case own:
		return info.Name, true
	}
	at := s.placeOf(acct, info, s.selected.prefix)
	return at.name(), mayRead(at)
}
