package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"time"

	"citron/auth"
	"citron/ops/config"
	"citron/ops/conn"
	"citron/submission/queue"
	"citron/submission/session"
)

// Mail on its way out: submission takes it in, the node's queue keeps it, and
// the relay delivers it.

// openQueue opens the queue: its keys are in the node's engine, its messages in
// segments of their own.
func (n *node) openQueue(ctx context.Context, c *config.Config, log *slog.Logger) (err error) {
	o := queue.Options{
		Hostname: c.Hostname, MaxMessages: unlessZero(c.Queue.MaxMessages), PerDomain: c.Queue.PerDomain,
		GiveUp: time.Duration(c.Queue.GiveUp), DelayReport: unlessZero(time.Duration(c.Queue.DelayReport)), Log: log,
		Here: n.isHere,
	}
	for _, pause := range c.Queue.Retry {
		o.Retry = append(o.Retry, time.Duration(pause))
	}
	if c.Relay.Hold {
		o.HoldDomain = func(domain string) bool { return !n.isHere(domain) }
	}
	if n.queue, err = queue.Open(ctx, n.engine, n.queueBodies, o); err != nil {
		return fmt.Errorf("queue: %w", err)
	}
	return nil
}

// isHereTime is how long the directory has to tell whether a domain is one of
// this server's: one of the queue's workers waits.
const isHereTime = 10 * time.Second

// isHere says whether a domain is one of this server's. While the directory
// cannot tell, none is.
func (n *node) isHere(domain string) bool {
	ctx, cancel := context.WithTimeout(context.Background(), isHereTime)
	defer cancel()
	_, err := n.directory.Resolve(ctx, "postmaster", domain)
	return err == nil || errors.Is(err, auth.NoSuchUser) || errors.Is(err, auth.Disabled)
}

// unlessZero is the value of a limit where the configuration says 0 for none,
// and Options say a negative number.
func unlessZero[T int | time.Duration](v T) T {
	if v == 0 {
		return -1
	}
	return v
}

// newOutgoing makes submission's sessions and the relay. life is what both call
// storage and the directory with.
func (s *server) newOutgoing(life context.Context) error {
	c := &s.cfg.Submission
	fetcher, err := s.fetcher()
	if err != nil {
		return err
	}
	o := session.Config{
		Hostname: s.cfg.Hostname, Authenticator: s.node.directory, Resolver: s.node.directory,
		Spool: s.node.queue, Fetcher: fetcher,
		MaxMessage: c.MaxMessage, MaxRecipients: c.MaxRecipients, MaxBadCommands: c.MaxBadCommands,
		Timeout: time.Duration(c.Timeout), FetchTimeout: time.Duration(c.FetchTimeout), MaxFetches: c.MaxFetches,
		PlaintextLogin: c.PlaintextLogin, ShowClient: c.ShowClient, MaxHold: time.Duration(c.HoldMax),
		MinDeliverBy: time.Duration(c.DeliverByMin), MaxPriority: c.MaxPriority,
		Rates: session.Rates{
			HourlyMessages: unlessZero(c.HourlyMessages), DailyMessages: unlessZero(c.DailyMessages),
			HourlyRecipients: unlessZero(c.HourlyRcpts), DailyRecipients: unlessZero(c.DailyRcpts),
		},
		Log: s.log,
	}
	if c.AtomicSend {
		o.Outbox, o.GiveUp = s.imap.Outbox(s.node.accounts, fetcher.Owns), time.Duration(s.cfg.Queue.GiveUp)
	}
	s.submission = session.NewService(life, o)
	return s.newRelay(life)
}

// listenSubmission opens the sockets on which mail is taken from users. They are
// not asked for certificates: phones then ask their owners.
func (s *server) listenSubmission(ctx context.Context) error {
	c := &s.cfg.Submission
	proxies, err := parseAll(c.ProxyFrom, netip.ParsePrefix)
	if err != nil {
		return fmt.Errorf("submission.proxy_from: %w", err)
	}
	source, err := s.certificate()
	if err != nil {
		return err
	}
	for _, address := range c.Listen {
		err = errors.Join(err, s.open(ctx, address, &conn.Listener{Name: "submission", NewSession: s.submission.NewSession, TLS: source.Config, Proxies: proxies}))
	}
	for _, address := range c.ListenTLS {
		err = errors.Join(err, s.open(ctx, address, &conn.Listener{Name: "submissions", NewSession: s.submission.NewSession, TLS: source.Config, Implicit: true, Proxies: proxies}))
	}
	return err
}

// recoverEvery is how often the outboxes are looked through for what a crash, or
// a queue that refused, left in them.
const recoverEvery = time.Minute

// recoverOutbox takes into the queue what is recorded and not there yet.
func (s *server) recoverOutbox(ctx context.Context) {
	for {
		if err := s.submission.Recover(ctx); err != nil && ctx.Err() == nil {
			s.log.Error("looking through the outboxes failed; it will be tried again", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(recoverEvery):
		}
	}
}
