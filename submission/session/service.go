// Package session is the submission server (RFC 6409) as its clients see it:
// sessions on 587 and 465 that log a user in, take messages by DATA, BDAT and
// BURL, and put them into the queue.
//
// # Invariants
//
// The reply 250 to the end of a message says that the message is durable in the
// queue (submission.Spool), and names it there; of an attempt that was recorded
// and that the queue then refuses for good, it names the report (recover.go).
// Whatever stood in the way, no part of a message is ever queued: a command that
// brings a piece of it and fails, fails the transaction (RFC 4468 §3.2, RFC 3030
// §2).
//
// Nobody submits who has not logged in, and nobody in the name of an address
// that does not reach him.
//
// # Memory and time
//
// A session keeps nothing between transactions, and within one the envelope: at
// most submission.MaxEnvelope octets of it. The message passes through to the
// spool in the driver's own pieces. What takes long, a fetch from a store, runs
// in a goroutine beside the session, which reads nothing meanwhile; their number
// is bounded.
//
// # Verbs and extensions
//
// Each is a file and a line in a table: verbs in verbs.go, extensions in
// extensions.go.
package session

import (
	"cmp"
	"context"
	"log/slog"
	"time"

	"citron/auth"
	"citron/ops/conn"
	"citron/store"
	"citron/submission"
	"citron/wire/smtp"
)

// Defaults of Config.
const (
	// DefaultMaxMessage bounds a message, in octets.
	DefaultMaxMessage = 100 << 20
	// DefaultMaxRecipients is ten times RFC 5321 §4.5.3.1.8's minimum: a
	// client that sends to a club cannot divide a message as a relay can.
	DefaultMaxRecipients = 1000
	// DefaultMaxBadCommands is after how many refused commands in a row a
	// client is taken for something else and sent away.
	DefaultMaxBadCommands = 20
	// DefaultTimeout is how long the next octet may take. RFC 5321
	// §4.5.3.2.7 asks for 5 minutes at least; phones lose their network for
	// longer than that.
	DefaultTimeout = 10 * time.Minute
	// DefaultFetchTimeout bounds the fetch of one URL: RFC 6409 §5.3 asks
	// for replies in fewer than 2 minutes.
	DefaultFetchTimeout = 110 * time.Second
	// DefaultMaxFetches is how many URLs are fetched at a time.
	DefaultMaxFetches = 64
	// DefaultGiveUp is what RFC 5321 §4.5.4.1 has of a queue: 4 to 5 days.
	DefaultGiveUp = 5 * 24 * time.Hour
)

// Config is shared by all sessions of a service and not changed. A number or
// time that is 0 means its default, where it has one.
type Config struct {
	// Hostname is what the server calls itself.
	Hostname string

	Authenticator auth.Authenticator
	// Resolver says which addresses are a user's own, and which recipients
	// are not here.
	Resolver auth.Resolver
	Spool    submission.Spool
	// Fetcher gets what BURL names; nil: no BURL.
	Fetcher submission.Fetcher
	// Outbox sends and files in one step (docs/atomic-send.md); nil, or no
	// Fetcher: that is not offered.
	Outbox store.Outbox
	// GiveUp is how long an attempt that Outbox has recorded may wait for the
	// queue to take it, before its sender gets a report; DefaultGiveUp.
	GiveUp time.Duration

	MaxMessage     int64         // octets, after BURL's expansion; DefaultMaxMessage
	MaxRecipients  int           // of a message; DefaultMaxRecipients
	MaxBadCommands int           // in a row; DefaultMaxBadCommands
	Timeout        time.Duration // of silence; DefaultTimeout
	FetchTimeout   time.Duration // of one BURL; DefaultFetchTimeout
	MaxFetches     int           // at a time, of one account a quarter; DefaultMaxFetches

	// ShowClient puts the client's name and address into Received, for all who
	// get the message to see.
	ShowClient bool
	// PlaintextLogin lets users on this machine log in without TLS.
	PlaintextLogin bool
	// MaxHold is how long a client may have a message held back (RFC 4865);
	// 0: FUTURERELEASE is not offered.
	MaxHold time.Duration
	// MinDeliverBy is the shortest time within which a client may ask for a
	// message to be delivered or returned (RFC 2852 §3); 0: no minimum.
	MinDeliverBy time.Duration
	// MaxPriority is the highest priority users may give (RFC 6710), at most
	// 9; the default of 0 lets them lower it only.
	MaxPriority int8
	// Rates bound what one account sends.
	Rates Rates

	// Now is the clock of goroutines beside sessions; nil: time.Now.
	Now func() time.Time
	// Log gets what went wrong on our side, and what an operator should see;
	// nil: nothing.
	Log *slog.Logger
}

// Service makes sessions.
type Service struct {
	Config
	ctx        context.Context
	extensions []*extension // those that Config allows
	syntax     *smtp.Syntax
	roll       auth.Roll[*session]
	rates      rates
	fetches    *fetches
}

// NewService fills in the defaults. ctx is what sessions give to all that
// Config names: when it is done they fail for the time being.
func NewService(ctx context.Context, c Config) *Service {
	c.fillIn()
	s := &Service{Config: c, ctx: ctx, fetches: newFetches(c.MaxFetches)}
	s.rates.limits, s.rates.max = c.Rates, maxRated
	var syntax []*smtp.Extension
	for i := range extensions {
		if e := &extensions[i]; e.needs == nil || e.needs(&s.Config) {
			s.extensions = append(s.extensions, e)
			syntax = append(syntax, e.syntax)
		}
	}
	s.syntax = smtp.NewSyntax(syntax...)
	return s
}

func (c *Config) fillIn() {
	c.MaxMessage = cmp.Or(c.MaxMessage, DefaultMaxMessage)
	c.MaxRecipients = cmp.Or(c.MaxRecipients, DefaultMaxRecipients)
	c.MaxBadCommands = cmp.Or(c.MaxBadCommands, DefaultMaxBadCommands)
	c.Timeout = cmp.Or(c.Timeout, DefaultTimeout)
	c.FetchTimeout = cmp.Or(c.FetchTimeout, DefaultFetchTimeout)
	c.MaxFetches = cmp.Or(c.MaxFetches, DefaultMaxFetches)
	c.GiveUp = cmp.Or(c.GiveUp, DefaultGiveUp)
	c.Rates.fillIn()
	if c.Now == nil {
		c.Now = time.Now
	}
	c.Log = cmp.Or(c.Log, slog.New(slog.DiscardHandler))
}

// NewSession is a conn.NewSession.
func (s *Service) NewSession(c conn.Conn) conn.Session {
	return &session{service: s, conn: c}
}
