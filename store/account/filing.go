package account

import (
	"context"
	"errors"
	"fmt"
	"io"

	"citron/engine/body"
	"citron/engine/kv"
	"citron/store"
)

// Filing is how other roles hand messages to a Store: each recipient's copy is
// a message of its own in the recipient's INBOX.
type Filing struct{ Store *Store }

var _ store.OnceFiling = Filing{}

// Begin implements store.Filing. A message for one recipient goes straight
// into the account; one for several is gathered once, and each copy is made
// from that when it is complete, so that memory does not grow with the number
// of recipients.
func (f Filing) Begin(ctx context.Context, to []store.Recipient, size int64) (store.Incoming, error) {
	if size > f.Store.opt.MaxMessage {
		return nil, filingError(ErrTooLarge)
	}
	if len(to) == 1 {
		return f.beginOne(ctx, to[0])
	}
	w, err := f.Store.bodies.Create(ctx, body.Owner{})
	if err != nil {
		return nil, filingError(storageError(err))
	}
	return &copies{store: f.Store, to: to, spool: w}, nil
}

// filed is a message for one recipient.
type filed struct {
	account *Account
	in      *Incoming
	once    store.Once
}

func (f Filing) beginOne(ctx context.Context, to store.Recipient) (*filed, error) {
	if len(to.Once.Key) > store.MaxOnceKey {
		return nil, filingError(refuse(Limit, "the name of the copy is too long"))
	}
	a, err := f.Store.Account(ctx, kv.Account(to.Account))
	if err != nil {
		return nil, filingError(err)
	}
	in, err := a.NewMessage(ctx)
	if err == nil {
		_, err = in.Write(to.Prefix)
	}
	if err != nil {
		a.Close()
		return nil, filingError(err)
	}
	return &filed{a, in, to.Once}, nil
}

// Write implements store.Incoming.
func (f *filed) Write(p []byte) (int, error) {
	n, err := f.in.Write(p)
	return n, filingError(err)
}

// Commit implements store.Incoming.
func (f *filed) Commit(ctx context.Context) []error {
	if err := f.commit(ctx); err != nil {
		return []error{err}
	}
	return nil
}

func (f *filed) commit(ctx context.Context) error {
	by, items := Actor{Account: uint64(f.account.id), Name: "delivery"}, [1]AppendItem{{Incoming: f.in}}
	var err error
	if f.once.Key == "" {
		_, err = f.account.Append(ctx, by, Inbox, items[:])
	} else {
		err = f.account.appendOnce(ctx, by, items[:], f.once)
	}
	f.close()
	return filingError(err)
}

// Abort implements store.Incoming.
func (f *filed) Abort() {
	if f.account != nil {
		f.in.Abort()
		f.close()
	}
}

func (f *filed) close() {
	f.account.Close()
	f.account = nil
}

// copies is a message for several recipients.
type copies struct {
	store *Store
	to    []store.Recipient
	spool body.Writer // never committed; nil at the end
}

// Write implements store.Incoming.
func (c *copies) Write(p []byte) (int, error) {
	if c.spool.Len()+int64(len(p)) > c.store.opt.MaxMessage {
		return 0, filingError(ErrTooLarge)
	}
	n, err := c.spool.Write(p)
	return n, filingError(storageError(err))
}

// maxCopies is how many recipients' copies are made at a time.
const maxCopies = 8

// Commit implements store.Incoming.
func (c *copies) Commit(ctx context.Context) []error {
	errs := make([]error, len(c.to))
	turns := make(chan struct{}, maxCopies)
	for i := range c.to {
		turns <- struct{}{}
		go func() {
			defer func() { <-turns }()
			errs[i] = c.file(ctx, c.to[i])
		}()
	}
	for range maxCopies {
		turns <- struct{}{}
	}
	c.Abort()
	return errs
}

func (c *copies) file(ctx context.Context, to store.Recipient) error {
	one, err := Filing{c.store}.beginOne(ctx, to)
	if err != nil {
		return err
	}
	if _, err := io.Copy(one, io.NewSectionReader(c.spool, 0, c.spool.Len())); err != nil {
		one.Abort()
		return filingError(err)
	}
	return one.commit(ctx)
}

// Abort implements store.Incoming.
func (c *copies) Abort() {
	if c.spool != nil {
		c.spool.Done()
		c.spool = nil
	}
}

// Forget implements store.OnceFiling.
func (f Filing) Forget(ctx context.Context, account uint64, once ...store.Once) error {
	a, err := f.Store.Account(ctx, kv.Account(account))
	if KindOf(err) == NoAccount {
		return nil
	}
	if err != nil {
		return filingError(err)
	}
	defer a.Close()
	err = a.forgetOnce(ctx, once)
	if KindOf(err) == Gone {
		return nil
	}
	return filingError(err)
}

// filingError wraps the error of package store that fits.
func filingError(err error) error {
	var kind error
	switch {
	case err == nil:
		return nil
	case filingKind(err):
		return err
	}
	switch KindOf(err) {
	case OverQuota:
		kind = store.ErrOverQuota
	case NoSpace:
		kind = store.ErrNoSpace
	case TooLarge:
		kind = store.ErrTooLarge
	case NoAccount, Gone:
		kind = store.ErrNoAccount
	default:
		kind = store.ErrTemporary
	}
	return fmt.Errorf("%w: %w", kind, err)
}

// filingKind says whether the error has its kind already.
func filingKind(err error) bool {
	for _, kind := range [...]error{store.ErrOverQuota, store.ErrNoSpace, store.ErrTooLarge, store.ErrNoAccount, store.ErrTemporary} {
		if errors.Is(err, kind) {
			return true
		}
	}
	return false
}
