package imapserver

import (
	"context"
	"errors"
	"iter"
	"strings"
	"time"

	"citron/mail/acl"
	"citron/ops/conn"
	"citron/store/account"
	"citron/wire/imap"
)

// A slow command runs as a coroutine: its handler is sequential code that
// hands the turn back in the middle (breathe) and goes on at a later Step.

// errGone unwinds a handler whose session was closed under it; it is never
// shown to anybody.
var errGone = errors.New("session closed")

// slice is how long a slow command works before others have a turn.
const slice = 5 * time.Millisecond

// breathsPerClock is how many breaths are taken between two looks at the clock.
const breathsPerClock = 32

// task is a command under way.
type task struct {
	next func() (conn.Wait, bool)
	stop func()
}

// start makes what a command has to do a task; resume runs it.
func (s *Session) start(c *command, work func()) {
	next, stop := iter.Pull(func(yield func(conn.Wait) bool) {
		c.yield = yield
		work()
		c.yield = nil
	})
	s.task = &task{next: next, stop: stop}
}

// resume runs the task until it yields, with what it waits for, or ends.
func (s *Session) resume() (conn.Wait, bool) {
	w, running := s.task.next()
	if !running {
		s.task = nil
	}
	return w, running
}

// stopTask has the task, if there is one, return at its next breath, which is
// the one it is taking.
func (s *Session) stopTask() {
	if s.task != nil {
		s.task.stop()
		s.task = nil
	}
}

// breathe is called by slow handlers between two items: it yields when the
// output holds conn.HighWater bytes or more, and now and then so that other
// sessions have their turn. Its only error is errGone, on which the handler
// must return at once.
func (c *command) breathe() error {
	if c.yield == nil {
		return nil
	}
	if len(c.s.w.Buf) >= conn.HighWater {
		return c.pause(conn.Wait{Drain: true})
	}
	if c.breaths++; c.breaths%breathsPerClock != 0 {
		return nil
	}
	now := time.Now()
	if c.sliceEnd.IsZero() {
		c.sliceEnd = now.Add(slice)
	}
	if now.Before(c.sliceEnd) {
		return nil
	}
	return c.pause(conn.Wait{Again: true})
}

func (c *command) pause(w conn.Wait) error {
	if !c.yield(w) {
		return errGone
	}
	c.sliceEnd = time.Time{}
	if c.s.selected.barred(c.s.user) {
		c.s.end() // in the middle of a response, perhaps of a literal, nothing can be said
		return errGone
	}
	return nil
}

// progressEvery is how often a command that writes nothing says that it is
// still at work (RFC 9585 §4: every 10-15 seconds).
const progressEvery = 12 * time.Second

// progress tells the client, if it has heard nothing for progressEvery, that
// done of goal items were processed; goal 0 means not known. Call it from
// slow handlers between items that take long and write nothing.
func (c *command) progress(done, goal uint32) error {
	if now := c.s.now; c.yield != nil && now.Sub(c.toldAt) >= progressEvery {
		c.toldAt = now
		c.s.w.Status("*", imap.OK, inProgress(c.tag, done, goal), "Still at work")
		if err := c.pause(conn.Wait{Drain: true}); err != nil {
			return err
		}
	}
	return c.breathe()
}

// steps is the context for operations of the account that work in steps, each
// a transaction: after each others have their turn, and now and then the client
// hears of it. It ends with the rights on the selected mailbox that the command
// needs all along.
func (c *command) steps(need acl.Rights) context.Context {
	return account.WithProgress(c.s.srv.ctx, func(done, goal uint64) error {
		err := c.progress(uint32(done), uint32(goal))
		if err != nil || c.yield == nil {
			return err
		}
		if err := c.pause(conn.Wait{Again: true}); err != nil {
			return err
		}
		if need != acl.None && !c.s.selected.stillMay(c.s.user, need) {
			return errNoRight
		}
		return nil
	})
}

// inProgress is the response code of RFC 9585 §4; a tag with "]" in it could
// not stand there.
func inProgress(tag string, done, goal uint32) imap.CodeInProgress {
	if strings.ContainsRune(tag, ']') {
		tag = ""
	}
	if goal <= done {
		goal = 0
	}
	return imap.CodeInProgress{Tag: tag, Done: int64(done), Goal: goal}
}
