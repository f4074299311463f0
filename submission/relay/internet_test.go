package relay

import (
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"citron/submission/relay/client"
	"citron/submission/relay/client/smtptest"
	"citron/submission/relay/relaytest"
	"citron/submission/relay/route"
)

// internet is real: DNS over UDP, policies over HTTPS and hosts over TCP, all on
// addresses of loopback.
type internet struct {
	*relaytest.Zone
	t    *testing.T
	ca   *relaytest.CA
	port uint16
	next byte
}

func newInternet(t *testing.T) *internet {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return &internet{relaytest.NewZone(t), t, relaytest.NewCA(t), netip.MustParseAddrPort(l.Addr().String()).Port(), 2}
}

// listen has a host at an address of its own, and its name lead there; all hosts
// have the same port.
func (i *internet) listen(name string, serve func(net.Conn)) {
	i.t.Helper()
	addr := fmt.Sprintf("127.0.0.%d", i.next)
	i.next++
	l, err := net.Listen("tcp", fmt.Sprintf("%s:%d", addr, i.port))
	if err != nil {
		i.t.Skipf("this machine has one loopback address only: %v", err)
	}
	i.t.Cleanup(func() { l.Close() })
	go func() {
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			go serve(nc)
		}
	}()
	i.Add(fmt.Sprintf("%s. 300 IN A %s", name, addr))
}

// policy publishes one for a domain, signed by the authority.
func (i *internet) policy(domain, text string) (port uint16) {
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		io.WriteString(w, text)
	}))
	s.TLS = &tls.Config{Certificates: []tls.Certificate{i.ca.Leaf(i.t, "mta-sts."+domain)}}
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	i.t.Cleanup(s.Close)
	i.Add("_mta-sts."+domain+`. 300 IN TXT "v=STSv1; id=1"`, "mta-sts."+domain+". 300 IN A 127.0.0.1")
	return netip.MustParseAddrPort(s.Listener.Addr().String()).Port()
}

func (i *internet) relay(o route.Options) *rig {
	o.Servers, o.Roots, o.Port = []netip.AddrPort{i.Addr}, i.ca.Roots, i.port
	if o.Private == nil {
		o.Private = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}
	}
	r, err := route.New(i.t.Context(), o)
	if err != nil {
		i.t.Fatal(err)
	}
	return newRig(i.t, Options{Router: r, Roots: i.ca.Roots, Now: time.Now})
}

func TestInternet(t *testing.T) {
	i := newInternet(t)
	strict := smtptest.New(smtptest.Options{TLS: &tls.Config{Certificates: []tls.Certificate{i.ca.Leaf(t, "mx.a.example")}}})
	i.listen("mx.a.example", strict.ServeConn)
	backup := &relaytest.Host{}
	i.listen("backup.b.example", backup.Serve)
	implicit := &relaytest.Host{}
	i.listen("implicit.example", implicit.Serve)
	wrong := &relaytest.Host{TLS: &tls.Config{Certificates: []tls.Certificate{i.ca.Leaf(t, "other.example")}}}
	i.listen("mx.sts.example", wrong.Serve)
	i.Add("a.example. 300 IN MX 10 mx.a.example.", "mx.a.example. 300 IN AAAA ::1",
		"b.example. 300 IN MX 10 dead.b.example.", "b.example. 300 IN MX 20 backup.b.example.", "dead.b.example. 300 IN A 127.0.0.250",
		"null.example. 300 IN MX 0 .", "self.example. 300 IN MX 0 mx.example.org.",
		"sts.example. 300 IN MX 10 mx.sts.example.", "sts.example. 300 IN MX 20 backup.b.example.",
		"dangling.example. 300 IN MX 10 nowhere.example.")
	o := route.Options{Own: []string{"mx.example.org"}}
	o.PolicyPort = i.policy("sts.example", "version: STSv1\nmode: enforce\nmx: mx.sts.example\nmax_age: 86400\n")
	r := i.relay(o)
	for _, test := range []struct{ to, want string }{
		{"bob@a.example", "bob relayed 2.6.0"}, // over IPv4, whatever IPv6 does
		{"bob@b.example", "bob relayed 2.0.0 blind"},
		{"bob@implicit.example", "bob relayed 2.0.0 blind"},
		{"bob@null.example", "bob failed 5.1.10"},
		{"bob@self.example", "bob failed 5.4.6"},
		{"bob@nowhere.example", "bob failed 5.1.2"},
		{"bob@dangling.example", "bob failed 5.4.4"},
		{"bob@[127.0.0.4]", "bob relayed 2.0.0 blind"},
		// RFC 8461 §5: of the two hosts one has the wrong certificate, and the
		// policy does not name the other.
		{"bob@sts.example", "bob deferred 4.7.10 down"},
	} {
		if got := r.deliver(jobNow(text, test.to)); got != test.want {
			t.Errorf("%s: %s, want %s", test.to, got, test.want)
		}
	}
	messages := strict.Messages()
	if len(messages) != 1 || !messages[0].TLS || string(messages[0].Data) != text || len(strict.Faults()) > 0 {
		t.Errorf("%+v, %v", messages, strict.Faults())
	}
	equal(t, "mails of who is not named", 1, len(backup.Mails()))
	equal(t, "mails under another name", 0, len(wrong.Mails()))
}

// Nothing within the site is reached by what strangers put into their DNS.
func TestInternetGuard(t *testing.T) {
	i := newInternet(t)
	inside := &relaytest.Host{}
	i.listen("inside.example", inside.Serve)
	i.Add("a.example. 300 IN MX 10 inside.example.")
	r := i.relay(route.Options{Private: []netip.Prefix{}})
	for _, to := range []string{"bob@a.example", "bob@inside.example", "bob@[127.0.0.2]"} {
		if got := r.deliver(jobNow(text, to)); !strings.HasPrefix(got, "bob failed 5.") {
			t.Errorf("%s: %s", to, got)
		}
	}
	equal(t, "connections", 0, inside.Dialled())
}

// A smarthost with a password, over STARTTLS and implicit TLS.
func TestSmarthost(t *testing.T) {
	for name, how := range map[string]route.TLS{
		"STARTTLS": {Required: true, Verified: true},
		"implicit": {Implicit: true, Required: true, Verified: true},
	} {
		ca := relaytest.NewCA(t)
		config := &tls.Config{Certificates: []tls.Certificate{ca.Leaf(t, "localhost")}}
		o := smtptest.Options{Users: map[string]string{"relay": "secret"}, NeedTLS: !how.Implicit}
		if !how.Implicit {
			o.TLS = config
		}
		server := smtptest.New(o)
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close(); server.Close() })
		go func() {
			for {
				nc, err := l.Accept()
				if err != nil {
					return
				}
				if how.Implicit {
					nc = tls.Server(nc, config)
				}
				go server.ServeConn(nc)
			}
		}()
		run := func(password string) string {
			smart := route.NewSmarthost(route.SmarthostOptions{
				Host: "localhost", Port: netip.MustParseAddrPort(l.Addr().String()).Port(), TLS: how, Login: true,
			})
			r := newRig(t, Options{Router: smart, Roots: ca.Roots, Now: time.Now, Login: &client.Login{Username: "relay", Password: password}})
			return r.deliver(jobNow(text, "bob@any.example"))
		}
		equal(t, name, "bob relayed 2.6.0", run("secret"))
		equal(t, name+", wrong password", "bob deferred 4.7.8 down", run("wrong"))
		messages := server.Messages()
		if len(messages) != 1 || messages[0].User != "relay" || !slices.Equal(messages[0].Data, []byte(text)) || len(server.Faults()) > 0 {
			t.Errorf("%s: %+v, %v", name, messages, server.Faults())
		}
	}
}
