package session

import (
	"io"

	"citron/ops/conn"
	"citron/submission"
	"citron/wire/smtp"
)

// message is the message of a transaction, once it has begun.
type message struct {
	began    bool // no more recipients, no other way of sending
	incoming submission.Incoming
	sink     io.Writer // where its octets go
	size     int64     // of what was taken in so far, octets
	stray    bool      // there was no MAIL
	failed   error     // nothing more is taken in; the answer, or its cause
}

// begin opens the message at the spool; if that fails x.failed says so.
func (s *session) begin(x *transaction) {
	x.began = true
	x.incoming, x.failed = s.service.Spool.Begin(s.service.ctx, x.mail.Size)
	x.sink = x.incoming
}

// write passes a piece on, unless something is in the way. The size is judged
// by what was sent, URLs expanded (RFC 5550 §4.4), not by what it becomes.
func (x *transaction) write(piece []byte) {
	if x.failed != nil || len(piece) == 0 {
		return
	}
	if x.size += int64(len(piece)); x.size > x.service.MaxMessage {
		x.fail(submission.ErrTooLarge)
		return
	}
	if _, err := x.sink.Write(piece); err != nil {
		x.fail(err)
	}
}

// fail fails the transaction: nothing of it will be queued.
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

// finish ends the message of DATA or BDAT, answers, and is done with the
// transaction.
func (s *session) finish(t *conn.Turn, done smtp.Reply) {
	id, err := s.trans.commit(s.now)
	if err != nil {
		s.refuse(t, s.failure(err))
	} else {
		s.queued(t, done, id)
	}
	s.reset()
}

// queued says that the message is durable in the queue.
func (s *session) queued(t *conn.Turn, r smtp.Reply, id string) {
	x := s.trans
	s.service.Log.Info("message queued", "id", id, "account", s.account(), "remote", s.conn.Remote(),
		"from", x.mail.From.String(), "rcpts", len(x.envelope.Rcpts), "size", x.size, "priority", x.mail.Priority.Level)
	r.Text += " " + id
	s.reply(t, r)
}

// failure is the answer to what failed a transaction.
func (s *session) failure(err error) smtp.Reply {
	if r, ok := err.(smtp.Reply); ok {
		return r
	}
	return s.fault("receive message", err)
}
