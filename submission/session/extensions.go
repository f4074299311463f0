package session

import (
	"strconv"

	"citron/wire/smtp"
)

// extension is what the session does about an SMTP extension, besides its
// syntax; the verbs are in the table of verbs.
type extension struct {
	syntax *smtp.Extension
	what   string // for docs/capabilities.md
	// needs says whether the configuration has what the extension needs;
	// nil: it needs nothing. Without it its parameters are not known.
	needs func(*Config) bool
	// offer gives the keyword's parameter in the answer to EHLO, and whether
	// it is offered at this moment; nil: always, without parameter.
	offer func(*session) (param string, offered bool)
	// mail checks what MAIL said, and may complete it.
	mail func(*session, *transaction) error
	// rcpt checks what RCPT said.
	rcpt func(*session, *transaction, *smtp.Rcpt) error
}

// extensions are announced in this order.
var extensions = []extension{
	{syntax: &smtp.Pipelining, what: "commands in groups"},
	{syntax: &smtp.EnhancedStatusCodes, what: "RFC 3463's codes in replies"},
	{syntax: &smtp.EightBitMIME, what: "8-bit text"},
	{syntax: &smtp.UTF8, what: "UTF-8 in addresses and headers"},
	{syntax: &smtp.Size, what: "the size of a message, said before it", offer: offerSize, mail: mailSize},
	{syntax: &smtp.Chunking, what: "BDAT"},
	{syntax: &smtp.BinaryMIME, what: "messages with binary parts"},
	{syntax: &smtp.StartTLS, what: "TLS on 587", offer: offerStartTLS},
	{syntax: &authKeyword, what: "login", offer: offerAuth, mail: mailAuth},
}

var authKeyword = smtp.Extension{Keyword: "AUTH", RFC: "RFC 4954"}

func offerStartTLS(s *session) (string, bool) {
	return "", s.conn.CanStartTLS() && s.conn.TLS() == nil
}

func offerSize(s *session) (string, bool) {
	return strconv.FormatInt(s.service.MaxMessage, 10), true
}

// mailSize refuses early what would be refused anyway (RFC 1870 §6.1).
func mailSize(s *session, x *transaction) error {
	if x.mail.Size > s.service.MaxMessage {
		return replyTooLarge
	}
	return nil
}
