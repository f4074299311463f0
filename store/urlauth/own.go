package urlauth

import (
	"context"
	"errors"
	"fmt"

	"citron/mail/mailbox"
	"citron/store"
	"citron/store/account"
	"citron/wire/imap"
)

// Own is a URL of a whole message by which a user lets an application have what
// is his own.
type Own struct {
	Mailbox     string // in its canonical form
	UIDValidity uint32 // 0: not said
	UID         account.UID
}

// OwnURL says which message a URL names whose user is this one, and that is for
// the application on behalf of the same user. Whether it is authorized it does
// not say. Errors wrap store.ErrNoURL or are failures of storage.
func (s *Service) OwnURL(ctx context.Context, user uint64, application, full string) (Own, error) {
	u, err := imap.ParseURL(full)
	switch {
	case err != nil || !u.Absolute || u.UID == 0 || u.Auth == nil:
		return Own{}, refused("not an authorized URL of a message")
	case u.Section != nil || u.Partial != nil:
		return Own{}, refused("not of a whole message")
	case u.Auth.Access.Application != application:
		return Own{}, refused("for another application")
	}
	for _, name := range [...]string{u.Server.User, u.Auth.Access.User} {
		if is, err := s.isUser(ctx, name, user); err != nil {
			return Own{}, err
		} else if !is {
			return Own{}, refused("not of and for the user")
		}
	}
	return Own{mailbox.Canonical(u.Mailbox), u.UIDValidity, account.UID(u.UID)}, nil
}

// OwnMessage is OwnURL and Fetch in one, of a message in the user's own account:
// the mailbox it is in.
func (s *Service) OwnMessage(ctx context.Context, user uint64, application, full string) (*account.MailboxInfo, error) {
	if _, err := s.OwnURL(ctx, user, application, full); err != nil {
		return nil, err
	}
	c, err := s.Fetch(ctx, Caller{Application: application, For: user, Name: application}, full)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	if uint64(c.box.Owner.ID()) != user {
		return nil, refused("in the account of another")
	}
	return c.box.Info, nil
}

// StoreError gives a failure of storage the kind that other roles know, and
// leaves store.ErrNoURL as it is.
func StoreError(err error) error {
	if err == nil || errors.Is(err, store.ErrNoURL) {
		return err
	}
	return fmt.Errorf("%w: %w", store.ErrTemporary, err)
}
