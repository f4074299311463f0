package session

import "citron/wire/smtp"

// offerLimits says how many recipients a message may have (RFC 9422 §4.2).
func offerLimits(s *session) (param string, offered bool) {
	return smtp.Limits{Rcpts: s.service.MaxRecipients}.String(), true
}
