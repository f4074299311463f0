package smtp

// UTF8 allows UTF-8 in addresses and headers (RFC 6531).
var UTF8 = Extension{
	Keyword: "SMTPUTF8",
	RFC:     "RFC 6531",
	Mail: []Param[Mail]{{
		Keyword: "SMTPUTF8",
		Value:   NoValue,
		Set: func(m *Mail, _ []byte) error {
			m.UTF8 = true
			return nil
		},
		Append: func(dst []byte, m *Mail, _ bool) ([]byte, bool) { return dst, m.UTF8 },
	}},
}
