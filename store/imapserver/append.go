package imapserver

import (
	"bytes"
	"errors"

	"citron/mail/acl"
	"citron/store/account"
	"citron/wire/imap"
)

// APPEND (RFC 9051 §6.3.12, RFC 3502, RFC 7889, RFC 3516 §4.4, RFC 6855 §4) with
// CATENATE (catenate.go), and what REPLACE (replace.go) shares with it. The
// messages stream into the account while the command is still coming in; the
// command itself, when whole, only has them appended.

var appendCommands = []spec{
	{"APPEND", inAccount, slow, on((*Session).append)},
}

// appending is an APPEND or REPLACE under way.
type appending struct {
	to      place
	replace *replacing           // nil for APPEND
	items   []account.AppendItem // complete, but for the last
	header  headerWatch          // of the last
	// sunk is how many literals were taken in, at where the last of them
	// stood.
	sunk int
	at   imap.AppendPoint
	// err is what went wrong while taking octets in; it is told when the
	// client has sent them all.
	err error
}

// last is the message coming in.
func (p *appending) last() *account.Incoming { return p.items[len(p.items)-1].Incoming }

// size is that of all messages so far, in bytes.
func (p *appending) size() (n int64) {
	for i := range p.items {
		n += p.items[i].Incoming.Len()
	}
	return n
}

// literal decides about a literal announced: those that are messages, or parts
// of them, are taken as they come, all others are small and stay in the command.
// What a URL before it points to is copied first, by a coroutine.
func (s *Session) literal() {
	var before imap.AppendPoint
	if s.appending != nil {
		before = s.appending.at
	}
	tag, a, err := imap.Parser{UTF8: s.w.UTF8}.ParseAppend(s.scan.Frame(), before)
	if err == nil && a == nil {
		if r := s.refuseValue(); r != nil {
			s.refuseLiteral()
			s.writeRefusal(&command{tag: tag, name: "SETMETADATA"}, r)
			return
		}
		err = s.scan.Inline()
	}
	switch {
	case err != nil:
		s.refuseLiteral()
		s.refuseSyntax(tag, err)
		return
	case a == nil:
		s.invite()
		return
	}
	c := &command{s: s, tag: tag, name: a.Name(), spec: s.srv.commands[a.Name()], toldAt: s.now,
		uid: a.Replace != nil && a.Replace.UID}
	c.uid = a.Replace != nil && a.Replace.UID
	if refusal := s.allowed(c); refusal != nil {
		s.refuseLiteral()
		s.writeRefusal(c, refusal)
		return
	}
	if copies(a.Messages) {
		s.start(c, func() { s.admit(c, a) })
		return
	}
	s.admit(c, a)
}

// invite has the client send a literal that was accepted.
func (s *Session) invite() {
	if !s.scan.Literal().NonSync {
		s.w.Continue("Ready for literal data")
	}
}

func (s *Session) refuseLiteral() {
	s.abandon()
	s.scan.Refuse()
}

// admit takes what stands before a literal of a message and asks for the
// literal, or refuses the command.
func (s *Session) admit(c *command, a *imap.Arriving) {
	err := s.arrive(c, a)
	switch {
	case errors.Is(err, errGone):
		return
	case err != nil:
		s.refuseLiteral()
		s.writeRefusal(c, asRefusal(err))
		return
	}
	s.appending.at = a.At
	s.appending.sunk++
	s.scan.Sink()
	s.invite()
}

func (s *Session) arrive(c *command, a *imap.Arriving) error {
	if err := s.beginAppend(a.Mailbox, a.Replace); err != nil {
		return err
	}
	if err := s.compose(c, a.Messages, a.Continues); err != nil {
		return err
	}
	lit := a.Literal()
	if lit.Size == 0 && !a.At.Catenate {
		return errEmptyMessage
	}
	return s.mayTake(lit.Size)
}

var errEmptyMessage = no(nil, "Cancelled by an empty message")

// beginAppend finds what an APPEND or REPLACE is about, the first time it is
// asked.
func (s *Session) beginAppend(name string, r *imap.Replace) error {
	if s.appending != nil {
		return s.appending.err
	}
	to, err := s.destination(name)
	if err != nil {
		return err
	}
	p := &appending{to: to}
	if r != nil {
		if p.replace, err = s.replaced(r, to); err != nil {
			return err
		}
	}
	s.appending = p
	return nil
}

// compose goes through what has come of an APPEND up to a literal or the end:
// it begins messages and adds to them what URLs point to. Of literals it does
// nothing.
func (s *Session) compose(c *command, messages []imap.AppendMessage, continues bool) error {
	k := catenator{s: s, c: c}
	defer k.close()
	for i := range messages {
		m := &messages[i]
		if !continues || i > 0 {
			if err := s.beginMessage(m); err != nil {
				return err
			}
		}
		for _, part := range m.Catenate {
			if part.URL == "" {
				continue
			}
			if err := k.add(part.URL); err != nil {
				return err
			}
		}
	}
	return nil
}

// beginMessage prepares to take in a message.
func (s *Session) beginMessage(m *imap.AppendMessage) error {
	p := s.appending
	if len(p.items) >= s.srv.cfg.MaxAppend {
		return no(imap.CodeLimit, "Too many messages in one APPEND")
	}
	in, err := p.to.acct.NewMessage(s.srv.ctx)
	if err != nil {
		return err
	}
	p.header = headerWatch{}
	p.items = append(p.items, account.AppendItem{
		Incoming: in, Flags: systemFlags(m.Flags.System), Keywords: m.Flags.Keywords, InternalDate: m.Date,
	})
	return nil
}

// mayTake says whether so many more octets of a message may come.
func (s *Session) mayTake(more int64) error {
	p := s.appending
	limit := s.srv.cfg.AppendLimit
	if more > limit || p.last().Len()+more > limit {
		return no(imap.CodeTooBig, "Message too large")
	}
	freed := int64(0)
	if p.replace != nil {
		freed = p.replace.size
	}
	grows := p.size() + more - freed
	if q := p.to.acct.Quota(); q.Limit > 0 && grows > 0 && q.Used+uint64(grows) > q.Limit {
		return account.ErrOverQuota
	}
	return nil
}

// sink takes octets of a literal.
func (s *Session) sink(octets []byte) {
	if p := s.appending; p.err == nil {
		p.err = s.take(octets)
	}
}

// take adds octets to the message coming in.
func (s *Session) take(octets []byte) error {
	p := s.appending
	if p.header.sees8Bit(octets) && !s.w.UTF8 {
		return no(imap.CodeCannot, "ENABLE UTF8=ACCEPT before appending messages with 8-bit headers")
	}
	_, err := p.last().Write(octets)
	return err
}

// dropAppend forgets an APPEND that was not carried out.
func (s *Session) dropAppend() {
	if s.appending == nil {
		return
	}
	for _, item := range s.appending.items {
		item.Incoming.Abort()
	}
	s.appending = nil
}

// append runs when the whole command has come.
func (s *Session) append(c *command, a *imap.Append) error {
	p, err := s.arrived(c, a.Mailbox, nil, a.Messages)
	if err != nil {
		return err
	}
	result, err := p.to.acct.Append(s.srv.ctx, s.user.actor(), p.to.info.ID, p.items)
	if err != nil {
		return tryCreate(err)
	}
	s.made(c, p.to, result.UIDs, result.ModSeq)
	c.code = s.appended(p.to, a.Mailbox, result)
	return nil
}

// arrived ends the taking in: the messages are complete, and the caller's.
func (s *Session) arrived(c *command, name string, r *imap.Replace, messages []imap.AppendMessage) (*appending, error) {
	err := s.beginAppend(name, r)
	if err == nil {
		rest, continues := imap.AfterSink(messages, s.appending.sunk-1)
		err = s.compose(c, rest, continues)
	}
	for i := 0; err == nil && i < len(s.appending.items); i++ {
		if s.appending.items[i].Incoming.Len() == 0 {
			err = errEmptyMessage
		}
	}
	if err == nil {
		err = s.mayStillInsert(s.appending.to)
	}
	if err == nil && s.appending.replace != nil && !s.selected.stillMay(s.user, expunges) {
		err = errNoRight
	}
	if err != nil {
		s.dropAppend()
		return nil, err
	}
	p := s.appending
	s.appending = nil
	return p, nil
}

// mayStillInsert looks again at the user's rights: it may have taken long for the
// messages to come in.
func (s *Session) mayStillInsert(to place) error {
	info, ok := to.acct.Mailbox(to.info.ID)
	if !ok {
		return tryCreate(account.ErrNoMailbox)
	}
	return s.placeOf(to.acct, info, to.prefix).allow(acl.Insert)
}

// appended says what became of the messages, nil where that is not to be told.
func (s *Session) appended(to place, given string, result account.AppendResult) imap.Code {
	if name := to.name(); name != given {
		s.writeOldName(name, given)
	}
	if !s.tellsUIDs(to) {
		return nil
	}
	return imap.CodeAppendUID{UIDValidity: result.UIDValidity, UIDs: numSet(result.UIDs)}
}

// headerWatch follows a message up to the end of its header.
type headerWatch struct {
	over   bool
	inLine bool // something but a CR came since the last LF
}

// sees8Bit says whether the header, as far as it is in p, holds an octet above
// 127.
func (h *headerWatch) sees8Bit(p []byte) bool {
	for !h.over && len(p) > 0 {
		line, rest, ended := bytes.Cut(p, []byte{'\n'})
		for _, b := range line {
			if b >= 0x80 {
				return true
			}
			h.inLine = h.inLine || b != '\r'
		}
		if ended {
			h.over, h.inLine = !h.inLine, false
		}
		p = rest
	}
	return false
}
