package smtp

import (
	"bytes"
	"strconv"
	"strings"
	"time"
)

// FutureRelease lets a message be held back (RFC 4865). The session adds
// HoldArgs to the keyword.
var FutureRelease = Extension{
	Keyword: "FUTURERELEASE",
	RFC:     "RFC 4865",
	Mail: []Param[Mail]{
		{Keyword: "HOLDFOR", Value: NeedsValue, Set: setHoldFor, Append: appendHoldFor},
		{Keyword: "HOLDUNTIL", Value: NeedsValue, Set: setHoldUntil, Append: appendHoldUntil},
	},
}

// Hold is for how long, or until when, a message is to be held back (RFC 4865);
// at most one of the two is set.
type Hold struct {
	For   time.Duration // whole seconds, 1 … 999,999,999
	Until time.Time     // in UTC
}

var (
	errHoldFor   = Reply{501, Status{5, 5, 4}, "HOLDFOR is a number of seconds, 1 to 999999999"}
	errHoldUntil = Reply{501, Status{5, 5, 4}, "HOLDUNTIL is a date and time in UTC, as RFC 3339 writes it"}
	errHoldTwice = Reply{501, Status{5, 5, 4}, "one HOLDFOR or one HOLDUNTIL"} // RFC 4865 §4.2
)

func setHoldFor(m *Mail, value []byte) error {
	interval, ok := parseInterval(value)
	switch {
	case !ok:
		return errHoldFor
	case m.Hold != (Hold{}):
		return errHoldTwice
	}
	m.Hold.For = interval
	return nil
}

// parseInterval parses future-release-integer = %x31-39 *8DIGIT, seconds.
func parseInterval(value []byte) (time.Duration, bool) {
	seconds, ok := parseSize(value)
	return time.Duration(seconds) * time.Second, ok && len(value) <= 9 && value[0] != '0'
}

func setHoldUntil(m *Mail, value []byte) error {
	until, ok := parseUTC(value)
	switch {
	case !ok:
		return errHoldUntil
	case m.Hold != (Hold{}):
		return errHoldTwice
	}
	m.Hold.Until = until
	return nil
}

// parseUTC parses RFC 3339's date-time, which may be in small letters, with an
// offset of zero. A leap second (§5.7) is the one behind it, as clocks here have
// none and nothing may go too early.
func parseUTC(value []byte) (time.Time, bool) {
	text := string(bytes.ToUpper(value))
	day, fraction, leap := strings.Cut(text, "T23:59:60")
	if leap {
		text = day + "T23:59:59" + fraction
	}
	t, err := time.Parse(time.RFC3339, text)
	if leap {
		t = t.Add(time.Second)
	}
	_, offset := t.Zone()
	return t.UTC(), err == nil && offset == 0 && !t.IsZero()
}

func appendHoldFor(dst []byte, m *Mail, _ bool) ([]byte, bool) {
	return strconv.AppendInt(dst, int64(m.Hold.For/time.Second), 10), m.Hold.For != 0
}

func appendHoldUntil(dst []byte, m *Mail, _ bool) ([]byte, bool) {
	return m.Hold.Until.UTC().AppendFormat(dst, time.RFC3339Nano), !m.Hold.Until.IsZero()
}

// HoldArgs gives the keyword's arguments: the longest interval, in whole
// seconds up to 999,999,999, and the latest time (RFC 4865 §3).
func HoldArgs(longest time.Duration, latest time.Time) string {
	args := strconv.AppendInt(nil, int64(longest/time.Second), 10)
	return string(latest.UTC().AppendFormat(append(args, ' '), time.RFC3339))
}
