package imapserver

import (
	"citron/mail/acl"
	"citron/store/account"
	"citron/wire/imap"
)

// What the user's rights allow in the selected mailbox (RFC 4314 §4, §5).

// sharedFlags are the rights to flags that others see, too (RFC 4314 §5.2).
const sharedFlags = acl.Write | acl.DeleteMessages | acl.Seen

// writable says whether the client is told READ-WRITE (RFC 4314 §5.2).
func (m *selected) writable() bool {
	return !m.readOnly && m.rights&(acl.Insert|acl.Expunge|sharedFlags) != 0
}

// may says whether something that takes all these rights is allowed now.
func (m *selected) may(need acl.Rights) bool { return !m.readOnly && m.rights.Has(need) }

// demand refuses what takes rights that the user does not have, or changes a
// mailbox opened by EXAMINE.
func (m *selected) demand(need acl.Rights) error {
	switch {
	case m.readOnly:
		return errReadOnly
	case !m.rights.Has(need):
		return errNoRight
	}
	return nil
}

// stillMay says whether the user has all these rights now, whatever a command
// that takes long began with. Of a mailbox that is gone others speak.
func (m *selected) stillMay(u *user, need acl.Rights) bool {
	info, there := m.acct.Mailbox(m.id())
	return !there || m.acct.Rights(info, u.Account).Has(need)
}

// demandFlags refuses a STORE of which nothing is allowed. What is allowed only
// in part is done in part, without an error (RFC 4314 §4, STORE).
func (m *selected) demandFlags(change *account.FlagChange) error {
	if m.readOnly {
		return errReadOnly
	}
	if m.rights&rightsFor(change) == acl.None {
		return errNoRight
	}
	return nil
}

// rightsFor are the rights of which a change of flags needs at least one: those
// to the flags it names, or, if it replaces all by none, to any.
func rightsFor(change *account.FlagChange) (need acl.Rights) {
	if change.System&account.Seen != 0 {
		need |= acl.Seen
	}
	if change.System&account.Deleted != 0 {
		need |= acl.DeleteMessages
	}
	if change.System&^(account.Seen|account.Deleted) != 0 || len(change.Keywords) > 0 {
		need |= acl.Write
	}
	if need == acl.None {
		need = acl.Seen | acl.DeleteMessages | acl.Write
	}
	return need
}

// permanentFlags are the flags that the user can change.
func (m *selected) permanentFlags(info *account.MailboxInfo) (code imap.CodePermanentFlags) {
	if m.may(acl.Seen) {
		code.Flags.System |= imap.FlagSeen
	}
	if m.may(acl.DeleteMessages) {
		code.Flags.System |= imap.FlagDeleted
	}
	if m.may(acl.Write) {
		code.Flags.System |= imap.FlagAnswered | imap.FlagFlagged | imap.FlagDraft
		code.Flags.Keywords = possibleKeywords(info)
		code.AnyKeyword = account.FreeKeywords(info.Keywords) > 0
	}
	return code
}

// barred says whether the user may no longer read the selected mailbox, if there
// is one: a command under way then ends with its session.
func (m *selected) barred(u *user) bool {
	if m == nil || m.prefix == "" || m.acct.ModSeq() == m.rightsAt {
		return false
	}
	info, ok := m.acct.Mailbox(m.id())
	return ok && !m.acct.Rights(info, u.Account).Has(acl.Read)
}

// recheck looks whether the user's rights on the selected mailbox have changed.
// Who may no longer read it is sent away, as the RFC allows: most clients do not
// understand a NO to every command. Otherwise the client is told what flags it
// can change now (RFC 4314 §5.1.1). It is false when the session ends.
func (s *Session) recheck() bool {
	if s.isApplication() {
		return s.recheckApplication()
	}
	m := s.selected
	if m == nil {
		return true
	}
	at := m.acct.ModSeq()
	if at == m.rightsAt {
		return true
	}
	m.rightsAt = at
	info, ok := m.acct.Mailbox(m.id())
	if !ok {
		return true // which sync will see
	}
	rights := m.acct.Rights(info, s.user.Account)
	switch {
	case rights == m.rights:
		return true
	case !rights.Has(acl.Read):
		s.bye(imap.CodeNoPerm, "You may no longer read the selected mailbox")
		return false
	}
	m.rights = rights
	s.writeFlagsResponse(info)
	s.writePermanentFlags(info)
	return true
}
