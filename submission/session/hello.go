package session

import (
	"citron/ops/conn"
	"citron/wire/smtp"
)

// ehlo says what is offered now: it changes with TLS and login. Like every EHLO
// it resets (RFC 5321 §4.1.4).
func (s *session) ehlo(t *conn.Turn, args []byte) error {
	if !smtp.ValidHello(args) {
		return replyHello
	}
	s.reset()
	s.hello = string(args)
	lines := []string{s.service.Hostname}
	for _, e := range s.service.extensions {
		param, offered := "", true
		if e.offer != nil {
			param, offered = e.offer(s)
		}
		switch {
		case !offered:
		case param == "":
			lines = append(lines, e.syntax.Keyword)
		default:
			lines = append(lines, e.syntax.Keyword+" "+param)
		}
	}
	t.Out = smtp.AppendLines(t.Out, 250, lines...)
	return nil
}

func (s *session) helo(t *conn.Turn, args []byte) error {
	if !smtp.ValidHello(args) {
		return replyHello
	}
	s.reset()
	s.hello = string(args)
	t.Out = smtp.AppendLines(t.Out, 250, s.service.Hostname)
	return nil
}
