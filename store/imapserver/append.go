package imapserver

import (
	"bytes"

	"citron/mail/acl"
	"citron/mail/mailbox"
	"citron/store/account"
	"citron/wire/imap"
)

// APPEND (RFC 9051 §6.3.12, RFC 3502, RFC 7889, RFC 6855 §4). Its messages
// stream into the account while the command is still coming in; the command
// itself, when whole, only has them appended.

var appendCommands = []spec{
	{"APPEND", inAccount, 0, on((*Session).append)},
}

// appending is an APPEND of which at least one literal was announced.
type appending struct {
	to     place
	items  []account.AppendItem // complete, but for the last
	header headerWatch          // of the last
	// err is what went wrong while taking octets in; it is told when the
	// client has sent them all.
	err error
}

// literal decides about a literal announced: messages of APPEND are taken as
// they come, all others are small and stay in the command.
func (s *Session) literal() {
	lit := s.scan.Literal()
	tag, a, isMessage, err := imap.Parser{UTF8: s.w.UTF8}.ParseAppend(s.scan.Frame())
	if err == nil && !isMessage {
		err = s.scan.Inline()
	}
	if err != nil {
		s.refuseLiteral()
		s.refuseSyntax(tag, err)
		return
	}
	if isMessage {
		if err := s.beginMessage(tag, a); err != nil {
			s.refuseLiteral()
			s.writeRefusal(&command{tag: tag, name: a.Name()}, asRefusal(err))
			return
		}
		s.scan.Sink()
	}
	if !lit.NonSync {
		s.w.Continue("Ready for literal data")
	}
}

func (s *Session) refuseLiteral() {
	s.abandon()
	s.scan.Refuse()
}

// beginMessage prepares to take in the last message of an APPEND that is not
// complete yet, or says why it will not be taken.
func (s *Session) beginMessage(tag string, a *imap.Append) error {
	if s.user == nil {
		return s.allowed(&command{spec: s.srv.commands[a.Name()], tag: tag})
	}
	if s.appending == nil {
		to, err := s.locate(a.Mailbox, acl.Insert)
		if err != nil {
			return tryCreate(err)
		}
		s.appending = &appending{to: to}
	}
	p := s.appending
	if p.err != nil {
		return p.err
	}
	m := &a.Messages[len(a.Messages)-1]
	if err := s.mayAppend(m, len(p.items)); err != nil {
		return err
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

// mayAppend says whether a message may come, by what was announced of it.
func (s *Session) mayAppend(m *imap.AppendMessage, before int) error {
	quota := s.appending.to.acct.Quota()
	switch {
	case before >= s.srv.cfg.MaxAppend:
		return no(imap.CodeLimit, "Too many messages in one APPEND")
	case m.Message.Size > s.srv.cfg.AppendLimit:
		return no(imap.CodeTooBig, "Message too large")
	case m.Message.Binary && !m.UTF8:
		return no(imap.CodeUnknownCTE, "Binary content is not taken here")
	case m.Message.Size == 0:
		return no(nil, "Cancelled by an empty message")
	case quota.Limit > 0 && quota.Used+uint64(m.Message.Size) > quota.Limit:
		return account.ErrOverQuota
	}
	return nil
}

// sink takes octets of a message.
func (s *Session) sink(octets []byte) {
	p := s.appending
	if p.err != nil {
		return
	}
	if p.header.sees8Bit(octets) && !s.w.UTF8 {
		p.err = no(imap.CodeCannot, "ENABLE UTF8=ACCEPT before appending messages with 8-bit headers")
		return
	}
	_, p.err = p.items[len(p.items)-1].Incoming.Write(octets)
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
	p := s.appending
	if p.err != nil {
		s.dropAppend()
		return p.err
	}
	s.appending = nil
	result, err := p.to.acct.Append(s.srv.ctx, s.user.actor(), p.to.info.ID, p.items)
	if err != nil {
		return tryCreate(err)
	}
	if name := mailbox.Canonical(a.Mailbox); name != a.Mailbox {
		s.writeOldName(name, a.Mailbox)
	}
	c.code = imap.CodeAppendUID{UIDValidity: result.UIDValidity, UIDs: numSet(result.UIDs)}
	return nil
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
