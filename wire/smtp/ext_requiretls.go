package smtp

// RequireTLS lets the sender insist on TLS on every hop (RFC 8689). It is
// announced, and its parameter given, within TLS only (§2).
var RequireTLS = Extension{
	Keyword: "REQUIRETLS",
	RFC:     "RFC 8689",
	Mail: []Param[Mail]{{
		Keyword: "REQUIRETLS",
		Value:   NoValue,
		Set: func(m *Mail, _ []byte) error {
			m.RequireTLS = true
			return nil
		},
		Append: func(dst []byte, m *Mail, _ bool) ([]byte, bool) { return dst, m.RequireTLS },
	}},
}
