// Package urlauth is authorized URLs (RFC 4467, RFC 5092 §6.1, RFC 5593): who
// holds one can fetch a message, or a part of it, that its maker can read.
//
// # What holds
//
//   - A URL is authorized only for who may read the mailbox, and gives only what
//     its maker may still read when it is fetched.
//   - Without both keys, that of the user's table and that of the mailbox (see
//     account.MakeURLKey), there is no token and none is valid; nothing ever
//     stands in for a key but a random one that refuses.
//   - The token is made of the URL as its maker wrote it, octet for octet: the
//     URL is parsed to find things, never to be compared.
//   - Whatever is wrong with a URL, who fetches it learns nothing but that, after
//     the same steps. Why goes into the log, one line for each URL, without
//     the token.
//
// The server named in a URL is covered by the token and not looked at: a phone
// calls its server by many names, and where a URL is brought is decided by
// those who bring it, such as submission.
package urlauth

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"citron/mail/acl"
	"citron/store/account"
	"citron/wire/imap"
)

// Mailboxes finds what URLs name.
type Mailboxes interface {
	// User gives the number of the account that a user name means, or
	// ErrNotFound.
	User(ctx context.Context, name string) (uint64, error)
	// Mailbox gives the mailbox that a name means to a user, whatever the
	// user's rights; without Owner and Info if there is none. ErrNotFound
	// if there is no such user. It is to be closed.
	Mailbox(ctx context.Context, user uint64, name string) (*Mailbox, error)
}

// ErrNotFound: no such user or mailbox.
var ErrNotFound = errors.New("not found")

// Mailbox is a mailbox as one user sees it.
type Mailbox struct {
	User  *account.Account // the user's own
	Owner *account.Account // the one it is in
	Info  *account.MailboxInfo
	Close func()
}

// readable says whether the user may read it.
func (m *Mailbox) readable() bool {
	return m.Owner.Rights(m.Info, uint64(m.User.ID())).Has(acl.Read)
}

// Config is what Service needs.
type Config struct {
	Mailboxes Mailboxes
	// MaxAge ends every URL so long after it was authorized, whatever its
	// EXPIRE; 0: only EXPIRE and RESETKEY end one.
	MaxAge time.Duration
	Now    func() time.Time
	// Log gets a line for each URL fetched or refused.
	Log *slog.Logger
}

// Service authorizes URLs and fetches what they point to. It may be used
// concurrently.
type Service struct{ cfg Config }

// New makes a Service.
func New(cfg Config) *Service { return &Service{cfg} }

// InvalidURL says what is wrong with a URL to be authorized (RFC 4467 §7,
// GENURLAUTH): the client is at fault.
type InvalidURL string

func (e InvalidURL) Error() string { return string(e) }

// tokenRoom is what authorizing adds to a URL.
const tokenRoom = len(":internal:") + 2*tokenLength

// Authorize gives a URL its token, on behalf of the user who is logged in.
// Errors: InvalidURL; those of the account.
func (s *Service) Authorize(ctx context.Context, by account.Actor, rump string) (string, error) {
	u, err := parseRump(rump)
	if err != nil {
		return "", err
	}
	// Only one's own keys: whose else they are is not told, nor whether
	// there is such a user.
	if user, err := s.cfg.Mailboxes.User(ctx, u.Server.User); errors.Is(err, ErrNotFound) || err == nil && user != by.Account {
		return "", InvalidURL("The user name in the URL is not yours")
	} else if err != nil {
		return "", err
	}
	box, err := s.cfg.Mailboxes.Mailbox(ctx, by.Account, u.Mailbox)
	if errors.Is(err, ErrNotFound) {
		return "", errNoMailbox
	} else if err != nil {
		return "", err
	}
	defer box.Close()
	if box.Info == nil || !box.readable() || u.UIDValidity != 0 && u.UIDValidity != box.Info.UIDValidity {
		return "", errNoMailbox
	}
	k, err := makeKey(ctx, by, box)
	if err != nil {
		return "", err
	}
	return rump + ":internal:" + k.token(rump, s.cfg.Now()), nil
}

var errNoMailbox = InvalidURL("The URL names no mailbox that you can read")

// parseRump parses a URL that is to be authorized (RFC 4467 §9,
// authimapurlrump).
func parseRump(rump string) (*imap.URL, error) {
	u, err := imap.ParseURL(rump)
	switch {
	case err != nil:
		return nil, InvalidURL("This is no IMAP URL: " + err.(*imap.Error).Text())
	case !u.Absolute || u.Server.User == "":
		return nil, InvalidURL("The URL needs a server and a user name")
	case u.UID == 0:
		return nil, InvalidURL("The URL refers to no message")
	case u.Auth == nil || u.Auth.Mechanism != "":
		return nil, InvalidURL("The URL needs an access identifier, and nothing after it")
	case !wellFormed(u.Auth.Access):
		return nil, InvalidURL("The access identifier lacks a user name, or has one too many")
	case len(rump)+tokenRoom > imap.MaxURL:
		return nil, InvalidURL("The URL is too long")
	}
	return u, nil
}

// makeKey gives the key for a mailbox, made anew as far as there is none.
func makeKey(ctx context.Context, by account.Actor, box *Mailbox) (k key, err error) {
	table, err := box.User.MakeURLKey(ctx, by, account.URLTable, by.Account)
	if err != nil {
		return k, err
	}
	own, err := box.Owner.MakeURLKey(ctx, by, box.Info.ID, by.Account)
	if err != nil {
		return k, err
	}
	return join(table, own)
}

// join makes the key of its two halves, both of which must be there.
func join(table, own []byte) (k key, err error) {
	if len(table) != account.URLKeySize || len(own) != account.URLKeySize {
		return k, errors.New("urlauth: a key is missing")
	}
	copy(k[:], table)
	copy(k[account.URLKeySize:], own)
	return k, nil
}
