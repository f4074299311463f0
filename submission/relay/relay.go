// Package relay takes what is due from the queue and delivers it: to mailboxes
// here by store.Filing, to all others over SMTP (RFC 5321 §5).
//
// # Invariants
//
// The queue hears of each recipient exactly once for each job. A copy for a
// mailbox here has a name (store.Once) until the queue has settled it, so that
// no crash makes two of it. Before the end of a message is sent to another host
// the queue has noted durably that it may have it.
//
// # Slow hosts
//
// Any number of slow hosts, of many domains, never stop mail for healthy ones.
//
// Jobs are taken up to Options.Backlog, each in a goroutine of its own that
// waits for a connection. No host, and no address whatever its names, has more
// than Options.PerHost of the Options.Workers connections, and one that does not
// answer is left alone for a while. A connection that has been busy for
// Options.SlowTime is one of Options.Slow others instead; where those are all
// busy, too, it goes on only while nobody wants its place, and then its domain is
// left alone as one that is down (hosts.go). So all Workers change hands within
// SlowTime, whatever hosts do: mail for a healthy domain waits for so long at most
// for every Workers jobs that are before it, and for those at work for longer not
// at all. At most half the backlog waits for hosts that are full. A transaction as
// a whole has a time, too (client.Timeouts).
//
// Mail for mailboxes here never waits for a connection, nor for a place in the
// backlog: it is taken beside (Work.NextHere).
package relay

import (
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"runtime/debug"
	"sync"
	"time"

	"citron/auth"
	"citron/store"
	"citron/submission"
	"citron/submission/relay/client"
	"citron/submission/relay/route"
	"citron/wire/smtp"
)

// Options of a Relay. A zero field means its default.
type Options struct {
	// Hostname is what this server calls itself, in A-labels: in EHLO and in
	// the header of what is filed here.
	Hostname string
	Work     submission.Work
	// Resolver says which addresses are here, Filing files their mail.
	Resolver auth.Resolver
	Filing   store.OnceFiling

	// Router says where mail for other domains goes: a route.Resolver or a
	// route.Smarthost. nil: nowhere; it waits, and none should be given out.
	Router Router
	// Signer signs what leaves. nil: nobody.
	Signer Signer
	// Login is for hosts with route.Host.Login.
	Login *client.Login
	// Roots verify hosts, where they must be. Default: the system's.
	Roots *x509.CertPool

	// Workers is how many connections are in use at a time (default 100), and
	// PerHost how many to one host, and to one address (20).
	Workers, PerHost int
	// Slow is how many connections may be in use beside Workers that have been
	// so for longer than SlowTime (default 1 minute). Default 200.
	Slow     int
	SlowTime time.Duration
	// HostWait is how long a job waits for its turn at a host before it goes
	// back into the queue. Default 5 minutes.
	HostWait time.Duration
	// ConnectTime bounds the connecting to one address, the handshake of
	// implicit TLS included. Default 30 seconds.
	ConnectTime time.Duration
	// DownTime is how long an address that does not answer is left alone.
	// Default 1 minute.
	DownTime time.Duration
	// MaxSessions is how many hosts of a domain are asked in one attempt to
	// take what others that could be talked to did not take. Default 3.
	MaxSessions int
	// IdleTime is how long a connection waits for another message (default 15
	// seconds); MaxIdle how many do (100), MaxIdlePerHost to one host (4).
	IdleTime                time.Duration
	MaxIdle, MaxIdlePerHost int
	// Timeouts of SMTP; defaults are the client's.
	Timeouts client.Timeouts
	// Dial connects. Default: TCP.
	Dial func(ctx context.Context, addr netip.AddrPort) (net.Conn, error)

	// Backlog is how many jobs are out at a time, most of them waiting; a job
	// holds its envelope. Default 1,000, or three times Workers and Slow together
	// if that is more: half of it may wait for hosts that are full.
	Backlog int
	// Local is how many jobs for mailboxes here run at a time. Default 32.
	Local int
	// Grace is how long jobs that run may go on when Run's context is done.
	// Default 10 seconds.
	Grace time.Duration
	// Now tells the time. Default time.Now.
	Now func() time.Time
	// Log gets what became of every recipient, and our faults. Default: nowhere.
	Log *slog.Logger
}

func (o Options) withDefaults() Options {
	o.Local = cmp.Or(o.Local, 32)
	o.Workers = cmp.Or(o.Workers, 100)
	o.Slow = cmp.Or(o.Slow, 200)
	o.SlowTime = cmp.Or(o.SlowTime, time.Minute)
	o.Backlog = cmp.Or(o.Backlog, max(1000, 3*(o.Workers+o.Slow)))
	o.PerHost = cmp.Or(o.PerHost, 20)
	o.MaxSessions = cmp.Or(o.MaxSessions, 3)
	o.MaxIdle = cmp.Or(o.MaxIdle, 100)
	o.MaxIdlePerHost = cmp.Or(o.MaxIdlePerHost, 4)
	o.Grace = cmp.Or(o.Grace, 10*time.Second)
	o.HostWait = cmp.Or(o.HostWait, 5*time.Minute)
	o.ConnectTime = cmp.Or(o.ConnectTime, 30*time.Second)
	o.DownTime = cmp.Or(o.DownTime, time.Minute)
	o.IdleTime = cmp.Or(o.IdleTime, 15*time.Second)
	if o.Dial == nil {
		o.Dial = dialTCP
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	o.Log = cmp.Or(o.Log, slog.New(slog.DiscardHandler))
	return o
}

// Router says where mail for another domain goes. Errors are *route.Error, or
// ctx's.
type Router interface {
	Route(ctx context.Context, domain string) (*route.Route, error)
	Addresses(ctx context.Context, h route.Host) ([]netip.AddrPort, error)
}

// Signer gives the signature fields to put in front of a message, as it will be
// sent (submission/sign).
type Signer interface {
	Sign(message io.Reader) ([]byte, error)
}

// Relay delivers.
type Relay struct {
	opt   Options
	local chan struct{} // turns of jobs for mailboxes here
	hosts *hosts
	pool  *pool
	memos memos
}

// New makes a Relay; Run starts it.
func New(o Options) *Relay {
	o = o.withDefaults()
	return &Relay{
		opt: o, local: make(chan struct{}, o.Local), hosts: newHosts(&o), pool: newPool(&o),
		memos: memos{by: make(map[uint64][]store.Once), more: make(chan struct{}, 1)},
	}
}

// Run delivers until ctx is done, and then for Options.Grace what has begun.
func (r *Relay) Run(ctx context.Context) {
	work, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var running, beside sync.WaitGroup
	beside.Go(func() { r.forget(ctx) })
	beside.Go(func() { r.take(ctx, work, &running, r.opt.Work.NextHere, r.opt.Local) })
	r.take(ctx, work, &running, r.opt.Work.Next, r.opt.Backlog)
	beside.Wait()
	grace := time.AfterFunc(r.opt.Grace, stop)
	defer grace.Stop()
	running.Wait()
	r.pool.close()
	r.forgetAll(work)
}

// nextPause is how long to wait when the queue has an error instead of a job.
const nextPause = time.Second

// take starts jobs as next gives them, up to max at a time, until ctx is done.
func (r *Relay) take(ctx, work context.Context, running *sync.WaitGroup, next func(context.Context) (submission.Job, error), max int) {
	places := make(chan struct{}, max)
	for ctx.Err() == nil {
		select {
		case places <- struct{}{}:
		case <-ctx.Done():
			return
		}
		job, err := next(ctx)
		if err != nil {
			<-places
			r.pause(ctx, err)
			continue
		}
		running.Go(func() {
			r.do(work, job)
			<-places
		})
	}
}

// pause waits after an error of the queue.
func (r *Relay) pause(ctx context.Context, err error) {
	if ctx.Err() != nil {
		return
	}
	r.opt.Log.Error("the queue gives no work", "err", err)
	select {
	case <-ctx.Done():
	case <-time.After(nextPause):
	}
}

// do delivers one job.
func (r *Relay) do(ctx context.Context, job submission.Job) {
	a := &attempt{Relay: r, job: job, envelope: job.Envelope()}
	if a.guarded(ctx); ctx.Err() != nil && len(a.outcomes) < len(job.Due()) {
		// Cut short: what was found out so far is kept, the rest as if it had
		// not been tried. Settle wants them all, so all are tried again; a host
		// that may have the message is noted.
		job.Release()
		return
	}
	if err := a.settle(ctx); err != nil {
		r.opt.Log.Error("the queue was not told what became of a message; it will be tried again", "id", job.ID(), "domain", job.Domain(), "err", err)
		job.Release()
		return
	}
	r.memos.add(a.filed)
}

// attempt is one job on its way.
type attempt struct {
	*Relay
	job      submission.Job
	envelope *submission.Envelope
	outcomes []submission.Outcome
	handed   bool // a host may have the message
	body     submission.Body
	forms    map[form]*prepared
	filed    []memo // copies filed here that need not be remembered once the queue knows
}

// guarded is deliver, and a panic in it a fault that concerns this job only: no
// message may keep the others from being delivered.
func (a *attempt) guarded(ctx context.Context) {
	defer func() {
		if p := recover(); p != nil {
			a.opt.Log.Error("the delivery of a message panicked; it will be tried again", "id", a.job.ID(), "domain", a.job.Domain(),
				"panic", p, "stack", string(debug.Stack()))
			a.all(statusFault.outcome(submission.Deferred))
		}
	}()
	a.deliver(ctx)
}

// deliver finds an outcome for each recipient, or ctx is done.
func (a *attempt) deliver(ctx context.Context) {
	here, err := a.isHere(ctx)
	switch {
	case err == nil && a.expired(a.opt.Now()):
		a.all(statusExpired.outcome(submission.Failed))
	case err != nil:
		a.opt.Log.Warn("cannot tell whether a domain is ours", "id", a.job.ID(), "domain", a.job.Domain(), "err", err)
		a.all(statusDirectory.outcome(submission.Deferred))
	case here:
		a.deliverHere(ctx)
	case a.opt.Router == nil:
		o := statusHeld.outcome(submission.Deferred)
		o.DomainDown = true
		a.all(o)
	default:
		a.deliverAway(ctx)
	}
}

// close gives back what the attempt has read from.
func (a *attempt) close() {
	if a.body != nil {
		a.body.Close()
	}
}

// isHere says whether the job's domain is one of this server's.
func (a *attempt) isHere(ctx context.Context) (bool, error) {
	first := a.envelope.Rcpts[a.job.Due()[0].Index]
	_, err := a.opt.Resolver.Resolve(ctx, first.To.Local, a.job.Domain())
	switch {
	case errors.Is(err, auth.NoSuchDomain):
		return false, nil
	case err == nil, errors.Is(err, auth.NoSuchUser), errors.Is(err, auth.Disabled):
		return true, nil
	}
	return false, err
}

// all gives every recipient that has none yet this outcome.
func (a *attempt) all(o submission.Outcome) {
	has := make(map[int]bool, len(a.outcomes))
	for i := range a.outcomes {
		has[a.outcomes[i].Index] = true
	}
	for _, d := range a.job.Due() {
		if !has[d.Index] {
			o.Index = d.Index
			a.outcomes = append(a.outcomes, o)
		}
	}
}

// settlePause is the first pause between tries to tell the queue; each next one
// is twice as long, up to settlePauseMax.
const (
	settlePause    = time.Second
	settlePauseMax = time.Minute
)

// settle tells the queue, again and again if it must: what it does not know it
// would send a second time.
func (a *attempt) settle(ctx context.Context) error {
	a.log()
	for pause := settlePause; ; pause = min(2*pause, settlePauseMax) {
		err := a.job.Settle(context.WithoutCancel(ctx), a.outcomes)
		if err == nil {
			return nil
		}
		a.opt.Log.Warn("cannot tell the queue what became of a message", "id", a.job.ID(), "err", err)
		select {
		case <-ctx.Done():
			return err
		case <-time.After(pause):
		}
	}
}

// log says what became of each recipient.
func (a *attempt) log() {
	for i := range a.outcomes {
		o := &a.outcomes[i]
		a.opt.Log.Info(o.Result.String(), "id", a.job.ID(), "recipient", a.envelope.Rcpts[o.Index].To.String(),
			"host", o.Host, "status", o.Status.String(), "text", smtp.Plain(o.Code, o.Text))
	}
}
