package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"strings"
	"time"

	"citron/admin"
	"citron/delivery/lmtp"
	"citron/ops/conn"
	"citron/ops/tlscert"
)

// listen opens the sockets of the configuration.
func (s *server) listen(ctx context.Context, source *tlscert.Source) error {
	proxies, err := parseAll(s.cfg.IMAP.ProxyFrom, netip.ParsePrefix)
	if err != nil {
		return fmt.Errorf("imap.proxy_from: %w", err)
	}
	for _, address := range s.cfg.IMAP.Listen {
		err = errors.Join(err, s.open(ctx, address, &conn.Listener{Name: "imap", NewSession: s.imap.NewSession, TLS: source.Config, Proxies: proxies}))
	}
	for _, address := range s.cfg.IMAP.ListenTLS {
		err = errors.Join(err, s.open(ctx, address, &conn.Listener{Name: "imaps", NewSession: s.imap.NewSession, TLS: source.Config, Implicit: true, Proxies: proxies}))
	}
	err = errors.Join(err, s.listenSubmission(ctx))
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

// pair names the certificate in force.
func (s *server) pair() tlscert.Pair {
	if s.cfg.TLS.Cert != "" {
		return tlscert.Pair{Cert: s.cfg.TLS.Cert, Key: s.cfg.TLS.Key}
	}
	return tlscert.Pair{Cert: s.node.dir.file("tls/cert.pem"), Key: s.node.dir.file("tls/key.pem")}
}

// certificate opens the configured certificate, or makes a self-signed one.
// clients are asked for certificates of their own, which none needs to have.
func (s *server) certificate(clients ...tlscert.Client) (*tlscert.Source, error) {
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
	return tlscert.Open(tlscert.Options{Pairs: []tlscert.Pair{s.pair()}, Clients: clients, Log: s.log})
}

// applications are what logs in to IMAP by a certificate.
func (s *server) applications() (list []tlscert.Client) {
	for _, a := range s.cfg.IMAP.Applications {
		list = append(list, tlscert.Client{Name: a.Name, CA: a.CA, DNSNames: a.DNSNames, Fingerprints: a.Fingerprints})
	}
	return list
}
