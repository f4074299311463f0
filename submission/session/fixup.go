package session

import (
	"errors"
	"io"
	"net/netip"
	"strings"

	"citron/auth"
	"citron/mail/trace"
	"citron/submission"
	"citron/submission/fixup"
	"citron/wire/smtp"
)

// facts are what a Received line says of the session.
type facts struct {
	hello  string
	remote netip.AddrPort
	tls    bool
}

func newID() string { return trace.NewID() }

// filter mends a message on its way to dst. account is whose addresses its
// authors may be; 0: that was checked before.
func (s *Service) filter(account uint64, e *submission.Envelope, dst io.Writer, id string, f facts) *fixup.Filter {
	o := fixup.Options{
		Hostname: s.Hostname, Hello: f.hello, Remote: f.remote, ShowClient: s.ShowClient,
		TLS: f.tls, Authenticated: true, UTF8: e.Mail.UTF8, Binary: e.Mail.Body == smtp.BodyBinary,
		ID: id, Priority: e.Mail.Priority, From: ownAddress(e), Ours: s.ours, Now: e.Received,
	}
	if len(e.Rcpts) == 1 {
		o.For = e.Rcpts[0].To
	}
	if account != 0 {
		o.MayUse = func(local, domain string) error {
			err := s.mayUse(account, local, domain)
			if err == error(replyNotYours) {
				return errNotYours // fixup knows to say of which field
			}
			return err
		}
	}
	return fixup.New(dst, o)
}

// ownAddress is one of the sender's: that of the envelope, or the account's name.
func ownAddress(e *submission.Envelope) smtp.Path {
	if !e.Mail.From.IsNull() {
		return e.Mail.From
	}
	at := strings.LastIndexByte(e.Sender, '@')
	if at < 0 {
		return smtp.Path{}
	}
	return smtp.Path{Local: e.Sender[:at], Domain: e.Sender[at+1:]}
}

var errNotYours = errors.New("not an address of the account")

// mayUse says whether an address is one of an account's: whether mail to it
// reaches the account (RFC 6409 §6.1). An error is a smtp.Reply.
func (s *Service) mayUse(account uint64, local, domain string) error {
	to, err := s.Resolver.Resolve(s.ctx, local, domain)
	if err != nil && !errors.Is(err, auth.NoSuchUser) && !errors.Is(err, auth.NoSuchDomain) {
		s.Log.Warn("address cannot be resolved for now", "err", err)
		return smtp.ReplyFault
	}
	for _, d := range to {
		if d.Account == account {
			return nil
		}
	}
	return replyNotYours
}

// ours says whether a domain is served here; if that is not known now, it is.
func (s *Service) ours(domain string) bool {
	_, err := s.Resolver.Resolve(s.ctx, "postmaster", domain)
	return !errors.Is(err, auth.NoSuchDomain)
}
