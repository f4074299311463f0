package relay

import (
	"crypto/tls"
	"crypto/x509"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"citron/submission"
	"citron/submission/relay/relaytest"
	"citron/submission/relay/route"
	"citron/wire/smtp"
)

// secured gives hosts of a CA's certificates.
type secured struct {
	ca *relaytest.CA
	*network
}

func newSecured(t *testing.T) *secured { return &secured{relaytest.NewCA(t), newNetwork()} }

// host adds a host whose certificate is for some name.
func (s *secured) host(t *testing.T, name, certified string, tlsHow route.TLS, offers ...string) *relaytest.Host {
	domain := strings.TrimPrefix(name, "mx.")
	h := s.add(domain, name, &relaytest.Host{Offers: offers, TLS: &tls.Config{Certificates: []tls.Certificate{s.ca.Leaf(t, certified)}}, Implicit: tlsHow.Implicit})
	list := s.routes[domain]
	list[len(list)-1].TLS = tlsHow
	return h
}

func (s *secured) options() Options {
	// Certificates are of this time, the bubble's is another.
	roots := s.ca.Roots.Clone()
	return Options{Roots: roots}
}

// inTime runs in virtual time that has come to the time of the certificates.
func (s *secured) run(t *testing.T, f func(r *rig)) {
	t.Helper()
	now := time.Now()
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(now))
		o := s.options()
		o.Router, o.Dial, o.Now = s.network, s.dial, time.Now
		f(newRig(t, o))
	})
}

func TestTLS(t *testing.T) {
	s := newSecured(t)
	verified := route.TLS{Required: true, Verified: true}
	opportunistic := s.host(t, "mx.loose.example", "other.example", route.TLS{})
	plain := s.add("plain.example", "mx.plain.example", &relaytest.Host{})
	good := s.host(t, "mx.good.example", "mx.good.example", verified)
	wrong := s.host(t, "mx.wrong.example", "other.example", verified)
	never := s.host(t, "mx.never.example", "mx.never.example", route.TLS{Never: true})
	implicit := s.host(t, "mx.implicit.example", "mx.implicit.example", route.TLS{Implicit: true, Required: true, Verified: true})
	s.add("lacking.example", "mx.lacking.example", &relaytest.Host{})
	s.routes["lacking.example"][0].TLS = verified
	broken := s.add("shaky.example", "mx.shaky.example", &relaytest.Host{TLS: &tls.Config{}}) // no certificate: no handshake
	refusing := s.host(t, "mx.refusing.example", "x.example", route.TLS{})
	refusing.Say = says("STARTTLS", "454 4.7.0 not now")
	strict := s.add("strict.example", "mx.strict.example", &relaytest.Host{TLS: &tls.Config{}, TLSOnly: true})
	s.run(t, func(r *rig) {
		for _, test := range []struct {
			domain, want string
			host         *relaytest.Host
			tls          bool
		}{
			{"loose.example", "bob relayed 2.0.0 blind", opportunistic, true}, // RFC 7435: any certificate will do
			{"plain.example", "bob relayed 2.0.0 blind", plain, false},
			{"good.example", "bob relayed 2.0.0 blind", good, true},
			{"wrong.example", "bob deferred 4.7.5 down", wrong, false},
			{"never.example", "bob relayed 2.0.0 blind", never, false},
			{"implicit.example", "bob relayed 2.0.0 blind", implicit, true},
			{"lacking.example", "bob deferred 4.7.5 down", nil, false},
			{"shaky.example", "bob relayed 2.0.0 blind", broken, false}, // once more, without
			{"refusing.example", "bob relayed 2.0.0 blind", refusing, false},
			{"strict.example", "bob failed 5.7.0", strict, false},
		} {
			equal(t, test.domain, test.want, r.deliver(jobNow(text, "bob@"+test.domain)))
			var mails []relaytest.Mail
			if test.host != nil {
				mails = test.host.Mails()
			}
			switch relayed := strings.Contains(test.want, "relayed"); {
			case !relayed && len(mails) > 0, relayed && (len(mails) != 1 || mails[0].TLS != test.tls):
				t.Errorf("%s: %+v", test.domain, mails)
			}
		}
	})
}

// RFC 8461 §4.2, §7.1, §7.2: a certificate must be of this time, of an authority
// that is trusted, and name the host as DNS name; the host is told which it is.
func TestCertificates(t *testing.T) {
	s := newSecured(t)
	const name = "mx.a.example"
	for what, config := range map[string]*tls.Config{
		"expired": {Certificates: []tls.Certificate{s.ca.Odd(t, name, func(c *x509.Certificate) {
			c.DNSNames, c.NotAfter = []string{name}, c.NotBefore.Add(time.Minute)
		})}},
		"not yet": {Certificates: []tls.Certificate{s.ca.Odd(t, name, func(c *x509.Certificate) {
			c.DNSNames, c.NotBefore = []string{name}, c.NotAfter.Add(-time.Minute)
		})}},
		"only a common name": {Certificates: []tls.Certificate{s.ca.Odd(t, name, func(*x509.Certificate) {})}},
		"of nobody known":    {Certificates: []tls.Certificate{relaytest.NewCA(t).Leaf(t, name)}},
		"a name above":       {Certificates: []tls.Certificate{s.ca.Leaf(t, "*.mx.a.example", "a.example")}},
		"TLS 1.1":            {Certificates: []tls.Certificate{s.ca.Leaf(t, name)}, MaxVersion: tls.VersionTLS11},
		"good":               {Certificates: []tls.Certificate{s.ca.Leaf(t, name)}, MaxVersion: tls.VersionTLS12},
		"good by a star":     {Certificates: []tls.Certificate{s.ca.Leaf(t, "*.a.example")}},
	} {
		named := ""
		config.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
			named = hello.ServerName
			return nil, nil
		}
		s.network = newNetwork()
		h := s.add("a.example", name, &relaytest.Host{TLS: config})
		s.routes["a.example"][0].TLS = route.TLS{Required: true, Verified: true}
		want := "bob deferred 4.7.5 down"
		if strings.HasPrefix(what, "good") {
			want = "bob relayed 2.0.0 blind"
		}
		s.run(t, func(r *rig) {
			equal(t, what, want, r.deliver(jobNow(text, "bob@a.example")))
			equal(t, what+": SNI", name, named)
		})
		if strings.HasPrefix(want, "bob deferred") {
			equal(t, what+": mails", 0, len(h.Mails()))
		}
	}
}

// What a domain's policy and the sender's own word have to say about TLS
// (RFC 8461 §5, RFC 8689 §4.2).
func TestPolicyAndRequireTLS(t *testing.T) {
	s := newSecured(t)
	policy := route.TLS{Required: true, Verified: true}
	wrong := s.host(t, "mx.wrong.example", "other.example", policy)
	named := s.host(t, "mx.named.example", "mx.named.example", policy, "REQUIRETLS")
	lacks := s.host(t, "mx.lacks.example", "mx.lacks.example", policy)
	stranger := s.host(t, "mx.stranger.example", "mx.stranger.example", route.TLS{}, "REQUIRETLS")
	excluded := s.host(t, "mx.excluded.example", "mx.excluded.example", policy)
	bare := s.add("bare.example", "mx.bare.example", &relaytest.Host{})
	s.routes["bare.example"][0].Trusted = true
	// A policy in testing: the host is named, and nothing else is asked for.
	tested := s.host(t, "mx.tested.example", "mx.tested.example", route.TLS{}, "REQUIRETLS")
	forged := s.host(t, "mx.forged.example", "other.example", route.TLS{}, "REQUIRETLS")
	s.routes["tested.example"][0].Trusted, s.routes["forged.example"][0].Trusted = true, true
	for _, d := range []string{"wrong.example", "named.example", "lacks.example"} {
		s.routes[d][0].Trusted, s.routes[d][0].Policy = true, true
	}
	s.routes["excluded.example"][0].Policy, s.routes["excluded.example"][0].Excluded = true, true
	s.run(t, func(r *rig) {
		for _, test := range []struct {
			domain           string
			require, without bool
			want             string
			host             *relaytest.Host
			said             string
		}{
			{"wrong.example", false, false, "bob deferred 4.7.5 down", wrong, ""},
			{"wrong.example", false, true, "bob relayed 2.0.0 blind", wrong, "<alice@example.org>"}, // RFC 8689 §4.2.2
			{"excluded.example", false, false, "bob deferred 4.7.10 down", excluded, ""},            // RFC 8461 §5
			{"excluded.example", true, false, "bob failed 5.7.10", excluded, ""},
			{"excluded.example", false, true, "bob relayed 2.0.0 blind", excluded, "<alice@example.org>"},
			{"named.example", true, false, "bob relayed 2.0.0 blind", named, "<alice@example.org> REQUIRETLS"}, // RFC 8689 §4.2.1
			{"lacks.example", true, false, "bob failed 5.7.30", lacks, ""},
			{"tested.example", true, false, "bob relayed 2.0.0 blind", tested, "<alice@example.org> REQUIRETLS"}, // RFC 8689 §4.2.1
			{"forged.example", true, false, "bob deferred 4.7.5 down", forged, ""},
			{"forged.example", false, false, "bob relayed 2.0.0 blind", forged, "<alice@example.org>"}, // RFC 8461 §5: testing
			{"stranger.example", true, false, "bob failed 5.7.10", stranger, ""},                       // its name is not validated
			{"bare.example", true, false, "bob deferred 4.7.5 down", bare, ""},
			{"stranger.example", true, true, "bob failed 5.7.10", stranger, ""}, // RFC 8689 §4.1: the parameter counts
		} {
			before := len(test.host.Mails())
			j := jobNow(text, "bob@"+test.domain)
			j.envelope.Mail.RequireTLS, j.envelope.Content.TLSOptional = test.require, test.without
			equal(t, test.domain, test.want, r.deliver(j))
			if mails := test.host.Mails(); test.said == "" {
				equal(t, test.domain+": mails", before, len(mails))
			} else if len(mails) != before+1 || mails[before].From != test.said {
				t.Errorf("%s: %+v", test.domain, mails)
			}
		}
		// RFC 8689 §5: a report goes all the same.
		j := jobNow(text, "bob@stranger.example")
		j.envelope.Mail.RequireTLS, j.envelope.Mail.From = true, smtp.Path{}
		equal(t, "report", "bob relayed 2.0.0 blind", r.deliver(j))
	})
}

// RFC 2852 §4: the time of a message in mode R is more than 0. It may end while
// a host is being greeted, or between two transactions: all that is left ends.
func TestDeliverByEndsMeanwhile(t *testing.T) {
	n := newNetwork()
	slow := func(verb string) func(string) string {
		return func(line string) string {
			if strings.HasPrefix(line, verb) {
				time.Sleep(2 * time.Minute)
			}
			return ""
		}
	}
	hello := n.add("a.example", "one.a.example", &relaytest.Host{Offers: []string{"DELIVERBY"}, Say: slow("EHLO")})
	next := n.add("a.example", "two.a.example", &relaytest.Host{Offers: []string{"DELIVERBY"}})
	end := n.add("b.example", "mx.b.example", &relaytest.Host{Offers: []string{"DELIVERBY", "LIMITS RCPTMAX=1"}, Say: slow(".")})
	inNetwork(t, n, Options{}, func(r *rig) {
		for _, test := range []struct{ domain, want string }{
			{"a.example", "bob failed 5.4.7\ncarol failed 5.4.7"},
			{"b.example", "bob relayed 2.0.0 blind\ncarol failed 5.4.7"},
		} {
			j := jobNow(text, "bob@"+test.domain, "carol@"+test.domain)
			j.envelope.Mail.By = smtp.DeliverBy{Mode: smtp.ByReturn, Within: time.Minute}
			equal(t, test.domain, test.want, r.deliver(j))
		}
		equal(t, "mails to the slow greeter", 0, len(hello.Mails()))
		equal(t, "connections to the next", 0, next.Dialled())
		for _, line := range append(hello.Lines(), end.Lines()...) {
			if strings.HasPrefix(line, "MAIL") && line != "MAIL FROM:<alice@example.org> BY=60;R" {
				t.Error(line)
			}
		}
	})
}

// RFC 2852 §4.1.3, §4.1.4.
func TestDeliverBy(t *testing.T) {
	n := newNetwork()
	by := n.add("by.example", "mx.by.example", &relaytest.Host{Offers: []string{"DELIVERBY 120", "DSN"}})
	no := n.add("no.example", "mx.no.example", &relaytest.Host{Offers: []string{"DSN"}})
	inNetwork(t, n, Options{}, func(r *rig) {
		for _, test := range []struct {
			name, domain string
			by           smtp.DeliverBy
			late         time.Duration
			notify       smtp.Notify
			want         string
			host         *relaytest.Host
			mail, rcpt   string
		}{
			{"what is left", "by.example", smtp.DeliverBy{Mode: smtp.ByReturn, Within: 10 * time.Minute}, time.Minute, 0,
				"bob relayed 2.0.0", by, "<alice@example.org> BY=540;R", "<bob@by.example>"},
			{"trace", "by.example", smtp.DeliverBy{Mode: smtp.ByNotify, Trace: true, Within: 10 * time.Minute}, time.Minute, 0,
				"bob relayed 2.0.0 tell", by, "<alice@example.org> BY=540;NT", "<bob@by.example>"},
			{"over, notify", "by.example", smtp.DeliverBy{Mode: smtp.ByNotify, Within: time.Minute}, 2 * time.Minute, 0,
				"bob relayed 2.0.0", by, "<alice@example.org> BY=-60;N", "<bob@by.example>"},
			{"over, return", "by.example", smtp.DeliverBy{Mode: smtp.ByReturn, Within: time.Minute}, time.Minute, 0, "bob failed 5.4.7", by, "", ""},
			{"less than its least", "by.example", smtp.DeliverBy{Mode: smtp.ByReturn, Within: 3 * time.Minute}, 2 * time.Minute, 0, "bob failed 5.3.3", by, "", ""},
			{"return, not offered", "no.example", smtp.DeliverBy{Mode: smtp.ByReturn, Within: time.Hour}, 0, 0, "bob failed 5.3.3", no, "", ""},
			{"notify, not offered", "no.example", smtp.DeliverBy{Mode: smtp.ByNotify, Within: time.Hour}, 0, 0,
				"bob relayed 2.0.0 tell", no, "<alice@example.org>", "<bob@no.example> NOTIFY=FAILURE,DELAY"},
			{"and with success", "no.example", smtp.DeliverBy{Mode: smtp.ByNotify, Within: time.Hour}, 0, smtp.NotifySuccess,
				"bob relayed 2.0.0 tell", no, "<alice@example.org>", "<bob@no.example> NOTIFY=SUCCESS,DELAY"},
			{"and never", "no.example", smtp.DeliverBy{Mode: smtp.ByNotify, Within: time.Hour}, 0, smtp.NotifyNever,
				"bob relayed 2.0.0 tell", no, "<alice@example.org>", "<bob@no.example> NOTIFY=NEVER"},
			{"and over", "no.example", smtp.DeliverBy{Mode: smtp.ByNotify, Within: time.Hour}, 2 * time.Hour, 0,
				"bob relayed 2.0.0", no, "<alice@example.org>", "<bob@no.example>"},
		} {
			before := len(test.host.Mails())
			j := jobNow(text, "bob@"+test.domain)
			j.envelope.Received = time.Now().Add(-test.late)
			j.envelope.Mail.By, j.envelope.Rcpts[0].Notify = test.by, test.notify
			equal(t, test.name, test.want, r.deliver(j))
			mails := test.host.Mails()[before:]
			switch {
			case test.mail == "":
				equal(t, test.name+": mails", 0, len(mails))
			case len(mails) != 1 || mails[0].From != test.mail || mails[0].Rcpts[0] != test.rcpt:
				t.Errorf("%s: %+v", test.name, mails)
			}
		}
		j := newJob(text, "alice@example.org")
		j.envelope.Received = time.Now().Add(-time.Hour)
		j.envelope.Mail.By = smtp.DeliverBy{Mode: smtp.ByReturn, Within: time.Minute}
		equal(t, "over, here", "alice failed 5.4.7", r.deliver(j))
	})
}

// RFC 6531 §3.2, §3.5: what needs SMTPUTF8 goes only to who offers it.
func TestUTF8(t *testing.T) {
	n := newNetwork()
	yes := n.add("yes.example", "mx.yes.example", &relaytest.Host{Offers: []string{"SMTPUTF8", "8BITMIME"}})
	no := n.add("no.example", "mx.no.example", &relaytest.Host{Offers: []string{"8BITMIME"}})
	n.routes["xn--bcher-kva.example"] = n.routes["no.example"]
	inNetwork(t, n, Options{}, func(r *rig) {
		header := submission.Content{UTF8Header: true}
		for _, test := range []struct {
			name, domain, from string
			content            submission.Content
			to                 []string
			want               string
			host               *relaytest.Host
			mail, rcpts        string
		}{
			{"header", "yes.example", "alice@example.org", header, []string{"bob@yes.example"}, "bob relayed 2.0.0 blind", yes, "<alice@example.org> BODY=8BITMIME SMTPUTF8", "<bob@yes.example>"},
			{"header, not offered", "no.example", "alice@example.org", header, []string{"bob@no.example"}, "bob failed 5.6.9", no, "", ""},
			{"sender", "yes.example", "älice@example.org", submission.Content{}, []string{"bob@yes.example"}, "bob relayed 2.0.0 blind", yes, "<älice@example.org> SMTPUTF8", "<bob@yes.example>"},
			{"sender, not offered", "no.example", "älice@example.org", submission.Content{}, []string{"bob@no.example"}, "bob failed 5.6.7", no, "", ""},
			{"sender's domain, not offered", "no.example", "alice@bücher.example", submission.Content{}, []string{"bob@no.example"}, "bob relayed 2.0.0 blind", no, "<alice@xn--bcher-kva.example>", "<bob@no.example>"},
			{"recipient", "yes.example", "alice@example.org", submission.Content{}, []string{"bob@yes.example", "böb@yes.example"}, "bob relayed 2.0.0 blind\nböb relayed 2.0.0 blind", yes, "<alice@example.org> SMTPUTF8", "<bob@yes.example> <böb@yes.example>"},
			{"recipient, not offered", "no.example", "alice@example.org", submission.Content{}, []string{"bob@no.example", "böb@no.example"}, "bob relayed 2.0.0 blind\nböb failed 5.6.7", no, "<alice@example.org>", "<bob@no.example>"},
			{"nothing needs it", "yes.example", "alice@example.org", submission.Content{}, []string{"bob@yes.example"}, "bob relayed 2.0.0 blind", yes, "<alice@example.org>", "<bob@yes.example>"},
		} {
			before := len(test.host.Mails())
			j := jobNow(text, test.to...)
			j.envelope.Mail.From, j.envelope.Mail.UTF8, j.envelope.Content = path(test.from), true, test.content
			equal(t, test.name, test.want, r.deliver(j))
			mails := test.host.Mails()[before:]
			switch {
			case test.mail == "":
				equal(t, test.name+": mails", 0, len(mails))
			case len(mails) != 1 || mails[0].From != test.mail || strings.Join(mails[0].Rcpts, " ") != test.rcpts:
				t.Errorf("%s: %+v", test.name, mails)
			}
		}
		j := jobNow(text, "bob@bücher.example")
		j.domain = "xn--bcher-kva.example"
		j.envelope.Mail.UTF8 = true
		j.due = []submission.Due{{Index: 0}}
		equal(t, "recipient's domain", "bob relayed 2.0.0 blind", r.deliver(j))
		mails := no.Mails()
		equal(t, "its RCPT", "<bob@xn--bcher-kva.example>", mails[len(mails)-1].Rcpts[0])
	})
}

// Of several hosts of which one is not fit and another not there it may be that
// the latter would do.
func TestUnfitAndUnreachable(t *testing.T) {
	n := newNetwork()
	n.add("a.example", "one.a.example", &relaytest.Host{Offers: []string{"SIZE 10"}})
	n.add("a.example", "two.a.example", nil)
	n.add("b.example", "one.b.example", &relaytest.Host{Offers: []string{"SIZE 10"}})
	fit := n.add("b.example", "two.b.example", &relaytest.Host{Offers: []string{"SIZE 1000"}})
	inNetwork(t, n, Options{}, func(r *rig) {
		equal(t, "one is down", "bob deferred 4.4.1", r.deliver(jobNow(text, "bob@a.example")))
		equal(t, "the other is fit", "bob relayed 2.0.0 blind", r.deliver(jobNow(text, "bob@b.example")))
		equal(t, "its mails", 1, len(fit.Mails()))
		n.routes["a.example"] = n.routes["a.example"][:1]
		equal(t, "no other", "bob failed 5.3.4", r.deliver(jobNow(text, "bob@a.example")))
	})
}
