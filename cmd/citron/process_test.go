package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain lets the test binary run as the command citron, in processes of
// their own that can be killed.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"citron": main})
}

// citron is the command with arguments, not yet started.
func citron(args ...string) *exec.Cmd {
	exe, err := os.Executable()
	return &exec.Cmd{Path: exe, Args: append([]string{"citron"}, args...), Err: err}
}

// process is a running `citron demo`.
type process struct {
	cmd    *exec.Cmd
	data   string
	offset int
	stderr *record // complete once the process has ended
	ended  bool
	exited chan struct{} // nil: nobody waits for the process yet
}

// wait returns when the process has ended.
func (p *process) wait() error {
	if p.exited == nil {
		return p.cmd.Wait()
	}
	<-p.exited
	return nil
}

// launch starts the demo and returns when it says that it is ready.
func launch(data string, args ...string) (*process, error) {
	offset, err := freeOffset()
	if err != nil {
		return nil, err
	}
	p := &process{data: data, offset: offset, stderr: newRecord("msg=ready")}
	p.cmd = citron(append([]string{"demo", "--data", data, "--listen-offset", strconv.Itoa(offset)}, args...)...)
	p.cmd.Stderr = p.stderr
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if line != "ready\n" {
		p.kill()
		return nil, fmt.Errorf("the demo says %q, %v\n%s", line, err, p.stderr)
	}
	return p, nil
}

// launchServe starts `citron serve` and returns when it says that it is ready.
func launchServe(config string, offset int) (*process, error) {
	p := &process{offset: offset, stderr: newRecord("msg=ready")}
	p.cmd = citron("serve", "--config", config)
	p.cmd.Stderr = p.stderr
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	ended := make(chan struct{})
	go func() {
		_ = p.cmd.Wait() // fills ProcessState for whoever awaits exited
		close(ended)
	}()
	p.exited = ended
	select {
	case <-p.stderr.said:
		return p, nil
	case <-ended:
		return nil, fmt.Errorf("citron serve ended\n%s", p.stderr)
	}
}

// record keeps what a process writes, and tells when a text was among it.
type record struct {
	mu    sync.Mutex
	text  bytes.Buffer
	await string
	said  chan struct{}
}

func newRecord(await string) *record { return &record{await: await, said: make(chan struct{})} }

func (r *record) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.text.Write(p)
	if r.await != "" && strings.Contains(r.text.String(), r.await) {
		r.await = ""
		close(r.said)
	}
	return len(p), nil
}

func (r *record) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.String()
}

// startDemo is launch for tests.
func startDemo(t *testing.T, data string, args ...string) *process {
	t.Helper()
	p, err := launch(data, args...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.kill)
	return p
}

// demoPorts are those of the demo's contract.
var demoPorts = map[string]int{"imap": 1143, "imaps": 1993, "lmtp": 1024, "submission": 1587}

// freeOffset finds an offset at which all ports of the demo are free.
func freeOffset() (int, error) {
	for range 100 {
		offset := 10000 + rand.IntN(50000)
		if free(offset) {
			return offset, nil
		}
	}
	return 0, errors.New("no free ports")
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
		_ = p.wait()
	}
}

// stop asks the process to end and gives its exit code.
func (p *process) stop(sig os.Signal) (int, error) {
	p.ended = true
	if err := p.cmd.Process.Signal(sig); err != nil {
		return 0, err
	}
	err := p.wait()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		err = nil
	}
	return p.cmd.ProcessState.ExitCode(), err
}

// stopped stops the process, which must end in good order.
func (p *process) stopped(t *testing.T, sig os.Signal) {
	t.Helper()
	if code, err := p.stop(sig); code != 0 || err != nil {
		t.Errorf("after %v: exit code %d, %v\n%s", sig, code, err, p.stderr)
	}
}

// verified has `citron verify` look at the data of a process that ended.
func verified(t *testing.T, data string) {
	t.Helper()
	if out, err := citron("verify", "--data", data).CombinedOutput(); err != nil {
		t.Errorf("citron verify: %v\n%s", err, out)
	}
}
