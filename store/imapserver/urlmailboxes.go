package imapserver

import (
	"context"
	"errors"

	"citron/auth"
	"citron/store/account"
	"citron/store/urlauth"
)

// urlMailboxes finds what URLs name, as a session of the user in the URL would,
// who need not be here.
type urlMailboxes struct{ srv *Server }

// User implements urlauth.Mailboxes. Who may not log in is not there: a URL
// gives what its maker could have.
func (f urlMailboxes) User(ctx context.Context, name string) (uint64, error) {
	a, err := f.srv.names.ByName(ctx, name)
	switch {
	case errors.Is(err, auth.NoSuchUser), errors.Is(err, auth.Invalid), err == nil && a.Disabled:
		return 0, urlauth.ErrNotFound
	}
	return a.Number, err
}

// Mailbox implements urlauth.Mailboxes.
func (f urlMailboxes) Mailbox(ctx context.Context, number uint64, name string) (*urlauth.Mailbox, error) {
	own, err := f.srv.open(ctx, number)
	if errors.Is(err, account.ErrNoAccount) {
		return nil, urlauth.ErrNotFound
	} else if err != nil {
		return nil, err
	}
	// A session without a connection, which only knows its way.
	s := &Session{srv: f.srv, user: &user{Identity: auth.Identity{Account: number}, account: own}}
	box := &urlauth.Mailbox{User: own, Close: func() {
		s.closeGuests()
		own.Close()
	}}
	at, err := s.lookUp(name)
	switch {
	case err == nil:
		box.Owner, box.Info = at.acct, at.info
	case !errors.Is(err, account.ErrNoMailbox):
		box.Close()
		return nil, err
	}
	return box, nil
}
