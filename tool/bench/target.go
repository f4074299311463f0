package bench

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"time"
)

// target is one server under measurement.
type target struct {
	name    string
	network string // "tcp" or "unix"
	address string
	server  server
	restart string
}

// newTarget reads [NAME=]HOST:PORT or [NAME=]unix:PATH.
func newTarget(spec string) (*target, error) {
	t := &target{network: "tcp", server: server{kind: "none"}}
	name, address, named := strings.Cut(spec, "=")
	if !named {
		name, address = spec, spec
	}
	t.name, t.address = name, address
	if path, ok := strings.CutPrefix(address, "unix:"); ok {
		t.network, t.address = "unix", path
		return t, nil
	}
	if _, _, err := net.SplitHostPort(address); err != nil {
		return nil, fmt.Errorf("--addr %s: %w; give HOST:PORT or unix:PATH", spec, err)
	}
	return t, nil
}

// dialTimeout bounds connecting and the TLS handshake.
const dialTimeout = 30 * time.Second

// dial connects, without TLS.
func (t *target) dial(ctx context.Context) (net.Conn, error) {
	d := net.Dialer{Timeout: dialTimeout, KeepAlive: -1}
	c, err := d.DialContext(ctx, t.network, t.address)
	if err != nil {
		return nil, fmt.Errorf("%s: %w; is the server running?", t.name, err)
	}
	return c, nil
}

// dialTLS connects and shakes hands.
func (t *target) dialTLS(ctx context.Context) (net.Conn, error) {
	c, err := t.dial(ctx)
	if err != nil {
		return nil, err
	}
	return t.startTLS(ctx, c)
}

// startTLS shakes hands on an open connection. What is measured stands on a
// machine of the tester, with whatever certificate it has.
func (t *target) startTLS(ctx context.Context, c net.Conn) (net.Conn, error) {
	secured := tls.Client(c, &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12})
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	if err := secured.HandshakeContext(ctx); err != nil {
		c.Close()
		return nil, fmt.Errorf("%s: TLS: %w", t.name, err)
	}
	return secured, nil
}

// chill makes the target cold: restarted, with nothing in the page cache.
func (t *target) chill(ctx context.Context) error {
	if err := t.runRestart(ctx); err != nil {
		return err
	}
	if out, err := exec.CommandContext(ctx, "sync").CombinedOutput(); err != nil {
		return fmt.Errorf("sync: %w: %s", err, out)
	}
	if err := os.WriteFile("/proc/sys/vm/drop_caches", []byte("3\n"), 0); err != nil {
		return fmt.Errorf("dropping the page cache: %w; --cold needs root", err)
	}
	return t.await(ctx)
}

// runRestart runs the command that restarts the server. Its output goes to a
// file: a server that it leaves running would hold a pipe open.
func (t *target) runRestart(ctx context.Context) error {
	said, err := os.CreateTemp("", "citron-bench-restart")
	if err != nil {
		return err
	}
	defer func() { said.Close(); _ = os.Remove(said.Name()) }()
	cmd := exec.CommandContext(ctx, "/bin/sh", "-c", t.restart)
	cmd.Stdout, cmd.Stderr = said, said
	if err := cmd.Run(); err != nil {
		text, _ := os.ReadFile(said.Name())
		return fmt.Errorf("%s: restarting: %w: %s", t.name, err, strings.TrimSpace(string(text)))
	}
	return nil
}

// await returns when the target accepts connections.
func (t *target) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	for {
		c, err := t.dial(ctx)
		if err == nil {
			return c.Close()
		}
		if rest(ctx, 20*time.Millisecond) != nil {
			return err
		}
	}
}
