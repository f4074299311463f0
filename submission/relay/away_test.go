package relay

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"citron/submission"
	"citron/submission/relay/relaytest"
	"citron/submission/relay/route"
	"citron/wire/smtp"
)

// net is a network of hosts: a domain's in their order, each with addresses.
type network struct {
	routes    map[string][]route.Host
	addresses map[string][]netip.AddrPort
	hosts     map[netip.AddrPort]*relaytest.Host
	errs      map[string]error // of domains and hosts

	mu      sync.Mutex
	dialled []netip.AddrPort
}

func newNetwork() *network {
	return &network{routes: map[string][]route.Host{}, addresses: map[string][]netip.AddrPort{}, hosts: map[netip.AddrPort]*relaytest.Host{}, errs: map[string]error{}}
}

// add gives a domain one more host, at one more address.
func (n *network) add(domain, name string, h *relaytest.Host) *relaytest.Host {
	a := netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 2, byte(len(n.hosts) + 1)}), 25)
	n.routes[domain] = append(n.routes[domain], route.Host{Name: name, Port: 25})
	n.addresses[name] = append(n.addresses[name], a)
	n.hosts[a] = h
	return h
}

func (n *network) Route(_ context.Context, domain string) (*route.Route, error) {
	return &route.Route{Hosts: n.routes[domain]}, n.errs[domain]
}

func (n *network) Addresses(_ context.Context, h route.Host) ([]netip.AddrPort, error) {
	return n.addresses[h.Name], n.errs[h.Name]
}

var errRefused = errors.New("connection refused")

func (n *network) dial(ctx context.Context, a netip.AddrPort) (net.Conn, error) {
	n.mu.Lock()
	n.dialled = append(n.dialled, a)
	n.mu.Unlock()
	h := n.hosts[a]
	if h == nil {
		return nil, errRefused
	}
	return h.Dial(), nil
}

// says answers a command that begins with a prefix.
func says(prefix, answer string) func(string) string {
	return func(line string) string {
		if prefix == "" && line == "" || prefix != "" && strings.HasPrefix(line, prefix) {
			return answer
		}
		return ""
	}
}

// away runs a relay over a network in virtual time.
func inNetwork(t *testing.T, n *network, o Options, f func(r *rig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		o.Router, o.Dial, o.Now = n, n.dial, time.Now
		f(newRig(t, o))
	})
}

// jobNow is a job of the virtual clock's time.
func jobNow(text string, to ...string) *job {
	j := newJob(text, to...)
	j.envelope.Received = time.Now()
	return j
}

const text = "From: alice@example.org\r\nSubject: x\r\n\r\n.dot\r\n"

func TestAway(t *testing.T) {
	n := newNetwork()
	h := n.add("example.com", "mx.example.com", &relaytest.Host{Offers: []string{"PIPELINING", "SIZE 1000", "ENHANCEDSTATUSCODES"}})
	d := n.add("dsn.example", "mx.dsn.example", &relaytest.Host{Offers: []string{"DSN", "CHUNKING"}})
	inNetwork(t, n, Options{}, func(r *rig) {
		j := jobNow(text, "bob@example.com", "carol@example.com")
		equal(t, "without DSN", "bob relayed 2.0.0 blind\ncarol relayed 2.0.0 blind", r.deliver(j))
		equal(t, "handed over", "mx.example.com", strings.Join(j.handed, " "))
		m := h.Mails()[0]
		equal(t, "message", text, m.Data)
		equal(t, "MAIL", "<alice@example.org> SIZE=45", m.From)
		equal(t, "RCPT", "<bob@example.com> <carol@example.com>", strings.Join(m.Rcpts, " "))

		// RFC 3461 §5.2.1: the parameters go on.
		j = jobNow(text, "bob@dsn.example")
		j.envelope.Mail.EnvelopeID, j.envelope.Mail.Return = "id", smtp.ReturnHeaders
		j.envelope.Rcpts[0].Notify = smtp.NotifySuccess
		j.envelope.Rcpts[0].Original = smtp.OriginalRecipient{Type: "rfc822", Address: "b@dsn.example"}
		equal(t, "with DSN", "bob relayed 2.0.0", r.deliver(j))
		m = d.Mails()[0]
		equal(t, "MAIL", "<alice@example.org> RET=HDRS ENVID=id", m.From)
		equal(t, "RCPT", "<bob@dsn.example> NOTIFY=SUCCESS ORCPT=rfc822;b@dsn.example", m.Rcpts[0])
		equal(t, "by BDAT", true, m.BDAT)
	})
}

// A host that cannot be talked to is not the last one (RFC 5321 §5.1); and if
// none can, the queue hears that the domain is down.
func TestNextHost(t *testing.T) {
	stalls := func(line string) *relaytest.Host { return &relaytest.Host{Say: says(line, relaytest.Stall)} }
	for name, first := range map[string]*relaytest.Host{
		"refuses the connection": nil,
		"closes at once":         {Say: says("", relaytest.Close)},
		"stalls at once":         stalls(""),
		"greets with 4xx":        {Say: says("", "421 4.3.2 busy")},
		"greets with 5xx":        {Say: says("", "554 5.7.1 go away")},
		"is no SMTP server":      {Say: says("", "SSH-2.0-OpenSSH_9.9")},
		"stalls at EHLO":         stalls("EHLO"),
		"closes at EHLO":         {Say: says("EHLO", relaytest.Close)},
	} {
		n := newNetwork()
		n.add("example.com", "a.example.com", first)
		second := n.add("example.com", "b.example.com", &relaytest.Host{})
		n.add("alone.example", "c.example.com", first)
		inNetwork(t, n, Options{}, func(r *rig) {
			equal(t, name, "bob relayed 2.0.0 blind", r.deliver(jobNow(text, "bob@example.com")))
			equal(t, name+": the second", 1, len(second.Mails()))
			result := r.deliver(jobNow(text, "bob@alone.example"))
			if !strings.HasPrefix(result, "bob deferred 4.") || !strings.HasSuffix(result, " down") {
				t.Errorf("%s, alone: %s", name, result)
			}
		})
	}
	// In the midst of a transaction, before the message is handed over.
	for name, first := range map[string]*relaytest.Host{
		"refuses MAIL for now": {Say: says("MAIL", "451 4.7.1 greylisted")},
		"refuses RCPT for now": {Say: says("RCPT", "450 4.2.1 busy")},
		"refuses DATA for now": {Say: says("DATA", "451 4.3.0 no")},
		"closes at MAIL":       {Say: says("MAIL", relaytest.Close)},
		"stalls at RCPT":       stalls("RCPT"),
		"says 421 at RCPT":     {Say: says("RCPT", "421 4.3.2 going down")},
		"closes at DATA":       {Say: says("DATA", relaytest.Close)},
	} {
		n := newNetwork()
		n.add("example.com", "a.example.com", first)
		second := n.add("example.com", "b.example.com", &relaytest.Host{})
		n.add("alone.example", "c.example.com", first)
		inNetwork(t, n, Options{}, func(r *rig) {
			equal(t, name, "bob relayed 2.0.0 blind", r.deliver(jobNow(text, "bob@example.com")))
			equal(t, name+": the second", 1, len(second.Mails()))
			result := r.deliver(jobNow(text, "bob@alone.example"))
			if !strings.HasPrefix(result, "bob deferred 4.") || strings.HasSuffix(result, " down") {
				t.Errorf("%s, alone: %s", name, result)
			}
		})
	}
}

// After the message was handed over no other host gets it in this attempt.
func TestHandedOver(t *testing.T) {
	for name, test := range map[string]struct {
		say  func(string) string
		want string
	}{
		"closes":           {says(".", relaytest.Close), "bob deferred 4.4.2"},
		"stalls":           {says(".", relaytest.Stall), "bob deferred 4.4.2"},
		"refuses for now":  {says(".", "451 4.3.0 later"), "bob deferred 4.3.0"},
		"refuses for good": {says(".", "554 5.6.0 spam"), "bob failed 5.6.0"},
	} {
		n := newNetwork()
		n.add("example.com", "a.example.com", &relaytest.Host{Say: test.say})
		second := n.add("example.com", "b.example.com", &relaytest.Host{})
		inNetwork(t, n, Options{}, func(r *rig) {
			j := jobNow(text, "bob@example.com")
			equal(t, name, test.want, r.deliver(j))
			equal(t, name+": handed over", "a.example.com", strings.Join(j.handed, " "))
			equal(t, name+": host", "a.example.com", j.outcomes[0].Host)
			equal(t, name+": the second", 0, len(second.Mails()))
		})
	}
	// Nothing is handed over that the queue has not noted.
	n := newNetwork()
	h := n.add("example.com", "a.example.com", &relaytest.Host{})
	inNetwork(t, n, Options{}, func(r *rig) {
		j := jobNow(text, "bob@example.com")
		j.handErr = errFault
		equal(t, "not noted", "bob deferred 4.3.0", r.deliver(j))
		equal(t, "not noted: mails", 0, len(h.Mails()))
	})
}

// Recipients have fates of their own.
func TestSomeRecipients(t *testing.T) {
	n := newNetwork()
	say := func(line string) string {
		switch {
		case strings.Contains(line, "later"):
			return "450 4.2.2 full"
		case strings.Contains(line, "never"):
			return "550 5.1.1 who"
		case strings.Contains(line, "plain"):
			return "551 gone"
		}
		return ""
	}
	n.add("example.com", "a.example.com", &relaytest.Host{Say: say})
	b := n.add("example.com", "b.example.com", &relaytest.Host{})
	inNetwork(t, n, Options{}, func(r *rig) {
		j := jobNow(text, "bob@example.com", "later@example.com", "never@example.com", "plain@example.com")
		equal(t, "outcomes", "bob relayed 2.0.0 blind\nnever failed 5.1.1\nplain failed 5.0.0\nlater relayed 2.0.0 blind", r.deliver(j))
		equal(t, "the second host", "<later@example.com>", strings.Join(b.Mails()[0].Rcpts, " "))
		equal(t, "code", 550, j.outcomes[1].Code)
		equal(t, "text", "5.1.1 who", j.outcomes[1].Text)
		equal(t, "host", "b.example.com", j.outcomes[3].Host)
	})
}

// RFC 5321 §4.5.3.1.10: what is too much for one transaction goes in another.
func TestManyRecipients(t *testing.T) {
	n := newNetwork()
	taken := 0
	h := n.add("example.com", "a.example.com", &relaytest.Host{Say: func(line string) string {
		switch {
		case strings.HasPrefix(line, "MAIL"):
			taken = 0
		case strings.HasPrefix(line, "RCPT"):
			if taken++; taken > 60 {
				return "452 4.5.3 too many"
			}
		}
		return ""
	}})
	inNetwork(t, n, Options{}, func(r *rig) {
		j := jobNow(text, "r0@example.com")
		for i := range 249 {
			j.envelope.Rcpts = append(j.envelope.Rcpts, smtp.Rcpt{To: path("r" + string(rune('a'+i%26)) + "@example.com")})
		}
		r.deliver(j)
		relayed := 0
		for _, o := range j.outcomes {
			if o.Result == submission.RelayedBlind {
				relayed++
			}
		}
		equal(t, "relayed", 250, relayed)
		equal(t, "transactions", 5, len(h.Mails()))
		equal(t, "connections", 1, h.Dialled())
	})
}
