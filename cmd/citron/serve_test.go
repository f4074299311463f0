package main

import (
	"context"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"citron/ops/config"
)

// privateConfig is a configuration that listens nowhere.
func privateConfig(t *testing.T) *config.Config {
	cfg := config.Default()
	cfg.Hostname, cfg.Data = "localhost", t.TempDir()
	cfg.IMAP.Listen, cfg.Submission.Listen = nil, nil
	cfg.Store.FreeFloor = 1
	return cfg
}

// serving runs a server until the test ends.
func serving(t *testing.T, cfg *config.Config) *server {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	srv, err := newServer(ctx, cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	ready, ended := make(chan struct{}), make(chan error, 1)
	go func() { ended <- srv.run(ctx, func() { close(ready) }) }()
	<-ready
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the server ended: %v", err)
		}
	})
	return srv
}

// TestLMTPSocket: the socket has the mode and the group of the configuration,
// and LMTP is spoken on it.
func TestLMTPSocket(t *testing.T) {
	group := os.Getegid()
	if os.Geteuid() == 0 {
		group = 1 // only root may give files to a group it is not in
	}
	cfg := privateConfig(t)
	path := filepath.Join(t.TempDir(), "lmtp")
	cfg.LMTP.Listen, cfg.LMTP.SocketGroup = []string{"unix:" + path}, strconv.Itoa(group)
	serving(t, cfg)
	fi, err := os.Lstat(path)
	if err != nil {
		t.Fatal(err)
	}
	if gid := int(fi.Sys().(*syscall.Stat_t).Gid); fi.Mode() != os.ModeSocket|0o660 || gid != group {
		t.Errorf("%v of group %d", fi.Mode(), gid)
	}
	nc, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	greeting := make([]byte, 4)
	if _, err := io.ReadFull(nc, greeting); err != nil || string(greeting) != "220 " {
		t.Errorf("greeted with %q, %v", greeting, err)
	}
}

// TestLMTPSocketGroupUnknown: the server says which key is wrong, and does not
// start.
func TestLMTPSocketGroupUnknown(t *testing.T) {
	cfg := privateConfig(t)
	cfg.LMTP.Listen = []string{"unix:" + filepath.Join(t.TempDir(), "lmtp")}
	cfg.LMTP.SocketGroup = "no such group"
	_, err := newServer(t.Context(), cfg, slog.New(slog.DiscardHandler))
	if err == nil || !strings.Contains(err.Error(), "lmtp.socket_group") {
		t.Errorf("started, or said %v", err)
	}
}

// TestHandshakeHasNoLongerThanLogin: a short login_timeout holds for the TLS
// handshake, too.
func TestHandshakeHasNoLongerThanLogin(t *testing.T) {
	cfg := privateConfig(t)
	cfg.IMAP.ListenTLS = []string{"127.0.0.1:0"}
	cfg.IMAP.LoginTimeout = config.Duration(50 * time.Millisecond)
	srv := serving(t, cfg)
	nc, err := net.Dial("tcp", srv.listeners[0].socket.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	_, _ = nc.Write([]byte{22, 3}) // the beginning of a record
	if err := nc.SetReadDeadline(time.Now().Add(handshakeTime * 2 / 3)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(nc); os.IsTimeout(err) {
		t.Fatal("still shaking hands")
	}
}
