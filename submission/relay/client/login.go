package client

import (
	"slices"

	"citron/wire/sasl"
	"citron/wire/smtp"
)

const (
	// maxAuthCommand bounds an AUTH command with its CRLF; a longer initial
	// response waits to be asked for (RFC 4954 §4).
	maxAuthCommand = 512
	// maxAuthSteps is more than any mechanism here takes.
	maxAuthSteps = 8
)

// authenticate logs in (RFC 4954).
func (c *Conn) authenticate() error {
	if c.opt.Login == nil {
		return nil
	}
	mechanism, err := c.chooseMechanism()
	if err != nil {
		return &Error{Op: "AUTH", Reply: replyLogin, Err: err}
	}
	name, initial, err := mechanism.Start()
	if err != nil {
		return &Error{Op: "AUTH", Reply: replyLogin, Err: err}
	}
	line := smtp.AppendAuth(nil, smtp.AuthCommand{Mechanism: name, Initial: initial})
	held := len(line) > maxAuthCommand
	if held {
		line = smtp.AppendAuth(nil, smtp.AuthCommand{Mechanism: name})
	}
	for range maxAuthSteps {
		r, err := c.command("AUTH", c.opt.Timeouts.Auth, string(line))
		switch {
		case err != nil:
			return err
		case r.Code == 235 && mechanism.Done():
			c.login = true
			return nil
		case r.Code == 235:
			return c.fail("AUTH", sasl.ErrServer)
		case r.Code != 334:
			return refused("AUTH", r)
		}
		challenge, ok := r.Challenge()
		if !ok {
			return c.cancelAuth(ErrProtocol)
		}
		response := initial
		if !held {
			if response, err = mechanism.Next(challenge); err != nil {
				return c.cancelAuth(err)
			}
		}
		held = false
		line = smtp.AppendAuthResponse(nil, response)
	}
	return c.cancelAuth(ErrProtocol)
}

// cancelAuth ends an exchange that must not go on.
func (c *Conn) cancelAuth(why error) error {
	if _, err := c.command("AUTH", c.opt.Timeouts.Auth, smtp.AuthCancel); err != nil {
		return err
	}
	return &Error{Op: "AUTH", Reply: replyLogin, Err: why}
}

// chooseMechanism takes the strongest that both sides have.
func (c *Conn) chooseMechanism() (sasl.Client, error) {
	l, offered := c.opt.Login, c.offer.Mechanisms()
	may := func(name string) bool {
		return slices.Contains(offered, name) && (l.Mechanism == "" || l.Mechanism == name)
	}
	scram := sasl.ScramOptions{Authzid: l.Authzid, Authcid: l.Username, Password: l.Password}
	binding := c.binding()
	switch {
	case binding != nil && may(sasl.ScramSHA256Plus):
		scram.Binding, scram.BindingData = sasl.TLSExporter, binding
		return sasl.NewScramClient(scram)
	case may(sasl.ScramSHA256):
		// A host that has -PLUS too is not to be told that it has not.
		scram.CouldBind = binding != nil && !slices.Contains(offered, sasl.ScramSHA256Plus)
		return sasl.NewScramClient(scram)
	case may(sasl.Plain) && (c.Verified() || l.Cleartext): // RFC 4954 §14
		return sasl.NewPlainClient(l.Authzid, l.Username, l.Password), nil
	}
	return nil, ErrMechanism
}

// binding is the connection's tls-exporter (RFC 9266 §2), nil if it has none.
func (c *Conn) binding() []byte {
	state, on := c.TLS()
	if !on {
		return nil
	}
	data, err := state.ExportKeyingMaterial("EXPORTER-Channel-Binding", nil, 32)
	if err != nil {
		return nil
	}
	return data
}
