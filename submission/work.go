package submission

import (
	"context"
	"io"
	"time"

	"citron/wire/smtp"
)

// Work gives the relay what is due: the queue's other side. Its methods may be
// called concurrently.
type Work interface {
	// Next waits until a job is due that may run now, and gives it; ctx.Err()
	// when ctx is done. The order is that of priority (RFC 6710), then of
	// waiting. Never more than the queue's limit of jobs of one domain are out
	// at a time, and none of a domain that is known to be down before its time.
	Next(ctx context.Context) (Job, error)
	// NextHere is Next of jobs at domains that are known to be this server's:
	// for who has no place for others now, so that these do not wait for them.
	NextHere(ctx context.Context) (Job, error)
}

// Job is a message with those of its recipients that are due at one domain. It
// is out until Settle or Release; a process that ends has released its jobs.
type Job interface {
	ID() string          // of the message in the queue
	Envelope() *Envelope // with all recipients; shared, not to be changed
	// Domain is where the recipients are, in lower case and A-labels, or an
	// address literal.
	Domain() string
	// Due are the recipients of this job.
	Due() []Due
	Open(ctx context.Context) (Body, error)
	// HandOver notes durably that the message is about to be handed over to a
	// host for these recipients (indices into Envelope.Rcpts): before the end
	// of the data is sent. If the process dies before Settle, the queue knows
	// that they may have it, tries again all the same, and says so in its log
	// and in `citron queue show`: a duplicate is never a silent one (RFC 1047).
	HandOver(ctx context.Context, host string, rcpts []int) error
	// Settle says what became of the recipients of Due, each once, and ends
	// the job. It returns when that is durable, reports to the sender
	// included. After an error nothing has happened and the job is still out:
	// to be settled again, since a release would have it delivered again.
	Settle(ctx context.Context, outcomes []Outcome) error
	// Release ends the job without an outcome: as if it had not been taken.
	Release()
}

// Due is a recipient that is due.
type Due struct {
	Index    int // in Envelope.Rcpts
	Attempts int // before this one
}

// Body is a queued message, to be closed.
type Body interface {
	io.ReaderAt
	io.Closer
	Size() int64 // octets
}

// Outcome is what became of one recipient in one attempt.
type Outcome struct {
	Index  int // in Envelope.Rcpts
	Result Result
	// Status and Text are what a report says: the next hop's own, or ours. Of a
	// reply Text is what stood behind the code in each line, enhanced code
	// included, the lines separated by LF (smtp.Plain is for people).
	Status smtp.Status
	Code   int // SMTP's, 0 if there was no reply
	Text   string
	// Host is the next hop that said so; empty: we ourselves.
	Host string
	// DomainDown: no host of the domain could be talked to, or they are so slow
	// that others had to go first. The queue then holds back its other messages, too, and tries one of them now and then.
	DomainDown bool
	// TellRelayed, of Relayed and RelayedBlind: RFC 2852 §4.1.4 owes the sender
	// a report that says "relayed" unless NOTIFY is NEVER, whatever else it is.
	TellRelayed bool
	// NotBefore: the next try is to wait until then at least; zero: as the
	// queue sees fit.
	NotBefore time.Time
}

// Result is the kind of an Outcome.
type Result uint8

const (
	// Deferred: not now; to be tried again until the queue gives up.
	Deferred Result = iota
	// Delivered into a mailbox here.
	Delivered
	// Relayed to a host that took over the duty to report (it speaks DSN).
	Relayed
	// RelayedBlind: to a host that does not speak DSN, so that who asked for
	// success is told that nothing more will be heard (RFC 3461 §5.2.2).
	RelayedBlind
	// Failed for good.
	Failed
)

// String names the result for a log.
func (r Result) String() string {
	switch r {
	case Delivered:
		return "delivered"
	case Relayed, RelayedBlind:
		return "relayed"
	case Failed:
		return "failed"
	}
	return "deferred"
}
