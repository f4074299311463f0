package lmtp

import (
	"citron/auth"
	"citron/ops/conn"
	"citron/store"
	"citron/wire/smtp"
)

// transaction is what MAIL began.
type transaction struct {
	mail  smtp.Mail
	rcpts []recipient
	trace int               // octets of header lines they will have, roughly
	to    []store.Recipient // what the recipients reach, in their order

	incoming store.Incoming // once the message began
	chunked  bool           // by BDAT
	size     int64          // octets so far
	limit    int64
	failed   error // nothing more is written; the answer for all recipients
}

// recipient is an accepted RCPT.
type recipient struct {
	path  smtp.Path
	reach []auth.Destination
}

func (s *session) mail(t *conn.Turn, args []byte) error {
	switch {
	case s.hello == "":
		return replyHelloFirst
	case !s.trusted():
		return replyNotTrusted
	case s.trans != nil:
		return smtp.ReplyNested
	}
	m, err := s.service.syntax.ParseMail(args)
	if err != nil {
		return err
	}
	if m.Size > s.service.MaxMessage {
		return smtp.ReplyTooLarge
	}
	s.trans = &transaction{mail: m, limit: s.service.MaxMessage}
	s.reply(t, smtp.ReplySender)
	return nil
}

func (s *session) rcpt(t *conn.Turn, args []byte) error {
	x := s.trans
	switch {
	case x == nil:
		return smtp.ReplyMailFirst
	case x.chunked:
		return replyMixed
	case len(x.rcpts) >= s.service.MaxRecipients:
		return smtp.ReplyManyRcpts
	}
	r, err := s.service.syntax.ParseRcpt(args, x.mail.UTF8)
	if err != nil {
		return err
	}
	trace := s.traceSize(r.To)
	if x.trace+trace > maxTrace {
		return smtp.ReplyManyRcpts
	}
	reach, err := s.service.Resolver.Resolve(s.service.ctx, r.To.Local, r.To.Domain)
	if err == nil && allDisabled(reach) {
		err = auth.Disabled
	}
	if err != nil {
		return s.replyTo(err, "resolve recipient", r.To)
	}
	x.rcpts = append(x.rcpts, recipient{r.To, reach})
	x.trace += trace
	s.reply(t, smtp.ReplyRcpt)
	return nil
}

// allDisabled: nobody behind the address takes mail now. An alias delivers to
// those who do.
func allDisabled(reach []auth.Destination) bool {
	for _, d := range reach {
		if !d.Disabled {
			return false
		}
	}
	return true
}

// replyTo gives the reply to an error, and logs it if the fault is ours.
func (s *session) replyTo(err error, doing string, to smtp.Path) smtp.Reply {
	r, fault := replyTo(err)
	if fault {
		s.service.Log.Warn("delivery failed for now", "doing", doing, "recipient", to.String(), "err", err)
	}
	return r
}
