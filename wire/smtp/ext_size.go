package smtp

import (
	"math"
	"strconv"
)

// Size lets a client say how large the message is before it sends it (RFC
// 1870). The session adds its limit to the keyword.
var Size = Extension{
	Keyword: "SIZE",
	RFC:     "RFC 1870",
	Mail:    []Param[Mail]{{Keyword: "SIZE", Value: NeedsValue, Set: setSize, Append: appendSize}},
}

func setSize(m *Mail, value []byte) error {
	size, ok := parseSizeValue(value)
	if !ok {
		return Reply{501, Status{5, 5, 4}, "syntax: SIZE=octets"}
	}
	m.Size = size
	return nil
}

// parseSizeValue parses size-value ::= 1*20DIGIT. What no int64 holds becomes
// the largest, which is too large as well.
func parseSizeValue(digits []byte) (int64, bool) {
	if len(digits) == 0 || len(digits) > 20 {
		return 0, false
	}
	for _, d := range digits {
		if !isDigit(d) {
			return 0, false
		}
	}
	n, err := strconv.ParseInt(string(digits), 10, 64)
	if err != nil {
		n = math.MaxInt64
	}
	return n, true
}

func appendSize(dst []byte, m *Mail, _ bool) ([]byte, bool) {
	return strconv.AppendInt(dst, m.Size, 10), m.Size > 0
}

// SizeLimit is the largest message that the server takes, in octets; 0 if it
// did not say, or said that there is no limit.
func (o Offer) SizeLimit() int64 {
	if args := o.args[Size.Keyword]; len(args) > 0 {
		limit, _ := parseSizeValue([]byte(args[0]))
		return limit
	}
	return 0
}
