package policies_test

import (
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"

	"citron/engine/kv"
	"citron/engine/kv/memkv"
	"citron/submission/relay/policies"
	"citron/submission/relay/relaytest"
	"citron/submission/relay/route"
)

// site is a domain with its DNS and policy host, and a server that writes to it.
type site struct {
	*relaytest.Zone
	t       *testing.T
	engine  *memkv.Engine
	r       *route.Resolver
	options route.Options
	now     time.Time
	text    atomic.Value // of the policy; empty: it cannot be had
	fetched atomic.Int32
}

const enforced = "version: STSv1\nmode: enforce\nmx: mx.a.example\nmax_age: 604800\n"

func newSite(t *testing.T) *site {
	s := &site{Zone: relaytest.NewZone(t), t: t, engine: memkv.New(memkv.Options{}), now: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)}
	ca := relaytest.NewCA(t)
	host := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		s.fetched.Add(1)
		w.Header().Set("Content-Type", "text/plain")
		text := s.text.Load().(string)
		if text == "" {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		fmt.Fprint(w, text)
	}))
	host.TLS = &tls.Config{Certificates: []tls.Certificate{ca.Leaf(t, "mta-sts.a.example")}}
	host.Config.ErrorLog = log.New(io.Discard, "", 0)
	host.StartTLS()
	t.Cleanup(host.Close)
	s.options = route.Options{
		Servers: []netip.AddrPort{s.Addr}, Roots: ca.Roots, Private: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
		PolicyPort: netip.MustParseAddrPort(host.Listener.Addr().String()).Port(), Now: func() time.Time { return s.now },
	}
	s.Add("a.example. 60 IN MX 10 mx.a.example.", "mta-sts.a.example. 60 IN A 127.0.0.1", `_mta-sts.a.example. 60 IN TXT "v=STSv1; id=one;"`)
	s.text.Store(enforced)
	s.restart()
	return s
}

// restart has all that is not in the engine forgotten.
func (s *site) restart() {
	s.t.Helper()
	s.engine = s.engine.Reopen(memkv.Options{})
	s.options.Policies = policies.New(s.engine, slog.New(slog.DiscardHandler))
	r, err := route.New(s.t.Context(), s.options)
	if err != nil {
		s.t.Fatal(err)
	}
	s.r = r
}

// attack has the DNS deny the record and lead mail to another host, and the
// policy host be out of reach.
func (s *site) attack() {
	s.Remove("_mta-sts.a.example.", dns.TypeTXT)
	s.Remove("a.example.", dns.TypeMX)
	s.Add("a.example. 60 IN MX 10 mx.evil.example.")
	s.text.Store("")
}

// expect says whether mail may go to the host that the DNS names.
func (s *site) expect(what string, excluded bool, fetched int32) {
	s.t.Helper()
	got, err := s.r.Route(s.t.Context(), "a.example")
	if err != nil || len(got.Hosts) != 1 || got.Hosts[0].Excluded != excluded {
		s.t.Errorf("%s: %+v, %v", what, got, err)
	}
	if n := s.fetched.Load(); n != fetched {
		s.t.Errorf("%s: fetched %d times, want %d", what, n, fetched)
	}
}

// RFC 8461 §3.3, §10.2: whoever takes the record out of the DNS has mail go
// elsewhere only when max_age is over, whatever restarts there are.
func TestPolicyOutlivesRestart(t *testing.T) {
	s := newSite(t)
	s.expect("the policy is met", false, 1)
	s.attack()
	s.restart()
	s.expect("a restart", true, 1)
	s.now = s.now.Add(25 * time.Hour)
	s.restart()
	s.expect("a day later it would be fetched", true, 2)
	s.now = s.now.Add(5*24*time.Hour + 22*time.Hour)
	s.restart()
	s.expect("to the end of max_age", true, 3)
	s.now = s.now.Add(2 * time.Hour)
	s.expect("and no longer", false, 3)
	s.restart()
	if n, err := s.engine.Accounts(t.Context(), kv.Policies-1, 1); err != nil || len(n) != 0 {
		t.Errorf("what holds no longer is still kept: %v, %v", n, err)
	}
}

// What was fetched anew without a record holds from then on, also after a
// restart.
func TestRefreshedPolicyOutlivesRestart(t *testing.T) {
	s := newSite(t)
	s.expect("the policy is met", false, 1)
	s.Remove("_mta-sts.a.example.", dns.TypeTXT)
	s.now = s.now.Add(6 * 24 * time.Hour)
	s.expect("fetched anew", false, 2)
	s.attack()
	s.now = s.now.Add(6 * 24 * time.Hour)
	s.restart()
	s.expect("it holds", true, 3)
	s.text.Store("version: STSv1\nmode: none\nmax_age: 604800\n")
	s.now = s.now.Add(2 * time.Hour)
	s.expect("taken back by the domain itself", false, 4)
	s.restart()
	s.expect("for good", false, 4)
}
