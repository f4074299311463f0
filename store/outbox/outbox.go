// Package outbox is atomic send as other roles know it (store.Outbox,
// docs/atomic-send.md): it sees that the URL of a draft allows it, and has the
// account record the attempt, file the copy and set the flags in one transaction.
//
// # What holds
//
//   - Nothing is done for an attempt that is not known but by an authorized URL
//     (RFC 4467) of a whole message of the user's own account, made by that user
//     for submission on behalf of that user (submit+user), still valid, whose
//     host is this store's. The role that calls has no other right here.
//   - Of an attempt that is known nothing is done a second time, and its URL's
//     token is not looked at: the phone may have a new one, the old one may have
//     expired, the draft may be gone. What it was stays what it was.
package outbox

import (
	"context"
	"errors"
	"fmt"

	"citron/engine/kv"
	"citron/mail/message"
	"citron/store"
	"citron/store/account"
	"citron/store/opened"
	"citron/store/urlauth"
)

// application is the one that the URLs of drafts are for (RFC 4467 §3).
const application = "submit"

// Config is what Service needs.
type Config struct {
	Accounts *account.Store
	URLs     *urlauth.Service
	// Owns says whether submission, which looks at a draft before it has it
	// sent, finds a URL in this store. Of a URL that leads it elsewhere the
	// draft of that name here would be sent, which it has not seen.
	Owns func(url string) bool
}

// Service implements store.Outbox.
type Service struct{ cfg Config }

var _ store.Outbox = (*Service)(nil)

// New makes a Service.
func New(cfg Config) *Service { return &Service{cfg} }

// Send implements store.Outbox.
func (s *Service) Send(ctx context.Context, r store.SendRequest) (store.Sent, error) {
	if len(r.Attempt) == 0 || len(r.Attempt) > account.MaxAttempt || len(r.Envelope) > account.MaxEnvelope {
		return store.Sent{}, fmt.Errorf("%w: the attempt's name or envelope", store.ErrTooLarge)
	}
	named, err := s.cfg.URLs.OwnURL(ctx, r.Account, application, r.URL)
	if err != nil {
		return store.Sent{}, urlauth.StoreError(err)
	}
	a, err := s.cfg.Accounts.Account(ctx, kv.Account(r.Account))
	if err != nil {
		return store.Sent{}, sendError(err)
	}
	defer a.Close()
	sending := account.Sending{
		Attempt: r.Attempt, Target: r.Target, Envelope: r.Envelope,
		Draft: account.DraftID{Name: named.Mailbox, UIDValidity: named.UIDValidity, UID: named.UID},
	}
	if info, ok := a.Lookup(named.Mailbox); ok {
		sending.Draft.Mailbox = info.ID
	}
	sent, err := s.send(ctx, a, r, sending)
	if err != nil {
		return store.Sent{}, err
	}
	return shown(r.Account, sent), nil
}

// send answers an attempt that is known, and else has it made.
func (s *Service) send(ctx context.Context, a *account.Account, r store.SendRequest, sending account.Sending) (account.Attempt, error) {
	if sent, known, err := a.Attempted(ctx, &sending); known || err != nil {
		return sent, sendError(err)
	}
	if r.KnownOnly {
		return account.Attempt{}, fmt.Errorf("%w: no such attempt", store.ErrNoURL)
	}
	if !s.cfg.Owns(r.URL) {
		return account.Attempt{}, fmt.Errorf("%w: of another server", store.ErrNoURL)
	}
	info, err := s.cfg.URLs.OwnMessage(ctx, r.Account, application, r.URL)
	if errors.Is(err, store.ErrNoURL) {
		// It may have been sent, and the draft expunged, since we looked.
		if sent, known, err := a.Attempted(ctx, &sending); known || err != nil {
			return sent, sendError(err)
		}
	}
	if err != nil {
		return account.Attempt{}, urlauth.StoreError(err)
	}
	sending.Draft.Mailbox, sending.Draft.UIDValidity = info.ID, info.UIDValidity
	sent, err := a.Send(ctx, account.Actor{Account: r.Account, Name: r.User}, &sending)
	return sent, sendError(err)
}

// Open implements store.Outbox.
func (s *Service) Open(ctx context.Context, number uint64, attempt string, binary bool) (store.URLContent, error) {
	a, err := s.cfg.Accounts.Account(ctx, kv.Account(number))
	if err != nil {
		return nil, sendError(err)
	}
	m, err := find(ctx, a, attempt)
	if err != nil {
		a.Close()
		return nil, sendError(err)
	}
	as := message.WithoutNUL
	if binary {
		as = 0
	}
	octets, err := m.Section(ctx, as, nil, nil)
	if err != nil {
		m.Close()
		a.Close()
		return nil, sendError(err)
	}
	return &content{octets, m}, nil
}

// find opens the message of an attempt that waits.
func find(ctx context.Context, a *account.Account, attempt string) (*opened.Message, error) {
	sent, err := a.Waiting(ctx, attempt)
	if err != nil {
		return nil, err
	}
	stored, err := a.Summaries(ctx, []account.ObjectID{sent.Object}, account.WantIndex|account.WantBody)
	switch {
	case err != nil:
		return nil, err
	case stored[0].Err != nil:
		return nil, stored[0].Err
	case !stored[0].Found:
		return nil, account.ErrGone
	}
	return &opened.Message{From: a, Stored: &stored[0]}, nil
}

// content is a message that waits.
type content struct {
	octets
	message *opened.Message
}

// octets are io.SectionReader's, as far as store.URLContent has them.
type octets interface {
	ReadAt(p []byte, at int64) (int, error)
	Size() int64
}

// Close implements store.URLContent.
func (c *content) Close() error {
	c.message.Close()
	c.message.From.Close()
	return nil
}

// Queued implements store.Outbox.
func (s *Service) Queued(ctx context.Context, number uint64, attempt, id string) error {
	a, err := s.cfg.Accounts.Account(ctx, kv.Account(number))
	if err != nil {
		return sendError(err)
	}
	defer a.Close()
	return sendError(a.Queued(ctx, attempt, id))
}

// Waiting implements store.Outbox.
func (s *Service) Waiting(ctx context.Context, each func(store.Sent) error) error {
	var ended error // by each, whose errors are its caller's
	err := s.cfg.Accounts.Waiting(ctx, func(id kv.Account, a account.Attempt) error {
		ended = each(shown(uint64(id), a))
		return ended
	})
	if ended != nil {
		return ended
	}
	return sendError(err)
}

// shown is an attempt as other roles know it.
func shown(number uint64, a account.Attempt) store.Sent {
	return store.Sent{
		Account: number, Attempt: a.Name, At: a.At, Envelope: a.Envelope, Queued: a.Queued, Repeated: a.Repeated,
		UIDValidity: a.UIDValidity, UID: uint32(a.UID),
	}
}

// sendError wraps the error of package store that fits an account's.
func sendError(err error) error {
	var kind error
	switch account.KindOf(err) {
	case 0:
		if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
			return err
		}
		kind = store.ErrTemporary
	case account.Gone, account.NoAccount:
		kind = store.ErrNoURL
	case account.NoMailbox, account.Limit: // it is not there, or has no UID left
		kind = store.ErrNoTarget
	case account.Exists:
		kind = store.ErrAttemptReused
	case account.OverQuota:
		kind = store.ErrOverQuota
	case account.NoSpace:
		kind = store.ErrNoSpace
	case account.TooLarge:
		kind = store.ErrTooLarge
	default:
		kind = store.ErrTemporary
	}
	return fmt.Errorf("%w: %w", kind, err)
}
