package queue

import (
	"cmp"
	"log/slog"
	"math/rand/v2"
	"time"
)

// Options bound and tune a Queue. A zero field means its default.
type Options struct {
	// Hostname is what reports call this server, in A-labels. Default
	// "localhost".
	Hostname string

	// InlineLimit is the longest message, in octets, that is kept in the
	// engine; longer ones go to the body store. Default 16,384.
	InlineLimit int
	// MaxMessages is how many messages the queue holds before it takes no more
	// but its own reports. Default 1,000,000; negative: no limit.
	MaxMessages int
	// GroupSize is how many recipients of one domain a job has at most. Default
	// 100, what every server takes (RFC 5321 §4.5.3.1.8).
	GroupSize int

	// PerDomain is how many jobs of one domain are out at a time. Default 10.
	PerDomain int
	// MaxDomains is how many domains are in memory; others wait on disk until
	// there is room. Default 100,000.
	MaxDomains int
	// HoldDomain says which domains the configuration keeps from being tried,
	// as Hold does for an operator. It is asked when a domain's first mail is due
	// and every minute, by several at a time, and may take its time: only mail
	// for that domain waits. Default none.
	HoldDomain func(domain string) bool

	// Here says which domains are this server's own (NextHere); it is asked as
	// HoldDomain is. Default: none is known to be.
	Here func(domain string) bool

	// Retry are the pauses before the second try at a recipient, the third and
	// so on; the last one repeats. A domain that is down is probed after the
	// same pauses. Each pause is lengthened by a random part of up to an eighth.
	// Default 10m, 30m, 1h, 2h, 4h: two tries in the first hour, then slower
	// (RFC 5321 §4.5.4.1, whose 30 minutes at least are for senders that do not
	// vary the pause).
	Retry []time.Duration
	// GiveUp is the age at which a recipient is given up. Default 5 days (RFC
	// 5321 §4.5.4.1).
	GiveUp time.Duration
	// DelayReport is the age at which the sender hears of a delay, once.
	// Default 4 hours; negative: never.
	DelayReport time.Duration
	// MaxReturned is the longest message that a report of failure contains
	// whole where RET=FULL asks for it; of a longer one it has the header (RFC
	// 3461 §6.2). Default 1 MiB.
	MaxReturned int64
	// OriginMemory is how long the Origin of a message that is done is
	// remembered. Default 30 days.
	OriginMemory time.Duration

	// Now tells the time. Default time.Now.
	Now func() time.Time
	// Random gives a number in [0, 1) for the pauses. Default math/rand/v2's.
	Random func() float64
	// Log receives what an operator should know. Default: nowhere.
	Log *slog.Logger
}

func (o Options) withDefaults() Options {
	o.InlineLimit = cmp.Or(o.InlineLimit, 16<<10)
	o.MaxMessages = cmp.Or(o.MaxMessages, 1_000_000)
	o.GroupSize = cmp.Or(o.GroupSize, 100)
	o.PerDomain = cmp.Or(o.PerDomain, 10)
	o.MaxDomains = cmp.Or(o.MaxDomains, 100_000)
	o.GiveUp = cmp.Or(o.GiveUp, 5*24*time.Hour)
	o.DelayReport = cmp.Or(o.DelayReport, 4*time.Hour)
	o.OriginMemory = cmp.Or(o.OriginMemory, 30*24*time.Hour)
	o.MaxReturned = cmp.Or(o.MaxReturned, 1<<20)
	o.Hostname = cmp.Or(o.Hostname, "localhost")
	if len(o.Retry) == 0 {
		o.Retry = []time.Duration{10 * time.Minute, 30 * time.Minute, time.Hour, 2 * time.Hour, 4 * time.Hour}
	}
	if o.HoldDomain == nil {
		o.HoldDomain = func(string) bool { return false }
	}
	if o.Here == nil {
		o.Here = func(string) bool { return false }
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Random == nil {
		o.Random = rand.Float64
	}
	o.Log = cmp.Or(o.Log, slog.New(slog.DiscardHandler))
	return o
}

// pause is how long to wait after so many failed tries.
func (o *Options) pause(tries int) time.Duration {
	p := o.Retry[min(max(tries, 1), len(o.Retry))-1]
	return p + time.Duration(o.Random()*float64(p)/8)
}
