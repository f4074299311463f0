package burl

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"time"

	"citron/submission"
	"citron/wire/imap"
)

// IMAPConfig says how a store elsewhere is reached, and as whom. NewIMAP puts
// the defaults named here for zero values.
type IMAPConfig struct {
	// Address is the host to connect to, with or without a port: 143, or 993
	// with Implicit.
	Address string
	// Implicit: TLS from the first octet on (RFC 8314). Otherwise STARTTLS,
	// without which nothing is asked of a store (RFC 4468 §8).
	Implicit bool
	// TLS has the authorities that vouch for the store and, for ServerName,
	// the name it goes by; nil: those of the system, and that of Address. TLS
	// 1.2 or later, whatever it says.
	TLS *tls.Config
	// Certificate is submission's own, which it logs in by at a store that
	// knows it (SASL EXTERNAL); looked at anew for each connection. nil: it
	// logs in by PLAIN (RFC 4468 §3.3).
	Certificate func() (*tls.Certificate, error)
	// User logs in by PLAIN, with Password, which is asked anew for each
	// connection; "submit".
	User     string
	Password func() (string, error)

	// MaxConnections bounds the connections to the store; 16. A fetch that
	// finds all of them in use waits, as part of ConnectTimeout.
	MaxConnections int
	// ConnectTimeout is how long it may take until a connection is logged in;
	// 30 seconds.
	ConnectTimeout time.Duration
	// Silence is how long the store may say nothing while something is due
	// from it, in the middle of content, too; 30 seconds.
	Silence time.Duration
	// IdleTimeout is how long a connection is kept that nothing is fetched
	// over; 5 minutes. A store ends it after 30 at the earliest (RFC 9051
	// §5.4).
	IdleTimeout time.Duration
	// Recheck is how long a connection may have been idle to be used without
	// asking the store first whether it is still there; 10 seconds.
	Recheck time.Duration
	// Dial connects; nil: by TCP, without keep-alive.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// application's name is the suggested one for submission at a store (RFC 4468
// §3.3), too.
const defaultUser = application

// withDefaults puts the defaults, or says what is wrong.
func (c IMAPConfig) withDefaults() (IMAPConfig, error) {
	host, port, err := splitHost(c.Address)
	if err != nil {
		return c, err
	}
	if port == "" {
		if port = imapPort; c.Implicit {
			port = "993"
		}
	}
	host, _, _ = net.SplitHostPort(hostKey(host, port))
	c.Address = net.JoinHostPort(host, port)
	switch {
	case c.Certificate == nil && c.Password == nil:
		return c, fmt.Errorf("%s: neither a certificate nor a password to log in with", c.Address)
	case c.Certificate != nil && c.Password != nil:
		return c, fmt.Errorf("%s: a certificate or a password to log in with, not both", c.Address)
	}
	c.TLS = c.clientTLS(host)
	if c.User == "" {
		c.User = defaultUser
	}
	if c.MaxConnections <= 0 {
		c.MaxConnections = 16
	}
	orTime := func(t *time.Duration, d time.Duration) {
		if *t <= 0 {
			*t = d
		}
	}
	orTime(&c.ConnectTimeout, 30*time.Second)
	orTime(&c.Silence, 30*time.Second)
	orTime(&c.IdleTimeout, 5*time.Minute)
	orTime(&c.Recheck, 10*time.Second)
	if c.Dial == nil {
		c.Dial = (&net.Dialer{KeepAlive: -1}).DialContext
	}
	return c, nil
}

// clientTLS is the configuration for connections. The certificate is shown
// whatever authorities the store asks for: it may know this very one.
func (c *IMAPConfig) clientTLS(host string) *tls.Config {
	t := &tls.Config{}
	if c.TLS != nil {
		t = c.TLS.Clone()
	}
	t.MinVersion = max(t.MinVersion, tls.VersionTLS12)
	if t.ServerName == "" {
		t.ServerName = host
	}
	if certificate := c.Certificate; certificate != nil {
		t.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return certificate() }
	}
	return t
}

// IMAP fetches from a store over IMAP, by connections that it keeps.
type IMAP struct {
	cfg  IMAPConfig
	pool pool
}

var _ submission.Fetcher = (*IMAP)(nil)

// NewIMAP makes a fetcher; it connects when there is something to fetch. It is
// to be closed.
func NewIMAP(cfg IMAPConfig) (*IMAP, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	return &IMAP{cfg: cfg, pool: newPool(cfg.MaxConnections, cfg.IdleTimeout)}, nil
}

// Close ends the connections that are idle, and the others when they have
// become so.
func (s *IMAP) Close() { s.pool.close() }

// Fetch implements submission.Fetcher. What is wrong with the connection, the
// login or the store is ErrTemporary.
func (s *IMAP) Fetch(ctx context.Context, _, url string, binary bool) (submission.Fetched, error) {
	u, err := imap.ParseURL(url)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", submission.ErrNoURL, err)
	}
	binary = binary && u.Section == nil && u.Partial == nil
	content, reused, err := s.tryFetch(ctx, url, binary, false)
	if reused && errors.Is(err, submission.ErrTemporary) && ctx.Err() == nil {
		// The store may have ended the connection while it was idle.
		content, _, err = s.tryFetch(ctx, url, binary, true)
	}
	if err != nil {
		return nil, err
	}
	return content, nil
}

// tryFetch fetches over a connection that is idle or, if anew, a new one.
func (s *IMAP) tryFetch(ctx context.Context, url string, binary, anew bool) (f *content, reused bool, err error) {
	c, err := s.connection(ctx, anew)
	if err != nil {
		return nil, false, s.temporary(err)
	}
	reused = c.reused // afterwards it may be somebody else's
	f, err = s.fetch(ctx, c, url, binary)
	return f, reused, err
}

// temporary names the store in an error.
func (s *IMAP) temporary(err error) error {
	return temporary(fmt.Errorf("%s: %w", s.cfg.Address, err))
}

// connection gives one that is logged in, out of the pool or new.
func (s *IMAP) connection(ctx context.Context, anew bool) (*client, error) {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.ConnectTimeout)
	defer cancel()
	if err := s.pool.enter(ctx); err != nil {
		return nil, fmt.Errorf("all %d connections are in use: %w", s.cfg.MaxConnections, err)
	}
	if c := s.pool.take(); c != nil {
		if !anew && (time.Since(c.idleSince) <= s.cfg.Recheck || c.alive(ctx)) {
			return c, nil
		}
		c.close()
	}
	c, err := connect(ctx, &s.cfg)
	if err != nil {
		s.pool.leave()
		return nil, err
	}
	return c, nil
}

// drop ends a connection that cannot be used again.
func (s *IMAP) drop(c *client) {
	c.close()
	s.pool.leave()
}
