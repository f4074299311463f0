package session

import (
	"citron/ops/conn"
	"citron/wire/smtp"
)

func offerStartTLS(s *session) (param string, offered bool) {
	return "", s.conn.CanStartTLS() && s.conn.TLS() == nil
}

// starttls (RFC 3207): what the client said before does not count afterwards,
// and what it sent along with STARTTLS is discarded by the driver (CVE-2011-0411).
func (s *session) starttls(t *conn.Turn, args []byte) error {
	switch {
	case len(args) > 0:
		return smtp.ReplyNoArgs
	case s.conn.TLS() != nil:
		return replyTLSTwice
	case !s.conn.CanStartTLS():
		return smtp.ReplyNoTLS
	}
	s.reset()
	s.hello = ""
	s.logout()
	s.reply(t, smtp.ReplyStartTLS)
	s.action = conn.StartTLS
	return nil
}
