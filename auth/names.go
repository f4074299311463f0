package auth

import "context"

// Account is an account as others may know it.
type Account struct {
	Number uint64 // 1 or more, never reused
	Name   string // canonical
	// Shared: nobody's own; its mailboxes stand among the shared ones
	// (RFC 2342) of those it lets in.
	Shared bool
	// Disabled: nobody may log in to it for the time being.
	Disabled bool
}

// Names finds accounts by their names and numbers. Methods may be called
// concurrently.
type Names interface {
	// ByName finds the account that one logs in to with a name, in any form
	// of it; aliases and subaddresses are no names of accounts.
	//
	// Errors are *Error: NoSuchUser, Invalid (no account can have this
	// name), Temporary.
	ByName(ctx context.Context, name string) (Account, error)
	// ByNumber finds accounts by their numbers; those that are no more are
	// left out. Errors are *Error: Temporary.
	ByNumber(ctx context.Context, numbers ...uint64) ([]Account, error)
}
