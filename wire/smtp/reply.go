package smtp

import "strconv"

// Status is an enhanced status code, class.subject.detail (RFC 3463); the zero
// Status is none.
type Status struct {
	Class, Subject, Detail uint16
}

// Append appends the code, for example "5.1.1".
func (s Status) Append(dst []byte) []byte {
	dst = strconv.AppendUint(dst, uint64(s.Class), 10)
	dst = append(dst, '.')
	dst = strconv.AppendUint(dst, uint64(s.Subject), 10)
	dst = append(dst, '.')
	return strconv.AppendUint(dst, uint64(s.Detail), 10)
}

func (s Status) String() string { return string(s.Append(nil)) }

// Reply is one reply of one line.
type Reply struct {
	Code   int // 200 … 599
	Status Status
	Text   string // printable, without CR or LF
}

// NewReply is for tables: NewReply(550, 5, 1, 1, "no such user"). The class is
// the code's first digit (RFC 2034 §4).
func NewReply(code int, class, subject, detail uint16, text string) Reply {
	return Reply{code, Status{class, subject, detail}, text}
}

// Append appends the reply's line.
func (r Reply) Append(dst []byte) []byte { return appendLine(dst, r.Code, ' ', r.Status, r.Text) }

// Error lets a Reply be the error that a parser gives; the text is for the
// peer.
func (r Reply) Error() string { return string(r.appendText(strconv.AppendInt(nil, int64(r.Code), 10))) }

func (r Reply) appendText(dst []byte) []byte {
	dst = append(dst, ' ')
	if r.Status != (Status{}) {
		dst = append(r.Status.Append(dst), ' ')
	}
	return append(dst, r.Text...)
}

// AppendLines appends a reply of several lines without enhanced codes, as EHLO
// is answered (RFC 2034 §4 excepts it).
func AppendLines(dst []byte, code int, lines ...string) []byte {
	for i, line := range lines {
		separator := byte('-')
		if i == len(lines)-1 {
			separator = ' '
		}
		dst = appendLine(dst, code, separator, Status{}, line)
	}
	return dst
}

func appendLine(dst []byte, code int, separator byte, s Status, text string) []byte {
	dst = strconv.AppendInt(dst, int64(code), 10)
	dst = append(dst, separator)
	if s != (Status{}) {
		dst = append(s.Append(dst), ' ')
	}
	dst = append(dst, text...)
	return append(dst, '\r', '\n')
}
