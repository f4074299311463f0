package imapserver

import (
	"citron/wire/imap"
)

// Commands that concern the session itself.

var sessionCommands = []spec{
	{"CAPABILITY", anyState, 0, on((*Session).capability)},
	{"NOOP", anyState, 0, on((*Session).noop)},
	{"LOGOUT", anyState, untold, on((*Session).logout)},
	{"ID", anyState, 0, on((*Session).id)},
	{"ENABLE", inAccount | asApplication, 0, on((*Session).enable)},
	{"IDLE", inAccount, answersItself, on((*Session).startIdle)},
}

func (s *Session) capability(*command, *imap.Capability) error {
	s.w.Capability(s.capabilities())
	return nil
}

func (s *Session) noop(*command, *imap.Noop) error { return nil }

// logout says BYE before its OK (RFC 9051 §6.1.3).
func (s *Session) logout(*command, *imap.Logout) error {
	s.bye(nil, "Logging out")
	return nil
}

// id answers with what is useful in a report of a defect, and no more
// (RFC 2971 §4).
func (s *Session) id(_ *command, a *imap.ID) error {
	if a.Params != nil {
		s.srv.cfg.Logger.Debug("client", "id", a.Params, "account", s.accountName())
	}
	s.w.ID([]imap.IDParam{{Field: "name", Value: "Citron"}, {Field: "version", Value: s.srv.cfg.Version}})
	return nil
}
