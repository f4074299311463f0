package session

import (
	"errors"
	"slices"
	"strings"
	"time"

	"citron/auth"
	"citron/ops/conn"
	"citron/wire/sasl"
	"citron/wire/smtp"
)

// AUTH (RFC 4954). Off this machine nothing that concerns a password is done
// without TLS, and a refused login is answered late (conn.LoginFailed).

// maxLoginFailures is after how many failed logins the session ends; RFC 4954
// §9 asks for at least 3.
const maxLoginFailures = 5

// exchange is an AUTH under way: the next line from the client is its answer to
// a challenge, not a command.
type exchange struct {
	*auth.Exchange
	asOf uint64 // state of the roll
}

// held is a refusal that waits for its time.
type held struct {
	reply smtp.Reply
	until time.Time
}

// mayLogin says whether passwords may be spoken of on this connection.
func (s *session) mayLogin() bool {
	return s.conn.TLS() != nil || s.service.PlaintextLogin && s.conn.Loopback()
}

// mechanisms are those announced on this connection.
func (s *session) mechanisms() []string {
	return auth.Mechanisms(true, s.canBind())
}

// canBind says whether the connection has channel binding data of any kind,
// and so whether -PLUS is announced.
func (s *session) canBind() bool {
	for _, kind := range []string{sasl.TLSExporter, sasl.TLSServerEndPoint} {
		if _, err := s.conn.ChannelBinding(kind); err == nil {
			return true
		}
	}
	return false
}

// offerAuth announces AUTH where one can log in. After login there is nothing
// more to be had from it (RFC 4954 §4).
func offerAuth(s *session) (param string, offered bool) {
	return strings.Join(s.mechanisms(), " "), s.user == nil && s.mayLogin()
}

func (s *session) auth(t *conn.Turn, args []byte) error {
	a, err := smtp.ParseAuth(args)
	switch {
	case s.hello == "":
		return replyHelloFirst
	case s.user != nil:
		return replyAuthTwice
	case s.trans != nil:
		return replyAuthNested
	case !s.mayLogin():
		return replyNeedTLS
	case err != nil:
		return err
	case !slices.Contains(s.mechanisms(), a.Mechanism):
		return replyMechanism
	}
	bindings := sasl.Bindings{Announced: s.canBind(), Data: s.conn.ChannelBinding}
	asOf := s.service.roll.AsOf()
	s.exchange = &exchange{auth.Begin(s.service.ctx, s.service.Authenticator, a.Mechanism, bindings), asOf}
	// An initial response of LOGIN, which begins with a challenge, is taken for
	// its answer: clients send it so, and no standard says what LOGIN is.
	return s.advanceExchange(t, a.Initial)
}

// answer takes the client's answer to a challenge. A lone "*" cancels.
func (s *session) answer(t *conn.Turn, line []byte) {
	response, err := smtp.ParseAuthResponse(line)
	if err != nil {
		s.endExchange()
	} else {
		err = s.advanceExchange(t, response)
	}
	if err != nil {
		s.refuse(t, err)
	}
}

// advanceExchange gives the client's message to the mechanism, and either asks
// for the next or ends the command.
func (s *session) advanceExchange(t *conn.Turn, response []byte) error {
	x := s.exchange
	challenge, done, err := x.Next(response)
	if err == nil && !done {
		s.mode, s.lines.Max = answers, smtp.MaxAuthLine
		t.Out = smtp.AppendChallenge(t.Out, challenge)
		return nil
	}
	s.endExchange()
	if err == nil {
		err = s.enter(x.Identity(), x.asOf)
	}
	switch {
	case err == nil:
		s.errors = 0
		s.service.Log.Debug("login", "account", s.account(), "remote", s.conn.Remote())
		s.reply(t, replyLoggedIn)
		return nil
	case errors.Is(err, auth.BadCredentials), errors.Is(err, auth.NotAuthorized), errors.Is(err, auth.Invalid):
		s.hold(err)
		return nil
	}
	return s.loginRefusal(err)
}

func (s *session) endExchange() {
	s.exchange = nil
	s.mode, s.lines.Max = commands, 0
}

var errRevokedMeanwhile = errors.New("a credential was revoked while this one was checked")

// enter lets somebody in who has proved who they are.
func (s *session) enter(id auth.Identity, asOf uint64) error {
	if err := s.conn.Login(id.Name); err != nil {
		return err
	}
	if !s.service.roll.Enter(s, id, asOf) {
		s.conn.Logout()
		return errRevokedMeanwhile
	}
	s.user = &id
	return nil
}

// logout forgets who logged in.
func (s *session) logout() {
	if s.user != nil {
		s.service.roll.Leave(s)
		s.conn.Logout()
		s.user = nil
	}
}

// hold keeps the answer to a failed login back for as long as the connection
// package says, and reads nothing meanwhile.
func (s *session) hold(err error) {
	s.failures++
	s.service.Log.Info("login failed", "remote", s.conn.Remote(), "cause", err)
	s.held = &held{s.loginRefusal(err), s.now.Add(s.conn.LoginFailed(s.now))}
}

// release answers a held login when its time has come.
func (s *session) release(t *conn.Turn) bool {
	if s.now.Before(s.held.until) {
		return false
	}
	r := s.held.reply
	s.held = nil
	s.heard = s.now
	s.refuse(t, r)
	if s.failures >= maxLoginFailures && s.action == conn.Continue {
		s.closing(t, replyGuessing)
	}
	return true
}

// loginRefusals are the answers to what auth and conn say (RFC 4954 §6, RFC
// 5248 §2.4).
var loginRefusals = []struct {
	err   error
	reply smtp.Reply
}{
	{auth.BadCredentials, replyCredentials},
	{auth.NotAuthorized, replyCredentials},
	{auth.Invalid, replyCredentials},
	{auth.Disabled, replyAccountDisabled},
	{auth.BadExchange, replyBadExchange},
	{conn.ErrTooManyConnections, replyTooManyConnections},
}

func (s *session) loginRefusal(err error) smtp.Reply {
	for _, r := range loginRefusals {
		if errors.Is(err, r.err) {
			return r.reply
		}
	}
	s.service.Log.Warn("login failed for now", "remote", s.conn.Remote(), "err", err)
	return replyAuthFault
}
