package imapserver

import "citron/wire/imap"

// Contexts (RFC 5267).

// refuseUpdate says that the results of a command will not be kept up to date
// (RFC 5267 §4.3.1).
func (s *Session) refuseUpdate(c *command) {
	s.w.Status("*", imap.NO, imap.CodeNoUpdate(c.tag), "Results are not kept up to date")
}
