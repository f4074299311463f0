package imapserver

import (
	"citron/mail/collate"
	"citron/wire/imap"
)

// UNAUTHENTICATE (RFC 8437): the session is a stranger's again, and all that
// the user made of it is gone. A field of Session that is not named here must
// be one that strangers have, too; TestUnauthenticateLeavesNothing sees to it.

var unauthenticateCommands = []spec{
	{"UNAUTHENTICATE", inAccount, untold, on((*Session).unauthenticate)},
}

// unauthenticate never answers NO (§3): the client may already have sent its
// next login. Of a mailbox that was selected nothing is expunged. What counts
// against somebody who guesses or makes mistakes goes on counting.
func (s *Session) unauthenticate(*command, *imap.Unauthenticate) error {
	if s.srv.cfg.NoUnauthenticate { // §8
		return bad("UNAUTHENTICATE is not offered here")
	}
	s.notify.stop()
	s.notify, s.metadata = nil, nil
	s.leaveAccount()
	s.conn.Logout()
	s.enabled, s.comparator, s.w.UTF8 = 0, collate.Comparator{}, false
	s.scan.Limits = s.srv.strangersLimits()
	s.since = s.now
	s.endDeflated()
	return nil
}

// leaveAccount ends what the session has to do with its account.
func (s *Session) leaveAccount() {
	if s.user == nil {
		return
	}
	s.srv.roll.Leave(s)
	s.unselect()
	s.closeGuests()
	if !s.isApplication() {
		s.user.account.Close()
	}
	s.user = nil
}
