package client

import "citron/wire/smtp"

// adapt leaves out of a MAIL command what the host does not understand; if that
// must not be left out, the Reply says so.
func (c *Conn) adapt(m *Message) (smtp.Mail, *Reply) {
	mail := m.Mail
	mail.Size = 0
	if c.offer.Has(&smtp.Size) {
		mail.Size = m.Size
	}
	mail.Hold, mail.Atomic = smtp.Hold{}, smtp.Atomic{}
	if !c.offer.Has(&smtp.DSN) {
		mail.Return, mail.EnvelopeID = smtp.ReturnUnsaid, ""
	}
	if !c.offer.Has(&smtp.Deadline) && mail.By.Mode == smtp.ByNotify {
		mail.By = smtp.DeliverBy{}
	}
	// RFC 6710 §4.2, §4.3: the priority is said wherever it can be, 0 too.
	mail.Priority.Said = c.offer.Has(&smtp.MTPriority)
	mail.Auth = c.adaptAuth(mail.Auth)
	if mail.RequireTLS && mail.From.IsNull() && !c.promisesTLS() {
		mail.RequireTLS = false // RFC 8689 §5: reports go all the same
	}
	return mail, c.refusal(m, mail)
}

// adaptAuth says who sent the message first, "<>" if that is not known and we
// have logged in (RFC 4954 §5).
func (c *Conn) adaptAuth(a smtp.Auth) smtp.Auth {
	switch {
	case !c.offer.Has(&smtp.Authentication):
		return smtp.Auth{}
	case c.login:
		a.Said = true
	case a.Mailbox == "":
		a.Said = false
	}
	return a
}

func (c *Conn) promisesTLS() bool { return c.Verified() && c.offer.Has(&smtp.RequireTLS) }

// refusal says what this host cannot be given.
func (c *Conn) refusal(m *Message, mail smtp.Mail) *Reply {
	limit := c.offer.SizeLimit()
	switch {
	case limit > 0 && m.Size > limit:
		return &replyTooLarge
	case mail.Body == smtp.Body8Bit && !c.offer.Has(&smtp.EightBitMIME):
		return &replyNo8Bit
	case mail.Body == smtp.BodyBinary && !(c.offer.Has(&smtp.BinaryMIME) && c.offer.Has(&smtp.Chunking)):
		return &replyNoBinary
	case !mail.UTF8 && !mail.From.ASCII(), mail.UTF8 && !mail.From.ASCII() && !c.offer.Has(&smtp.UTF8):
		return &replyNoUTF8
	case mail.UTF8 && !c.offer.Has(&smtp.UTF8):
		return &replyNoUTF8Hdr
	case mail.By.Mode == smtp.ByReturn && (!c.offer.Has(&smtp.Deadline) || mail.By.Within < c.offer.LeastBy()):
		return &replyNoBy
	case mail.RequireTLS && !c.Verified():
		return &replyNoTLS
	case mail.RequireTLS && !c.offer.Has(&smtp.RequireTLS):
		return &replyNoReqTLS
	}
	return nil
}

// adaptRcpt does so for a recipient.
func (c *Conn) adaptRcpt(r smtp.Rcpt) smtp.Rcpt {
	if !c.offer.Has(&smtp.DSN) {
		return smtp.Rcpt{To: r.To}
	}
	return r
}
