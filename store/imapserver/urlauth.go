package imapserver

import (
	"errors"

	"citron/mail/acl"
	"citron/store/account"
	"citron/store/urlauth"
	"citron/wire/imap"
)

// URLAUTH (RFC 4467): RESETKEY and GENURLAUTH. URLFETCH is in urlfetch.go, what
// makes and checks the URLs in package urlauth.

var urlCommands = []spec{
	{"RESETKEY", inAccount, 0, on((*Session).resetKey)},
	{"GENURLAUTH", inAccount, slow, on((*Session).genURLAuth)},
	{"URLFETCH", inAccount | asApplication, slow, on((*Session).urlFetch)},
}

// resetKey revokes the URLs that the user has authorized: those of one mailbox,
// or all.
func (s *Session) resetKey(c *command, a *imap.ResetKey) error {
	for _, m := range a.Mechanisms {
		if m != imap.InternalMechanism {
			return errMechanism
		}
	}
	if a.Mailbox == "" {
		c.text = "All keys removed"
		return s.user.account.DropURLTable(s.srv.ctx, s.user.actor())
	}
	at, err := s.locate(a.Mailbox, acl.Read)
	if err != nil {
		return err
	}
	if err := at.acct.ResetURLKey(s.srv.ctx, s.user.actor(), at.info.ID, s.user.Account); err != nil {
		return err
	}
	if m := s.selected; m != nil && m.is(at) {
		m.urlResets = at.acct.URLResets(m.id(), s.user.Account) // the reply tells it
	}
	c.text = "mechs"
	if s.tellsMechanisms() {
		c.code = imap.CodeURLMech{}
	}
	return nil
}

var errMechanism = no(imap.CodeCannot, "The only mechanism is INTERNAL")

// tellsMechanisms says whether URLMECH may be sent: never where it could be
// overheard (RFC 4467 §10).
func (s *Session) tellsMechanisms() bool { return s.conn.TLS() != nil }

// writeURLMech tells the mechanisms for the selected mailbox (RFC 4467 §8).
func (s *Session) writeURLMech() {
	if s.tellsMechanisms() {
		s.w.Status("*", imap.OK, imap.CodeURLMech{}, "URL mechanisms")
	}
}

// tellURLReset tells that another session of the user has reset the key of the
// selected mailbox (RFC 4467 §7, RESETKEY).
func (s *Session) tellURLReset() {
	m := s.selected
	if m == nil {
		return
	}
	if n := m.acct.URLResets(m.id(), s.user.Account); n != m.urlResets {
		m.urlResets = n
		s.writeURLMech()
	}
}

// genURLAuth authorizes URLs, all or none.
func (s *Session) genURLAuth(c *command, a *imap.GenURLAuth) error {
	urls := make([]string, 0, len(a.URLs))
	for _, u := range a.URLs {
		if u.Mechanism != imap.InternalMechanism {
			return errMechanism
		}
		full, err := s.srv.urls.Authorize(s.srv.ctx, s.user.actor(), u.URL)
		var invalid urlauth.InvalidURL
		switch {
		case errors.As(err, &invalid):
			return bad(invalid.Error())
		case err != nil && account.KindOf(err) == 0:
			return &refusal{kind: imap.NO, code: imap.CodeUnavailable, text: "Cannot authorize URLs now", cause: err}
		case err != nil:
			return err
		}
		urls = append(urls, full)
		if err := c.breathe(); err != nil {
			return err
		}
	}
	s.w.GenURLAuth(urls)
	return nil
}
