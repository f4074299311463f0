package smtp

import (
	"bytes"
	"strconv"
	"strings"
	"time"
)

// Deadline lets the sender say when delivery is late (RFC 2852). A session may
// add the least time that it accepts in mode return, in seconds.
var Deadline = Extension{
	Keyword: "DELIVERBY",
	RFC:     "RFC 2852",
	Mail:    []Param[Mail]{{Keyword: "BY", Value: NeedsValue, Set: setBy, Append: appendBy}},
}

// DeliverBy is the BY parameter (RFC 2852 §4); the zero value: not said.
type DeliverBy struct {
	Mode  ByMode
	Trace bool
	// Within counts from when MAIL was received, in whole seconds up to
	// 999,999,999; it may be zero or negative in mode notify.
	Within time.Duration
}

// ByMode says what happens when the time is over.
type ByMode uint8

const (
	ByUnsaid ByMode = iota
	ByNotify        // a report of delay, and delivery goes on
	ByReturn        // the message is returned
)

var errBy = Reply{501, Status{5, 5, 4}, "BY is seconds;N or seconds;R, and T behind it to trace; with R at least one second"}

// setBy parses
//
//	by-value = by-time ";" by-mode [by-trace]
//	by-time  = ["-" / "+"] 1*9digit
//	by-mode  = "N" / "R"
//	by-trace = "T"
func setBy(m *Mail, value []byte) error {
	text, mode, ok := bytes.Cut(value, []byte{';'})
	digits := bytes.TrimPrefix(text, []byte{'+'})
	negative := len(digits) == len(text) && len(text) > 0 && text[0] == '-'
	if negative {
		digits = text[1:]
	}
	seconds, isNumber := parseSize(digits)
	if !ok || !isNumber || len(digits) > 9 {
		return errBy
	}
	if negative {
		seconds = -seconds
	}
	by := DeliverBy{Within: time.Duration(seconds) * time.Second}
	switch strings.ToUpper(string(mode)) {
	case "N":
		by.Mode = ByNotify
	case "NT":
		by.Mode, by.Trace = ByNotify, true
	case "R":
		by.Mode = ByReturn
	case "RT":
		by.Mode, by.Trace = ByReturn, true
	default:
		return errBy
	}
	if by.Mode == ByReturn && by.Within <= 0 {
		return errBy
	}
	m.By = by
	return nil
}

func appendBy(dst []byte, m *Mail, _ bool) ([]byte, bool) {
	dst = strconv.AppendInt(dst, int64(m.By.Within/time.Second), 10)
	dst = append(dst, ';', " NR"[m.By.Mode])
	if m.By.Trace {
		dst = append(dst, 'T')
	}
	return dst, m.By.Mode != ByUnsaid
}

// LeastBy is the least time that may be asked for in mode return, 0 if the
// server did not say:
//
//	deliverby-param = min-by-time *( ',' extension-token )
func (o Offer) LeastBy() time.Duration {
	args := o.args[Deadline.Keyword]
	if len(args) == 0 {
		return 0
	}
	least, _, _ := strings.Cut(args[0], ",")
	seconds, ok := parseSize([]byte(least))
	if !ok || len(least) > 9 {
		return 0
	}
	return time.Duration(seconds) * time.Second
}
