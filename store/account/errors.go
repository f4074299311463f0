package account

import "errors"

// Kind is the closed set of reasons for which a call is refused.
type Kind uint8

// Kinds of errors. The response code is what an IMAP server says (RFC 5530,
// 9051 §7.1).
const (
	NoAccount   Kind = iota + 1 // no such account
	NoMailbox                   // NONEXISTENT, TRYCREATE for a destination
	Exists                      // ALREADYEXISTS
	OverQuota                   // OVERQUOTA
	TooLarge                    // TOOBIG, LIMIT
	NoSpace                     // UNAVAILABLE: the volume is full, later perhaps not
	Temporary                   // UNAVAILABLE: try again; Cause says what happened
	Limit                       // LIMIT: of mailboxes, keywords, names, UIDs
	Cannot                      // CANNOT: never possible, Text says why
	HasChildren                 // HASCHILDREN: the name only holds others
	UseAttr                     // USEATTR: special use not possible (RFC 6154 §3)
	Gone                        // EXPUNGED or the mailbox or account was deleted meanwhile
	Trimmed                     // the log no longer reaches back so far
	Damaged                     // SERVERBUG/CORRUPTION: stored data is not what it should be
)

// Error is every error of this package: a kind, a text that may be shown to
// the user, and a cause for the log.
type Error struct {
	Kind  Kind
	Text  string
	Cause error
}

func (e *Error) Error() string {
	if e.Cause == nil {
		return e.Text
	}
	return e.Text + ": " + e.Cause.Error()
}

func (e *Error) Unwrap() error { return e.Cause }

// Is makes errors.Is(err, ErrNoMailbox) true for every error of that kind.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Kind == e.Kind
}

// One error of each kind, for errors.Is.
var (
	ErrNoAccount   = &Error{Kind: NoAccount, Text: "no such account"}
	ErrNoMailbox   = &Error{Kind: NoMailbox, Text: "no such mailbox"}
	ErrExists      = &Error{Kind: Exists, Text: "a mailbox of this name exists"}
	ErrOverQuota   = &Error{Kind: OverQuota, Text: "quota exceeded"}
	ErrTooLarge    = &Error{Kind: TooLarge, Text: "too large"}
	ErrNoSpace     = &Error{Kind: NoSpace, Text: "storage is full, try again later"}
	ErrTemporary   = &Error{Kind: Temporary, Text: "temporary storage failure, try again later"}
	ErrLimit       = &Error{Kind: Limit, Text: "limit reached"}
	ErrCannot      = &Error{Kind: Cannot, Text: "not possible"}
	ErrHasChildren = &Error{Kind: HasChildren, Text: "the name has inferior names and holds no mail itself"}
	ErrUseAttr     = &Error{Kind: UseAttr, Text: "special use not possible"}
	ErrGone        = &Error{Kind: Gone, Text: "no longer there"}
	ErrTrimmed     = &Error{Kind: Trimmed, Text: "too long ago"}
	ErrDamaged     = &Error{Kind: Damaged, Text: "stored data is damaged; run citron verify"}
)

// KindOf gives the kind of an error of this package, 0 for any other.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return 0
}

func refuse(k Kind, text string) error { return &Error{Kind: k, Text: text} }
