package mailbox

import (
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

const (
	// Separator stands between the levels of a name.
	Separator = '/'
	// Inbox is the mailbox every account has (RFC 9051 §5.1).
	Inbox = "INBOX"
	// MaxOctets bounds a name, in octets of UTF-8.
	MaxOctets = 1000
	// MaxLevels bounds the levels of a name.
	MaxLevels = 50
)

// What is wrong with a name. The texts are fit for the user.
var (
	ErrEmpty      = errors.New("the mailbox name is empty")
	ErrTooLong    = errors.New("the mailbox name is too long")
	ErrTooDeep    = errors.New("the mailbox name has too many levels")
	ErrNotUTF8    = errors.New("the mailbox name is not UTF-8")
	ErrNotNFC     = errors.New("the mailbox name is not in Unicode normalization form C")
	ErrCharacter  = errors.New("the mailbox name has a character that is not allowed")
	ErrWildcard   = errors.New("the mailbox name has a wildcard")
	ErrEmptyLevel = errors.New("the mailbox name has an empty level")
)

// Canonical gives name, as a client sent it, in the form in which it is stored
// and looked up: NFC, INBOX in capitals. It fails for no name; one that cannot
// exist stays so.
func Canonical(name string) string {
	if !norm.NFC.IsNormalString(name) {
		name = norm.NFC.String(name)
	}
	first, rest, deeper := strings.Cut(name, "/")
	if first == Inbox || !strings.EqualFold(first, Inbox) {
		return name
	}
	if deeper {
		return Inbox + "/" + rest
	}
	return Inbox
}

// Check says whether a mailbox may have this name. The error is one of the
// above.
func Check(name string) error {
	switch {
	case name == "":
		return ErrEmpty
	case len(name) > MaxOctets:
		return ErrTooLong
	case !utf8.ValidString(name):
		return ErrNotUTF8
	case strings.Count(name, "/") >= MaxLevels:
		return ErrTooDeep
	case name[0] == '/', name[len(name)-1] == '/', strings.Contains(name, "//"):
		return ErrEmptyLevel
	}
	for _, r := range name {
		if r == '*' || r == '%' {
			return ErrWildcard
		}
		if !allowed(r) {
			return ErrCharacter
		}
	}
	if !norm.NFC.IsNormalString(name) {
		return ErrNotNFC
	}
	return nil
}

// allowed: no control characters (RFC 5198 §2, C0, DEL and C1), no line or
// paragraph separators (RFC 9051 §5.1), no byte order mark or noncharacters.
func allowed(r rune) bool {
	switch {
	case unicode.IsControl(r), r == '\u2028', r == '\u2029', r == '\ufeff', r == '\ufffd':
		return false
	case r&0xfffe == 0xfffe, 0xfdd0 <= r && r <= 0xfdef:
		return false
	}
	return true
}

// Parent is the name one level up, "" for a name of one level.
func Parent(name string) string {
	if i := strings.LastIndexByte(name, Separator); i >= 0 {
		return name[:i]
	}
	return ""
}

// IsBelow says that name is a descendant of ancestor.
func IsBelow(name, ancestor string) bool {
	return len(name) > len(ancestor) && name[len(ancestor)] == Separator &&
		strings.HasPrefix(name, ancestor)
}
