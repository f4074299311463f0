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
		x.accepted = smtp.NewReply(250, 2, 3, 6, strconv.Itoa(int(p.Level))+" is the priority it has, and the highest you may give")
	}
	return nil
}
