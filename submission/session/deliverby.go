package session

import (
	"strconv"
	"time"

	"citron/wire/smtp"
)

// offerBy announces the least time of mode R, if there is one (RFC 2852 §3).
func offerBy(s *session) (param string, offered bool) {
	if least := s.service.MinDeliverBy; least > 0 {
		param = strconv.FormatInt(int64(least/time.Second), 10)
	}
	return param, true
}

func mailBy(s *session, x *transaction) error {
	if x.mail.By.Mode == smtp.ByReturn && x.mail.By.Within < s.service.MinDeliverBy {
		return replyByShort
	}
	return nil
}
