package bench

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"
)

// RelayCmd measures whether mail that waits for a domain that is down slows mail
// for others, and what memory it costs. It starts servers of its own, from the
// program that it is part of: one with an empty queue; one with a queue for a
// host that refuses connections, one for a host that takes them and says nothing.
// They take turns.
type RelayCmd struct {
	Backlog   int           `help:"Messages queued for the domain that is down." default:"100000"`
	FillConns int           `help:"Connections over which they are submitted." default:"64"`
	Messages  int           `help:"Messages per run for domains that are up." default:"2000"`
	Conns     int           `help:"Connections that submit these." default:"8"`
	Domains   int           `help:"Domains that are up; one host takes the mail of all." default:"10"`
	Rounds    int           `help:"Recorded runs of each workload on each server." default:"5"`
	Warm      int           `help:"Unrecorded runs before." default:"1"`
	Size      string        `help:"Messages, as in the other workloads." default:"small"`
	Seed      uint64        `help:"Seed of the messages." default:"1"`
	Retry     time.Duration `help:"Pause between tries at the domain that is down." default:"10m"`
	Settle    time.Duration `help:"Time for a server to become quiet before memory is read." default:"10s"`
	Dir       string        `help:"Where the servers keep their data, which is deleted at the end; default: the directory for temporary files." type:"path"`
}

// relayBench is one measurement.
type relayBench struct {
	*RelayCmd
	common   *Common
	hosts    *relayHosts
	messages *pool
	servers  []*relayServer
	number   atomic.Int64 // of the last message
}

// Run is called by kong.
func (cmd *RelayCmd) Run(ctx context.Context) (err error) {
	if cmd.Backlog < 0 || cmd.FillConns < 1 || cmd.Messages < 1 || cmd.Conns < 1 || cmd.Domains < 1 || cmd.Rounds < 1 || cmd.Warm < 0 {
		return errors.New("give numbers of 1 or more; --backlog and --warm may be 0")
	}
	b := &relayBench{RelayCmd: cmd, common: &Common{Rounds: cmd.Rounds, Warm: cmd.Warm}}
	if b.messages, err = newPool(cmd.Size, cmd.Seed); err != nil {
		return err
	}
	dir, err := os.MkdirTemp(cmd.Dir, "citron-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	defer func() {
		for _, s := range b.servers {
			err = errors.Join(err, s.stop())
		}
	}()
	if b.hosts, err = newRelayHosts(); err != nil {
		return err
	}
	defer b.hosts.close() // before the servers end: they wait for connections that stall
	for _, name := range []string{"refuses", "stalls", "empty"} {
		s, err := startRelayServer(ctx, name, filepath.Join(dir, name), b.hosts, cmd.Retry)
		if err != nil {
			return err
		}
		b.servers = append(b.servers, s)
	}
	return b.measure(ctx)
}

// measure fills the queues, runs both workloads and prints.
func (b *relayBench) measure(ctx context.Context) error {
	if err := b.memory(ctx, func(s *relayServer) *uint64 { return &s.before }); err != nil {
		return err
	}
	for _, s := range b.servers[:2] {
		start := time.Now()
		if err := b.fill(ctx, s); err != nil {
			return err
		}
		fmt.Printf("%s: %d messages for a domain that is down queued in %.1f s\n", s.target.name, b.Backlog, time.Since(start).Seconds())
	}
	if err := b.memory(ctx, func(s *relayServer) *uint64 { return &s.filled }); err != nil {
		return err
	}
	all := []*target{b.servers[0].target, b.servers[1].target, b.servers[2].target}
	for _, w := range []workload{
		{title: fmt.Sprintf("Relay of %d messages (%s) to %d domains, submitted by %d connections as fast as they are taken; times from 250 to the next hop's 250", b.Messages, b.Size, b.Domains, b.Conns),
			unit: "msg", setup: b.connect, teardown: quitAll, run: b.burst},
		{title: fmt.Sprintf("The same with %d messages, each connection awaiting that its message has left", b.oneByOneMessages()),
			unit: "msg", byLatency: true, setup: b.connect, teardown: quitAll, run: b.oneByOne},
	} {
		r, err := measure(ctx, b.common, all, w)
		if err != nil {
			return err
		}
		if err := r.print(os.Stdout, all, all[2]); err != nil {
			return err
		}
	}
	return b.print(ctx)
}

// memory notes each server's PSS once they are quiet.
func (b *relayBench) memory(ctx context.Context, where func(*relayServer) *uint64) error {
	if err := rest(ctx, b.Settle); err != nil {
		return err
	}
	for _, s := range b.servers {
		pss, err := s.target.server.pss()
		if err != nil {
			return err
		}
		*where(s) = pss
	}
	return nil
}

// print shows what the servers' memory was; the peak is the kernel's own, of all
// that a server did.
func (b *relayBench) print(ctx context.Context) error {
	if err := b.memory(ctx, func(s *relayServer) *uint64 { return &s.after }); err != nil {
		return err
	}
	fmt.Printf("Memory with %d messages queued for a domain that is down\n", b.Backlog)
	out := newTable(os.Stdout)
	out.row([]string{"", "PSS before MB", "with the backlog", "grown by", "after the runs", "peak RSS"})
	mb := func(n uint64) string { return fmt.Sprintf("%.1f", float64(n)/1e6) }
	for _, s := range b.servers {
		peak := field(fmt.Sprintf("/proc/%s/status", s.target.server.arg), "VmHWM:") << 10
		out.row([]string{s.target.name, mb(s.before), mb(s.filled), fmt.Sprintf("%.1f", (float64(s.filled)-float64(s.before))/1e6), mb(s.after), mb(peak)})
	}
	if err := out.flush(); err != nil {
		return err
	}
	if n := b.hosts.stalledConns(); n > 0 || b.Backlog == 0 {
		fmt.Printf("%d connections came to the host that stalls\n", n)
		return nil
	}
	return errors.New("no connection came to the host that stalls: the backlog was not tried")
}

// fill queues the backlog.
func (b *relayBench) fill(ctx context.Context, s *relayServer) error {
	conns, err := connectMail(ctx, b.FillConns, func(ctx context.Context, _ int) (*mailConn, error) { return s.dial(ctx) })
	if err != nil {
		return err
	}
	defer quitAll(conns)
	_, err = shareOut(ctx, len(conns), b.Backlog, func(i int, buf []byte) ([]byte, error) {
		return b.submit(conns[i], fmt.Sprintf("u%d@%s.%s", b.number.Add(1), s.target.name, benchZone), buf)
	})
	return err
}

// submit sends one message to one recipient.
func (b *relayBench) submit(c *mailConn, to string, buf []byte) ([]byte, error) {
	buf = b.messages.next(buf)
	return buf, c.deliver(relayUser, to, fromField, afterFrom(buf))
}

func (b *relayBench) connect(ctx context.Context, t *target) (any, error) {
	return connectMail(ctx, b.Conns, func(ctx context.Context, _ int) (*mailConn, error) {
		return dialSubmission(ctx, t, "none", relayUser, relayPassword)
	})
}

// send submits a message for a domain that is up, and gives when its 250 came and
// a channel for the moment of the next hop's.
func (b *relayBench) send(c *mailConn, buf []byte) (_ []byte, at time.Time, left <-chan time.Time, err error) {
	n := b.number.Add(1)
	to := fmt.Sprintf("u%d@d%d.%s", n, n%int64(b.Domains), benchZone)
	left = b.hosts.expect(to)
	buf, err = b.submit(c, to, buf)
	return buf, time.Now(), left, err
}

// leaveTimeout bounds the wait for one message to leave.
const leaveTimeout = 5 * time.Minute

// await gives how long after the 250 a message had left; 0 if it was before.
func await(ctx context.Context, at time.Time, left <-chan time.Time) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, leaveTimeout)
	defer cancel()
	select {
	case then := <-left:
		return max(0, then.Sub(at)), nil
	case <-ctx.Done():
		return 0, fmt.Errorf("a message did not leave: %w", ctx.Err())
	}
}

// burst submits as fast as the server takes, and ends when all have left.
func (b *relayBench) burst(ctx context.Context, _ *target, state any) (work, error) {
	type sent struct {
		at   time.Time
		left <-chan time.Time
	}
	conns := state.([]*mailConn)
	var mu sync.Mutex
	all := make([]sent, 0, b.Messages)
	done, err := shareOut(ctx, len(conns), b.Messages, func(i int, buf []byte) ([]byte, error) {
		buf, at, left, err := b.send(conns[i], buf)
		mu.Lock()
		defer mu.Unlock()
		all = append(all, sent{at, left})
		return buf, err
	})
	done.latency = done.latency[:0]
	for _, s := range all {
		took, failed := await(ctx, s.at, s.left)
		if err = cmp.Or(err, failed); err != nil {
			return done, err
		}
		done.latency = append(done.latency, took)
	}
	return done, err
}

func (b *relayBench) oneByOneMessages() int { return max(b.Messages/4, 1) }

// oneByOne has each connection wait for its message to leave.
func (b *relayBench) oneByOne(ctx context.Context, _ *target, state any) (work, error) {
	conns := state.([]*mailConn)
	var mu sync.Mutex
	var latency []time.Duration
	done, err := shareOut(ctx, len(conns), b.oneByOneMessages(), func(i int, buf []byte) ([]byte, error) {
		buf, at, left, err := b.send(conns[i], buf)
		if err != nil {
			return buf, err
		}
		took, err := await(ctx, at, left)
		mu.Lock()
		defer mu.Unlock()
		latency = append(latency, took)
		return buf, err
	})
	done.latency = latency
	return done, err
}
