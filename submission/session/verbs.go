package session

import (
	"citron/ops/conn"
	"citron/wire/smtp"
)

// handler carries out a command; the error is a smtp.Reply that refuses it.
type handler func(s *session, t *conn.Turn, args []byte) error

// verb is a command.
type verb struct {
	name string
	// anybody: it is carried out before login; others get 530 (RFC 4954 §6).
	anybody bool
	do      handler
}

// verbs is the dispatch table.
var verbs = []verb{
	{"EHLO", true, (*session).ehlo},
	{"HELO", true, (*session).helo},
	{"STARTTLS", true, (*session).starttls},
	{"AUTH", true, (*session).auth},
	{"MAIL", false, (*session).mail},
	{"RCPT", false, (*session).rcpt},
	{"DATA", false, (*session).data},
	{"BDAT", true, (*session).bdat}, // its octets follow in any case
	{"BURL", false, (*session).burl},
	{"RSET", true, (*session).rset},
	{"NOOP", true, (*session).noop},
	{"VRFY", false, (*session).vrfy},
	{"EXPN", false, (*session).expn},
	{"HELP", true, (*session).help},
	{"QUIT", true, (*session).quit},
}

func (s *session) command(t *conn.Turn, line []byte) {
	c := smtp.ParseCommand(line)
	v := findVerb(c.Verb())
	var err error
	switch {
	case v == nil:
		err = replyUnknownVerb
	case !v.anybody && s.user == nil:
		err = s.loginFirst()
	default:
		err = v.do(s, t, c.Args)
	}
	if err != nil {
		s.refuse(t, err)
		return
	}
	s.errors = 0
}

func findVerb(name []byte) *verb {
	for i := range verbs {
		if verbs[i].name == string(name) {
			return &verbs[i]
		}
	}
	return nil
}

// loginFirst is the reply to whoever has not logged in (RFC 6409 §4.3), or
// cannot yet.
func (s *session) loginFirst() smtp.Reply {
	if !s.mayLogin() {
		return replyNeedTLS
	}
	return replyNeedLogin
}

func (s *session) badLine(t *conn.Turn, err error) {
	if s.mode == answers {
		s.endExchange()
		if err == smtp.ErrLineTooLong {
			err = replyLongAnswer
		}
	}
	s.refuse(t, err)
}
