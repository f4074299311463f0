package session

// offerRequireTLS announces REQUIRETLS within TLS only (RFC 8689 §2).
func offerRequireTLS(s *session) (param string, offered bool) {
	return "", s.conn.TLS() != nil
}

func mailRequireTLS(s *session, x *transaction) error {
	if x.mail.RequireTLS && s.conn.TLS() == nil {
		return replyEncrypt
	}
	return nil
}
