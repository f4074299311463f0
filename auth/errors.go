package auth

import "fmt"

// Kind is the closed set of what can go wrong; errors.Is(err, auth.Disabled)
// finds it in any error of this package.
type Kind uint8

const (
	// BadCredentials: no such user, or not this password.
	BadCredentials Kind = iota + 1
	// Disabled: right password, but the account may not log in.
	Disabled
	// NotAuthorized: right password, but not for the identity asked for.
	NotAuthorized
	// Temporary: a fault on our side, or too busy; try later.
	Temporary
	// NoSuchUser: the domain is ours and the address is not in it.
	NoSuchUser
	// NoSuchDomain: the domain is not ours.
	NoSuchDomain
	// BadExchange: the client broke the rules of the SASL mechanism.
	BadExchange
	// Invalid: a name, password or other argument cannot be used.
	Invalid
	// Exists: the name is taken.
	Exists
)

// Error is the text for the user, free of any cause.
func (k Kind) Error() string {
	switch k {
	case BadCredentials:
		return "wrong name or password"
	case Disabled:
		return "account is disabled"
	case NotAuthorized:
		return "not authorized to act as that user"
	case Temporary:
		return "cannot check this now, please try again later"
	case NoSuchUser:
		return "no such user"
	case NoSuchDomain:
		return "domain is not served here"
	case BadExchange:
		return "malformed authentication exchange"
	case Invalid:
		return "invalid argument"
	case Exists:
		return "already exists"
	}
	return fmt.Sprintf("auth: kind %d", uint8(k))
}

// Error has a kind, for the user, and a cause, for the log.
type Error struct {
	Kind  Kind
	Cause error // may be nil
}

// Errorf makes an Error whose cause is the formatted text.
func Errorf(k Kind, format string, args ...any) *Error {
	return &Error{Kind: k, Cause: fmt.Errorf(format, args...)}
}

// Error gives kind and cause; tell a remote user err.Kind.Error() only.
func (e *Error) Error() string {
	if e.Cause == nil {
		return e.Kind.Error()
	}
	return e.Kind.Error() + ": " + e.Cause.Error()
}

// Unwrap gives the kind and the cause to errors.Is and errors.As.
func (e *Error) Unwrap() []error {
	if e.Cause == nil {
		return []error{e.Kind}
	}
	return []error{e.Kind, e.Cause}
}
