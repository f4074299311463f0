package account

import (
	"log/slog"
	"time"

	"citron/mail/message"
)

// Options bound and tune a Store. A zero field means its default.
type Options struct {
	// InlineLimit is the longest message, in bytes, that is kept in the
	// engine; longer ones go to the body store. Default 4,096.
	InlineLimit int
	// MaxMessage is the longest message accepted, in bytes (APPENDLIMIT,
	// RFC 7889). Default 128 MiB.
	MaxMessage int64
	// Parser bounds what is read of a message's structure.
	Parser message.Limits

	// MaxMailboxes is how many mailboxes an account can have (10,000),
	// MaxName how many bytes a mailbox name (1,000), MaxDepth how many
	// levels (50).
	MaxMailboxes, MaxName, MaxDepth int
	// MaxSubscriptions is how many names may be subscribed. Default 20,000.
	MaxSubscriptions int

	// MaxACL is how many identifiers an access control list can have.
	// Default 500.
	MaxACL int
	// MaxMetadataValue is the longest value of an annotation, in octets
	// (65,536; at least 1,024, RFC 5464 §4.1), MaxMetadataEntries how many a
	// mailbox can have for each user, and how many all share (100; at least
	// 10), MaxMetadataBytes how many octets those of one user take in all of
	// an account's mailboxes, and the shared ones (1 MiB).
	MaxMetadataValue, MaxMetadataEntries, MaxMetadataBytes int

	// MaxAcross is how many messages can be copied or moved to another account
	// at a time. Default 1,000.
	MaxAcross int

	// Step is how many messages one transaction of a large STORE, EXPUNGE,
	// COPY or MOVE takes; a COPY of more is prepared dark. Default 4,096.
	Step int
	// ExpungeGrace is how long an expunged message stays readable to
	// sessions not yet told. Default 1 hour.
	ExpungeGrace time.Duration
	// LogAge and LogRecords bound each mailbox's change log. Defaults: 30
	// days, 100,000 transactions.
	LogAge     time.Duration
	LogRecords int
	// ScanEvery is the time in which Maintain visits every account of the
	// engine, besides those it knows to need it. Default 24 hours.
	ScanEvery time.Duration

	// AttemptAge is how long an attempt to send is remembered (30 days);
	// MaxWaiting how many an account can have that are not yet in the queue
	// (1,000), and MaxAttempts how many are remembered, the latest (100,000).
	AttemptAge              time.Duration
	MaxWaiting, MaxAttempts int

	// IndexDelay is how long the search index waits after a delivery for
	// more to come. Default 5 seconds.
	IndexDelay time.Duration

	// IdleAccounts is how many accounts nobody uses stay in memory.
	// Default 4,096.
	IdleAccounts int
	// Now tells the time. Default time.Now.
	Now func() time.Time
	// Log receives what an operator should know. Default: nowhere.
	Log *slog.Logger
}

func (o Options) withDefaults() Options {
	number := func(v *int, d int) {
		if *v <= 0 {
			*v = d
		}
	}
	duration := func(v *time.Duration, d time.Duration) {
		if *v <= 0 {
			*v = d
		}
	}
	number(&o.InlineLimit, 4096)
	number(&o.MaxMailboxes, 10_000)
	number(&o.MaxName, 1000)
	number(&o.MaxDepth, 50)
	number(&o.MaxSubscriptions, 20_000)
	number(&o.MaxACL, 500)
	number(&o.MaxMetadataValue, 64<<10)
	number(&o.MaxMetadataEntries, 100)
	number(&o.MaxMetadataBytes, 1<<20)
	o.MaxMetadataValue, o.MaxMetadataEntries = max(o.MaxMetadataValue, 1024), max(o.MaxMetadataEntries, 10)
	number(&o.MaxAcross, 1000)
	number(&o.Step, 4096)
	number(&o.LogRecords, 100_000)
	number(&o.MaxWaiting, 1000)
	number(&o.MaxAttempts, 100_000)
	number(&o.IdleAccounts, 4096)
	duration(&o.ExpungeGrace, time.Hour)
	duration(&o.LogAge, 30*24*time.Hour)
	duration(&o.AttemptAge, 30*24*time.Hour)
	duration(&o.ScanEvery, 24*time.Hour)
	duration(&o.IndexDelay, 5*time.Second)
	if o.MaxMessage <= 0 {
		o.MaxMessage = 128 << 20
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}
