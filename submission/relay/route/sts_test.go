package route

import (
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"

	"citron/submission/relay/relaytest"
)

// RFC 8461 §3.1.
func TestPolicyID(t *testing.T) {
	// The example of RFC 8461 §3.1.
	if id, ok := parseID([]string{"v=STSv1; id=20160831085700Z;"}); !ok || id != "20160831085700Z" {
		t.Errorf("%q, %v", id, ok)
	}
	for text, want := range map[string]string{
		"v=STSv1;id=a": "a", "v=STSv1 ; x=y; id=b ; id=c": "b", "v=STSv1; id=": "", "v=STSv1;": "", "v=STSv1": "", "v=STSv2; id=a": "",
		"V=STSv1; id=a": "", "v=STSv1; id=a_b": "", "v=STSv1; id=a;; x=y": "", "v=STSv1; id=a; novalue": "", "id=a; v=STSv1": "",
		"v=STSv1; id=" + strings.Repeat("a", 33): "",
	} {
		if id, ok := parseID([]string{"other", text}); id != want && ok || ok != (want != "") {
			t.Errorf("%q: %q, %v", text, id, ok)
		}
	}
	// RFC 8461 §3.1: several are none.
	if _, ok := parseID([]string{"v=STSv1; id=a", "v=STSv1; id=b"}); ok {
		t.Error("two records are taken")
	}
}

// RFC 8461 §3.2.
func TestParsePolicy(t *testing.T) {
	// The example of RFC 8461 §3.2.
	example := "version: STSv1\r\nmode: enforce\r\nmx: mail.example.com\r\nmx: *.example.net\r\nmx: backupmx.example.com\r\nmax_age: 604800\r\n"
	p, err := parsePolicy(example)
	if err != nil || p.Mode != ModeEnforce || p.MaxAge != 7*24*time.Hour || len(p.Patterns) != 3 {
		t.Errorf("%+v, %v", p, err)
	}
	for host, want := range map[string]bool{ // RFC 8461 §4.1
		"mail.example.com": true, "backupmx.example.com": true, "a.example.net": true,
		"example.net": false, "a.b.example.net": false, "example.com": false, "x.mail.example.com": false, "": false,
	} {
		if p.matches(host) != want {
			t.Errorf("%s: %v", host, !want)
		}
	}
	good := func(text string) Policy {
		t.Helper()
		p, err := parsePolicy(text)
		if err != nil {
			t.Errorf("%q: %v", text, err)
		}
		return p
	}
	good("version: STSv1\nmode: none\nmax_age: 0")
	if p := good("version:STSv1\nmode:testing \nmode: enforce\nx-y.z: \"ä\"\nmx:A.example\nmax_age:9999999999\n"); p.Mode != ModeTesting || p.MaxAge != maxAge*time.Second || p.Patterns[0] != "a.example" {
		t.Errorf("%+v", p)
	}
	for _, text := range []string{
		"", "version: STSv1\nmode: enforce\nmax_age: 1", "version: STSv2\nmode: none\nmax_age: 1", "mode: none\nmax_age: 1",
		"version: STSv1\nmax_age: 1\nmx: a.b", "version: STSv1\nmode: none", "version: STSv1\nmode: strict\nmx: a\nmax_age: 1",
		"version: STSv1\nmode: enforce\nmx: *\nmax_age: 1", "version: STSv1\nmode: enforce\nmx: a.*.b\nmax_age: 1", "version: STSv1\nmode: enforce\nmx: a..b\nmax_age: 1",
		"version: STSv1\nmode: none\nmax_age: -1", "version: STSv1\nmode: none\nmax_age: 12345678901", "version: STSv1\nmode: none\nmax_age: 1\nnonsense",
		"version: STSv1\nmode: none\n\nmax_age: 1", "<html>",
		"version: STSv1\nmode: enforce\nmax_age: 1\n" + strings.Repeat("mx: a.example\n", maxPatterns+1),
	} {
		if _, err := parsePolicy(text); err == nil {
			t.Errorf("%.60q is taken", text)
		}
	}
}

func FuzzPolicy(f *testing.F) {
	f.Add("version: STSv1\r\nmode: enforce\r\nmx: *.example.net\r\nmax_age: 604800\r\n", "v=STSv1; id=a;")
	f.Fuzz(func(t *testing.T, text, record string) {
		if p, err := parsePolicy(text); err == nil {
			k := KeptPolicy{Domain: "a.example", ID: "a", Policy: p}
			if err := k.Check(); err != nil {
				t.Errorf("%+v: %v", p, err)
			}
		}
		if id, ok := parseID([]string{record}); ok && (id == "" || len(id) > maxPolicyID) {
			t.Errorf("%q", id)
		}
	})
}

// site is a policy host with a certificate, a domain, and who asks them.
type site struct {
	*zone
	r       *Resolver
	now     time.Time
	handler atomic.Value // http.HandlerFunc
	fetched atomic.Int32
}

const enforceText = "version: STSv1\nmode: enforce\nmx: one.a.example\nmax_age: 604800\n"

// newSite has a policy host for a.example whose certificate is for some name.
func newSite(t *testing.T, name string) *site {
	s := &site{zone: newZone(t), now: monday}
	ca := relaytest.NewCA(t)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		s.fetched.Add(1)
		s.handler.Load().(http.HandlerFunc)(w, q)
	}))
	server.TLS = &tls.Config{Certificates: []tls.Certificate{ca.Leaf(t, name)}}
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	port := netip.MustParseAddrPort(server.Listener.Addr().String()).Port()
	s.r = s.resolver(&s.now, Options{Roots: ca.Roots, PolicyPort: port, Private: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	s.Add("a.example. 86400 IN MX 10 one.a.example.", "a.example. 86400 IN MX 20 Two.example.", "mta-sts.a.example. 86400 IN A 127.0.0.1")
	s.says(enforceText)
	return s
}

func (s *site) says(text string) {
	s.handler.Store(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if q.Host != "mta-sts.a.example" || q.URL.Path != "/.well-known/mta-sts.txt" || q.Method != "GET" {
			s.t.Errorf("asked for %s %s%s", q.Method, q.Host, q.URL.Path)
		}
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		fmt.Fprint(w, text)
	}))
}

// record publishes an id; empty: none.
func (s *site) record(id string) {
	s.Remove("_mta-sts.a.example.", dns.TypeTXT)
	if id != "" {
		s.Add("_mta-sts.a.example. 60 IN TXT \"v=STSv1; \" \"id=" + id + ";\"")
	}
}

// mode says how the route is to be followed.
func (s *site) mode() string {
	s.t.Helper()
	route, err := s.r.Route(s.t.Context(), "a.example")
	if err != nil || len(route.Hosts) != 2 {
		s.t.Fatalf("%v", err)
	}
	one, two := route.Hosts[0], route.Hosts[1]
	switch {
	case one.TLS == TLS{Required: true, Verified: true} && one.Trusted && one.Policy && !one.Excluded && two.Excluded && !two.Trusted:
		return "enforce"
	case one.TLS == TLS{} && one.Trusted && !two.Trusted && !two.Excluded:
		return "testing"
	case one.TLS == TLS{} && !one.Trusted && !one.Policy:
		return "none"
	}
	return fmt.Sprintf("%+v", route.Hosts)
}

func (s *site) expect(what, mode string, fetched int32) {
	s.t.Helper()
	if got := s.mode(); got != mode {
		s.t.Errorf("%s: %s, want %s", what, got, mode)
	}
	if got := s.fetched.Load(); got != fetched {
		s.t.Errorf("%s: fetched %d times, want %d", what, got, fetched)
	}
}

func TestPolicyLife(t *testing.T) {
	s := newSite(t, "mta-sts.a.example")
	s.expect("no record", "none", 0)
	s.now = s.now.Add(time.Hour)
	s.record("one")
	s.expect("a record", "enforce", 1)
	s.expect("again", "enforce", 1)
	s.now = s.now.Add(2 * time.Hour)
	s.says("version: STSv1\nmode: testing\nmx: one.a.example\nmax_age: 604800\n")
	s.expect("the same id", "enforce", 1)
	s.record("two")
	s.now = s.now.Add(2 * time.Hour)
	s.expect("another id", "testing", 2)
	s.now = s.now.Add(25 * time.Hour) // RFC 8461 §3.3: looked at once a day
	s.says(enforceText)
	s.expect("a day later", "enforce", 3)

	// RFC 8461 §3.3: a policy that is kept holds whatever cannot be had now.
	s.handler.Store(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) }))
	s.record("three")
	s.now = s.now.Add(2 * time.Hour)
	s.expect("it cannot be fetched", "enforce", 4)
	s.now = s.now.Add(4 * time.Minute)
	s.expect("not asked again at once", "enforce", 4)
	s.now = s.now.Add(2 * time.Minute)
	s.expect("asked again", "enforce", 5)
	s.record("")
	s.now = s.now.Add(time.Hour)
	s.expect("the record is gone", "enforce", 5)
	// RFC 8461 §5.1: before each attempt it is looked whether there is a new one.
	s.says("version: STSv1\nmode: none\nmax_age: 604800\n")
	s.record("four")
	s.now = s.now.Add(2 * time.Hour)
	s.expect("taken back", "none", 6)
	s.says(enforceText)
	s.record("five")
	s.now = s.now.Add(2 * time.Hour)
	s.expect("and given again", "enforce", 7)
	s.says("version: STSv1\nmode: none\nmax_age: 604800\n")
	s.record("six")
	s.now = s.now.Add(2 * time.Hour)
	s.expect("taken back once more", "none", 8)
	s.record("")
	s.now = s.now.Add(25 * time.Hour)
	s.expect("and given up (RFC 8461 §8.3): nobody is asked", "none", 8)
	s.says(enforceText)
	s.record("seven")
	s.now = s.now.Add(2 * time.Hour)
	s.expect("and taken up", "enforce", 9)
	s.record("")
	s.now = s.now.Add(8 * 24 * time.Hour)
	s.expect("max_age is over", "none", 9)
}

// RFC 8461 §3.3, §10.2: a policy that is kept is fetched anew once a day though
// its record is not there, so that who takes it out of the DNS cannot have the
// policy expire.
func TestPolicyRefreshedWithoutRecord(t *testing.T) {
	s := newSite(t, "mta-sts.a.example")
	s.record("one")
	s.expect("a record", "enforce", 1)
	s.record("")
	for day := range int32(20) { // max_age is a week
		s.now = s.now.Add(25 * time.Hour)
		s.expect("a day more without", "enforce", 2+day)
	}
	s.handler.Store(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) }))
	s.now = s.now.Add(25 * time.Hour)
	s.expect("it cannot be fetched", "enforce", 22)
	s.now = s.now.Add(50 * time.Minute)
	s.expect("not asked again at once", "enforce", 22)
	s.Fail("_mta-sts.a.example.", dns.RcodeServerFailure)
	s.now = s.now.Add(20 * time.Minute)
	s.expect("asked again, though the DNS fails", "enforce", 23)
	s.says(enforceText)
	s.Fail("_mta-sts.a.example.", 0)
	s.record("two")
	s.now = s.now.Add(31 * time.Minute) // within the pause without a record, which was of another id
	s.expect("a new id is not held up", "enforce", 24)
	s.record("")
	s.now = s.now.Add(-48 * time.Hour)
	s.expect("fetched in the future, by a clock that was wrong", "enforce", 25)
	s.now = s.now.Add(8 * 24 * time.Hour)
	s.expect("max_age is over, and there is no record", "none", 25)
}

// RFC 8689 §4.2.1: what REQUIRETLS asks for is that the host's name is validated
// by RFC 8461 §4.1, which a policy in testing does as well as an enforced one;
// for a host that it does not name it does nothing, and one of mode none never.
func TestRequireTLSByTestingPolicy(t *testing.T) {
	for mode, want := range map[string]bool{"testing": true, "enforce": true, "none": false} {
		s := newSite(t, "mta-sts.a.example")
		s.says("version: STSv1\nmode: " + mode + "\nmx: one.a.example\nmax_age: 604800\n")
		s.record("one")
		route, err := s.r.Route(t.Context(), "a.example")
		if err != nil {
			t.Fatal(err)
		}
		if one, two := route.Hosts[0], route.Hosts[1]; one.Trusted != want || two.Trusted || one.Policy != (mode == "enforce") {
			t.Errorf("%s: %+v", mode, route.Hosts)
		}
	}
}

// RFC 8461 §3.1, §3.4: the record may be an alias; a parent's counts for nobody.
func TestPolicyRecordElsewhere(t *testing.T) {
	s := newSite(t, "mta-sts.a.example")
	s.Add("_mta-sts.a.example. 60 IN CNAME policies.example.", `policies.example. 60 IN TXT "v=STSv1; id=one"`,
		"sub.a.example. 60 IN MX 10 one.a.example.", "mta-sts.sub.a.example. 60 IN A 127.0.0.1")
	s.expect("an alias", "enforce", 1)
	route, err := s.r.Route(t.Context(), "sub.a.example")
	if err != nil || route.Hosts[0].TLS != (TLS{}) || s.fetched.Load() != 1 {
		t.Errorf("a domain below: %+v, %v", route, err)
	}
}

// What cannot be fetched as it must be is as if there were none (RFC 8461 §3.3).
func TestPolicyNotFetched(t *testing.T) {
	plain := func(w http.ResponseWriter) { w.Header().Set("Content-Type", "text/plain") }
	for name, handler := range map[string]http.HandlerFunc{
		"redirect": func(w http.ResponseWriter, q *http.Request) {
			if q.URL.Path == "/x" {
				t.Error("a redirect is followed")
			}
			http.Redirect(w, q, "/x", http.StatusFound)
		},
		"not found": func(w http.ResponseWriter, q *http.Request) { plain(w); w.WriteHeader(404); fmt.Fprint(w, enforceText) },
		"type": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			fmt.Fprint(w, enforceText)
		},
		"too long": func(w http.ResponseWriter, _ *http.Request) {
			plain(w)
			fmt.Fprint(w, enforceText, strings.Repeat("x: y\n", maxPolicy/5+1))
		},
		"malformed": func(w http.ResponseWriter, _ *http.Request) { plain(w); fmt.Fprint(w, "<html>") },
		"cut": func(w http.ResponseWriter, _ *http.Request) {
			plain(w)
			w.Header().Set("Content-Length", "1000")
			fmt.Fprint(w, enforceText)
		},
		"huge header": func(w http.ResponseWriter, _ *http.Request) {
			plain(w)
			w.Header().Set("X", strings.Repeat("x", 64<<10))
			fmt.Fprint(w, enforceText)
		},
	} {
		s := newSite(t, "mta-sts.a.example")
		s.record("one")
		s.handler.Store(handler)
		s.expect(name, "none", 1)
	}
	s := newSite(t, "www.a.example")
	s.record("one")
	s.expect("certificate for another name", "none", 0)
	s = newSite(t, "mta-sts.a.example")
	s.record("one")
	s.r.opt.Private = nil
	s.expect("an address within the site", "none", 0)
}

// RFC 8461 §3.4: the policy of a smarthost is that of its own name.
func TestSmarthostPolicy(t *testing.T) {
	s := newSite(t, "mta-sts.a.example")
	s.record("one")
	s.says("version: STSv1\nmode: enforce\nmx: a.example\nmax_age: 604800\n")
	route, err := NewSmarthost(SmarthostOptions{Host: "a.example", Port: 25, Resolver: s.r}).Route(t.Context(), "other.example")
	if err != nil || route.Hosts[0].TLS != (TLS{Required: true, Verified: true}) {
		t.Errorf("%+v, %v", route, err)
	}
}
