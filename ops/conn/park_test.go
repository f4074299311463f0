package conn

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// parker is a session that idles and says on a Wake when that was.
type parker struct {
	c     Conn
	since atomic.Int64
	hello bool
}

func (p *parker) Step(t *Turn) Wait {
	if !p.hello {
		p.hello = true
		t.Out = append(t.Out, "0\n"...)
	}
	if at := p.since.Swap(0); at != 0 {
		t.Out = append(strconv.AppendInt(t.Out, at, 10), '\n')
	}
	t.Consume(len(t.In))
	return Wait{Input: true, Idle: true}
}

func (p *parker) Close(error) {}

func (p *parker) wake() {
	p.since.Store(time.Now().UnixNano())
	p.c.Wake()
}

// TestParkedGoroutines: parked sessions have none, and all are alive.
func TestParkedGoroutines(t *testing.T) {
	var o Options
	on := &Listener{TLS: serverTLS}
	r := newRig(t, "tcp", &o, on)
	clients := make([]*client, 300)
	for i := range clients {
		c := r.dial()
		c.say("STARTTLS")
		c.want("OK")
		clients[i] = c.secure(clientTLS())
		clients[i].say("IDLE")
		clients[i].want("+")
	}
	until(t, "all parked", func() bool { return r.srv.Stats().Parked == len(clients) })
	until(t, "goroutines to end", func() bool { return runtime.NumGoroutine() < 50 })
	for _, s := range r.log.all() {
		s.wake()
	}
	for _, c := range clients {
		c.want("* 1")
		c.say("DONE")
	}
	for _, c := range clients {
		c.want("done")
	}
}

const parkClientEnv = "CITRON_PARK_CLIENT"

// BenchmarkParked parks b.N implicit TLS sessions, whose clients live in
// another process, and then wakes them one by one and all at once:
//
//	go test -run '^$' -bench Parked -benchtime 5000x ./ops/conn
//
// It reports the growth of this process's PSS for each session and the time
// from Wake until the client has the plaintext.
func BenchmarkParked(b *testing.B) {
	for _, d := range []string{"tcp", "portable"} {
		b.Run(d, func(b *testing.B) { benchmarkParked(b, d) })
	}
}

func benchmarkParked(b *testing.B, d string) {
	if b.N == 1 {
		return // the run that finds b.N
	}
	sessions := make(chan *parker, b.N)
	o := Options{Limits: Limits{BeforeLogin: -1}}
	on := &Listener{TLS: serverTLS, Implicit: true, NewSession: func(c Conn) Session {
		p := &parker{c: c}
		sessions <- p
		return p
	}}
	r := newRig(b, d, &o, on)
	nc := r.connect()
	address := nc.RemoteAddr().String()
	nc.Close()
	until(b, "empty", func() bool { return r.srv.Stats().Open == 0 })
	pss := memoryPSS(b)
	goroutines := runtime.NumGoroutine()
	b.ResetTimer()

	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), fmt.Sprintf("%s=%s %d", parkClientEnv, address, b.N))
	child.Stderr = os.Stderr
	in, _ := child.StdinPipe()
	out, _ := child.StdoutPipe()
	if err := child.Start(); err != nil {
		b.Fatal(err)
	}
	defer child.Wait()
	defer in.Close()
	say := bufio.NewScanner(out)
	say.Scan() // "ready"
	until(b, "all parked", func() bool { return r.srv.Stats().Parked == b.N })
	b.StopTimer()
	b.ReportMetric(float64(memoryPSS(b)-pss)/float64(b.N), "PSS-B/session")
	b.ReportMetric(float64(runtime.NumGoroutine()-goroutines), "goroutines")

	all := make([]*parker, b.N)
	for i := range all {
		all[i] = <-sessions
	}
	for _, p := range all[:min(b.N, 1000)] {
		p.wake()
		say.Scan() // each is answered before the next
	}
	for _, p := range all {
		p.wake()
	}
	for range all {
		say.Scan()
	}
	fmt.Fprintln(in, "end")
	for say.Scan() {
		name, value, _ := strings.Cut(say.Text(), " ")
		if v, err := strconv.ParseFloat(value, 64); err == nil {
			b.ReportMetric(v, name)
		}
	}
	b.ReportMetric(float64(memoryPSS(b)-pss)/float64(b.N), "PSS-after-wake-B/session")
}

// memoryPSS returns this process's proportional set size in bytes.
func memoryPSS(b *testing.B) int64 {
	f, err := os.ReadFile("/proc/self/smaps_rollup")
	if err != nil {
		b.Skip(err)
	}
	for line := range bytes.Lines(f) {
		if f := bytes.Fields(line); len(f) == 3 && string(f[0]) == "Pss:" {
			kb, _ := strconv.ParseInt(string(f[1]), 10, 64)
			return kb << 10
		}
	}
	b.Skip("no Pss in smaps_rollup")
	return 0
}

// parkClient is the other process of BenchmarkParked: it holds the clients,
// says a line for each wake it sees, and at the end how long they took.
func parkClient() {
	address, count, _ := strings.Cut(os.Getenv(parkClientEnv), " ")
	n, _ := strconv.Atoi(count)
	heard := make(chan time.Duration, n)
	for range n {
		nc, err := tls.Dial("tcp", address, clientTLS())
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		r := bufio.NewReaderSize(nc, 64)
		r.ReadString('\n')
		go hear(nc, r, heard)
	}
	fmt.Println("ready")
	one := make([]time.Duration, min(n, 1000))
	for i := range one {
		one[i] = <-heard
		fmt.Println("heard")
	}
	many := make([]time.Duration, n)
	for i := range many {
		many[i] = <-heard
		fmt.Println("heard")
	}
	bufio.NewReader(os.Stdin).ReadString('\n')
	for name, d := range map[string][]time.Duration{"wake-one": one, "wake-all": many} {
		slices.Sort(d)
		fmt.Printf("%s-p50-us %d\n", name, d[len(d)/2].Microseconds())
		fmt.Printf("%s-p99-us %d\n", name, d[len(d)*99/100].Microseconds())
	}
}

func hear(nc net.Conn, r *bufio.Reader, heard chan<- time.Duration) {
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		at, _ := strconv.ParseInt(strings.TrimSpace(line), 10, 64)
		heard <- time.Since(time.Unix(0, at))
	}
}
