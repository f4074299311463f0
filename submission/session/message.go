package session

import (
	"io"

	"citron/ops/conn"
	"citron/submission"
	"citron/submission/fixup"
	"citron/wire/smtp"
)

// message is the message of a transaction, once it has begun.
type message struct {
	began    bool // no more recipients, no other way of sending
	incoming submission.Incoming
	filter   *fixup.Filter // mends it, into incoming
	sink     io.Writer     // where its octets go: the filter
	size     int64         // of what was taken in so far, octets
	stray    bool          // there was no MAIL
	failed   error         // nothing more is taken in; the answer, or its cause
}

// begin opens the message at the spool; if that fails x.failed says so.
func (s *session) begin(x *transaction) {
	x.began = true
	x.incoming, x.failed = s.service.Spool.Begin(s.service.ctx, x.mail.Size)
	if x.failed == nil {
		x.filter = s.service.filter(x.envelope.Account, &x.envelope, x.incoming, x.id, x.facts)
		x.sink = x.filter
	}
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
		s.trans.fail(err)
		s.deny(t, s.failure(s.trans))
	} else {
		s.queued(t, done, id)
	}
	s.reset()
}

// queued says that the message is durable in the queue.
func (s *session) queued(t *conn.Turn, r smtp.Reply, id string) {
	x := s.trans
	s.service.Log.Info("message queued", "id", id, "trace", x.id, "account", s.account(), "remote", s.conn.Remote(),
		"from", x.mail.From.String(), "rcpts", len(x.envelope.Rcpts), "size", x.size, "priority", x.mail.Priority.Level)
	r.Text += " " + id
	s.reply(t, r)
}

// failure is the answer to what failed a transaction; the log hears of it once.
func (s *session) failure(x *transaction) smtp.Reply {
	r, ok := x.failed.(smtp.Reply)
	if !ok {
		r = s.fault("receive message", x.failed)
		x.failed = r
	}
	return r
}
