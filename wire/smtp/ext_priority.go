package smtp

import "strconv"

// MTPriority lets messages overtake others (RFC 6710). The session may add the
// name of its policy to the keyword.
var MTPriority = Extension{
	Keyword: "MT-PRIORITY",
	RFC:     "RFC 6710",
	Mail:    []Param[Mail]{{Keyword: "MT-PRIORITY", Value: NeedsValue, Set: setPriority, Append: appendPriority}},
}

// Priority is MT-PRIORITY's (RFC 6710); Said is false where nothing was said,
// which is level 0.
type Priority struct {
	Said  bool
	Level int8 // -9 … 9
}

// errPriority is RFC 6710 §4.1's.
var errPriority = Reply{501, Status{5, 5, 2}, "MT-PRIORITY is a number from -9 to 9"}

// setPriority parses priority-value = (["-"] NZDIGIT) / "0".
func setPriority(m *Mail, value []byte) error {
	level, err := strconv.ParseInt(string(value), 10, 8)
	if err != nil || level < -9 || level > 9 || string(strconv.AppendInt(nil, level, 10)) != string(value) {
		return errPriority
	}
	m.Priority = Priority{Said: true, Level: int8(level)}
	return nil
}

func appendPriority(dst []byte, m *Mail, _ bool) ([]byte, bool) {
	return strconv.AppendInt(dst, int64(m.Priority.Level), 10), m.Priority.Said
}
