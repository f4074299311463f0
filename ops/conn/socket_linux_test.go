package conn

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

// TestSocketOptions looks at the server's own sockets: keep-alive is off
// (RFC 5383 §4.2), TCP_USER_TIMEOUT is above two hours, Nagle is off.
func TestSocketOptions(t *testing.T) {
	over(t, overTCP, Options{}, &Listener{}, func(t *testing.T, r *rig) {
		c := r.dial()
		tc := c.Conn.(*net.TCPConn)
		fd := descriptorTo(t, tc.LocalAddr().String())
		for name, o := range map[string]struct{ level, option, want int }{
			"SO_KEEPALIVE":     {unix.SOL_SOCKET, unix.SO_KEEPALIVE, 0},
			"TCP_NODELAY":      {unix.IPPROTO_TCP, unix.TCP_NODELAY, 1},
			"TCP_USER_TIMEOUT": {unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, 3 * 3600 * 1000},
		} {
			if got, err := unix.GetsockoptInt(fd, o.level, o.option); got != o.want || err != nil {
				t.Errorf("%s is %d, %v; want %d", name, got, err, o.want)
			}
		}
	})
}

// descriptorTo finds this process's socket whose peer has the address.
func descriptorTo(t *testing.T, peer string) int {
	for _, fd := range descriptors(t) {
		sa, err := unix.Getpeername(fd)
		if err == nil && sockAddrPort(sa).String() == peer {
			return fd
		}
	}
	t.Fatal("no socket of ours has the peer", peer)
	return -1
}

func descriptors(t *testing.T) []int {
	t.Helper()
	names, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	var all []int
	for _, n := range names {
		var fd int
		if _, err := fmt.Sscan(n.Name(), &fd); err == nil {
			all = append(all, fd)
		}
	}
	return all
}

// TestDescriptorsReturned: however a connection ends, its descriptor is closed.
func TestDescriptorsReturned(t *testing.T) {
	before := len(descriptors(t))
	for _, d := range drivers {
		on := &Listener{TLS: serverTLS}
		t.Run(d, func(t *testing.T) {
			r := newRig(t, d, &Options{Limits: Limits{Total: 50}}, on)
			for i := range 100 {
				endSomehow(r, i%5)
			}
			until(t, "all closed", func() bool { return r.srv.Stats().Open == 0 })
		})
	}
	until(t, "descriptors closed", func() bool { return len(descriptors(t)) <= before+1 })
}

func endSomehow(r *rig, way int) {
	c := r.dial()
	defer c.Close()
	switch way {
	case 0:
		c.say("QUIT")
		c.want("BYE")
	case 1:
		c.say("STARTTLS")
		c.want("OK")
		c.say("garbage")
		io.ReadAll(c.r)
	case 2:
		c.say("PANIC")
		c.ended()
	case 3:
		c.say("STARTTLS")
		c.want("OK")
		c = c.secure(clientTLS())
		c.say("BLOW 1000000")
	case 4: // it just goes
	}
}

// TestReset: the peer's resetting is told as an error of the system, once.
func TestReset(t *testing.T) {
	over(t, overTCP, Options{}, &Listener{}, func(t *testing.T, r *rig) {
		c := r.dial()
		tc := c.Conn.(*net.TCPConn)
		c.say("WAIT") // not reading
		until(t, "parked", func() bool { return r.srv.Stats().Parked == 1 })
		tc.SetLinger(0)
		tc.Close()
		if strings.HasSuffix(t.Name(), "portable") {
			r.log.all()[0].wake() // it notices when it next reads
		}
		if err := r.cause(); !errors.Is(err, unix.ECONNRESET) {
			t.Errorf("Close was given %v", err)
		}
	})
}

func TestListenUnix(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	ctx := context.Background()
	ln, err := Listen(ctx, "unix", path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Listen(ctx, "unix", path); err == nil {
		t.Error("a live socket was taken over")
	}
	ln.(*net.UnixListener).SetUnlinkOnClose(false)
	ln.Close() // as a process that was killed
	again, err := Listen(ctx, "unix", path)
	if err != nil {
		t.Fatal("an orphaned socket was not replaced:", err)
	}
	again.Close()
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Listen(ctx, "unix", path); err == nil {
		t.Error("a file was taken for a socket")
	}
	if _, err := os.Stat(path); err != nil {
		t.Error("the file is gone")
	}
}

// TestOutOfDescriptors: accepting goes on when there are descriptors again.
func TestOutOfDescriptors(t *testing.T) {
	for _, d := range []string{"tcp", "portable"} {
		t.Run(d, func(t *testing.T) {
			var log syncBuffer
			r := newRig(t, d, &Options{Log: slog.New(slog.NewTextHandler(&log, nil))}, &Listener{})
			nc := r.connect() // a descriptor for the client
			defer nc.Close()
			until(t, "first", func() bool { return r.srv.Stats().Open == 1 })
			fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer unix.Close(fd)
			to, _ := unix.Getpeername(descriptorOf(t, nc))

			restore := exhaust(t)
			if err := unix.Connect(fd, to); err != nil {
				restore()
				t.Fatal(err)
			}
			until(t, "the listener to notice", func() bool { return strings.Contains(log.String(), "too many open files") })
			restore()
			until(t, "the second", func() bool { return r.srv.Stats().Accepted == 2 })
		})
	}
}

type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func descriptorOf(t *testing.T, nc net.Conn) (fd int) {
	rc, err := nc.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	rc.Control(func(f uintptr) { fd = int(f) })
	return fd
}

// exhaust lowers the limit of descriptors to what is open.
func exhaust(t *testing.T) (restore func()) {
	var old unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &old); err != nil {
		t.Fatal(err)
	}
	all := descriptors(t)
	top := 0
	for _, fd := range all {
		top = max(top, fd)
	}
	var holes []*os.File // below the limit
	for len(all)+len(holes) <= top {
		f, err := os.Open("/dev/null")
		if err != nil {
			t.Fatal(err)
		}
		holes = append(holes, f)
	}
	low := unix.Rlimit{Cur: uint64(top + 1), Max: old.Max}
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &low); err != nil {
		t.Fatal(err)
	}
	return func() {
		unix.Setrlimit(unix.RLIMIT_NOFILE, &old)
		for _, f := range holes {
			f.Close()
		}
	}
}
