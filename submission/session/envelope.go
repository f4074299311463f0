package session

import (
	"errors"
	"strings"

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
	id       string     // for the log, and the Received line
	facts    facts

	message
}

func (s *session) mail(t *conn.Turn, args []byte) error {
	switch {
	case s.hello == "":
		return replyHelloFirst
	case s.trans != nil:
		return smtp.ReplyNested
	}
	m, err := s.service.syntax.ParseMail(args)
	if err != nil {
		return err
	}
	x := &transaction{service: s.service, accepted: smtp.ReplySender, id: newID()}
	x.facts = facts{hello: s.hello, remote: s.conn.Remote(), tls: s.conn.TLS() != nil}
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
	// The null path is anybody's: RFC 6409 §3.2 forbids to refuse it, because
	// disposition notifications have it, and we know who sends.
	if from := x.mail.From; !from.IsNull() {
		if from.Domain == "" {
			return replyUnqualifiedSender
		}
		if err := s.service.mayUse(s.user.Account, from.Local, from.Domain); err != nil {
			return err
		}
	}
	for _, e := range s.service.extensions {
		if e.mail != nil {
			if err := e.mail(s, x); err != nil {
				return err
			}
		}
	}
	return s.mayGoOn(x)
}

func (s *session) rcpt(t *conn.Turn, args []byte) error {
	x := s.trans
	switch {
	case x == nil:
		return smtp.ReplyMailFirst
	case x.began:
		return replyMixed
	}
	r, err := s.service.syntax.ParseRcpt(args, x.mail.UTF8)
	if err != nil {
		return err
	}
	if r.To.Domain == "" { // RFC 5321 §4.5.1: <Postmaster>; of the user's domain
		r.To.Domain = domainOf(s.user.Name)
	}
	if x.has(&r) {
		s.reply(t, smtp.ReplyRcpt)
		return nil
	}
	octets := x.octets + submission.RcptSize(&r)
	if len(x.envelope.Rcpts) >= s.service.MaxRecipients || octets > submission.MaxEnvelope {
		return smtp.ReplyManyRcpts
	}
	if err := s.mayRcpt(x, &r); err != nil {
		return err
	}
	x.envelope.Rcpts = append(x.envelope.Rcpts, r)
	x.octets = octets
	s.reply(t, smtp.ReplyRcpt)
	return nil
}

// domainOf is the domain of an account's name.
func domainOf(name string) string { return name[strings.LastIndexByte(name, '@')+1:] }

// has says whether a recipient was accepted before, with the same parameters:
// clients that take those of To, Cc and Bcc name some twice, who are to get the
// message once.
func (x *transaction) has(r *smtp.Rcpt) bool {
	for i := range x.envelope.Rcpts {
		old := x.envelope.Rcpts[i]
		if old.To.Local == r.To.Local && strings.EqualFold(old.To.Domain, r.To.Domain) {
			if old.To = r.To; old == *r {
				return true
			}
		}
	}
	return false
}

// mayRcpt checks what RCPT said. A recipient whose account is disabled waits in
// the queue, because disabling can be undone.
func (s *session) mayRcpt(x *transaction, r *smtp.Rcpt) error {
	_, err := s.service.Resolver.Resolve(s.service.ctx, r.To.Local, r.To.Domain)
	switch {
	case errors.Is(err, auth.NoSuchDomain):
		if !qualified(r.To.Domain) {
			return replyUnqualified
		}
	case err != nil:
		return s.fault("resolve recipient", err)
	}
	return s.mayGoOn(x)
}

// mayGoOn says whether the user may send to one recipient more. An attempt may be
// known already: whether it is a new mail is seen at its end.
func (s *session) mayGoOn(x *transaction) error {
	if x.mail.Atomic.Attempt != "" {
		return nil
	}
	e := s.service.rates.check(s.user.Account, len(x.envelope.Rcpts)+1, s.now)
	return s.service.tooMuch(e, s.user.Name)
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
	at := strings.LastIndexByte(a.Mailbox, '@')
	if at < 0 {
		return nil
	}
	err := s.service.mayUse(s.user.Account, a.Mailbox[:at], a.Mailbox[at+1:])
	if err == error(replyNotYours) {
		a.Mailbox, err = "", nil
	}
	return err
}
