package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"sync"
	"time"

	"citron/admin"
	"citron/auth"
	"citron/delivery/lmtp"
	"citron/ops/config"
	"citron/ops/conn"
	"citron/ops/tlscert"
	"citron/store/account"
	"citron/store/imapserver"
	"citron/submission/burl"
	"citron/submission/relay"
	"citron/submission/session"
)

// shutdownTime is how long sessions have to say goodbye.
const shutdownTime = 10 * time.Second

// handshakeTime is how long a TLS handshake may take, unless the whole of a
// login has less.
const handshakeTime = 30 * time.Second

// serveCmd is `citron serve`.
type serveCmd struct{ dataFlags }

// Run serves until the context ends.
func (c *serveCmd) Run(ctx context.Context) error {
	cfg, err := c.load()
	if err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	srv, err := newServer(ctx, cfg, log)
	if err != nil {
		return err
	}
	return srv.run(ctx, func() { log.Info("ready") })
}

// server is a node with its listeners.
type server struct {
	cfg  *config.Config
	log  *slog.Logger
	node *node
	conn *conn.Server
	imap *imapserver.Server
	lmtp *lmtp.Service

	submission *session.Service
	relay      *relay.Relay
	stores     []*burl.IMAP // elsewhere
	// stop ends calls into storage and the directory.
	stop context.CancelFunc

	listeners []listener
	commands  net.Listener // the command socket
}

// listener is a socket and what is spoken on it.
type listener struct {
	socket net.Listener
	on     *conn.Listener
}

// newServer opens the data and every listener, so that what cannot work fails
// before anything is served.
func newServer(ctx context.Context, cfg *config.Config, log *slog.Logger) (_ *server, err error) {
	s := &server{cfg: cfg, log: log}
	for name, criteria := range cfg.IMAP.Filters {
		if err := imapserver.CheckFilter(name, criteria); err != nil {
			return nil, fmt.Errorf("imap.filters.%s: %w", name, err)
		}
	}
	if s.node, err = openNode(ctx, cfg, s.revoked, log); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	life, stop := context.WithCancel(context.WithoutCancel(ctx))
	s.stop = stop
	s.conn = conn.NewServer(conn.Options{
		Limits: conn.Limits{
			Total: cfg.Limits.Connections, BeforeLogin: cfg.Limits.Unauthenticated,
			PerAccount: cfg.Limits.PerAccount, HeldBytes: int64(cfg.Limits.WriteMemory),
		},
		UserTimeout: time.Duration(cfg.Limits.TCPUserTimeout), HandshakesAtOnce: cfg.Limits.Handshakes,
		Portable: cfg.Limits.PortableDriver, Log: log,
		Handshake: min(handshakeTime, time.Duration(cfg.IMAP.LoginTimeout)), NoBinding: !cfg.Auth.ChannelBinding,
	})
	source, err := s.certificate(s.applications()...)
	if err != nil {
		return nil, err
	}
	s.imap = s.newIMAP(source)
	s.lmtp = lmtp.NewService(life, lmtp.Config{
		Hostname: cfg.Hostname, Resolver: s.node.directory, Filing: account.Filing{Store: s.node.accounts},
		MaxMessage: cfg.IMAP.AppendLimit, Log: log,
	})
	if err := s.newOutgoing(life); err != nil {
		return nil, err
	}
	return s, s.listen(ctx, source)
}

// newIMAP makes the IMAP server. source knows applications by their certificates.
func (s *server) newIMAP(source *tlscert.Source) *imapserver.Server {
	cfg := s.cfg
	return imapserver.New(imapserver.Config{
		Hostname: cfg.Hostname, Version: version, PlaintextLogin: cfg.IMAP.PlaintextLogin,
		LoginTimeout: time.Duration(cfg.IMAP.LoginTimeout), Autologout: time.Duration(cfg.IMAP.Autologout),
		AppendLimit: cfg.IMAP.AppendLimit, MaxLine: cfg.IMAP.MaxLine,
		Admin: cfg.IMAP.Admin, Comment: cfg.IMAP.Comment, Filters: cfg.IMAP.Filters,
		MaxBadCommands: cfg.IMAP.MaxBadCommands, NoCompress: !cfg.IMAP.Compress, NoUnauthenticate: !cfg.IMAP.Unauthenticate,
		ShareWithAll: cfg.IMAP.ShareWithAll, URLMaxAge: time.Duration(cfg.IMAP.URLMaxAge), Logger: s.log,
		SortMemory:  int64(cfg.IMAP.SortMemory),
		MaxContexts: cfg.IMAP.MaxContexts, MaxAccountContexts: cfg.IMAP.AllContexts,
		Application: source.Client,
	}, s.node.openAccount, s.node.directory)
}

// run serves until ctx ends or something fails, calls ready when all ports
// answer, and closes everything in good order.
func (s *server) run(ctx context.Context, ready func()) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	for _, l := range s.listeners {
		wg.Go(func() {
			if err := s.conn.Serve(l.socket, l.on); !errors.Is(err, conn.ErrServerClosed) {
				cancel(fmt.Errorf("%s: %w", l.on.Name, err))
			}
		})
	}
	wg.Go(func() {
		if err := admin.NewService(s.node.directory, s.node.accounts, s.node.queue).Serve(ctx, s.commands); err != nil {
			cancel(err)
		}
	})
	wg.Go(func() { s.maintain(ctx) })
	wg.Go(func() { s.node.accounts.Index(ctx) })
	wg.Go(func() { s.maintainQueue(ctx) })
	wg.Go(func() { s.recoverOutbox(ctx) })
	wg.Go(func() { s.relay.Run(ctx) })
	ready()
	<-ctx.Done()
	grace, done := context.WithTimeout(context.Background(), shutdownTime)
	defer done()
	if err := s.conn.Shutdown(grace); err != nil {
		s.log.Warn("some connections were cut", "error", err)
	}
	wg.Wait()
	err := context.Cause(ctx)
	if errors.Is(err, context.Canceled) {
		err = nil
	}
	return errors.Join(err, s.close())
}

// revoked ends the sessions of a credential. None is revoked before run has
// the command socket opened, and by then both servers are there.
func (s *server) revoked(account uint64, credential auth.CredentialID) {
	s.imap.Revoke(account, credential)
	s.submission.Revoke(account, credential)
}

func (s *server) close() error {
	if s.imap != nil {
		s.imap.Stop()
	}
	if s.stop != nil {
		s.stop()
	}
	for _, l := range s.listeners {
		l.socket.Close()
	}
	for _, store := range s.stores {
		store.Close()
	}
	if s.commands != nil {
		s.commands.Close()
	}
	return s.node.Close()
}
