package session

import (
	"citron/ops/conn"
	"citron/wire/smtp"
)

// Verbs that neither log in nor submit.

func (s *session) rset(t *conn.Turn, args []byte) error {
	if len(args) > 0 {
		return smtp.ReplyNoArgs
	}
	s.reset()
	s.reply(t, smtp.ReplyReset)
	return nil
}

func (s *session) noop(t *conn.Turn, _ []byte) error {
	s.reply(t, smtp.ReplyNoop)
	return nil
}

// vrfy does not tell (RFC 5321 §7.3): RCPT does.
func (s *session) vrfy(t *conn.Turn, args []byte) error {
	if len(args) == 0 {
		return smtp.ReplyVrfySyntax
	}
	s.reply(t, smtp.ReplyVrfy)
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
		return smtp.ReplyNoArgs
	}
	s.reset()
	s.closing(t, smtp.ReplyQuit)
	return nil
}
