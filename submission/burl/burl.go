// Package burl gets what BURL names (RFC 4468) from the stores that have it.
//
//	Stores ──┬─ host of the URL ──▶ Local   a store in this process
//	         └─ host of the URL ──▶ IMAP    a store elsewhere, by URLFETCH
//
// # What holds
//
//   - Only stores that the configuration names are ever contacted, and the URL
//     has no say in how: its host chooses among them, nothing else of it is
//     looked at to connect or to log in.
//   - Submission fetches as itself, never as the user: it holds no password that
//     opens a mailbox. So it offers no `BURL imap://server` (RFC 4468 §3.3).
//   - A URL for "submit+" and a user is fetched for that user only (§3.3); a
//     store leaves that to submission (RFC 4467 §3).
//   - Content streams: memory does not grow with its size.
package burl

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"

	"citron/auth"
	"citron/submission"
	"citron/wire/imap"
)

// Config is what New needs.
type Config struct {
	// Stores has the stores by the hosts that URLs give them: "host" or
	// "host:port", in any case; without a port, that of IMAP is meant, 143
	// (RFC 5092 §3.2). A host may have many names.
	Stores map[string]submission.Fetcher
	// Own is the store in this process, and OwnHosts the hosts that mean it
	// with whatever port: it is not connected to, and a phone may see its
	// ports as others than they are. What Stores names goes before.
	Own      submission.Fetcher
	OwnHosts []string
	// Names finds the accounts that the users of "submit+" are.
	Names auth.Names
}

// Stores is the submission.Fetcher of all stores there are.
type Stores struct {
	byHost map[string]submission.Fetcher
	own    submission.Fetcher
	isOwn  map[string]bool // by host without port
	names  auth.Names
}

var _ submission.Fetcher = (*Stores)(nil)

// New makes a fetcher. An error names a host that cannot be one, or is there
// twice.
func New(cfg Config) (*Stores, error) {
	s := &Stores{byHost: map[string]submission.Fetcher{}, own: cfg.Own, isOwn: map[string]bool{}, names: cfg.Names}
	for _, name := range cfg.OwnHosts {
		host, port, err := splitHost(name)
		if err == nil && port != "" {
			err = fmt.Errorf("%s: a host of one's own is meant with any port", name)
		}
		if err != nil {
			return nil, err
		}
		s.isOwn[plainHost(host)] = true
	}
	for name, f := range cfg.Stores {
		host, port, err := splitHost(name)
		if err != nil {
			return nil, err
		}
		key := hostKey(host, port)
		if s.byHost[key] != nil {
			return nil, fmt.Errorf("%s: the store is named twice", name)
		}
		s.byHost[key] = f
	}
	return s, nil
}

// splitHost reads host[:port], an IPv6 address in brackets.
func splitHost(name string) (host, port string, err error) {
	u, err := imap.ParseURL("imap://" + name + "/")
	if err != nil || u.Server.Host == "" || u.Server.User != "" || u.Server.Mechanism != "" || u.Mailbox != "" {
		return "", "", fmt.Errorf("%q is no host or host:port", name)
	}
	return u.Server.Host, u.Server.Port, nil
}

// imapPort stands for no port in a URL.
const imapPort = "143"

// hostKey is what hosts with ports are compared by.
func hostKey(host, port string) string {
	if port = strings.TrimLeft(port, "0"); port == "" {
		port = imapPort
	}
	return net.JoinHostPort(plainHost(host), port)
}

// plainHost is what hosts are compared by.
func plainHost(host string) string {
	if plain, err := url.PathUnescape(host); err == nil {
		host = plain
	}
	return strings.ToLower(strings.TrimSuffix(strings.Trim(host, "[]"), "."))
}

// find gives the store that a URL's host leads to, nil for none; own: it is the
// one in this process.
func (s *Stores) find(at imap.URLServer) (f submission.Fetcher, own bool) {
	if f := s.byHost[hostKey(at.Host, at.Port)]; f != nil {
		return f, false
	}
	if s.isOwn[plainHost(at.Host)] {
		return s.own, true
	}
	return nil, false
}

// Owns says whether a URL's host leads to the store in this process.
func (s *Stores) Owns(url string) bool {
	u, err := imap.ParseURL(url)
	if err != nil || !u.Absolute {
		return false
	}
	_, own := s.find(u.Server)
	return own
}

// Fetch implements submission.Fetcher.
func (s *Stores) Fetch(ctx context.Context, user, url string, binary bool) (submission.Fetched, error) {
	u, err := imap.ParseURL(url)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w: %w", submission.ErrNoURL, err)
	case !u.Absolute || u.Server.Host == "":
		return nil, fmt.Errorf("%w: it names no server", submission.ErrNoURL)
	}
	store, _ := s.find(u.Server)
	switch {
	case store == nil:
		return nil, submission.ErrForeignStore
	case u.Auth == nil || u.Auth.Mechanism == "":
		return nil, fmt.Errorf("%w: it is not authorized", submission.ErrNoURL)
	}
	if err := s.admit(ctx, user, u.Auth.Access); err != nil {
		return nil, err
	}
	return store.Fetch(ctx, user, url, binary)
}

// admit says whether a URL is for submission on behalf of the user (RFC 4468
// §3.3), or for everybody. Not every store refuses those that are for others.
func (s *Stores) admit(ctx context.Context, user string, access imap.URLAccess) error {
	switch access.Application {
	case "anonymous", "authuser":
		return nil
	case application:
	default:
		return fmt.Errorf("%w: it is not for submission", submission.ErrNoURL)
	}
	if access.User == user {
		return nil
	}
	meant, err := s.names.ByName(ctx, access.User)
	switch {
	case err == nil && meant.Name == user:
		return nil
	case err == nil, errors.Is(err, auth.NoSuchUser), errors.Is(err, auth.Invalid):
		return fmt.Errorf("%w: it is for another user", submission.ErrNoURL)
	}
	return fmt.Errorf("%w: %w", submission.ErrTemporary, err)
}

// application is submission's access identifier (RFC 4467 §3).
const application = "submit"
