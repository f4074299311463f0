package relaytest

import (
	"net"
	"net/netip"
	"sync"
	"testing"

	"github.com/miekg/dns"
)

// Zone is a DNS server on loopback that says what a test has it say.
type Zone struct {
	Addr netip.AddrPort

	t testing.TB

	mu      sync.Mutex
	records map[question][]string // in zone file form
	rcodes  map[string]int        // of a name
	cut     map[string]bool       // answers over UDP are truncated
	lie     func(*dns.Msg)        // spoils answers
	asked   map[question]int
	tcp     int
}

type question struct {
	name  string
	qtype uint16
}

const soaText = "example. 600 IN SOA ns.example. root.example. 1 3600 600 86400 300"

// NewZone starts one with nothing in it.
func NewZone(t testing.TB) *Zone {
	z := &Zone{t: t, records: map[question][]string{}, rcodes: map[string]int{}, cut: map[string]bool{}, asked: map[question]int{}}
	pc, l := listenBoth(t)
	z.Addr = netip.MustParseAddrPort(pc.LocalAddr().String())
	for _, s := range []*dns.Server{
		{PacketConn: pc, Handler: dns.HandlerFunc(z.serve(false))},
		{Listener: l, Handler: dns.HandlerFunc(z.serve(true))},
	} {
		up := make(chan struct{})
		s.NotifyStartedFunc = func() { close(up) }
		go s.ActivateAndServe()
		<-up
		t.Cleanup(func() { s.Shutdown() })
	}
	return z
}

// listenBoth opens a port that is free for UDP and for TCP: the system chooses
// one by the former, and another may have it for the latter.
func listenBoth(t testing.TB) (net.PacketConn, net.Listener) {
	for range 20 {
		pc, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		l, err := net.Listen("tcp", pc.LocalAddr().String())
		if err == nil {
			return pc, l
		}
		pc.Close()
	}
	t.Fatal("no port is free for UDP and TCP")
	return nil, nil
}

// Add takes records in zone file form.
func (z *Zone) Add(records ...string) {
	z.mu.Lock()
	defer z.mu.Unlock()
	for _, text := range records {
		rr, err := dns.NewRR(text)
		if err != nil {
			z.t.Fatal(err)
		}
		q := question{rr.Header().Name, rr.Header().Rrtype}
		z.records[q] = append(z.records[q], text)
	}
}

// Asked is how often a question came.
func (z *Zone) Asked(name string, qtype uint16) int {
	z.mu.Lock()
	defer z.mu.Unlock()
	return z.asked[question{name, qtype}]
}

// TCP is how many questions came over TCP.
func (z *Zone) TCP() int {
	z.mu.Lock()
	defer z.mu.Unlock()
	return z.tcp
}

// Remove takes records away.
func (z *Zone) Remove(name string, qtype uint16) {
	z.mu.Lock()
	defer z.mu.Unlock()
	delete(z.records, question{name, qtype})
}

// Fail has questions for a name answered with a code; 0: no longer.
func (z *Zone) Fail(name string, rcode int) {
	z.mu.Lock()
	defer z.mu.Unlock()
	z.rcodes[name] = rcode
}

// Cut truncates what goes over UDP of a name.
func (z *Zone) Cut(name string) {
	z.mu.Lock()
	defer z.mu.Unlock()
	z.cut[name] = true
}

// Lie spoils answers before they go.
func (z *Zone) Lie(spoil func(*dns.Msg)) {
	z.mu.Lock()
	defer z.mu.Unlock()
	z.lie = spoil
}

func (z *Zone) serve(tcp bool) func(dns.ResponseWriter, *dns.Msg) {
	return func(w dns.ResponseWriter, m *dns.Msg) {
		z.mu.Lock()
		defer z.mu.Unlock()
		q := question{m.Question[0].Name, m.Question[0].Qtype}
		z.asked[q]++
		if tcp {
			z.tcp++
		}
		a := new(dns.Msg)
		a.SetReply(m)
		a.Rcode = z.rcodes[q.name]
		z.answer(a, q)
		if a.Truncated = z.cut[q.name] && !tcp; a.Truncated {
			a.Answer = nil
		}
		if z.lie != nil {
			z.lie(a)
		}
		w.WriteMsg(a)
	}
}

// answer follows CNAME records, as a recursive server does.
func (z *Zone) answer(a *dns.Msg, q question) {
	known := false
	for range 20 {
		for _, text := range z.records[q] {
			rr, _ := dns.NewRR(text)
			a.Answer = append(a.Answer, rr)
		}
		alias := z.records[question{q.name, dns.TypeCNAME}]
		if len(alias) == 0 {
			break
		}
		known = true
		rr, _ := dns.NewRR(alias[0])
		a.Answer = append(a.Answer, rr)
		q.name = rr.(*dns.CNAME).Target
	}
	for k := range z.records {
		known = known || k.name == q.name
	}
	if len(z.records[q]) == 0 {
		rr, _ := dns.NewRR(soaText)
		a.Ns = append(a.Ns, rr)
	}
	if !known && a.Rcode == 0 {
		a.Rcode = dns.RcodeNameError
	}
}
