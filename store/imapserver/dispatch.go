package imapserver

import (
	"errors"
	"time"

	"citron/ops/conn"
	"citron/store/uidset"
	"citron/wire/imap"
)

// command is one command under way: what a handler gets beside its arguments.
type command struct {
	s    *Session
	spec *spec
	tag  string
	name string
	uid  bool // the UID form

	// code and text, if set, go into the tagged OK.
	code imap.Code
	text string
	// expunged are messages of the selected mailbox that the command itself
	// took away, created those that it put there.
	expunged, created uidset.Ranges
	// highestModSeq has the tagged OK carry HIGHESTMODSEQ for a client that
	// has enabled QRESYNC (RFC 7162 §3.2.7).
	highestModSeq bool

	// Of commands that run as coroutines; see coroutine.go.
	yield    func(conn.Wait) bool
	breaths  int
	sliceEnd time.Time
	toldAt   time.Time // when the client last heard of this command
}

// frame parses a whole command and runs it.
func (s *Session) frame(f imap.Frame) {
	tag, arg, err := imap.Parser{UTF8: s.w.UTF8}.Parse(f)
	if err != nil {
		s.abandon()
		s.refuseSyntax(tag, err)
		return
	}
	s.dispatch(tag, arg)
}

// refuseSyntax answers what could not be understood; untagged when not even a
// tag was.
func (s *Session) refuseSyntax(tag string, err error) {
	var e *imap.Error
	if tag == "" && errors.As(err, &e) {
		tag = e.Tag
	}
	s.writeRefusal(&command{tag: tag, name: "?"}, syntaxRefusal(err))
}

// dispatch finds the command in the table and runs it if the session's state
// allows.
func (s *Session) dispatch(tag string, arg argument) {
	c := &command{s: s, tag: tag, name: arg.Name(), uid: isUID(arg), toldAt: s.now}
	c.spec = s.srv.commands[c.name]
	if err := s.allowed(c); err != nil {
		s.abandon()
		s.writeRefusal(c, err)
		return
	}
	if !s.recheck() {
		s.abandon()
		return
	}
	if c.spec.traits&slow != 0 {
		s.start(c, func() { s.complete(c, c.spec.run(s, c, arg)) })
		return
	}
	s.complete(c, c.spec.run(s, c, arg))
}

// allowed says whether the command may run now.
func (s *Session) allowed(c *command) *refusal {
	switch {
	case c.spec == nil:
		return bad("Unknown command")
	case c.spec.traits&byNumber != 0 && !c.uid && s.enabled.has(uidOnly):
		return errUIDRequired
	case c.spec.in&s.state() != 0:
		return nil
	case s.user == nil:
		return bad("Log in first")
	case c.spec.in == notAuthenticated:
		return bad("Already logged in")
	case s.isApplication():
		return errApplication
	}
	return bad("No mailbox is selected")
}

// isUID says whether a command has the UID form.
func isUID(arg argument) bool {
	switch a := arg.(type) {
	case *imap.Fetch:
		return a.UID
	case *imap.Search:
		return a.UID
	case *imap.Sort:
		return a.UID
	case *imap.Thread:
		return a.UID
	case *imap.Store:
		return a.UID
	case *imap.Copy:
		return a.UID
	case *imap.Move:
		return a.UID
	case *imap.Expunge:
		return a.UID
	case *imap.Replace:
		return a.UID
	}
	return false
}

// complete ends a command: tells what else has changed, then writes the tagged
// reply.
func (s *Session) complete(c *command, err error) {
	if errors.Is(err, errGone) || err == nil && c.spec.traits&answersItself != 0 {
		return
	}
	if s.selected == nil || c.spec.traits&untold != 0 || s.then != conn.Continue {
		s.reply(c, err)
		return
	}
	expunges := c.spec.traits&keepsNumbers == 0 || c.uid
	s.update(c, expunges, func() { s.reply(c, err) })
}

// update tells the client what is new in its mailbox and then calls done; as a
// coroutine if there is much to tell and c is none yet.
func (s *Session) update(c *command, expunges bool, done func()) {
	if !s.recheck() {
		return
	}
	s.tellURLReset()
	d, err := s.delta(c, expunges)
	switch {
	case mailboxGone(err):
		s.bye(nil, "The selected mailbox was deleted")
		return
	case err != nil:
		// It is told with the next command; nothing is lost.
		s.srv.cfg.Logger.Warn("cannot read changes", "cause", err, "account", s.accountName())
	case d != nil && (s.effort(d) > manyChanges || s.fetchesNew(d.came)) && c.yield == nil:
		s.start(c, func() { s.tell(c, d, done) })
		return
	case d != nil:
		s.tell(c, d, done)
		return
	}
	done()
}

func (s *Session) tell(c *command, d *delta, done func()) {
	if err := s.sync(c, d); errors.Is(err, errGone) {
		return
	} else if err != nil {
		s.srv.cfg.Logger.Warn("cannot tell changes", "cause", err, "account", s.accountName())
		s.notify.pause(s.now)
	}
	done()
}

// reply writes the tagged response.
func (s *Session) reply(c *command, err error) {
	if s.then == conn.Continue {
		s.tellMetadata()
	}
	if s.selected != nil {
		s.tellHowFar(c, err == nil)
	}
	if err != nil {
		s.writeRefusal(c, asRefusal(err))
		return
	}
	s.bad = 0
	text := c.text
	if text == "" {
		text = c.name + " completed"
	}
	s.w.Status(c.tag, imap.OK, c.code, text)
}

// tellHowFar names the modseq up to which a client with QRESYNC is up to date:
// after an expunge of its own, and whenever FETCH ran ahead of VANISHED, else
// the client would take the modseqs it has seen for it (RFC 7162 §3.2, §3.2.7,
// §6). Another client is told that there are EXPUNGEs to come (RFC 5530,
// EXPUNGEISSUED). The tagged reply carries it if it can.
func (s *Session) tellHowFar(c *command, ok bool) {
	m := s.selected
	inReply := ok && c.code == nil
	switch {
	case s.enabled.has(qresync) && (m.withheld || s.withholds() || ok && c.highestModSeq):
		code := imap.CodeHighestModSeq(m.toldUpTo())
		if inReply {
			c.code = code
			return
		}
		s.w.Status("*", imap.OK, code, "Up to date so far")
	case m.withheld && inReply:
		c.code = imap.CodeExpungeIssued
	}
}
