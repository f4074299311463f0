package urlauth

import (
	"context"
	"errors"
	"fmt"
	"io"

	"citron/mail/acl"
	"citron/mail/message"
	"citron/store"
	"citron/store/account"
	"citron/store/opened"
	"citron/store/uidset"
	"citron/wire/imap"
)

// Content is what a valid URL points to. It is to be closed.
type Content struct {
	URL     *imap.URL
	Message *opened.Message
	box     *Mailbox
}

// Close gives up the message.
func (c *Content) Close() {
	c.Message.Close()
	c.box.Close()
}

// Readable says whether its maker may still read the mailbox: while it is being
// sent that can change. Of a mailbox that is gone what was begun may be ended.
func (c *Content) Readable() bool {
	info, there := c.box.Owner.Mailbox(c.box.Info.ID)
	return !there || c.box.Owner.Rights(info, uint64(c.box.User.ID())).Has(acl.Read)
}

// refused is why a URL gives nothing; for the log only.
type refused string

func (r refused) Error() string { return string(r) }
func (r refused) Unwrap() error { return store.ErrNoURL }

// Fetch opens what a URL points to, if the caller may have it. Every reason of
// the URL's own for which it gives nothing is an error that wraps
// store.ErrNoURL, and none of them is to be told; any other error is a failure
// of storage.
func (s *Service) Fetch(ctx context.Context, by Caller, full string) (*Content, error) {
	c, err := s.fetch(ctx, by, full)
	var why refused
	switch {
	case err == nil:
		s.cfg.Log.Info("URL fetched", "url", loggable(full), "by", by.Name, "for", by.For)
	case errors.As(err, &why):
		s.cfg.Log.Info("URL refused", "url", loggable(full), "by", by.Name, "for", by.For, "why", string(why))
	default:
		s.cfg.Log.Warn("URL not fetched", "url", loggable(full), "by", by.Name, "for", by.For, "cause", err)
	}
	return c, err
}

// loggable is a URL without its token; nothing of one in which no token can be
// told from the rest, and of a long one its beginning: who may write URLs must
// not fill the log with them.
func loggable(full string) string {
	if u, err := imap.ParseURL(full); err != nil || u.Auth == nil || u.Auth.Token == "" {
		return ""
	}
	rump := imap.RumpURL(full)
	return rump[:min(len(rump), maxLogged)]
}

// maxLogged is how much of a URL is logged, in octets.
const maxLogged = 300

func (s *Service) fetch(ctx context.Context, by Caller, full string) (*Content, error) {
	u, err := imap.ParseURL(full)
	if err != nil || !u.Absolute || u.Server.User == "" || u.UID == 0 || u.Auth == nil || u.Auth.Mechanism != imap.InternalMechanism {
		return nil, refused("not an authorized URL of a message")
	}
	box, k, err := s.locate(ctx, by, u)
	if err != nil {
		return nil, err
	}
	made, valid := k.verify(imap.RumpURL(full), u.Auth.Token)
	if box == nil {
		return nil, refused("no such user, mailbox or key")
	}
	c := &Content{URL: u, box: box, Message: &opened.Message{}}
	switch now := s.cfg.Now(); {
	case !valid:
		err = refused("wrong token")
	case !u.Auth.Expire.IsZero() && now.After(u.Auth.Expire):
		err = refused("expired")
	case s.cfg.MaxAge > 0 && now.After(made.Add(s.cfg.MaxAge)):
		err = refused("older than this site allows")
	default:
		err = s.open(ctx, by, c)
	}
	if err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// nowhere is a mailbox that no account has.
const nowhere account.MailboxID = 1<<32 - 1

// locate finds the mailbox that a URL names and the key for it. Where there is
// no such user, mailbox or key, box is nil and the key one that refuses, after
// the same steps: in the caller's account if the user is unknown, or that of the
// user on whose behalf an application fetches.
func (s *Service) locate(ctx context.Context, by Caller, u *imap.URL) (*Mailbox, key, error) {
	user, err := s.cfg.Mailboxes.User(ctx, u.Server.User)
	known := err == nil
	if errors.Is(err, ErrNotFound) {
		if user = max(by.Account, by.For); user == 0 {
			user, err = s.cfg.Mailboxes.User(ctx, u.Auth.Access.User)
		}
	}
	if err != nil && !errors.Is(err, ErrNotFound) {
		return nil, key{}, err
	}
	box, err := s.cfg.Mailboxes.Mailbox(ctx, user, u.Mailbox)
	if errors.Is(err, ErrNotFound) {
		return nil, plausible(), nil
	} else if err != nil {
		return nil, key{}, err
	}
	table, own, err := readKeys(ctx, box, user)
	if err == nil && known && box.Info != nil && table != nil && own != nil {
		k, err := join(table, own)
		return box, k, err
	}
	box.Close()
	return nil, plausible(), err
}

// readKeys gives both keys of a user for a mailbox, as far as they are there.
func readKeys(ctx context.Context, box *Mailbox, user uint64) (table, own []byte, err error) {
	if table, err = box.User.URLKey(ctx, account.URLTable, user); err != nil {
		return nil, nil, err
	}
	if box.Info == nil {
		_, err = box.User.URLKey(ctx, nowhere, user)
		return table, nil, err
	}
	own, err = box.Owner.URLKey(ctx, box.Info.ID, user)
	return table, own, err
}

// open opens what a URL with a valid token points to, if it is for the caller
// and its maker may still read it (CVE-2026-47087).
func (s *Service) open(ctx context.Context, by Caller, c *Content) error {
	u, box := c.URL, c.box
	mayHave, err := s.admits(ctx, u.Auth.Access, by)
	switch {
	case err != nil:
		return err
	case !mayHave:
		return refused("not for this caller")
	case !box.readable():
		return refused("its maker may not read the mailbox any more")
	case u.UIDValidity != 0 && u.UIDValidity != box.Info.UIDValidity:
		return refused("another UIDVALIDITY")
	}
	m, err := opened.Find(ctx, box.Owner, box.Info.ID, uidset.UID(u.UID))
	switch {
	case errors.Is(err, account.ErrNoMailbox), err == nil && m == nil:
		return refused("no such message")
	case err != nil:
		return err
	}
	c.Message = m
	return nil
}

// Octets gives the octets of the message in a form that the URL points to; nil
// if there is no such part.
func (c *Content) Octets(ctx context.Context, as message.Shown) (*io.SectionReader, error) {
	return c.Message.Section(ctx, as, c.URL.Section, c.URL.Partial)
}

// FetchURL implements store.URLs.
func (s *Service) FetchURL(ctx context.Context, application, user, url string, binary bool) (store.URLContent, error) {
	number, err := s.cfg.Mailboxes.User(ctx, user)
	switch {
	case errors.Is(err, ErrNotFound):
		return nil, refused("fetched for a user that there is not")
	case err != nil:
		return nil, StoreError(err)
	}
	by := Caller{Application: application, For: number, Name: application}
	c, err := s.Fetch(ctx, by, url)
	if err == nil {
		as := message.WithoutNUL
		if binary && c.URL.Section == nil && c.URL.Partial == nil {
			as = 0
		}
		var octets *io.SectionReader
		if octets, err = c.Octets(ctx, as); octets != nil {
			return &openContent{octets, c}, nil
		}
		c.Close()
		if err == nil {
			err = refused("no such part")
		}
	}
	return nil, StoreError(err)
}

var _ store.URLs = (*Service)(nil)

// openContent is Content as other roles know it.
type openContent struct {
	octets  *io.SectionReader
	content *Content
}

// Size implements store.URLContent.
func (o *openContent) Size() int64 { return o.octets.Size() }

// ReadAt implements store.URLContent.
func (o *openContent) ReadAt(p []byte, at int64) (int, error) {
	if !o.content.Readable() {
		return 0, errWithdrawn
	}
	return o.octets.ReadAt(p, at)
}

var errWithdrawn = fmt.Errorf("%w: its maker may not read the mailbox any more", store.ErrNoURL)

// Close implements store.URLContent.
func (o *openContent) Close() error {
	o.content.Close()
	return nil
}
