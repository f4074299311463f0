package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"strings"
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
	if cfg.Hostname == "" {
		if cfg.Hostname, err = os.Hostname(); err != nil {
			return nil, err
		}
	}
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
		Handshake: min(handshakeTime, time.Duration(cfg.IMAP.LoginTimeout)),
	})
	s.imap = imapserver.New(imapserver.Config{
		Hostname: cfg.Hostname, Version: version, PlaintextLogin: cfg.IMAP.PlaintextLogin,
		LoginTimeout: time.Duration(cfg.IMAP.LoginTimeout), Autologout: time.Duration(cfg.IMAP.Autologout),
		AppendLimit: cfg.IMAP.AppendLimit, MaxLine: cfg.IMAP.MaxLine,
		Admin: cfg.IMAP.Admin, Comment: cfg.IMAP.Comment, Filters: cfg.IMAP.Filters,
		MaxBadCommands: cfg.IMAP.MaxBadCommands, NoCompress: !cfg.IMAP.Compress, NoUnauthenticate: !cfg.IMAP.Unauthenticate,
		ShareWithAll: cfg.IMAP.ShareWithAll, URLMaxAge: time.Duration(cfg.IMAP.URLMaxAge), Logger: log,
		SortMemory:  int64(cfg.IMAP.SortMemory),
		MaxContexts: cfg.IMAP.MaxContexts, MaxAccountContexts: cfg.IMAP.AllContexts,
	}, s.node.openAccount, s.node.directory)
	s.lmtp = lmtp.NewService(life, lmtp.Config{
		Hostname: cfg.Hostname, Resolver: s.node.directory, Filing: account.Filing{Store: s.node.accounts},
		MaxMessage: cfg.IMAP.AppendLimit, Log: log,
	})
	return s, s.listen(ctx)
}

// listen opens the sockets of the configuration.
func (s *server) listen(ctx context.Context) error {
	cert, err := s.certificate()
	if err != nil {
		return err
	}
	proxies, err := prefixes(s.cfg.IMAP.ProxyFrom)
	if err != nil {
		return fmt.Errorf("imap.proxy_from: %w", err)
	}
	for _, address := range s.cfg.IMAP.Listen {
		err = errors.Join(err, s.open(ctx, address, &conn.Listener{Name: "imap", NewSession: s.imap.NewSession, TLS: cert, Proxies: proxies}))
	}
	for _, address := range s.cfg.IMAP.ListenTLS {
		err = errors.Join(err, s.open(ctx, address, &conn.Listener{Name: "imaps", NewSession: s.imap.NewSession, TLS: cert, Implicit: true, Proxies: proxies}))
	}
	for _, address := range s.cfg.LMTP.Listen {
		err = errors.Join(err, s.openLMTP(ctx, address))
	}
	if err != nil {
		return err
	}
	s.commands, err = admin.Listen(s.node.dir.file(admin.SocketName))
	return err
}

func (s *server) open(ctx context.Context, address string, on *conn.Listener) error {
	network, address := splitAddress(address)
	socket, err := conn.Listen(ctx, network, address)
	if err != nil {
		return fmt.Errorf("%s: %w", on.Name, err)
	}
	s.listeners = append(s.listeners, listener{socket, on})
	return nil
}

func (s *server) openLMTP(ctx context.Context, address string) error {
	network, host := splitAddress(address)
	mutual := s.cfg.LMTP.ClientCA != ""
	if err := lmtp.ValidateListener(network, host, mutual); err != nil {
		return err
	}
	on := &conn.Listener{Name: "lmtp", NewSession: s.lmtp.NewSession, Trusted: true}
	if mutual {
		source, err := tlscert.Open(tlscert.Options{Pairs: []tlscert.Pair{s.pair()},
			ClientCAs: s.cfg.LMTP.ClientCA, RequireClient: true, Log: s.log})
		if err != nil {
			return err
		}
		on.TLS, on.Implicit = source.Config, true
	}
	if err := s.open(ctx, address, on); err != nil || network != "unix" {
		return err
	}
	if err := conn.Permit(host, fs.FileMode(s.cfg.LMTP.SocketMode), s.cfg.LMTP.SocketGroup); err != nil {
		return fmt.Errorf("lmtp.socket_mode, lmtp.socket_group: %w", err)
	}
	return nil
}

// splitAddress tells unix:PATH from HOST:PORT.
func splitAddress(address string) (network, rest string) {
	if path, ok := strings.CutPrefix(address, "unix:"); ok {
		return "unix", path
	}
	return "tcp", address
}

func prefixes(list []string) (out []netip.Prefix, err error) {
	for _, text := range list {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, nil
}

// pair names the certificate in force.
func (s *server) pair() tlscert.Pair {
	if s.cfg.TLS.Cert != "" {
		return tlscert.Pair{Cert: s.cfg.TLS.Cert, Key: s.cfg.TLS.Key}
	}
	return tlscert.Pair{Cert: s.node.dir.file("tls/cert.pem"), Key: s.node.dir.file("tls/key.pem")}
}

// certificate opens the configured certificate, or makes a self-signed one.
func (s *server) certificate() (func() *tls.Config, error) {
	if s.cfg.TLS.Cert == "" {
		if err := os.MkdirAll(s.node.dir.file("tls"), 0o700); err != nil {
			return nil, err
		}
		made, err := tlscert.EnsureSelfSigned(s.pair(), []string{s.cfg.Hostname, "localhost", "127.0.0.1", "::1"}, time.Now())
		if err != nil {
			return nil, err
		}
		if made {
			s.log.Warn("made a self-signed certificate; clients will ask whether to trust it. Set cert and key in [tls] to replace it", "file", s.pair().Cert)
		}
	}
	source, err := tlscert.Open(tlscert.Options{Pairs: []tlscert.Pair{s.pair()}, Log: s.log})
	if err != nil {
		return nil, err
	}
	return source.Config, nil
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
		if err := admin.NewService(s.node.directory, s.node.accounts).Serve(ctx, s.commands); err != nil {
			cancel(err)
		}
	})
	wg.Go(func() { s.maintain(ctx) })
	wg.Go(func() { s.node.accounts.Index(ctx) })
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
// the command socket opened, and by then the IMAP server is there.
func (s *server) revoked(account uint64, credential auth.CredentialID) {
	s.imap.Revoke(account, credential)
}

// maintain runs background work: all the steps that are due, one after the
// other, and every now and then a sweep of the bodies they left behind.
func (s *server) maintain(ctx context.Context) {
	every := time.Duration(s.cfg.Store.SweepEvery)
	swept := time.Now()
	for {
		next := s.maintainDue(ctx)
		if time.Since(swept) >= every {
			if err := s.node.accounts.SweepBodies(ctx); err != nil && ctx.Err() == nil {
				s.log.Error("sweeping of bodies failed; it will be tried again", "error", err)
			}
			swept = time.Now()
		}
		pause := time.NewTimer(min(every, max(time.Until(next), time.Second)))
		select {
		case <-ctx.Done():
			pause.Stop()
			return
		case <-pause.C:
		}
	}
}

// maintainDue takes steps until none is due, and says when the next one is.
func (s *server) maintainDue(ctx context.Context) (next time.Time) {
	for ctx.Err() == nil {
		now := time.Now()
		next, err := s.node.accounts.Maintain(ctx, now)
		if err != nil && ctx.Err() == nil {
			s.log.Error("background maintenance failed; it will be tried again", "error", err)
			return next
		}
		if next.After(now) {
			return next
		}
	}
	return next
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
	if s.commands != nil {
		s.commands.Close()
	}
	return s.node.Close()
}
