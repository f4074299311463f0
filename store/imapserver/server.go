package imapserver

import (
	"context"
	"crypto/tls"
	"log/slog"
	"time"

	"citron/auth"
	"citron/ops/conn"
	"citron/store"
	"citron/store/account"
	"citron/store/order"
	"citron/store/outbox"
	"citron/store/urlauth"
	"citron/wire/imap"
)

// Config is what an operator may set. New puts the defaults named here for
// zero values.
type Config struct {
	// Hostname stands in the greeting; empty: "localhost".
	Hostname string
	// Version stands in the answer to ID (RFC 2971).
	Version string
	// PlaintextLogin accepts LOGIN and AUTHENTICATE without TLS from this
	// machine, never from elsewhere.
	PlaintextLogin bool
	// LoginTimeout is how long a session may stay unauthenticated,
	// whatever it sends; one minute.
	LoginTimeout time.Duration
	// Autologout ends a session after so long a silence outside IDLE and
	// without an active NOTIFY; never less than 30 minutes (RFC 9051 §5.4), the
	// default.
	Autologout time.Duration
	// StillHere is how long IDLE or an active NOTIFY is silent before the
	// server speaks, just under two hours (RFC 5383 §4.1); never more.
	StillHere time.Duration
	// AppendLimit is the largest message APPEND takes, in bytes (RFC 7889);
	// 100 MiB.
	AppendLimit int64
	// MaxLine bounds a command with all its literals that are not messages,
	// in bytes; 64 KiB.
	MaxLine int
	// MaxAppend bounds the messages of one APPEND (RFC 3502); 1,000.
	MaxAppend int
	// NoCompress refuses COMPRESS.
	NoCompress bool
	// InflateRatio is how many times larger than what came compressed (RFC
	// 4978) it may become, in the whole of a session, with AppendLimit on
	// top; 200. A session beyond that ends.
	InflateRatio int64
	// MaxNotify bounds what one NOTIFY SET names: mailboxes, event groups and
	// what is to be fetched of new messages; the last bounds UPDATE (RFC 5465
	// §7), too; 1,000.
	MaxNotify int
	// MaxContexts bounds the results that one session may have kept up to
	// date (RFC 5267 §4.3.1); 32. MaxAccountContexts bounds those of all
	// sessions of an account, 256, but for the first one of each session,
	// which it may always have.
	MaxContexts, MaxAccountContexts int
	// URLMaxAge ends every URL authorized by GENURLAUTH so long after it was
	// made, whatever its EXPIRE says; 0: never.
	URLMaxAge time.Duration
	// MaxBadCommands in a row end the session; 20.
	MaxBadCommands int
	// NoUnauthenticate switches UNAUTHENTICATE off (RFC 8437 §8).
	NoUnauthenticate bool
	// Application tells by what is known of a TLS connection, and the time,
	// which application (RFC 5593 §3.3) has made it: "submit" for submission
	// (RFC 4467 §3), "" for none. EXTERNAL is announced where there is one;
	// nil: there is never one.
	Application func(*tls.ConnectionState, time.Time) string
	// Admin is a URI by which users reach the administrator, Comment a note to
	// all users: /shared/admin and /shared/comment of the server (RFC 5464
	// §3.2.1.1).
	Admin, Comment string
	// Filters are search criteria that all users may name (RFC 5466).
	Filters map[string]string
	// SortMemory is how much of what SORT and THREAD have read is kept for the
	// next ones, in bytes, for all mailboxes together; 128 MiB.
	SortMemory int64
	// ShareWithAll lets users grant rights on mailboxes of their own to
	// "anyone"; on those of accounts that are nobody's own they always may.
	ShareWithAll bool
	// Now is the clock by which URLs expire; nil: time.Now.
	Now func() time.Time
	// Logger gets what an operator should know; nil: discarded.
	Logger *slog.Logger
}

const (
	minAutologout = 30 * time.Minute
	maxStillHere  = 2*time.Hour - time.Minute
	// maxLoginFailures on one connection end it.
	maxLoginFailures = 5
)

func (c Config) withDefaults() Config {
	orString := func(s *string, d string) {
		if *s == "" {
			*s = d
		}
	}
	orTime := func(t *time.Duration, d time.Duration) {
		if *t <= 0 {
			*t = d
		}
	}
	orString(&c.Hostname, "localhost")
	orString(&c.Version, "0")
	orTime(&c.LoginTimeout, time.Minute)
	c.Autologout = max(c.Autologout, minAutologout)
	orTime(&c.StillHere, maxStillHere)
	c.StillHere = min(c.StillHere, maxStillHere)
	if c.AppendLimit <= 0 {
		c.AppendLimit = 100 << 20
	}
	if c.MaxLine <= 0 {
		c.MaxLine = 64 << 10
	}
	if c.MaxAppend <= 0 {
		c.MaxAppend = 1000
	}
	if c.MaxContexts <= 0 {
		c.MaxContexts = 32
	}
	if c.MaxAccountContexts <= 0 {
		c.MaxAccountContexts = 256
	}
	if c.InflateRatio <= 0 {
		c.InflateRatio = 200
	}
	if c.MaxNotify <= 0 {
		c.MaxNotify = 1000
	}
	if c.MaxBadCommands <= 0 {
		c.MaxBadCommands = 20
	}
	if c.SortMemory <= 0 {
		c.SortMemory = 128 << 20
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

// OpenAccount opens the account with a number, for one session; it gives the
// errors of package account.
type OpenAccount func(ctx context.Context, number uint64) (*account.Account, error)

// Users is who there is, and whether their passwords are right.
type Users interface {
	auth.Authenticator
	auth.Names
}

// Server is what the sessions of one process share.
type Server struct {
	cfg      Config
	open     OpenAccount
	auth     auth.Authenticator
	names    auth.Names
	urls     *urlauth.Service
	commands map[string]*spec
	roll     auth.Roll[*Session]
	// annotations are the shared ones of the server, in the order of their
	// names.
	annotations []account.MetadataEntry
	orders      *order.Cache
	contexts    contexts
	// ctx is what sessions call storage with; Stop cancels it.
	ctx  context.Context
	stop context.CancelFunc
}

// New makes a server over the accounts of this process.
func New(cfg Config, open OpenAccount, users Users) *Server {
	ctx, stop := context.WithCancel(context.Background())
	cfg = cfg.withDefaults()
	srv := &Server{
		cfg: cfg, open: open, auth: users, names: users, orders: order.NewCache(cfg.SortMemory),
		commands: commandTable(), annotations: cfg.annotations(), ctx: ctx, stop: stop,
	}
	srv.urls = urlauth.New(urlauth.Config{
		Mailboxes: urlMailboxes{srv}, MaxAge: srv.cfg.URLMaxAge, Now: srv.cfg.Now, Log: srv.cfg.Logger,
	})
	return srv
}

// URLs is other roles' way to authorized URLs.
func (srv *Server) URLs() store.URLs { return srv.urls }

// Outbox is submission's way to send drafts of these accounts and file them in
// one step; owns says which URLs are of this store (see outbox.Config).
func (srv *Server) Outbox(accounts *account.Store, owns func(url string) bool) store.Outbox {
	return outbox.New(outbox.Config{Accounts: accounts, URLs: srv.urls, Owns: owns})
}

// Stop has calls under way into storage and auth give up. Sessions themselves
// are ended by their driver.
func (srv *Server) Stop() { srv.stop() }

// NewSession is a conn.NewSession.
func (srv *Server) NewSession(c conn.Conn) conn.Session {
	s := &Session{srv: srv, conn: c}
	s.scan.Limits = srv.strangersLimits()
	return s
}

// strangersLine bounds the commands of those who have not logged in, in bytes:
// the longest is AUTHENTICATE with 4 KiB in base64.
const strangersLine = 12 << 10

func (srv *Server) strangersLimits() imap.Limits {
	return limitsOf(min(strangersLine, srv.cfg.MaxLine))
}

func limitsOf(line int) imap.Limits { return imap.Limits{Line: line, Frame: 2 * line} }

// limits are those of a session that is logged in: there is room for a command
// with the longest value of metadata.
func (s *Session) limits() imap.Limits {
	l := limitsOf(s.srv.cfg.MaxLine)
	if s.isApplication() {
		return l
	}
	value := s.user.account.MaxMetadataValue()
	l.Literal, l.Frame = value, max(l.Frame, l.Line+value)
	return l
}
