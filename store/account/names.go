package account

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// separator stands between the levels of a mailbox name.
const separator = "/"

// inboxName is INBOX as it is stored (RFC 9051 §5.1: in any case the same).
const inboxName = "INBOX"

// canonical is the one form of a name: Net-Unicode (RFC 5198) is NFC, and
// INBOX, alone or as the first level, is in capitals.
func canonical(name string) string {
	first, rest, below := strings.Cut(norm.NFC.String(name), separator)
	if strings.EqualFold(first, inboxName) {
		first = inboxName
	}
	if !below {
		return first
	}
	return first + separator + rest
}

// checkName gives the canonical form of a name for a new mailbox, or says why
// there can be none.
func (s *Store) checkName(name string) (string, error) {
	name = canonical(name)
	switch {
	case name == "":
		return "", refuse(Cannot, "a mailbox needs a name")
	case !utf8.ValidString(name):
		return "", refuse(Cannot, "mailbox names are UTF-8")
	case len(name) > s.opt.MaxName:
		return "", refuse(Limit, fmt.Sprintf("mailbox names have at most %d bytes", s.opt.MaxName))
	case strings.Count(name, separator) >= s.opt.MaxDepth:
		return "", refuse(Limit, fmt.Sprintf("mailbox names have at most %d levels", s.opt.MaxDepth))
	case strings.ContainsAny(name, "%*"):
		return "", refuse(Cannot, "mailbox names cannot contain % or *")
	case strings.ContainsFunc(name, unprintable):
		return "", refuse(Cannot, "mailbox names cannot contain control characters")
	}
	for level := range strings.SplitSeq(name, separator) {
		if level == "" {
			return "", refuse(Cannot, "each level of a mailbox name needs a character")
		}
	}
	return name, nil
}

// unprintable are the characters that RFC 5198 §2 and RFC 9051 §5.1 exclude:
// controls and the line and paragraph separators.
func unprintable(r rune) bool { return unicode.IsControl(r) || r == 0x2028 || r == 0x2029 }

// below says whether name is an inferior of parent.
func below(name, parent string) bool {
	return len(name) > len(parent) && name[:len(parent)] == parent && strings.HasPrefix(name[len(parent):], separator)
}
