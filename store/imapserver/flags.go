package imapserver

import (
	"slices"

	"citron/store/account"
	"citron/wire/imap"
)

// The account and the wire number the system flags alike; flags_test.go holds
// them to it.

func systemFlags(f imap.SystemFlags) account.SystemFlag {
	return account.SystemFlag(f &^ imap.FlagRecent)
}

const allFlags = imap.FlagAnswered | imap.FlagFlagged | imap.FlagDeleted | imap.FlagSeen | imap.FlagDraft

// writeFlagsResponse writes FLAGS: what flags there can be in the mailbox.
func (s *Session) writeFlagsResponse(info *account.MailboxInfo) {
	s.w.Flags(&imap.FlagList{System: allFlags, Keywords: possibleKeywords(info)})
}

// possibleKeywords are the keywords that can be named: those that are there, and,
// when there is no room for others, those for which there always is.
func possibleKeywords(info *account.MailboxInfo) []string {
	if account.FreeKeywords(info.Keywords) > 0 {
		return info.Keywords
	}
	return slices.Concat(info.Keywords, account.Missing(info.Keywords))
}

// writePermanentFlags says which flags can be changed for good; \* unless the
// mailbox holds as many keywords as it can.
func (s *Session) writePermanentFlags(info *account.MailboxInfo) {
	code, text := s.selected.permanentFlags(info), "No permanent flags permitted"
	if code.Flags.System != 0 || code.AnyKeyword || len(code.Flags.Keywords) > 0 {
		text = "Flags permitted"
	}
	s.w.Status("*", imap.OK, code, text)
}

// writeFlags writes an unsolicited FETCH with an entry's flags, and with its
// modseq if the client has asked for such in any way (RFC 7162 §3.1).
func (s *Session) writeFlags(seq uint32, info *account.MailboxInfo, e *account.Entry) {
	s.startFetch(seq, e.UID)
	s.showUID(e.UID)
	s.fetchFlags(info, e)
	if s.enabled.has(condstore) {
		s.w.FetchModSeq(uint64(e.ModSeq))
	}
	s.w.FetchEnd()
}

// fetchFlags writes the FLAGS item of a FETCH response. info must be no older
// than the entry (currentInfo), since it names the keywords.
func (s *Session) fetchFlags(info *account.MailboxInfo, e *account.Entry) {
	system := imap.SystemFlags(e.Flags)
	if !s.enabled.has(rev2) && s.selected.recent.Contains(e.UID) {
		system |= imap.FlagRecent
	}
	s.w.FetchFlagsStart(system)
	if !e.Keywords.Empty() {
		for i, name := range info.Keywords {
			if e.Keywords.Has(i) {
				s.w.FetchKeyword(name)
			}
		}
	}
	s.w.FetchFlagsEnd()
}

// currentInfo gives the selected mailbox's record for reading keywords of
// entries just read, and tells the client of keywords it has not seen. Call it
// between reading a batch of entries and writing their flags.
func (s *Session) currentInfo() *account.MailboxInfo {
	info := s.selected.info()
	s.tellKeywords(info)
	return info
}

// info is the mailbox's record as it is now, or, if it is gone, as it was told.
func (m *selected) info() *account.MailboxInfo {
	if info, ok := m.acct.Mailbox(m.id()); ok {
		return info
	}
	return m.view.Info
}
