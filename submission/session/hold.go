package session

import (
	"time"

	"citron/wire/smtp"
)

// FUTURERELEASE (RFC 4865). How much an account may have waiting (§6, item 2) is
// bounded by the rates of what it sends.

// maxInterval is the longest interval that has a syntax.
const maxInterval = 999_999_999 * time.Second

func (s *session) longestHold() time.Duration { return min(s.service.MaxHold, maxInterval) }

func offerHold(s *session) (param string, offered bool) {
	longest := s.longestHold()
	s.latest = s.now.Add(longest).Truncate(time.Second)
	return smtp.HoldArgs(longest, s.latest), true
}

// mailHold refuses what is longer, or later, than was announced (RFC 4865 §4.2,
// items 7 and 8). A time that has passed is met by sending at once.
func mailHold(s *session, x *transaction) error {
	until := holdUntil(x.mail.Hold, s.now)
	switch {
	case until.IsZero():
	case x.mail.Hold.For > s.longestHold(), x.mail.Hold.Until.After(s.latest):
		return replyHoldLong
	case x.mail.By.Mode != smtp.ByUnsaid && until.After(s.now.Add(x.mail.By.Within)):
		return replyHoldBy // RFC 4865 §5.2.2
	}
	return nil
}

// holdUntil is when delivery may begin; zero: at once.
func holdUntil(h smtp.Hold, from time.Time) time.Time {
	if h.For > 0 {
		return from.Add(h.For)
	}
	return h.Until
}
