package session

import (
	"citron/ops/conn"
	"citron/wire/smtp"
)

// data begins a message that ends with CRLF.CRLF.
func (s *session) data(t *conn.Turn, args []byte) error {
	x := s.trans
	switch {
	case len(args) > 0:
		return smtp.ReplyNoArgs
	case x == nil:
		return smtp.ReplyMailFirst
	case x.began:
		return replyMixed // RFC 3030 §2
	case x.mail.Body == smtp.BodyBinary:
		return replyBinaryData // RFC 3030 §3
	case x.mail.Atomic.Attempt != "":
		return replyAtomicWhole
	case len(x.envelope.Rcpts) == 0:
		return replyNoRcpt
	}
	if s.begin(x); x.failed != nil {
		r := s.failure(x)
		s.reset()
		return r
	}
	s.mode, s.dots = data, smtp.DotDecoder{}
	s.reply(t, smtp.ReplySend)
	return nil
}
