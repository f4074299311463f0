package urlauth

import (
	"context"
	"errors"

	"citron/wire/imap"
)

// Caller is who fetches a URL.
type Caller struct {
	// Account is the account of the session, 0 for an application.
	Account uint64
	// Application is the one that the caller is an authorized entity of
	// (RFC 5593 §3.3), such as "submit"; "" for a person.
	Application string
	// For is the account on whose behalf an application within this process
	// fetches; 0 when not known. An application that calls by IMAP has
	// checked the user itself (RFC 4467 §3).
	For uint64
	// Name is for the log.
	Name string
}

// prefixes are the access identifiers that have a user after a "+"; the others
// that RFC 5092 and RFC 5593 name have none. Of further applications both are
// taken.
var prefixes = map[string]bool{"submit": true, "user": true, "authuser": false, "anonymous": false, "stream": false}

// wellFormed says that an access identifier is one that could let somebody in.
func wellFormed(a imap.URLAccess) bool {
	prefix, known := prefixes[a.Application]
	return !known || prefix == (a.User != "")
}

// admits says whether an access identifier lets a caller in.
func (s *Service) admits(ctx context.Context, a imap.URLAccess, by Caller) (bool, error) {
	if !wellFormed(a) {
		return false, nil
	}
	switch a.Application {
	case "anonymous":
		return true, nil
	case "authuser": // there are no anonymous sessions, but there may be
		return by.Account != 0 || by.Application != "", nil
	case "user":
		return s.isUser(ctx, a.User, by.Account)
	}
	if by.Application != a.Application {
		return false, nil
	}
	if by.For == 0 || a.User == "" {
		return true, nil
	}
	return s.isUser(ctx, a.User, by.For)
}

// isUser says whether a user name means an account.
func (s *Service) isUser(ctx context.Context, name string, number uint64) (bool, error) {
	n, err := s.cfg.Mailboxes.User(ctx, name)
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	return err == nil && number != 0 && n == number, err
}
