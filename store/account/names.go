package account

import (
	"fmt"
	"strings"

	"citron/mail/mailbox"
)

// separator stands between the levels of a mailbox name.
const separator = "/"

// inboxName is INBOX as it is stored (RFC 9051 §5.1: in any case the same).
const inboxName = "INBOX"

// canonical is the one form of a name: Net-Unicode (RFC 5198) is NFC, and
// INBOX, alone or as the first level, is in capitals.
func canonical(name string) string { return mailbox.Canonical(name) }

// checkName gives the canonical form of a name for a new mailbox, or says why
// there can be none.
func (s *Store) checkName(name string) (string, error) {
	name = canonical(name)
	switch {
	case name == "":
		return "", refuse(Cannot, "a mailbox needs a name")
	case len(name) > s.opt.MaxName:
		return "", refuse(Limit, fmt.Sprintf("mailbox names have at most %d bytes", s.opt.MaxName))
	case strings.Count(name, separator) >= s.opt.MaxDepth:
		return "", refuse(Limit, fmt.Sprintf("mailbox names have at most %d levels", s.opt.MaxDepth))
	}
	if err := mailbox.Check(name); err != nil {
		return "", refuse(Cannot, err.Error())
	}
	return name, nil
}

// parentName is the name one level up, "" for a name of one level.
func parentName(name string) string { return mailbox.Parent(name) }

// below says whether name is an inferior of parent.
func below(name, parent string) bool { return mailbox.IsBelow(name, parent) }
