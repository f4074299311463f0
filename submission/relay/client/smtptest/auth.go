package smtptest

import (
	"errors"
	"slices"

	"citron/wire/sasl"
	"citron/wire/smtp"
)

var replyBadLogin = smtp.NewReply(535, 5, 7, 8, "authentication failed")

var errUser = errors.New("no such user or password")

// mechanisms are those that may be used now.
func (c *session) mechanisms() []string {
	switch {
	case len(c.server.opt.Users) == 0 || c.user != "":
		return nil
	case c.tls:
		return []string{sasl.ScramSHA256, sasl.Plain}
	}
	return []string{sasl.ScramSHA256}
}

func (c *session) auth(args string) smtp.Reply {
	a, err := smtp.ParseAuth([]byte(args))
	switch {
	case err != nil:
		return c.wrong(err.(smtp.Reply), "AUTH %s: %v", args, err)
	case !c.extended, c.m != nil, !slices.Contains(c.mechanisms(), a.Mechanism):
		return c.wrong(replyOrder, "AUTH %s out of order", a.Mechanism)
	}
	var name string
	exchange := c.exchange(a.Mechanism, &name)
	response := a.Initial
	for {
		challenge, done, err := exchange.Next(response)
		switch {
		case err != nil:
			return replyBadLogin
		case done:
			c.user = name
			return smtp.NewReply(235, 2, 7, 0, "welcome")
		}
		c.nc.Write(smtp.AppendChallenge(nil, challenge))
		line, ok := c.line(smtp.MaxAuthLine)
		if !ok {
			c.over = true
			return smtp.Reply{}
		}
		if response, err = smtp.ParseAuthResponse([]byte(line)); err != nil {
			return err.(smtp.Reply)
		}
	}
}

func (c *session) exchange(mechanism string, name *string) sasl.Server {
	if mechanism == sasl.Plain {
		return sasl.NewPlainServer(func(_, user, password string) error {
			*name = user
			if want, ok := c.server.opt.Users[user]; !ok || want != password {
				return errUser
			}
			return nil
		})
	}
	return sasl.NewScramServer(false, sasl.Bindings{}, func(_, user string) (sasl.Keys, error) {
		*name = user
		password, ok := c.server.opt.Users[user]
		if !ok {
			return sasl.Keys{}, errUser
		}
		return sasl.DeriveKeys(password, []byte("salt of a test"), 4096)
	})
}
