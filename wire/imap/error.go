package imap

import "strconv"

// ErrorKind says what was wrong with a command, and so how it is answered.
type ErrorKind uint8

const (
	// BadSyntax: arguments that break the grammar: BAD.
	BadSyntax ErrorKind = iota + 1
	// UnknownCommand: a verb not in the table: BAD.
	UnknownCommand
	// BadLine: no command could be made out (no tag, a NUL, a bare LF or CR): BAD,
	// untagged when there is no tag.
	BadLine
	// TooLarge: a Limit was exceeded: BAD [TOOBIG], or NO [LIMIT] by taste.
	TooLarge
	// BadName: a mailbox name that can never exist, such as invalid modified
	// UTF-7: NO [CANNOT] or BAD.
	BadName
	// BadDate: a date that follows the grammar but no calendar: BAD.
	BadDate
)

var errorKindNames = [...]string{
	BadSyntax: "bad syntax", UnknownCommand: "unknown command", BadLine: "bad line",
	TooLarge: "too large", BadName: "bad mailbox name", BadDate: "bad date",
}

// String is a few words for logs.
func (k ErrorKind) String() string {
	if int(k) < len(errorKindNames) && errorKindNames[k] != "" {
		return errorKindNames[k]
	}
	return "error " + strconv.Itoa(int(k))
}

// Error is a command, or a response, that could not be understood.
type Error struct {
	Kind ErrorKind
	Tag  string // "" when not known
	Verb string // upper case, "" when not known
	Pos  int    // octet of the frame at which it was noticed
	Msg  string // for the person at the other end: printable ASCII, no CR or LF
}

// Error is the message with its position, for logs.
func (e *Error) Error() string {
	s := "imap: " + e.Kind.String()
	if e.Verb != "" {
		s += " in " + e.Verb
	}
	return s + " at octet " + strconv.Itoa(e.Pos) + ": " + e.Msg
}

// Text is what to tell the client after NO or BAD.
func (e *Error) Text() string {
	if e.Kind == BadSyntax || e.Kind == BadDate {
		return e.Msg + " at octet " + strconv.Itoa(e.Pos)
	}
	return e.Msg
}
