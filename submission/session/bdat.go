package session

import (
	"citron/ops/conn"
	"citron/wire/smtp"
)

// bdat begins a chunk (RFC 3030 §2). Its octets follow whatever is wrong with
// it, and are read and thrown away then.
func (s *session) bdat(t *conn.Turn, args []byte) error {
	c, err := smtp.ParseChunk(args)
	if err != nil {
		s.reset()
		s.refuseAndClose(t, err)
		return nil
	}
	s.mode, s.chunk = chunk, c
	switch x := s.trans; {
	case s.user == nil:
		s.trans = failed(s.loginFirst())
	case x == nil:
		s.trans = failed(smtp.ReplyMailFirst)
	case x.mail != nil && x.mail.Atomic.Attempt != "" && x.failed == nil:
		x.began, x.failed = true, replyAtomicWhole
	default:
		s.continueMessage(x)
	}
	if c.Size == 0 {
		s.endChunk(t)
	}
	return nil
}

// refuseAndClose is for a chunk whose size is not known: where the next command
// begins is anybody's guess, and guessing wrong would let a message's text give
// commands.
func (s *session) refuseAndClose(t *conn.Turn, err error) {
	s.refuse(t, err)
	s.action = conn.Close
}

// failed is a transaction that is there to refuse what belongs to none.
func failed(err error) *transaction {
	return &transaction{message: message{began: true, stray: true, failed: err}}
}

// continueMessage makes the message ready for its next piece, of BDAT or BURL.
func (s *session) continueMessage(x *transaction) {
	switch {
	case x.failed != nil || x.began:
	case len(x.envelope.Rcpts) == 0:
		x.began, x.failed = true, replyNoRcpt
	default:
		s.begin(x)
	}
}

// endChunk answers a chunk: the last one as the end of the message.
func (s *session) endChunk(t *conn.Turn) {
	x := s.trans
	s.mode = commands
	switch {
	case s.chunk.Last:
		s.finish(t, replyQueued)
	case x.failed == nil:
		s.reply(t, smtp.ReplyChunk)
	default:
		s.deny(t, s.failure(x))
		if x.stray {
			s.reset()
		}
	}
}
