package session

import (
	"errors"
	"strings"
	"time"

	"citron/auth"
	"citron/ops/conn"
	"citron/submission"
	"citron/wire/smtp"
)

// transaction is what MAIL began.
type transaction struct {
	service  *Service
	envelope submission.Envelope
	mail     *smtp.Mail // the envelope's
	octets   int        // of the envelope, encoded, at most
	accepted smtp.Reply // the answer to MAIL

	message
}

func (s *session) mail(t *conn.Turn, args []byte) error {
	switch {
	case s.hello == "":
		return replyHelloFirst
	case s.trans != nil:
		return replyNested
	}
	m, err := s.service.syntax.ParseMail(args)
	if err != nil {
		return err
	}
	x := &transaction{service: s.service, accepted: replySender}
	x.envelope = submission.Envelope{Account: s.user.Account, Sender: s.user.Name, Mail: m, Received: s.now}
	x.mail = &x.envelope.Mail
	if err := s.mayMail(x); err != nil {
		return err
	}
	x.octets = submission.EnvelopeSize(&x.envelope)
	s.trans = x
	s.reply(t, x.accepted)
	return nil
}

// mayMail checks what MAIL said.
func (s *session) mayMail(x *transaction) error {
	if err := s.mayUse(x.mail.From); err != nil {
		return err
	}
	for _, e := range s.service.extensions {
		if e.mail != nil {
			if err := e.mail(s, x); err != nil {
				return err
			}
		}
	}
	return s.service.tooMuch(s.service.rates.check(s.user.Account, 1, s.now), s.user.Name)
}

// mayUse says whether an address is the user's: whether mail to it reaches the
// account (RFC 6409 §6.1). The null path is anybody's: RFC 6409 §3.2 forbids to
// refuse it, because disposition notifications have it, and we know who sends.
func (s *session) mayUse(p smtp.Path) error {
	if p.IsNull() {
		return nil
	}
	own, err := s.reaches(p.Local, p.Domain)
	switch {
	case err != nil:
		return s.fault("resolve sender", err)
	case !own:
		return replyNotYours
	}
	return nil
}

// reaches says whether mail to an address reaches the account of the user.
func (s *session) reaches(local, domain string) (bool, error) {
	to, err := s.service.Resolver.Resolve(s.service.ctx, local, domain)
	if errors.Is(err, auth.NoSuchUser) || errors.Is(err, auth.NoSuchDomain) {
		return false, nil
	}
	for _, d := range to {
		if d.Account == s.user.Account {
			return true, err
		}
	}
	return false, err
}

func (s *session) rcpt(t *conn.Turn, args []byte) error {
	x := s.trans
	switch {
	case x == nil:
		return replyMailFirst
	case x.began:
		return replyMixed
	}
	r, err := s.service.syntax.ParseRcpt(args, x.mail.UTF8)
	if err != nil {
		return err
	}
	octets := x.octets + submission.RcptSize(&r)
	if len(x.envelope.Rcpts) >= s.service.MaxRecipients || octets > submission.MaxEnvelope {
		return replyManyRcpts
	}
	if err := s.mayRcpt(x, &r); err != nil {
		return err
	}
	x.envelope.Rcpts = append(x.envelope.Rcpts, r)
	x.octets = octets
	s.reply(t, replyRcpt)
	return nil
}

// mayRcpt checks what RCPT said. A recipient whose account is disabled waits in
// the queue, because disabling can be undone.
func (s *session) mayRcpt(x *transaction, r *smtp.Rcpt) error {
	for _, e := range s.service.extensions {
		if e.rcpt != nil {
			if err := e.rcpt(s, x, r); err != nil {
				return err
			}
		}
	}
	_, err := s.service.Resolver.Resolve(s.service.ctx, r.To.Local, r.To.Domain)
	switch {
	case errors.Is(err, auth.NoSuchDomain):
		if !qualified(r.To.Domain) {
			return replyUnqualified
		}
	case err != nil:
		return s.fault("resolve recipient", err)
	}
	return s.service.tooMuch(s.service.rates.check(s.user.Account, len(x.envelope.Rcpts)+1, s.now), s.user.Name)
}

// qualified says whether a domain that is not ours can be found by others (RFC
// 6409 §4.2).
func qualified(domain string) bool {
	return strings.HasPrefix(domain, "[") || strings.Contains(domain, ".")
}

// mailAuth trusts AUTH= only so far as it names the user himself; otherwise it
// is as if the client had said "<>" (RFC 4954 §5).
func mailAuth(s *session, x *transaction) error {
	a := &x.mail.Auth
	if a.Mailbox == "" {
		return nil
	}
	at := strings.LastIndexByte(a.Mailbox, '@')
	if at < 0 {
		a.Mailbox = ""
		return nil
	}
	own, err := s.reaches(a.Mailbox[:at], a.Mailbox[at+1:])
	if err != nil {
		return s.fault("resolve AUTH", err)
	}
	if !own {
		a.Mailbox = ""
	}
	return nil
}

// holdUntil is when delivery may begin; zero: at once.
func holdUntil(h smtp.Hold, from time.Time) time.Time {
	if h.For > 0 {
		return from.Add(h.For)
	}
	return h.Until
}
