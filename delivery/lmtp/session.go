package lmtp

import (
	"time"

	"citron/ops/conn"
	"citron/wire/smtp"
)

// session is the state of one connection.
type session struct {
	service *Service
	conn    conn.Conn

	mode    mode
	greeted bool
	action  conn.Action // after the output so far was sent
	errors  int         // refused commands in a row
	heard   time.Time   // when the client last sent something
	lines   smtp.LineReader

	hello string // LHLO's argument; empty: none yet
	trans *transaction
	dots  smtp.DotDecoder // in mode data
	chunk smtp.Chunk      // in mode chunk
}

// mode says what the next octet is.
type mode uint8

const (
	commands mode = iota
	data          // of a message, after DATA
	chunk         // of a message, after BDAT
)

// Step implements conn.Session.
func (s *session) Step(t *conn.Turn) conn.Wait {
	s.action = conn.Continue
	if !s.greeted {
		s.greet(t)
	} else if len(t.In) > 0 {
		s.heard = t.Now
	}
	for len(t.In) > 0 && s.action == conn.Continue && len(t.Out) < conn.HighWater {
		s.consume(t)
	}
	deadline := s.heard.Add(s.service.Timeout)
	switch {
	case s.action != conn.Continue:
		return conn.Wait{Then: s.action}
	case len(t.In) > 0:
		return conn.Wait{Drain: true, Again: true}
	case t.EOF:
		return conn.Wait{Then: conn.Close}
	case t.Shutdown && s.mode == commands:
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
func (s *session) Close(error) { s.reset() }

// consume takes one command, or a piece of a message.
func (s *session) consume(t *conn.Turn) {
	switch s.mode {
	case data:
		piece, n, done := s.dots.Next(t.In)
		s.trans.write(piece)
		t.Consume(n)
		if done {
			s.finish(t)
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
			s.refuse(t, err)
		case line != nil:
			s.command(t, line)
		}
		t.Consume(n)
	}
}

func (s *session) greet(t *conn.Turn) {
	s.greeted = true
	s.heard = t.Now
	t.Out = smtp.AppendLines(t.Out, 220, s.service.Hostname+" LMTP Citron ready")
}

// reply answers.
func (s *session) reply(t *conn.Turn, r smtp.Reply) {
	t.Out = r.Append(t.Out)
}

// refuse answers a command that was not carried out. err is a smtp.Reply.
func (s *session) refuse(t *conn.Turn, err error) {
	r, ok := err.(smtp.Reply)
	if !ok {
		r = smtp.ReplyFault
	}
	s.reply(t, r)
	if s.errors++; s.errors >= maxErrors {
		s.closing(t, smtp.ReplyErrors)
	}
}

// closing says why, and ends the session.
func (s *session) closing(t *conn.Turn, r smtp.Reply) {
	s.reply(t, r.Named(s.service.Hostname))
	s.action = conn.Close
}

// reset forgets the transaction.
func (s *session) reset() {
	if s.trans != nil {
		s.trans.abort()
		s.trans = nil
	}
	s.mode = commands
}

// trusted says whether the peer may deliver at all: see the package comment.
func (s *session) trusted() bool {
	if s.conn.Loopback() {
		return true
	}
	tls := s.conn.TLS()
	return tls != nil && len(tls.VerifiedChains) > 0
}
