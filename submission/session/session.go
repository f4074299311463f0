package session

import (
	"sync/atomic"
	"time"

	"citron/auth"
	"citron/ops/conn"
	"citron/wire/smtp"
)

// session is the state of one connection.
type session struct {
	service *Service
	conn    conn.Conn

	now     time.Time // of the current Step
	mode    mode
	greeted bool
	action  conn.Action // after the output so far was sent
	flush   bool        // the output so far is sent before more is read
	errors  int         // commands in error, in a row
	logged  int         // refusals that the log has heard of
	heard   time.Time   // when the client last sent something
	lines   smtp.LineReader

	hello  string    // EHLO's argument; empty: none yet
	latest time.Time // until when a message may be held, as EHLO said

	user     *auth.Identity // nil before login
	revoked  atomic.Bool    // set from outside when the credential is withdrawn
	exchange *exchange      // AUTH under way; in mode answers
	held     *held          // a failed login whose answer waits
	failures int            // failed logins

	trans *transaction
	dots  smtp.DotDecoder // in mode data
	chunk smtp.Chunk      // in mode chunk
	job   *job            // what runs beside; nothing is read meanwhile
}

// mode says what the next octet is.
type mode uint8

const (
	commands mode = iota
	answers       // to AUTH's challenges
	data          // of a message, after DATA
	chunk         // of a message, after BDAT
)

// Step implements conn.Session.
func (s *session) Step(t *conn.Turn) conn.Wait {
	s.action, s.now = conn.Continue, t.Now
	if !s.greeted {
		s.greet(t)
	}
	if len(t.In) > 0 || t.Late {
		s.heard = t.Now
	}
	s.flush = false
	for s.action == conn.Continue && !s.flush && len(t.Out) < conn.HighWater && s.advance(t) {
	}
	switch {
	case s.action != conn.Continue:
		return conn.Wait{Then: s.action}
	case s.flush && len(t.In) > 0, len(t.Out) >= conn.HighWater:
		return conn.Wait{Drain: true, Again: true}
	case s.job != nil:
		return conn.Wait{} // until it wakes the session
	case s.held != nil:
		return conn.Wait{Until: s.held.until}
	}
	return s.rest(t)
}

// advance does one thing; false when there is nothing to do now.
func (s *session) advance(t *conn.Turn) bool {
	switch {
	case s.revoked.Load():
		s.closing(t, replyRevoked)
	case s.job != nil:
		return s.collect(t)
	case s.held != nil:
		return s.release(t)
	case len(t.In) == 0:
		return false
	default:
		s.consume(t)
	}
	return true
}

// rest says what a session waits for that has taken all there was.
func (s *session) rest(t *conn.Turn) conn.Wait {
	deadline := s.heard.Add(s.service.Timeout)
	switch {
	case t.EOF:
		return conn.Wait{Then: conn.Close}
	case t.Shutdown && (s.mode == commands || s.mode == answers):
		// A message on its way is taken to its end first.
		s.closing(t, smtp.ReplyShutdown)
		return conn.Wait{Then: conn.Close}
	case !t.Now.Before(deadline):
		s.closing(t, smtp.ReplySilent)
		return conn.Wait{Then: conn.Close}
	}
	return conn.Wait{Input: true, Until: deadline}
}

// Close implements conn.Session: a message that has not ended is forgotten.
func (s *session) Close(error) {
	if s.job != nil && !s.job.leave() {
		s.trans = nil // what still runs forgets the message itself
	}
	s.job = nil
	s.reset()
	s.service.roll.Leave(s)
}

// consume takes one line, or a piece of a message.
func (s *session) consume(t *conn.Turn) {
	switch s.mode {
	case data:
		piece, n, done := s.dots.Next(t.In)
		s.trans.write(piece)
		t.Consume(n)
		if done {
			s.finish(t, replyQueued)
		}
	case chunk:
		piece := s.chunk.Take(t.In)
		s.trans.write(piece)
		t.Consume(len(piece))
		if s.chunk.Size == 0 {
			s.endChunk(t)
		}
	default:
		line, n, err := s.lines.Next(t.In)
		switch {
		case err != nil:
			s.badLine(t, err)
		case line == nil:
		case s.mode == answers:
			s.answer(t, line)
		default:
			s.command(t, line)
		}
		t.Consume(n)
	}
}

func (s *session) greet(t *conn.Turn) {
	s.greeted = true
	s.heard = t.Now
	t.Out = smtp.AppendLines(t.Out, 220, s.service.Hostname+" ESMTP Citron submission ready")
}

// reply answers.
func (s *session) reply(t *conn.Turn, r smtp.Reply) { t.Out = r.Append(t.Out) }

// refuse answers a command that was not carried out. err is a smtp.Reply.
func (s *session) refuse(t *conn.Turn, err error) {
	r, ok := err.(smtp.Reply)
	if !ok {
		r = s.fault("command failed", err)
	}
	s.deny(t, r)
	if !inError(r) {
		return
	}
	if s.errors++; s.errors >= s.service.MaxBadCommands && s.action == conn.Continue {
		s.closing(t, smtp.ReplyErrors)
	}
}

// inError says whether a reply means that the client does not know what it is
// doing. Recipients that are not there, or too many, and what is refused because
// the transaction has failed, are no such thing: they come in pipelines.
func inError(r smtp.Reply) bool {
	return r.Code >= 500 && r.Code < 510 || r.Code == 530 || r.Code == 555
}

// maxLogged bounds what the log hears of one session's refusals.
const maxLogged = 20

// deny answers with a refusal, of which the log is told (RFC 6409 §5.2).
func (s *session) deny(t *conn.Turn, r smtp.Reply) {
	s.reply(t, r)
	if s.user != nil && s.logged < maxLogged {
		s.logged++
		s.service.Log.Info("refused", "account", s.account(), "remote", s.conn.Remote(), "reply", r.Error())
	}
}

// closing says why, and ends the session.
func (s *session) closing(t *conn.Turn, r smtp.Reply) {
	s.reply(t, r.Named(s.service.Hostname))
	s.action = conn.Close
}

// fault gives the reply to an error: for one of ours, which is logged, that
// something is wrong for the time being.
func (s *session) fault(doing string, err error) smtp.Reply {
	r, ours := replyTo(err)
	if ours {
		s.service.Log.Warn("submission failed for now", "doing", doing, "account", s.account(), "remote", s.conn.Remote(), "err", err)
	}
	return r
}

// account is for logs.
func (s *session) account() string {
	if s.user == nil {
		return ""
	}
	return s.user.Name
}

// reset forgets the transaction.
func (s *session) reset() {
	if s.trans != nil {
		s.trans.abort()
		s.trans = nil
	}
	s.mode = commands
}
