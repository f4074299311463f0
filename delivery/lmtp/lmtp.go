// Package lmtp receives mail from the site's MTA by LMTP (RFC 2033) and files
// it through store.Filing: the last hop, one answer per recipient.
//
// # Invariants
//
// A 250 after the message says that this recipient's copy is durable. Where one
// recipient is several accounts (an alias), the worst outcome is the answer, a
// temporary one before a permanent one before success: a copy too many is
// better than one too few.
//
// A message that cannot be taken is read to its end and thrown away, so that
// client and server stay in step.
//
// # Memory
//
// A session keeps nothing between transactions, and within one the recipients:
// at most MaxRecipients, and no more than their header lines fit into 48 KiB.
// The message passes through to the store in the driver's own pieces.
//
// # Who may connect
//
// LMTP has no login: whoever reaches the port delivers. Listeners must pass
// ValidateListener, and a session answers only peers on this machine or with a
// verified client certificate.
package lmtp

import (
	"cmp"
	"context"
	"log/slog"
	"time"

	"citron/auth"
	"citron/ops/conn"
	"citron/store"
	"citron/wire/smtp"
)

// Limits and their defaults.
const (
	// DefaultMaxMessage bounds a message, in octets.
	DefaultMaxMessage = 64 << 20
	// DefaultMaxRecipients is RFC 5321 §4.5.3.1.8's minimum.
	DefaultMaxRecipients = 100
	// DefaultTimeout is how long the next octet may take (RFC 5321
	// §4.5.3.2.7).
	DefaultTimeout = 5 * time.Minute
	// maxTrace bounds the header lines of all recipients, in octets, roughly.
	// It is room for 100 recipients of ordinary names.
	maxTrace = 48 << 10
	// maxErrors is after how many refused commands in a row a client is
	// taken for something else and sent away.
	maxErrors = 50
)

// Config is shared by all sessions of a service and not changed.
type Config struct {
	// Hostname is what the server calls itself.
	Hostname string
	Resolver auth.Resolver
	Filing   store.Filing
	// MaxMessage, MaxRecipients and Timeout have defaults; 0 means those.
	MaxMessage    int64
	MaxRecipients int
	Timeout       time.Duration
	// Log gets what went wrong on our side; nil: nothing.
	Log *slog.Logger
}

// Service makes sessions.
type Service struct {
	Config
	ctx    context.Context
	syntax *smtp.Syntax
}

// NewService fills in the defaults. ctx is what sessions give to the resolver
// and the store: when it is done they fail for the time being.
func NewService(ctx context.Context, c Config) *Service {
	c.MaxMessage = cmp.Or(c.MaxMessage, DefaultMaxMessage)
	c.MaxRecipients = cmp.Or(c.MaxRecipients, DefaultMaxRecipients)
	c.Timeout = cmp.Or(c.Timeout, DefaultTimeout)
	c.Log = cmp.Or(c.Log, slog.New(slog.DiscardHandler))
	return &Service{Config: c, ctx: ctx, syntax: smtp.NewSyntax(extensions...)}
}

// extensions are announced in this order; STARTTLS where it can be had.
var extensions = []*smtp.Extension{
	&smtp.Pipelining,
	&smtp.EnhancedStatusCodes,
	&smtp.EightBitMIME,
	&smtp.UTF8,
	&smtp.Size,
	&smtp.Chunking,
	&smtp.BinaryMIME,
	&smtp.StartTLS,
}

// NewSession is a conn.NewSession.
func (s *Service) NewSession(c conn.Conn) conn.Session {
	return &session{service: s, conn: c}
}
