package session

import (
	"strconv"

	"citron/wire/smtp"
)

func offerSize(s *session) (param string, offered bool) {
	return strconv.FormatInt(s.service.MaxMessage, 10), true
}

// mailSize refuses early what would be refused anyway (RFC 1870 §6.1).
func mailSize(s *session, x *transaction) error {
	if x.mail.Size > s.service.MaxMessage {
		return smtp.ReplyTooLarge
	}
	return nil
}
