package session

import (
	"strconv"

	"citron/wire/smtp"
)

// mailPriority lowers a priority that the user may not give, and says so (RFC
// 6710 §4.1).
func mailPriority(s *session, x *transaction) error {
	p := &x.mail.Priority
	if p.Level > s.service.MaxPriority {
		p.Level = s.service.MaxPriority
		x.accepted = smtp.Reply{Code: 250, Status: smtp.Status{Class: 2, Subject: 3, Detail: 6},
			Text: strconv.Itoa(int(p.Level)) + " is the priority it has, and the highest you may give"}
	}
	return nil
}
