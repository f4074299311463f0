package main

import (
	"bufio"
	"bytes"
	"errors"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain lets the test binary run as the command citron, in processes of
// their own that can be killed.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"citron": main})
}

// citron is the command with arguments, not yet started.
func citron(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return &exec.Cmd{Path: exe, Args: append([]string{"citron"}, args...)}
}

// process is a running `citron demo`.
type process struct {
	t      *testing.T
	cmd    *exec.Cmd
	offset int
	stderr *bytes.Buffer
	ended  bool
}

// startDemo starts the demo and returns when it says that it is ready.
func startDemo(t *testing.T, data string, args ...string) *process {
	t.Helper()
	p := &process{t: t, offset: freeOffset(t), stderr: &bytes.Buffer{}}
	p.cmd = citron(t, append([]string{"demo", "--data", data, "--listen-offset", strconv.Itoa(p.offset)}, args...)...)
	p.cmd.Stderr = p.stderr
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.kill)
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if line != "ready\n" {
		t.Fatalf("the demo says %q, %v\n%s", line, err, p.stderr)
	}
	return p
}

// demoPorts are those of the demo's contract.
var demoPorts = map[string]int{"imap": 1143, "imaps": 1993, "lmtp": 1024}

// freeOffset finds an offset at which all ports of the demo are free.
func freeOffset(t *testing.T) int {
	t.Helper()
	for range 100 {
		offset := 10000 + rand.IntN(50000)
		if free(offset) {
			return offset
		}
	}
	t.Fatal("no free ports")
	return 0
}

func free(offset int) bool {
	for _, port := range demoPorts {
		ln, err := net.Listen("tcp", loopback(port+offset))
		if err != nil {
			return false
		}
		ln.Close()
	}
	return true
}

func loopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

// addr is where the demo speaks a protocol.
func (p *process) addr(name string) string { return loopback(demoPorts[name] + p.offset) }

// kill ends the process as a power failure would, but for the disk's cache.
func (p *process) kill() {
	if !p.ended {
		p.ended = true
		p.cmd.Process.Kill()
		p.cmd.Wait()
	}
}

// stop asks the process to end and gives its exit code.
func (p *process) stop(sig os.Signal) int {
	p.t.Helper()
	p.ended = true
	if err := p.cmd.Process.Signal(sig); err != nil {
		p.t.Fatal(err)
	}
	err := p.cmd.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		p.t.Fatal(err)
	}
	return p.cmd.ProcessState.ExitCode()
}

// verified has `citron verify` look at the data of a process that ended.
func verified(t *testing.T, data string) {
	t.Helper()
	if out, err := citron(t, "verify", "--data", data).CombinedOutput(); err != nil {
		t.Errorf("citron verify: %v\n%s", err, out)
	}
}

var terminate = []os.Signal{os.Interrupt, syscall.SIGTERM}
