package route

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

var monday = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// names gives the hosts of a route, or the error's status.
func names(route *Route, err error) string {
	var e *Error
	switch {
	case errors.As(err, &e):
		return e.Status.String()
	case err != nil:
		return err.Error()
	}
	var list []string
	for _, h := range route.Hosts {
		list = append(list, h.Name)
	}
	return strings.Join(list, " ")
}

func TestMX(t *testing.T) {
	z, now := newZone(t), monday
	z.Add("a.example. 300 IN MX 20 two.example.", "a.example. 300 IN MX 10 One.example.", "a.example. 300 IN MX 30 .",
		"null.example. 300 IN MX 0 .",
		"self.example. 300 IN MX 10 mx.example.org.", "self.example. 300 IN MX 20 two.example.",
		"middle.example. 300 IN MX 5 one.example.", "middle.example. 300 IN MX 10 two.example.", "middle.example. 300 IN MX 10 MX.example.org.", "middle.example. 300 IN MX 20 three.example.",
		"alias.example. 300 IN CNAME a.example.",
		"www.example. 300 IN CNAME host.example.",
		"host.example. 300 IN A 192.0.2.1",
		"six.example. 300 IN AAAA 2001:db8::1",
		"none.example. 300 IN TXT \"nothing\"",
		"loop.example. 300 IN CNAME loop.example.",
		"dots.example. 300 IN MX 1 .", "dots.example. 300 IN MX 2 .",
	)
	z.Fail("broken.example.", dns.RcodeServerFailure)
	z.Fail("refused.example.", dns.RcodeRefused)
	r := z.resolver(&now, Options{Own: []string{"mx.example.org"}, NoPolicies: true})
	for _, test := range []struct{ domain, want string }{
		{"a.example", "one.example two.example"}, // RFC 5321 §5.1: by preference
		{"null.example", "5.1.10"},               // RFC 7505 §3
		{"self.example", "5.4.6"},                // RFC 5321 §5.1: we are the best of them
		{"middle.example", "one.example"},        // … and only better ones than us are used
		{"alias.example", "one.example two.example"},
		{"www.example", "host.example"}, // a CNAME is followed, then RFC 5321 §5.1's implicit MX
		{"host.example", "host.example"},
		{"six.example", "six.example"},
		{"none.example", "5.1.2"},
		{"nowhere.example", "5.1.2"},
		{"loop.example", "5.1.2"},
		{"broken.example", "4.4.3"},
		{"refused.example", "4.4.3"},
		{"dots.example", "5.4.4"},
		{strings.Repeat("a", 64) + ".example", "5.1.2"},
		{"[192.0.2.1]", "[192.0.2.1]"},
		{"[IPv6:2001:db8::1]", "[IPv6:2001:db8::1]"},
		{"[2001:db8::1]", "5.1.3"},
		{"[fe80::1%eth0]", "5.1.3"},
		{"[nonsense]", "5.1.3"},
	} {
		if got := names(r.Route(t.Context(), test.domain)); got != test.want {
			t.Errorf("%.40s: %s, want %s", test.domain, got, test.want)
		}
	}
	var e *Error
	if _, err := r.Route(t.Context(), "null.example"); !errors.As(err, &e) || e.Code != 556 { // RFC 7505 §4.1
		t.Errorf("null MX: %v", err)
	}
}

// RFC 5321 §5.1: hosts of the same preference come in random order.
func TestEqualPreferences(t *testing.T) {
	z, now := newZone(t), monday
	for i := range 20 {
		z.Add(fmt.Sprintf("a.example. 300 IN MX %d h%d.example.", i/10, i))
	}
	r := z.resolver(&now, Options{NoPolicies: true, MaxHosts: 11})
	first := map[string]bool{}
	for range 50 {
		route, err := r.Route(t.Context(), "a.example")
		if err != nil || len(route.Hosts) != 11 || len(route.Hosts[0].Name) != len("h0.example") || len(route.Hosts[10].Name) != len("h10.example") {
			t.Fatalf("%s", names(route, err))
		}
		first[route.Hosts[0].Name] = true
	}
	if len(first) < 3 {
		t.Errorf("always %v", first)
	}
}

func TestAddresses(t *testing.T) {
	z, now := newZone(t), monday
	z.Add("both.example. 300 IN A 192.0.2.1", "both.example. 300 IN A 192.0.2.2", "both.example. 300 IN AAAA 2001:db8::1", "both.example. 300 IN AAAA 2001:db8::2", "both.example. 300 IN A 192.0.2.3",
		"inner.example. 300 IN A 127.0.0.1", "inner.example. 300 IN A 10.1.2.3", "inner.example. 300 IN AAAA fe80::1", "inner.example. 300 IN AAAA ::1",
		"inner.example. 300 IN AAAA ::ffff:10.0.0.1", "inner.example. 300 IN AAAA 64:ff9b::10.0.0.1", "inner.example. 300 IN AAAA 2002:7f00:1::1",
		"inner.example. 300 IN AAAA 64:ff9b:1:a00:0:100:808:808", // 10.0.0.1 by RFC 6052 §2.2, /48
		"mixed.example. 300 IN A 192.168.0.1", "mixed.example. 300 IN A 198.51.100.1",
		"mapped.example. 300 IN AAAA ::ffff:203.0.113.9",
		"own.example. 300 IN A 203.0.113.9", "own.example. 300 IN A 192.0.2.1",
		"half.example. 300 IN A 192.0.2.1",
	)
	z.Fail("broken.example.", dns.RcodeServerFailure)
	r := z.resolver(&now, Options{Port: 2525, OwnAddresses: []netip.Addr{netip.MustParseAddr("203.0.113.9")}})
	for range 10 {
		got, err := r.Addresses(t.Context(), Host{Name: "both.example", Port: 25})
		if err != nil || len(got) != 4 || !got[0].Addr().Is6() || !got[1].Addr().Is4() || !got[2].Addr().Is6() || !got[3].Addr().Is4() || got[0].Port() != 25 {
			t.Fatalf("%v, %v", got, err)
		}
	}
	for host, want := range map[string]string{
		"inner.example": "5.4.4", "own.example": "5.4.6", "mapped.example": "5.4.6", "nowhere.example": "5.4.4", "broken.example": "4.4.3",
		"[127.0.0.1]": "5.4.4", "[IPv6:::1]": "5.4.4", "[169.254.169.254]": "5.4.4", "[0.0.0.0]": "5.4.4", "[203.0.113.9]": "5.4.6", "[255.255.255.255]": "5.4.4",
	} {
		var e *Error
		if got, err := r.Addresses(t.Context(), Host{Name: host}); !errors.As(err, &e) || e.Status.String() != want {
			t.Errorf("%s: %v, %v, want %s", host, got, err, want)
		}
	}
	for host, want := range map[string]string{"mixed.example": "198.51.100.1:25", "[IPv6:2001:db8::9]": "[2001:db8::9]:25", "half.example": "192.0.2.1:25"} {
		if got, err := r.Addresses(t.Context(), Host{Name: host, Port: 25}); err != nil || len(got) != 1 || got[0].String() != want {
			t.Errorf("%s: %v, %v", host, got, err)
		}
	}
	r = z.resolver(&now, Options{NoIPv6: true, Private: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}})
	got, err := r.Addresses(t.Context(), Host{Name: "inner.example", Port: 25})
	if err != nil || len(got) != 1 || got[0].String() != "10.1.2.3:25" {
		t.Errorf("with 10/8 allowed: %v, %v", got, err)
	}
}

// Answers are kept as long as they say, and no longer; that nothing is there,
// too (RFC 2308 §5).
func TestCache(t *testing.T) {
	z, now := newZone(t), monday
	z.Add("a.example. 100 IN MX 10 one.example.", "zero.example. 0 IN MX 10 one.example.")
	r := z.resolver(&now, Options{NoPolicies: true})
	ask := func(domain string) { r.Route(t.Context(), domain) }
	for step, want := range []int{1, 1, 2} {
		ask("A.example")
		if got := z.Asked("a.example.", dns.TypeMX); got != want {
			t.Errorf("step %d: asked %d times", step, got)
		}
		now = now.Add(60 * time.Second)
	}
	for range 3 {
		ask("nowhere.example")
		ask("zero.example")
	}
	if missing, zero := z.Asked("nowhere.example.", dns.TypeMX), z.Asked("zero.example.", dns.TypeMX); missing != 1 || zero != 3 {
		t.Errorf("asked %d and %d times", missing, zero)
	}
	now = now.Add(301 * time.Second)
	if ask("nowhere.example"); z.Asked("nowhere.example.", dns.TypeMX) != 2 {
		t.Error("that there is nothing is believed for too long")
	}
	// RFC 2181 §8: a time with the highest bit set is none.
	z.Add("huge.example. 4294967295 IN MX 10 one.example.")
	ask("huge.example")
	if ask("huge.example"); z.Asked("huge.example.", dns.TypeMX) != 2 {
		t.Error("a time of more than 31 bits counts")
	}
	z.Fail("broken.example.", dns.RcodeServerFailure)
	ask("broken.example")
	z.Fail("broken.example.", dns.RcodeSuccess)
	if got := names(r.Route(t.Context(), "broken.example")); got != "4.4.3" {
		t.Errorf("right after a failure: %s", got)
	}
	now = now.Add(failureTTL)
	z.Add("broken.example. 100 IN MX 10 one.example.")
	if got := names(r.Route(t.Context(), "broken.example")); got != "one.example" {
		t.Errorf("after a failure: %s", got)
	}
}

func TestCacheIsBounded(t *testing.T) {
	z, now := newZone(t), monday
	r := z.resolver(&now, Options{NoPolicies: true, CacheEntries: 20})
	for i := range 200 {
		r.Route(t.Context(), fmt.Sprintf("d%d.example", i))
	}
	if n := len(r.cache.kept); n > 20 {
		t.Errorf("%d answers are kept", n)
	}
}

// An answer that is cut comes again over TCP; one server that is dead or lies
// does not hide the other.
func TestServers(t *testing.T) {
	good, bad, now := newZone(t), newZone(t), monday
	for i := range 40 {
		good.Add(fmt.Sprintf("big.example. 300 IN MX 10 host-with-a-long-name-%d.example.", i))
	}
	good.Cut("big.example.")
	good.Add("a.example. 300 IN MX 10 one.example.")
	r := good.resolver(&now, Options{NoPolicies: true, Servers: []netip.AddrPort{bad.Addr}})
	for name, lie := range map[string]func(*dns.Msg){
		"no response":      func(m *dns.Msg) { m.Response = false },
		"another question": func(m *dns.Msg) { m.Question[0].Name = "b.example." },
		"another type":     func(m *dns.Msg) { m.Question[0].Qtype = dns.TypeA },
		"failure":          func(m *dns.Msg) { m.Rcode = dns.RcodeServerFailure },
		"cut for ever":     func(m *dns.Msg) { m.Truncated = true },
	} {
		bad.Lie(lie)
		now = now.Add(time.Hour)
		if got := names(r.Route(t.Context(), "a.example")); got != "one.example" {
			t.Errorf("%s: %s", name, got)
		}
	}
	r = good.resolver(&now, Options{NoPolicies: true, Servers: nil, MaxHosts: 100})
	if route, err := r.Route(t.Context(), "big.example"); err != nil || len(route.Hosts) != 40 || good.TCP() == 0 {
		t.Errorf("%s, %d over TCP", names(route, err), good.TCP())
	}
	// RFC 6891 §7: a server that knows no EDNS0 is asked without.
	good.Lie(func(m *dns.Msg) {
		if m.IsEdns0() != nil {
			m.Rcode = dns.RcodeFormatError
		}
	})
	if got := names(r.Route(t.Context(), "a.example")); got != "one.example" {
		t.Errorf("without EDNS0: %s", got)
	}
}

func TestManyRecords(t *testing.T) {
	z, now := newZone(t), monday
	for i := range 300 {
		z.Add(fmt.Sprintf("a.example. 300 IN MX %d h%d.example.", i, i))
	}
	z.Cut("a.example.")
	r := z.resolver(&now, Options{NoPolicies: true})
	a, err := r.lookup(t.Context(), "a.example", dns.TypeMX)
	if err != nil || len(a.mx) != maxAnswers {
		t.Errorf("%v", err)
	}
}

func TestGivesUp(t *testing.T) {
	z, now := newZone(t), monday
	r := z.resolver(&now, Options{})
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if _, err := r.Route(ctx, "a.example"); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

func TestLiterals(t *testing.T) {
	for text, want := range map[string]string{
		"[192.0.2.1]": "192.0.2.1", "[ipv6:2001:DB8::1]": "2001:db8::1", "[IPv6:::ffff:10.0.0.1]": "10.0.0.1",
		"[192.0.2.1": "", "192.0.2.1]": "", "[IPv6:192.0.2.1]": "", "[]": "", "[x:y]": "",
	} {
		a, ok := literal(text)
		if ok != (want != "") || ok && a.String() != want {
			t.Errorf("%s: %v, %v", text, a, ok)
		}
	}
}

func TestSmarthost(t *testing.T) {
	z, now := newZone(t), monday
	z.Add("smart.example. 300 IN A 10.0.0.1", "smart.example. 300 IN AAAA fd00::1")
	s := NewSmarthost(SmarthostOptions{Host: "Smart.example", Port: 587, TLS: TLS{Required: true, Verified: true}, Login: true,
		Servers: []netip.AddrPort{z.Addr}, Resolver: z.resolver(&now, Options{}), Now: func() time.Time { return now }})
	route, err := s.Route(t.Context(), "any.example")
	if err != nil || len(route.Hosts) != 1 || route.Hosts[0] != (Host{Name: "smart.example", Port: 587, TLS: TLS{Required: true, Verified: true}, Trusted: true, Login: true}) {
		t.Fatalf("%+v, %v", route, err)
	}
	for range 3 {
		got, err := s.Addresses(t.Context(), route.Hosts[0])
		slices.SortFunc(got, netip.AddrPort.Compare)
		if err != nil || fmt.Sprint(got) != "[10.0.0.1:587 [fd00::1]:587]" {
			t.Errorf("%v, %v", got, err)
		}
	}
	if n := z.Asked("smart.example.", dns.TypeA); n != 1 {
		t.Errorf("asked %d times", n)
	}
	s = NewSmarthost(SmarthostOptions{Host: "127.0.0.1", Port: 25})
	route, _ = s.Route(t.Context(), "any.example")
	if got, err := s.Addresses(t.Context(), route.Hosts[0]); err != nil || got[0].String() != "127.0.0.1:25" {
		t.Errorf("%v, %v", got, err)
	}
	s = NewSmarthost(SmarthostOptions{Host: "nowhere.example", Port: 25, Servers: []netip.AddrPort{z.Addr}})
	var e *Error
	if _, err := s.Addresses(t.Context(), Host{Name: "nowhere.example"}); !errors.As(err, &e) || !e.Temporary() {
		t.Errorf("%v", err)
	}
}
