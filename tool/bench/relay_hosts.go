package bench

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/miekg/dns"
)

// benchZone is the domain below which all is that the relay is measured with.
const benchZone = "bench.example"

// Addresses of loopback, on which the hosts share one port, as hosts found by MX
// do. Linux has all of 127.0.0.0/8 without being told.
const (
	upAddress      = "127.0.0.2"
	refusesAddress = "127.0.0.3"
	stallsAddress  = "127.0.0.4"
)

// relayHosts are the DNS and the hosts of other sites: one that takes everything,
// one that takes connections and says nothing.
type relayHosts struct {
	dns  *dns.Server
	zone netip.AddrPort
	port string

	up, stalls net.Listener

	mu      sync.Mutex
	awaited map[string]chan time.Time // by recipient
	stalled []net.Conn
}

func newRelayHosts() (_ *relayHosts, err error) {
	h := &relayHosts{awaited: map[string]chan time.Time{}}
	defer func() {
		if err != nil {
			h.close()
		}
	}()
	if h.up, err = net.Listen("tcp", upAddress+":0"); err != nil {
		return nil, err
	}
	if _, h.port, err = net.SplitHostPort(h.up.Addr().String()); err != nil {
		return nil, err
	}
	if h.stalls, err = net.Listen("tcp", net.JoinHostPort(stallsAddress, h.port)); err != nil {
		return nil, err
	}
	if c, err := net.Dial("tcp", net.JoinHostPort(refusesAddress, h.port)); err == nil {
		c.Close()
		return nil, fmt.Errorf("somebody listens at %s:%s, which should refuse connections", refusesAddress, h.port)
	}
	packets, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	h.zone = netip.MustParseAddrPort(packets.LocalAddr().String())
	started := make(chan struct{})
	h.dns = &dns.Server{PacketConn: packets, Handler: dns.HandlerFunc(h.answer), NotifyStartedFunc: func() { close(started) }}
	go h.dns.ActivateAndServe()
	<-started
	go h.accept(h.up, h.take)
	go h.accept(h.stalls, h.stall)
	return h, nil
}

func (h *relayHosts) close() {
	if h.dns != nil {
		_ = h.dns.Shutdown()
	}
	for _, l := range []net.Listener{h.up, h.stalls} {
		if l != nil {
			l.Close()
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, c := range h.stalled {
		c.Close()
	}
}

func (h *relayHosts) accept(l net.Listener, serve func(net.Conn)) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go serve(c)
	}
}

// answer is the DNS: each domain has one host, without policies.
func (h *relayHosts) answer(w dns.ResponseWriter, q *dns.Msg) {
	a := new(dns.Msg)
	a.SetReply(q)
	name := strings.ToLower(q.Question[0].Name)
	address := upAddress
	switch {
	case strings.HasSuffix(name, "refuses."+benchZone+"."):
		address = refusesAddress
	case strings.HasSuffix(name, "stalls."+benchZone+"."):
		address = stallsAddress
	}
	text := ""
	switch {
	case strings.HasPrefix(name, "_"):
		a.Rcode = dns.RcodeNameError
	case q.Question[0].Qtype == dns.TypeMX:
		text = fmt.Sprintf("%s 3600 IN MX 10 mx.%s", name, name)
	case q.Question[0].Qtype == dns.TypeA:
		text = fmt.Sprintf("%s 3600 IN A %s", name, address)
	}
	if text != "" {
		if rr, err := dns.NewRR(text); err == nil {
			a.Answer = append(a.Answer, rr)
		}
	}
	_ = w.WriteMsg(a)
}

// expect gives the channel that gets the moment at which a recipient's message
// was taken.
func (h *relayHosts) expect(to string) <-chan time.Time {
	left := make(chan time.Time, 1)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.awaited[to] = left
	return left
}

func (h *relayHosts) taken(to string, at time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if left := h.awaited[to]; left != nil {
		left <- at
		delete(h.awaited, to)
	}
}

func (h *relayHosts) stall(c net.Conn) {
	h.mu.Lock()
	h.stalled = append(h.stalled, c)
	h.mu.Unlock()
	_, _ = io.Copy(io.Discard, c)
	c.Close()
}

// stalledConns is how many connections came to the host that says nothing.
func (h *relayHosts) stalledConns() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.stalled)
}

// take speaks as much SMTP as a relay that is known needs.
func (h *relayHosts) take(c net.Conn) {
	defer c.Close()
	r := bufio.NewReaderSize(c, 16<<10)
	say := func(text string) { _, _ = io.WriteString(c, text+"\r\n") }
	say("220 mx.bench.example ESMTP")
	var to string
	for {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return
		}
		verb, rest, _ := bytes.Cut(bytes.TrimSpace(line), []byte(" "))
		switch strings.ToUpper(string(verb)) {
		case "EHLO":
			say("250-mx.bench.example\r\n250-8BITMIME\r\n250-PIPELINING\r\n250-SIZE\r\n250 ENHANCEDSTATUSCODES")
		case "MAIL", "RSET":
			say("250 2.1.0 ok")
		case "RCPT":
			_, path, _ := bytes.Cut(rest, []byte("<"))
			path, _, _ = bytes.Cut(path, []byte(">"))
			to = string(path)
			say("250 2.1.5 ok")
		case "DATA":
			say("354 go on")
			if skipData(r) != nil {
				return
			}
			say("250 2.0.0 taken")
			h.taken(to, time.Now())
		case "QUIT":
			say("221 2.0.0 bye")
			return
		default:
			say("502 5.5.1 what?")
		}
	}
}

// skipData reads a message up to its end.
func skipData(r *bufio.Reader) error {
	for whole := true; ; {
		line, err := r.ReadSlice('\n')
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return err
		}
		if whole && string(line) == ".\r\n" {
			return nil
		}
		whole = err == nil
	}
}
