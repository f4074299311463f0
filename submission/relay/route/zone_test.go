package route

import (
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// zone is a DNS server on loopback that says what a test has it say.
type zone struct {
	t    *testing.T
	addr netip.AddrPort

	mu      sync.Mutex
	records map[question][]string // in zone file form
	rcodes  map[string]int        // of a name
	cut     map[string]bool       // answers over UDP are truncated
	lie     func(*dns.Msg)        // spoils answers
	asked   map[question]int
	tcp     int
}

const soaText = "example. 600 IN SOA ns.example. root.example. 1 3600 600 86400 300"

func newZone(t *testing.T) *zone {
	z := &zone{t: t, records: map[question][]string{}, rcodes: map[string]int{}, cut: map[string]bool{}, asked: map[question]int{}}
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	z.addr = netip.MustParseAddrPort(pc.LocalAddr().String())
	l, err := net.Listen("tcp", z.addr.String())
	if err != nil {
		t.Fatal(err)
	}
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

// add takes records in zone file form.
func (z *zone) add(records ...string) {
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

func (z *zone) times(name string, qtype uint16) int {
	z.mu.Lock()
	defer z.mu.Unlock()
	return z.asked[question{name, qtype}]
}

func (z *zone) serve(tcp bool) func(dns.ResponseWriter, *dns.Msg) {
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
func (z *zone) answer(a *dns.Msg, q question) {
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

// resolver asks the zone. The clock is the test's.
func (z *zone) resolver(now *time.Time, o Options) *Resolver {
	o.Servers, o.Timeout = append(o.Servers, z.addr), 2*time.Second
	o.Now = func() time.Time { return *now }
	r, err := New(o)
	if err != nil {
		z.t.Fatal(err)
	}
	return r
}
