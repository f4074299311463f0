package smtp

// Size lets a client say how large the message is before it sends it (RFC
// 1870). The session adds its limit to the keyword.
var Size = Extension{
	Keyword: "SIZE",
	RFC:     "RFC 1870",
	Mail:    []Param[Mail]{{Keyword: "SIZE", Value: NeedsValue, Set: setSize}},
}

// setSize parses size-value ::= 1*20DIGIT.
func setSize(m *Mail, value []byte) error {
	size, ok := parseSize(value)
	if !ok {
		return Reply{501, Status{5, 5, 4}, "syntax: SIZE=octets"}
	}
	m.Size = size
	return nil
}
