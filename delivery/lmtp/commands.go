package lmtp

import (
	"strconv"

	"citron/ops/conn"
	"citron/wire/smtp"
)

// handler carries out a command; the error is a smtp.Reply that refuses it.
type handler func(s *session, t *conn.Turn, args []byte) error

// handlers is the dispatch table, by verb.
var handlers = map[string]handler{
	"LHLO":     (*session).lhlo,
	"MAIL":     (*session).mail,
	"RCPT":     (*session).rcpt,
	"DATA":     (*session).data,
	"BDAT":     (*session).bdat,
	"RSET":     (*session).rset,
	"NOOP":     (*session).noop,
	"VRFY":     (*session).vrfy,
	"HELP":     (*session).help,
	"QUIT":     (*session).quit,
	"STARTTLS": (*session).starttls,
	"HELO":     (*session).notLMTP,
	"EHLO":     (*session).notLMTP,
}

func (s *session) command(t *conn.Turn, line []byte) {
	c := smtp.ParseCommand(line)
	h, ok := handlers[string(c.Verb())]
	if !ok {
		s.refuse(t, smtp.ReplyUnknownVerb)
		return
	}
	if err := h(s, t, c.Args); err != nil {
		s.refuse(t, err)
		return
	}
	s.errors = 0
}

// lhlo is EHLO under another name (RFC 2033 §4.1); like it, it resets (RFC 5321
// §4.1.4).
func (s *session) lhlo(t *conn.Turn, args []byte) error {
	if !smtp.ValidHello(args) {
		return replyHello
	}
	if !s.trusted() && s.conn.TLS() != nil {
		return replyNotTrusted
	}
	s.reset()
	s.hello = string(args)
	lines := []string{s.service.Hostname}
	for _, e := range s.service.syntax.Extensions() {
		switch e {
		case &smtp.Size:
			lines = append(lines, e.Keyword+" "+strconv.FormatInt(s.service.MaxMessage, 10))
		case &smtp.StartTLS:
			if s.conn.CanStartTLS() && s.conn.TLS() == nil {
				lines = append(lines, e.Keyword)
			}
		default:
			lines = append(lines, e.Keyword)
		}
	}
	t.Out = smtp.AppendLines(t.Out, 250, lines...)
	return nil
}

// notLMTP must not succeed (RFC 2033 §4.1).
func (s *session) notLMTP(*conn.Turn, []byte) error { return replySayLHLO }

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

func (s *session) help(t *conn.Turn, _ []byte) error {
	s.reply(t, replyHelp)
	return nil
}

func (s *session) quit(t *conn.Turn, _ []byte) error {
	s.reset()
	s.closing(t, smtp.ReplyQuit)
	return nil
}

// starttls (RFC 3207): what the client said before does not count afterwards.
func (s *session) starttls(t *conn.Turn, args []byte) error {
	switch {
	case len(args) > 0:
		return smtp.ReplyNoArgs
	case s.conn.TLS() != nil || !s.conn.CanStartTLS():
		return smtp.ReplyNoTLS
	}
	s.reset()
	s.hello = ""
	s.reply(t, smtp.ReplyStartTLS)
	s.action = conn.StartTLS
	return nil
}
