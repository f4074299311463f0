package imap

import "strings"

// SystemFlags is a bit set of the flags that begin with a backslash (RFC 9051
// §2.3.2).
type SystemFlags uint8

const (
	FlagSeen SystemFlags = 1 << iota
	FlagAnswered
	FlagFlagged
	FlagDeleted
	FlagDraft
	FlagRecent // RFC 3501 §2.3.2; never set by a client
)

// systemFlagNames is indexed by bit number.
var systemFlagNames = [...]string{
	`\Seen`, `\Answered`, `\Flagged`, `\Deleted`, `\Draft`, `\Recent`,
}

// FlagList is a parsed list of flags.
type FlagList struct {
	System   SystemFlags
	Keywords []string // as sent, in order, without repetition (ignoring case)
	// Unknown holds flag-extensions, which begin with a backslash and are
	// not in SystemFlags; "\*" in PERMANENTFLAGS is one.
	Unknown []string
}

// Empty says that no flag is in l.
func (l *FlagList) Empty() bool {
	return l.System == 0 && len(l.Keywords) == 0 && len(l.Unknown) == 0
}

// add puts flag, with its backslash if any, into l.
func (l *FlagList) add(flag string) {
	if flag[0] != '\\' {
		l.Keywords = addFold(l.Keywords, flag)
		return
	}
	if f, ok := systemFlag(flag); ok {
		l.System |= f
		return
	}
	l.Unknown = addFold(l.Unknown, flag)
}

func systemFlag(flag string) (SystemFlags, bool) {
	for i, name := range systemFlagNames {
		if strings.EqualFold(name, flag) {
			return 1 << i, true
		}
	}
	return 0, false
}

// addFold appends s unless list has it, ignoring case. Lists are bounded by
// Limits.Flags, so the walk is short.
func addFold(list []string, s string) []string {
	for _, have := range list {
		if strings.EqualFold(have, s) {
			return list
		}
	}
	return append(list, s)
}

// AppendSystemFlags appends the names of f separated by spaces.
func AppendSystemFlags(dst []byte, f SystemFlags) []byte {
	first := true
	for i, name := range systemFlagNames {
		if f&(1<<i) == 0 {
			continue
		}
		if !first {
			dst = append(dst, ' ')
		}
		first = false
		dst = append(dst, name...)
	}
	return dst
}

// AppendFlags appends a parenthesised flag list.
func AppendFlags(dst []byte, l *FlagList) []byte {
	dst = append(dst, '(')
	start := len(dst)
	dst = AppendSystemFlags(dst, l.System)
	for _, list := range [2][]string{l.Unknown, l.Keywords} {
		for _, k := range list {
			if len(dst) > start {
				dst = append(dst, ' ')
			}
			dst = append(dst, k...)
		}
	}
	return append(dst, ')')
}
