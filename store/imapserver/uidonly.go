package imapserver

import (
	"citron/store/uidset"
	"citron/wire/imap"
)

// UIDONLY (RFC 9586): once it is enabled neither side speaks of message
// numbers. UIDFETCH stands for FETCH, VANISHED for EXPUNGE, and what a client
// asks by number is refused: commands marked byNumber in the table, search keys
// (checkKeys), and the match data of QRESYNC.

var errUIDRequired = &refusal{kind: imap.BAD, code: imap.CodeUIDRequired,
	text: "Message numbers are not allowed once UIDONLY is enabled"}

// checkKeys refuses search keys that name messages by number (RFC 9586 §3.5).
// "$" is no number (RFC 5182 §2.1).
func (s *Session) checkKeys(k *imap.SearchKey) error {
	if s.enabled.has(uidOnly) && namesNumbers(k) {
		return errUIDRequired
	}
	return nil
}

// namesNumbers says whether a key is, or holds, one of message numbers.
func namesNumbers(k *imap.SearchKey) bool {
	if k.Op == imap.SearchSeq && !k.Set.Saved {
		return true
	}
	for i := range k.Keys {
		if namesNumbers(&k.Keys[i]) {
			return true
		}
	}
	return false
}

// startFetch begins FETCH, or UIDFETCH (RFC 9586 §3.3, §3.6).
func (s *Session) startFetch(seq uint32, u uidset.UID) {
	if s.enabled.has(uidOnly) {
		s.w.UIDFetchStart(uint32(u))
		return
	}
	s.w.FetchStart(seq)
}

// showUID writes the UID item of a response that nobody asked for, unless the
// UID stands at its beginning.
func (s *Session) showUID(u uidset.UID) {
	if !s.enabled.has(uidOnly) {
		s.w.FetchUID(uint32(u))
	}
}
