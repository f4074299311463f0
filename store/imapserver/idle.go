package imapserver

import (
	"slices"
	"strings"
	"time"

	"citron/ops/conn"
	"citron/store/account"
	"citron/wire/imap"
)

// IDLE (RFC 9051 §6.3.13) is a state of the session, not something that runs:
// the account's feed wakes the connection, each Step tells what is new.

// idling is an IDLE under way.
type idling struct {
	c       *command
	unwatch func()
	spokeAt time.Time // when the server last said anything
}

func (s *Session) startIdle(c *command, _ *imap.Idle) error {
	s.idle = &idling{c: c, spokeAt: s.now}
	s.idle.unwatch = s.watch()
	s.w.Continue("idling")
	return nil
}

// watch has the session woken by what it is to tell of: its mailbox, and
// metadata.
func (s *Session) watch() (cancel func()) {
	var accounts []*account.Account
	if s.selected != nil {
		accounts = append(accounts, s.selected.acct)
	}
	for _, t := range s.metadata {
		if !slices.Contains(accounts, t.acct) {
			accounts = append(accounts, t.acct)
		}
	}
	var cancels []func()
	for _, a := range accounts {
		cancels = append(cancels, a.Watch(s.conn.Wake))
	}
	return func() {
		for _, cancel := range cancels {
			cancel()
		}
	}
}

// stop ends the watch of the feed; i may be nil.
func (i *idling) stop() {
	if i != nil && i.unwatch != nil {
		i.unwatch()
	}
}

// stepIdle tells what is new, looks for DONE, and breaks a long silence.
func (s *Session) stepIdle(t *conn.Turn) (w conn.Wait, rest bool) {
	before := len(s.w.Buf)
	if s.selected != nil {
		s.update(s.idle.c, true, func() {})
	}
	s.tellNews()
	if s.task != nil || s.then != conn.Continue {
		s.idle.spokeAt = s.now
		return w, false
	}
	if s.tellMetadata(); len(s.w.Buf) >= conn.HighWater {
		s.idle.spokeAt = s.now
		return w, false
	}
	if s.now.Sub(s.idle.spokeAt) >= s.srv.cfg.StillHere {
		s.w.Status("*", imap.OK, nil, "Still here")
	}
	if len(s.w.Buf) > before {
		s.idle.spokeAt = s.now
	}
	if s.readDone(t) {
		return w, false
	}
	return conn.Wait{Input: true, Until: s.idleUntil(), Idle: true}, true
}

// idleUntil is when there will be something to say even if nothing happens.
func (s *Session) idleUntil() time.Time {
	until := s.idle.spokeAt.Add(s.srv.cfg.StillHere)
	if at := s.contextsDueAt(); at.After(s.now) && at.Before(until) {
		return at
	}
	return until
}

// readDone looks for the line that ends IDLE. Any other ends it, too, with BAD,
// since the client has lost its place.
func (s *Session) readDone(t *conn.Turn) (ended bool) {
	n, event, err := s.scan.FeedLine(t.In)
	t.Consume(n)
	if err == nil && event != imap.FrameReady {
		if t.EOF {
			s.inputEnds()
		}
		return t.EOF
	}
	c := s.idle.c
	s.idle.stop()
	s.idle = nil
	s.heardAt = s.now
	if err == nil && strings.EqualFold(string(s.scan.Frame().Bytes), "DONE") {
		s.reply(c, nil)
	} else {
		s.writeRefusal(c, bad("Expected DONE"))
	}
	s.scan.Release()
	return true
}
