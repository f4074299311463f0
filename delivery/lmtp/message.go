package lmtp

import (
	"citron/ops/conn"
	"citron/store"
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
	case len(x.rcpts) == 0:
		return replyNoRcpt // RFC 2033 §4.2
	case x.chunked:
		return replyMixed
	case x.mail.Body == smtp.BodyBinary:
		return replyBinaryData
	}
	if s.begin(t); x.failed != nil {
		r := s.replyTo(x.failed, "begin message", x.rcpts[0].path)
		s.reset()
		return r
	}
	s.mode, s.dots = data, smtp.DotDecoder{}
	s.reply(t, smtp.ReplySend)
	return nil
}

// bdat begins a chunk. Its octets follow whatever is wrong with it.
func (s *session) bdat(t *conn.Turn, args []byte) error {
	c, err := smtp.ParseChunk(args)
	if err != nil {
		s.action = conn.Close // where the next command begins is anybody's guess
		return err
	}
	if s.trans == nil {
		s.trans = &transaction{failed: smtp.ReplyMailFirst}
	}
	x := s.trans
	switch {
	case x.failed != nil:
	case len(x.rcpts) == 0:
		x.failed = replyNoRcpt
	case !x.chunked:
		s.begin(t)
	}
	x.chunked = true
	s.mode, s.chunk = chunk, c
	if c.Size == 0 {
		s.endChunk(t)
	}
	return nil
}

// endChunk answers a chunk: the last one as the end of the message, with no
// reply at all if there is no recipient (RFC 2033 §4.3).
func (s *session) endChunk(t *conn.Turn) {
	x := s.trans
	switch {
	case s.chunk.Last:
		s.finish(t)
		return
	case x.failed != nil:
		s.refuse(t, s.failure(x))
		if len(x.rcpts) == 0 {
			s.reset()
		}
	default:
		s.reply(t, smtp.ReplyChunk)
	}
	s.mode = commands
}

// begin opens the message at the store; if that fails x.failed says so.
func (s *session) begin(t *conn.Turn) {
	x := s.trans
	x.to = s.recipients(t.Now)
	x.incoming, x.failed = s.service.Filing.Begin(s.service.ctx, x.to, x.mail.Size)
}

// write passes a piece on to the store, unless something is in the way.
func (x *transaction) write(piece []byte) {
	if x.failed != nil || len(piece) == 0 {
		return
	}
	x.size += int64(len(piece))
	if x.size > x.limit {
		x.fail(store.ErrTooLarge)
		return
	}
	if _, err := x.incoming.Write(piece); err != nil {
		x.fail(err)
	}
}

func (x *transaction) fail(err error) {
	x.failed = err
	x.abort()
}

func (x *transaction) abort() {
	if x.incoming != nil {
		x.incoming.Abort()
		x.incoming = nil
	}
}

// finish files the message and answers for each recipient in its turn.
func (s *session) finish(t *conn.Turn) {
	x := s.trans
	var results []error
	if x.failed == nil {
		results = x.incoming.Commit(s.service.ctx)
		x.incoming = nil
	}
	next := 0
	for _, r := range x.rcpts {
		answer := replyFiled
		if x.failed != nil {
			answer = s.failure(x)
		}
		for range r.takers() {
			if results != nil && results[next] != nil {
				if a := s.replyTo(results[next], "file message", r.path); worse(a, answer) {
					answer = a
				}
			}
			next++
		}
		s.reply(t, answer)
	}
	s.reset()
}

// failure is the answer to what failed for all recipients.
func (s *session) failure(x *transaction) smtp.Reply {
	if r, ok := x.failed.(smtp.Reply); ok {
		return r
	}
	return s.replyTo(x.failed, "receive message", x.mail.From)
}
