package imapserver

import (
	"errors"

	"citron/store/account"
	"citron/wire/imap"
)

// refusal is an answer other than OK: what the client is told, and, apart from
// it, the cause for the log.
type refusal struct {
	kind  imap.StatusKind // NO or BAD
	code  imap.Code       // nil for none
	text  string
	cause error
}

func (r *refusal) Error() string {
	if r.cause == nil {
		return r.kind.String() + " " + r.text
	}
	return r.kind.String() + " " + r.text + ": " + r.cause.Error()
}

func (r *refusal) Unwrap() error { return r.cause }

// no refuses a command that is well-formed; code may be nil (RFC 5530).
func no(code imap.Code, text string) *refusal {
	return &refusal{kind: imap.NO, code: code, text: text}
}

// bad refuses a command that is malformed or out of place.
func bad(text string) *refusal { return &refusal{kind: imap.BAD, text: text} }

// accountCodes are the response codes for the account's kinds of error
// (RFC 5530, RFC 7889, RFC 6154).
var accountCodes = map[account.Kind]imap.Code{
	account.NoAccount:   imap.CodeUnavailable,
	account.NoMailbox:   imap.CodeNonExistent,
	account.Exists:      imap.CodeAlreadyExists,
	account.OverQuota:   imap.CodeOverQuota,
	account.TooLarge:    imap.CodeTooBig,
	account.NoSpace:     imap.CodeUnavailable,
	account.Temporary:   imap.CodeUnavailable,
	account.Limit:       imap.CodeLimit,
	account.Cannot:      imap.CodeCannot,
	account.HasChildren: imap.CodeHasChildren,
	account.UseAttr:     imap.CodeUseAttr,
	account.Gone:        imap.CodeNonExistent,
	account.Damaged:     imap.CodeServerBug,
}

// asRefusal gives the answer for any error of a handler.
func asRefusal(err error) *refusal {
	var r *refusal
	if errors.As(err, &r) {
		return r
	}
	var a *account.Error
	if errors.As(err, &a) {
		return &refusal{kind: imap.NO, code: accountCodes[a.Kind], text: a.Text, cause: a.Cause}
	}
	return &refusal{kind: imap.NO, code: imap.CodeServerBug, text: "Internal error", cause: err}
}

// syntaxRefusal is the answer to a command that could not be parsed.
func syntaxRefusal(err error) *refusal {
	var e *imap.Error
	if !errors.As(err, &e) {
		return &refusal{kind: imap.BAD, text: "Cannot understand this", cause: err}
	}
	switch e.Kind {
	case imap.TooLarge:
		return &refusal{kind: imap.BAD, code: imap.CodeTooBig, text: e.Text()}
	case imap.BadName:
		return &refusal{kind: imap.NO, code: imap.CodeCannot, text: e.Text()}
	}
	return bad(e.Text())
}

// tryCreate turns "no such mailbox" into the hint that creating it would help
// (RFC 9051 §6.3.12, §6.4.7); for destinations of APPEND, COPY and MOVE.
func tryCreate(err error) error {
	if errors.Is(err, account.ErrNoMailbox) {
		return no(imap.CodeTryCreate, "No such mailbox")
	}
	return err
}

// writeRefusal ends a command with NO or BAD, and logs what the operator
// should know.
func (s *Session) writeRefusal(c *command, r *refusal) {
	if r.cause != nil {
		s.srv.cfg.Logger.Warn("command failed", "command", c.name, "answer", r.text, "cause", r.cause, "account", s.accountName())
	}
	s.w.Status(c.tag, r.kind, r.code, r.text)
	if r.kind != imap.BAD {
		s.bad = 0
		return
	}
	if s.bad++; s.bad >= s.srv.cfg.MaxBadCommands {
		s.bye(nil, "Too many commands in error")
	}
}

// bye says why and ends the session.
func (s *Session) bye(code imap.Code, text string) {
	s.w.Status("*", imap.BYE, code, text)
	s.end()
}
