package session

import "citron/ops/conn"

// Verbs that neither log in nor submit.

func (s *session) rset(t *conn.Turn, args []byte) error {
	if len(args) > 0 {
		return replyNoArgs
	}
	s.reset()
	s.reply(t, replyReset)
	return nil
}

func (s *session) noop(t *conn.Turn, _ []byte) error {
	s.reply(t, replyNoop)
	return nil
}

// vrfy does not tell (RFC 5321 §7.3): RCPT does.
func (s *session) vrfy(t *conn.Turn, args []byte) error {
	if len(args) == 0 {
		return replyVrfySyntax
	}
	s.reply(t, replyVrfy)
	return nil
}

// expn is a verb of RFC 5321 that is not carried out (§7.3).
func (s *session) expn(*conn.Turn, []byte) error { return replyNotImplemented }

func (s *session) help(t *conn.Turn, _ []byte) error {
	s.reply(t, replyHelp)
	return nil
}

func (s *session) quit(t *conn.Turn, args []byte) error {
	if len(args) > 0 {
		return replyNoArgs
	}
	s.reset()
	r := replyQuit
	r.Text = s.service.Hostname + " " + r.Text
	s.reply(t, r)
	s.action = conn.Close
	return nil
}
