package imapserver

import (
	"encoding/base64"
	"slices"

	"citron/auth"
	"citron/wire/imap"
	"citron/wire/sasl"
)

// exchange is an AUTHENTICATE under way (RFC 9051 §6.2.2, RFC 4959): the next
// line from the client is its answer to a challenge, not a command.
type exchange struct {
	*auth.Exchange
	c    *command
	asOf uint64 // state of the roll
}

// mechanisms are those announced on this connection; none where passwords may
// not be spoken of.
func (s *Session) mechanisms() []string {
	if !s.mayLogin() {
		return nil
	}
	names := auth.Mechanisms(true, s.canBind())
	if s.application() != "" {
		names = append([]string{sasl.External}, names...)
	}
	return names
}

// canBind says whether the connection has channel binding data of any kind,
// and so whether -PLUS is announced.
func (s *Session) canBind() bool {
	for _, kind := range []string{sasl.TLSExporter, sasl.TLSServerEndPoint} {
		if _, err := s.conn.ChannelBinding(kind); err == nil {
			return true
		}
	}
	return false
}

func (s *Session) authenticate(c *command, a *imap.Authenticate) error {
	switch {
	case !s.mayLogin():
		return errPrivacy
	case !slices.Contains(s.mechanisms(), a.Mechanism):
		return no(imap.CodeCannot, "Mechanism not supported")
	}
	if a.Mechanism == sasl.External {
		s.advanceExchange(&exchange{auth.BeginExternal(s.external), c, 0}, a.Initial)
		return nil
	}
	bindings := sasl.Bindings{Announced: s.canBind(), Data: s.conn.ChannelBinding}
	asOf := s.srv.roll.AsOf()
	x := &exchange{auth.Begin(s.srv.ctx, s.srv.auth, a.Mechanism, bindings), c, asOf}
	s.advanceExchange(x, a.Initial)
	return nil
}

// advanceExchange gives the client's message to the mechanism, and either asks
// for the next or ends the command.
func (s *Session) advanceExchange(x *exchange, response []byte) {
	challenge, done, err := x.Next(response)
	if err == nil && !done {
		s.exchange = x
		s.w.ContinueBase64(base64.StdEncoding.EncodeToString(challenge))
		return
	}
	s.exchange = nil
	s.loggedIn(x.c, x.Identity(), x.asOf, err)
}

// saslLine takes the client's answer to a challenge. A lone "*" cancels.
func (s *Session) saslLine(line []byte) {
	x := s.exchange
	if string(line) == "*" {
		s.exchange = nil
		s.writeRefusal(x.c, bad("Authentication cancelled"))
		return
	}
	response, ok := []byte{}, true
	if len(line) > 0 {
		response, ok = imap.DecodeSASL(line)
	}
	if !ok {
		s.exchange = nil
		s.writeRefusal(x.c, bad("Not base64"))
		return
	}
	s.advanceExchange(x, response)
}
