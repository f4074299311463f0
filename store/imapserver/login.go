package imapserver

import (
	"errors"
	"time"

	"citron/auth"
	"citron/ops/conn"
	"citron/store/account"
	"citron/wire/imap"
)

// How a session becomes somebody's: LOGIN (RFC 9051 §6.2.3), AUTHENTICATE
// (§6.2.2, RFC 4959), and the rules both follow. Off loopback nothing that
// concerns a password is done without TLS, and a refused login is answered
// late (conn.LoginFailed).

var loginCommands = []spec{
	{"STARTTLS", notAuthenticated, answersItself, on((*Session).startTLS)},
	{"LOGIN", notAuthenticated, answersItself, on((*Session).login)},
	{"AUTHENTICATE", notAuthenticated, answersItself, on((*Session).authenticate)},
}

// user is the account a session is logged in to. An application has none.
type user struct {
	auth.Identity
	account *account.Account
}

// actor is on whose behalf the session acts: the owner's, until mailboxes
// are shared.
func (u *user) actor() account.Actor {
	return account.Actor{Account: u.Account, Name: u.Name}
}

// mayLogin says whether passwords may be spoken of on this connection.
func (s *Session) mayLogin() bool {
	return s.conn.TLS() != nil || s.srv.cfg.PlaintextLogin && s.conn.Loopback()
}

func (s *Session) startTLS(c *command, _ *imap.StartTLS) error {
	if !s.conn.CanStartTLS() {
		return bad("TLS is not available, or already in use")
	}
	// RFC 9051 §6.2.1: no CAPABILITY code here, the client asks again.
	s.w.Status(c.tag, imap.OK, nil, "Begin TLS negotiation now")
	s.then = conn.StartTLS
	return nil
}

func (s *Session) login(c *command, a *imap.Login) error {
	if !s.mayLogin() {
		return errPrivacy
	}
	asOf := s.srv.roll.AsOf()
	id, err := s.srv.auth.Plain(s.srv.ctx, a.User, "", a.Password)
	s.loggedIn(c, id, asOf, err)
	return nil
}

var errPrivacy = no(imap.CodePrivacyRequired, "Use STARTTLS before logging in")

// loggedIn ends LOGIN and AUTHENTICATE, whose credential was checked as of a
// state of the roll.
func (s *Session) loggedIn(c *command, id auth.Identity, asOf uint64, err error) {
	if err == nil {
		err = s.enter(id, asOf)
	}
	switch {
	case err == nil:
		s.bad = 0
		s.srv.cfg.Logger.Debug("login", "account", id.Name, "remote", s.conn.Remote())
		s.w.Status(c.tag, imap.OK, s.capabilities(), "Logged in")
	case countsAsFailure(err):
		s.hold(c, err)
	default:
		s.writeRefusal(c, loginRefusal(err))
	}
}

// enter opens the account of somebody who has proved who they are, unless it is
// an application.
func (s *Session) enter(id auth.Identity, asOf uint64) error {
	if err := s.conn.Login(id.Name); err != nil {
		return err
	}
	if id.Account == 0 {
		s.user = &user{Identity: id}
		s.scan.Limits = s.limits()
		return nil
	}
	a, err := s.srv.open(s.srv.ctx, id.Account)
	if err != nil {
		s.conn.Logout()
		return err
	}
	if !s.srv.roll.Enter(s, id, asOf) {
		a.Close()
		s.conn.Logout()
		return errRevokedMeanwhile
	}
	s.user = &user{Identity: id, account: a}
	s.scan.Limits = s.limits()
	return nil
}

var errRevokedMeanwhile = errors.New("a credential was revoked while this one was checked")

// countsAsFailure says whether the peer may have been guessing.
func countsAsFailure(err error) bool {
	return errors.Is(err, auth.BadCredentials) || errors.Is(err, auth.NotAuthorized)
}

// hold keeps the answer to a failed login back for as long as the connection
// package says, and reads nothing meanwhile.
func (s *Session) hold(c *command, err error) {
	s.failures++
	s.srv.cfg.Logger.Info("login failed", "remote", s.conn.Remote(), "cause", err)
	s.held = &held{c: c, err: err, until: s.now.Add(s.conn.LoginFailed(s.now))}
}

// held is a refusal that waits for its time.
type held struct {
	c     *command
	err   error
	until time.Time
}

// release answers a held login when its time has come.
func (s *Session) release() bool {
	if s.now.Before(s.held.until) {
		return false
	}
	h := s.held
	s.held = nil
	s.writeRefusal(h.c, loginRefusal(h.err))
	if s.failures >= maxLoginFailures {
		s.bye(nil, "Too many failed logins")
	}
	return true
}

// loginRefusals are the answers to what auth, conn and the account say
// (RFC 5530 §3).
var loginRefusals = []struct {
	err    error
	answer *refusal
}{
	{auth.BadCredentials, no(imap.CodeAuthenticationFailed, "Wrong name or password")},
	{auth.NotAuthorized, no(imap.CodeAuthorizationFailed, "Not authorized to act as that user")},
	{auth.Disabled, no(imap.CodeContactAdmin, "This account is disabled")},
	{auth.BadExchange, bad("Malformed authentication exchange")},
	{auth.Invalid, no(imap.CodeAuthenticationFailed, "Wrong name or password")},
	{conn.ErrTooManyConnections, no(imap.CodeLimit, "Too many connections of this account")},
	{account.ErrNoAccount, no(imap.CodeContactAdmin, "This account has no mail store")},
}

func loginRefusal(err error) *refusal {
	for _, r := range loginRefusals {
		if errors.Is(err, r.err) {
			return r.answer
		}
	}
	return &refusal{kind: imap.NO, code: imap.CodeUnavailable, text: "Cannot log in now, please try again later", cause: err}
}
