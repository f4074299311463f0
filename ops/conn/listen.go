package conn

import (
	"context"
	"crypto/tls"
	"errors"
	"io/fs"
	"net"
	"net/netip"
	"os"
)

// Listener says what is served on a listening socket. It is not changed after
// Serve was called.
type Listener struct {
	// Name stands in logs.
	Name string
	// NewSession makes the session of each connection.
	NewSession NewSession
	// TLS returns the configuration for the next handshake, and is cheap; nil
	// for a listener without TLS. A new certificate is a new configuration.
	// GetConfigForClient is not used; TLS below 1.2 is refused whatever it
	// says. ClientAuth and ClientCAs ask for client certificates.
	TLS func() *tls.Config
	// Implicit: TLS from the first byte (RFC 8314 §3), else by StartTLS.
	Implicit bool
	// Proxies are the networks whose connections begin with a PROXY protocol
	// v2 header; nobody else's does.
	Proxies []netip.Prefix
	// Max limits the listener's connections; 0: no limit of its own.
	Max int
	// Trusted: there is no login (LMTP, mutual TLS between our own roles);
	// connections count as logged in from the start.
	Trusted bool

	open int // guarded by admission.mu
	face tlsFace
}

// Listen opens a listening socket for Serve: network "tcp", "tcp4", "tcp6" or
// "unix". TCP keep-alive is off (RFC 5383 §4.2), which net.Listen would turn on
// every 15 seconds. A Unix socket left by a process that is gone is replaced.
func Listen(ctx context.Context, network, address string) (net.Listener, error) {
	lc := net.ListenConfig{KeepAlive: -1}
	ln, err := lc.Listen(ctx, network, address)
	if err == nil || network != "unix" || !orphaned(address) {
		return ln, err
	}
	if err := os.Remove(address); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return lc.Listen(ctx, network, address)
}

// orphaned says that path is a Unix socket on which nobody listens.
func orphaned(path string) bool {
	fi, err := os.Lstat(path)
	if err != nil || fi.Mode()&fs.ModeSocket == 0 {
		return false
	}
	c, err := net.Dial("unix", path)
	if err != nil {
		return true
	}
	c.Close()
	return false
}

// addrPort converts an address of package net; zero for Unix sockets.
func addrPort(a net.Addr) netip.AddrPort {
	t, ok := a.(*net.TCPAddr)
	if !ok {
		return netip.AddrPort{}
	}
	p := t.AddrPort()
	return netip.AddrPortFrom(p.Addr().Unmap(), p.Port())
}

// isNear says that a peer's socket address is of this machine: a Unix socket
// (no address) or loopback.
func isNear(remote netip.AddrPort) bool {
	return !remote.IsValid() || remote.Addr().IsLoopback()
}
