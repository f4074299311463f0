package account

// Signatures whose bodies are being written; this file disappears.

import (
	"context"
	"io"
	"log/slog"
	"time"

	"citron/engine/body"
	"citron/engine/kv"
	"citron/store/uidset"
)

// Options bound and tune a Store; the zero value is sensible.
type Options struct {
	InlineLimit  int // bytes, default 4096
	ExpungeGrace time.Duration
	Log          *slog.Logger
}

// Store is all accounts of this process.
type Store struct{}

// Account is a handle; Close it once.
type Account struct{}

// Incoming is a message on its way in.
type Incoming struct{}

// MessageReader reads a stored message.
type MessageReader interface {
	io.ReaderAt
	io.Closer
	Size() int64
}

func Open(e kv.Engine, b body.Store, o Options) (*Store, error) { return nil, ErrTemporary }
func (s *Store) Close() error                                   { return nil }
func (s *Store) Create(ctx context.Context, id kv.Account, o CreateOptions) error {
	return ErrTemporary
}
func (s *Store) Delete(ctx context.Context, id kv.Account) error { return ErrTemporary }
func (s *Store) Account(ctx context.Context, id kv.Account) (*Account, error) {
	return nil, ErrTemporary
}
func (s *Store) Maintain(ctx context.Context, now time.Time) (next time.Time, err error) { return }
func (a *Account) Close()                                                                {}
func (a *Account) ID() kv.Account                                                        { return 0 }
func (a *Account) Mailboxes() []*MailboxInfo                                             { return nil }
func (a *Account) Mailbox(id MailboxID) (*MailboxInfo, bool)                             { return nil, false }
func (a *Account) Lookup(name string) (*MailboxInfo, bool)                               { return nil, false }
func (a *Account) Subscriptions() []string                                               { return nil }
func (a *Account) HasChildren(name string) bool                                          { return false }
func (a *Account) CreateMailbox(ctx context.Context, by Actor, name string, o CreateMailboxOptions) (*MailboxInfo, error) {
	return nil, ErrTemporary
}
func (a *Account) DeleteMailbox(ctx context.Context, by Actor, name string) error {
	return ErrTemporary
}
func (a *Account) RenameMailbox(ctx context.Context, by Actor, from, to string) error {
	return ErrTemporary
}
func (a *Account) Subscribe(ctx context.Context, by Actor, name string) error   { return ErrTemporary }
func (a *Account) Unsubscribe(ctx context.Context, by Actor, name string) error { return ErrTemporary }
func (a *Account) Open(ctx context.Context, id MailboxID) (View, error)         { return View{}, ErrTemporary }

// ClaimRecent gives the first UID that no session was told to be recent and
// marks all up to upTo as told; the recent ones are from ≤ UID ≤ upTo.
func (a *Account) ClaimRecent(id MailboxID, upTo UID) (from UID) { return 0 }

// Recent is ClaimRecent without the claim (EXAMINE, STATUS).
func (a *Account) Recent(id MailboxID) (from UID)                    { return 0 }
func (a *Account) NewMessage(ctx context.Context) (*Incoming, error) { return nil, ErrTemporary }
func (in *Incoming) Write(p []byte) (int, error)                     { return 0, ErrTemporary }
func (in *Incoming) Len() int64                                      { return 0 }
func (in *Incoming) Abort()                                          {}

// Append takes the Incomings over, whatever it returns.
func (a *Account) Append(ctx context.Context, by Actor, id MailboxID, items []AppendItem) (AppendResult, error) {
	return AppendResult{}, ErrTemporary
}

// Entries calls fn with batches of entries of the view that are in uids, in
// UID order; the slice is reused. Messages expunged since the view are among
// them while they are kept. No snapshot is held while fn runs.
func (a *Account) Entries(ctx context.Context, v View, uids uidset.Ranges, fn func([]Entry) error) error {
	return ErrTemporary
}

// Summaries brings what is stored of messages, in the order asked, in one
// round trip.
func (a *Account) Summaries(ctx context.Context, objects []ObjectID, want Want) ([]Stored, error) {
	return nil, ErrTemporary
}
func (a *Account) OpenMessage(ctx context.Context, o ObjectID) (MessageReader, error) {
	return nil, ErrTemporary
}

// StoreFlags changes flags in steps of at most 4,096 messages; each, if not
// nil, gets the entries of every message found and not refused (changed or
// not) after its step is durable, in UID order; the slice is reused.
func (a *Account) StoreFlags(ctx context.Context, by Actor, id MailboxID, uids uidset.Ranges, c FlagChange, each func([]Entry) error) (StoreResult, error) {
	return StoreResult{}, ErrTemporary
}
func (a *Account) Copy(ctx context.Context, by Actor, from MailboxID, uids uidset.Ranges, to MailboxID) (CopyResult, error) {
	return CopyResult{}, ErrTemporary
}
func (a *Account) Move(ctx context.Context, by Actor, from MailboxID, uids uidset.Ranges, to MailboxID) (CopyResult, error) {
	return CopyResult{}, ErrTemporary
}

// Expunge removes the messages with \Deleted, of uids only if not nil.
func (a *Account) Expunge(ctx context.Context, by Actor, id MailboxID, uids uidset.Ranges) (uidset.Ranges, ModSeq, error) {
	return nil, 0, ErrTemporary
}

// Changes says what happened after since up to the view.
func (a *Account) Changes(ctx context.Context, v View, since ModSeq) (Changes, error) {
	return Changes{}, ErrTemporary
}

// ModSeq is the account's: unchanged means that nothing at all changed.
func (a *Account) ModSeq() ModSeq { return 0 }

// Watch has wake called, without locks held, after every change; cancel ends
// it. wake must return at once.
func (a *Account) Watch(wake func()) (cancel func())                { return func() {} }
func (a *Account) Quota() Quota                                     { return Quota{} }
func (a *Account) SetQuota(ctx context.Context, limit uint64) error { return ErrTemporary }
