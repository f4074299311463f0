package imapserver

import "citron/wire/imap"

// wireState is the session's state as the registry of extensions names it.
func (s *Session) wireState() imap.State {
	switch s.state() {
	case selectedState:
		return imap.Selected
	case authenticated, asApplication:
		return imap.Authenticated
	}
	return imap.NotAuthenticated
}

// capabilities is the CAPABILITY list for the session's present state, made
// from the registry of extensions.
func (s *Session) capabilities() imap.CodeCapability {
	a := imap.Announcement{
		State: s.wireState(), StartTLS: s.conn.CanStartTLS(), LoginDisabled: !s.mayLogin(),
		Mechanisms: s.mechanisms(), AppendLimit: s.srv.cfg.AppendLimit,
		Disabled: s.srv.disabled(), Compress: s.deflated == nil && s.mayCompress() == nil,
	}
	names := imap.Capabilities(a)
	if s.isApplication() {
		names = forApplications(names)
	}
	return names
}

// disabled are the extensions that the operator has switched off.
func (srv *Server) disabled() (tokens []string) {
	if srv.cfg.NoUnauthenticate {
		tokens = append(tokens, "UNAUTHENTICATE")
	}
	return tokens
}
