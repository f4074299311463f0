package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Who sends what the relay is measured with.
const (
	relayUser     = "u1@example.org"
	relayPassword = "lemonade"
)

var fromField = []byte("From: <" + relayUser + ">\r\n")

// afterFrom is a message without its first field, which is From.
func afterFrom(text []byte) []byte {
	_, rest, _ := bytes.Cut(text, []byte("\r\n"))
	return rest
}

// relayServer is a `citron serve` of its own, and the PSS that it had.
type relayServer struct {
	target                *target
	cmd                   *exec.Cmd
	log                   *tail
	ended                 chan struct{}
	before, filled, after uint64
}

// startRelayServer returns when the server takes mail.
func startRelayServer(ctx context.Context, name, dir string, hosts *relayHosts, retry time.Duration) (*relayServer, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	config := filepath.Join(dir, "citron.toml")
	text := fmt.Sprintf(relayConfig, filepath.Join(dir, "data"), address, retry, hosts.zone, hosts.port)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		return nil, err
	}
	s := &relayServer{log: &tail{await: "msg=ready", said: make(chan struct{})}, ended: make(chan struct{})}
	if s.cmd, err = itself(context.WithoutCancel(ctx), "serve", "--config", config); err != nil {
		return nil, err
	}
	s.cmd.Stderr = s.log
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	s.target = &target{name: name, network: "tcp", address: address, server: server{"pid", strconv.Itoa(s.cmd.Process.Pid)}}
	go func() {
		_ = s.cmd.Wait() // stop looks at the state
		close(s.ended)
	}()
	select {
	case <-s.log.said:
	case <-s.ended:
		return nil, fmt.Errorf("citron serve ended\n%s", s.log)
	case <-ctx.Done():
		return nil, errors.Join(ctx.Err(), s.stop())
	}
	if err := addAccount(ctx, config); err != nil {
		return nil, errors.Join(err, s.stop())
	}
	return s, nil
}

// addAccount makes the account at a server that runs.
func addAccount(ctx context.Context, config string) error {
	add, err := itself(ctx, "account", "add", "--config", config, "--password", relayPassword, relayUser)
	if err != nil {
		return err
	}
	if out, err := add.CombinedOutput(); err != nil {
		return fmt.Errorf("citron account add: %w\n%s", err, out)
	}
	return nil
}

// relayConfig: no rate is a limit here, and other domains are on loopback.
const relayConfig = `hostname = "mail.example.org"
data = %q
[imap]
listen = []
listen_tls = []
[lmtp]
listen = []
[submission]
listen = [%q]
plaintext_login = true
hourly_messages = 0
daily_messages = 0
hourly_recipients = 0
daily_recipients = 0
[queue]
retry = ["%v"]
[relay]
resolvers = ["%v"]
port = %s
private = ["127.0.0.0/8"]
ipv6 = false
[limits]
per_account = 1000
`

// itself is this very program with other arguments.
func itself(ctx context.Context, args ...string) (*exec.Cmd, error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, exe, args...)
	cmd.Args[0] = "citron"
	return cmd, nil
}

// freeAddress is one on loopback that nobody listened on just now.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

func (s *relayServer) dial(ctx context.Context) (*mailConn, error) {
	return dialSubmission(ctx, s.target, "none", relayUser, relayPassword)
}

// stopTime is what a server has to end in good order.
const stopTime = time.Minute

// stop ends the server.
func (s *relayServer) stop() error {
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-s.ended:
	case <-time.After(stopTime):
		_ = s.cmd.Process.Kill()
		<-s.ended
	}
	if !s.cmd.ProcessState.Success() {
		return fmt.Errorf("%s: citron serve: %v\n%s", s.target.name, s.cmd.ProcessState, s.log)
	}
	return nil
}

// tail keeps the last of what a process writes, and tells when a text was in it.
type tail struct {
	mu    sync.Mutex
	text  []byte
	await string
	said  chan struct{}
}

const tailLength = 8 << 10

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p...)
	if t.await != "" && strings.Contains(string(t.text), t.await) {
		t.await = ""
		close(t.said)
	}
	if extra := len(t.text) - tailLength; extra > 0 {
		t.text = append(t.text[:0], t.text[extra:]...)
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.text)
}
