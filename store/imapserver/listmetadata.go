package imapserver

import (
	"strings"

	"citron/mail/acl"
	"citron/store/account"
)

// LIST-METADATA (RFC 9590): LIST RETURN (METADATA (…)) tells annotations of the
// mailboxes it lists. They are read for some mailboxes at a time, ahead of the
// answer, so that the tree costs few round trips.

// listAheadValues is how many values are read ahead, at most, unless more are
// asked for of one mailbox.
const listAheadValues = 32

// listMetadata is what LIST reads of annotations.
type listMetadata struct {
	s     *Session
	l     *listing
	names []string
	acct  *account.Account
	ahead map[account.MailboxID][]account.MetadataEntry // of acct
}

func newListMetadata(s *Session, l *listing, names []string) *listMetadata {
	m := &listMetadata{s: s, l: l}
	seen := map[string]bool{}
	for _, name := range names { // each once, however often it is named
		if key := strings.ToLower(name); !seen[key] {
			seen[key] = true
			m.names = append(m.names, name)
		}
	}
	return m
}

// write writes METADATA for the mailbox of a row, NIL for what it has not; none
// for one whose annotations the user may not read (RFC 9590 §3).
func (m *listMetadata) write(row int) error {
	at := *m.l.rows[row].at
	if len(m.names) == 0 || !mayRead(at) {
		return nil
	}
	entries, read := m.ahead[at.info.ID]
	if !read || m.acct != at.acct {
		if err := m.read(row); err != nil {
			return err
		}
		entries = m.ahead[at.info.ID]
	}
	for len(entries) > 0 {
		n := min(len(entries), metadataBatch)
		m.s.writeMetadata(at.name(), entries[:n])
		entries = entries[n:]
	}
	return nil
}

// mayRead says whether a mailbox's annotations may be read (RFC 5464 §3.3).
func mayRead(at place) bool {
	return at.rights.Has(acl.Lookup) && at.rights&annotates != 0
}

// read reads the annotations of the mailbox of a row and of some that follow in
// the same account.
func (m *listMetadata) read(row int) error {
	m.acct, m.ahead = m.l.rows[row].at.acct, map[account.MailboxID][]account.MetadataEntry{}
	var ids []account.MailboxID
	for _, r := range m.l.rows[row:] {
		if r.at == nil || r.at.acct != m.acct || !mayRead(*r.at) {
			continue
		}
		if answer, ok := m.l.answer(r); ok && answer.met {
			ids = append(ids, r.at.info.ID)
		}
		if (len(ids)+1)*len(m.names) > listAheadValues && len(ids) > 0 {
			break
		}
	}
	all, err := m.acct.ReadMetadata(m.s.srv.ctx, m.s.user.actor(), ids, m.names)
	for i, id := range ids {
		if err == nil {
			m.ahead[id] = all[i]
		}
	}
	return err
}
