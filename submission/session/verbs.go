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
	who  admission
	// flush: its answer does not wait for those behind it (RFC 2920 §3.2).
	flush bool
	do    handler
}

// admission says who may give a command.
type admission bool

const (
	users   admission = false // others get 530 (RFC 4954 §6)
	anybody admission = true
)

// verbs is the dispatch table.
var verbs = []verb{
	{"EHLO", anybody, true, (*session).ehlo},
	{"HELO", anybody, false, (*session).helo},
	{"STARTTLS", anybody, true, (*session).starttls},
	{"AUTH", anybody, false, (*session).auth},
	{"MAIL", users, false, (*session).mail},
	{"RCPT", users, false, (*session).rcpt},
	{"DATA", users, true, (*session).data},
	{"BDAT", anybody, false, (*session).bdat}, // its octets follow in any case
	{"BURL", users, false, (*session).burl},
	{"RSET", anybody, false, (*session).rset},
	{"NOOP", anybody, true, (*session).noop},
	{"VRFY", users, true, (*session).vrfy},
	{"EXPN", users, true, (*session).expn},
	{"HELP", anybody, false, (*session).help},
	{"QUIT", anybody, true, (*session).quit},
}

func (s *session) command(t *conn.Turn, line []byte) {
	c := smtp.ParseCommand(line)
	v := findVerb(c.Verb())
	s.flush = v == nil || v.flush
	var err error
	switch {
	case v == nil:
		err = smtp.ReplyUnknownVerb
	case v.who == users && s.user == nil:
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
	}
	s.refuse(t, err)
}
