package relay

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"citron/submission/relay/relaytest"
	"citron/submission/relay/route"
	"citron/wire/smtp"
)

// Connections are used again, for a while, and for other domains of the host.
func TestReuse(t *testing.T) {
	n := newNetwork()
	h := n.add("a.example", "mx.example", &relaytest.Host{})
	n.routes["b.example"] = n.routes["a.example"]
	inNetwork(t, n, Options{}, func(r *rig) {
		for _, to := range []string{"bob@a.example", "bob@b.example", "bob@a.example"} {
			equal(t, to, "bob relayed 2.0.0 blind", r.deliver(jobNow(text, to)))
			synctest.Wait()
		}
		equal(t, "connections", 1, h.Dialled())
		time.Sleep(16 * time.Second)
		synctest.Wait()
		lines := h.Lines()
		equal(t, "taking leave", "QUIT", lines[len(lines)-1])
		r.deliver(jobNow(text, "bob@a.example"))
		equal(t, "connections after a pause", 2, h.Dialled())
	})
}

// A connection that was closed while it waited costs no message anything.
func TestReuseOfADeadConnection(t *testing.T) {
	n := newNetwork()
	h := n.add("a.example", "mx.example", &relaytest.Host{Say: says("RSET", relaytest.Close)})
	inNetwork(t, n, Options{}, func(r *rig) {
		for range 3 {
			equal(t, "outcome", "bob relayed 2.0.0 blind", r.deliver(jobNow(text, "bob@a.example")))
			synctest.Wait()
		}
		equal(t, "connections", 3, h.Dialled())
	})
}

// Connections of another security are others.
func TestReuseNeedsTheSameSecurity(t *testing.T) {
	s := newSecured(t)
	h := s.host(t, "mx.a.example", "mx.a.example", route.TLS{})
	s.routes["b.example"] = []route.Host{{Name: "mx.a.example", Port: 25, TLS: route.TLS{Required: true, Verified: true}}}
	s.run(t, func(r *rig) {
		r.deliver(jobNow(text, "bob@a.example"))
		synctest.Wait()
		equal(t, "outcome", "bob relayed 2.0.0 blind", r.deliver(jobNow(text, "bob@b.example")))
		equal(t, "connections", 2, h.Dialled())
	})
}

// No host gets more than its part; what waits for a slow one leaves the others,
// and mail for mailboxes here, alone.
func TestSlowHost(t *testing.T) {
	n := newNetwork()
	release := make(chan struct{})
	slow := &relaytest.Host{Say: func(line string) string {
		if strings.HasPrefix(line, "MAIL") {
			<-release
		}
		return ""
	}}
	n.add("slow0.example", "mx.slow.example", slow)
	for i := range 50 {
		n.routes[fmt.Sprintf("slow%d.example", i)] = n.routes["slow0.example"]
	}
	fast := n.add("fast.example", "mx.fast.example", &relaytest.Host{})
	inNetwork(t, n, Options{Workers: 4, PerHost: 3}, func(r *rig) {
		release = make(chan struct{})
		var jobs []*job
		for i := range 50 {
			j := jobNow(text, fmt.Sprintf("bob@slow%d.example", i))
			jobs = append(jobs, j)
			r.queue.jobs <- j
		}
		synctest.Wait()
		equal(t, "connections to the slow host", 3, slow.MaxOpen())
		for range 10 {
			equal(t, "elsewhere", "bob relayed 2.0.0 blind", r.deliver(jobNow(text, "bob@fast.example")))
			equal(t, "here", "alice delivered 2.0.0", r.deliver(jobNow(text, "alice@example.org")))
		}
		equal(t, "mails elsewhere", 10, len(fast.Mails()))
		close(release)
		for _, j := range jobs {
			<-j.over
			equal(t, "in the end", "bob relayed 2.0.0 blind", j.result())
		}
		equal(t, "connections to the slow host in the end", 3, slow.MaxOpen())
	})
}

// Mail for mailboxes here does not even wait for a place in the backlog.
func TestBacklogFull(t *testing.T) {
	n := newNetwork()
	n.add("a.example", "mx.example", &relaytest.Host{Say: says("MAIL", relaytest.Stall)})
	inNetwork(t, n, Options{Backlog: 3, PerHost: 1}, func(r *rig) {
		for range 10 {
			r.queue.jobs <- jobNow(text, "bob@a.example")
		}
		synctest.Wait()
		j := jobNow(text, "alice@example.org")
		r.queue.here <- j
		synctest.Wait()
		equal(t, "outcome", "alice delivered 2.0.0", j.result())
		for len(r.queue.jobs) > 0 {
			time.Sleep(time.Minute)
		}
	})
}

// A queue that has an error for once goes on.
func TestQueueFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Options{})
		r.queue.errs <- errFault
		synctest.Wait()
		equal(t, "outcome", "alice delivered 2.0.0", r.deliver(jobNow(text, "alice@example.org")))
	})
}

// Who waits too long for a turn goes back into the queue.
func TestNoTurn(t *testing.T) {
	n := newNetwork()
	n.add("a.example", "mx.example", &relaytest.Host{Say: says("MAIL", relaytest.Stall)})
	inNetwork(t, n, Options{PerHost: 1, HostWait: time.Minute}, func(r *rig) {
		r.queue.jobs <- jobNow(text, "bob@a.example")
		synctest.Wait()
		j := jobNow(text, "carol@a.example")
		equal(t, "outcome", "carol deferred 4.4.5", r.deliver(j))
		equal(t, "not before", 2*time.Minute, time.Until(j.outcomes[0].NotBefore))
	})
}

// An address that does not answer is tried by one job, not by each.
func TestDeadAddress(t *testing.T) {
	n := newNetwork()
	n.add("a.example", "mx.example", nil)
	inNetwork(t, n, Options{}, func(r *rig) {
		for range 5 {
			equal(t, "outcome", "bob deferred 4.4.1 down", r.deliver(jobNow(text, "bob@a.example")))
		}
		equal(t, "dialled", 1, len(n.dialled))
		time.Sleep(time.Minute)
		r.deliver(jobNow(text, "bob@a.example"))
		equal(t, "dialled after a minute", 2, len(n.dialled))
	})
}

// One family may lead nowhere (RFC 5321 §5.2).
func TestIPv6Dead(t *testing.T) {
	n := newNetwork()
	h := n.add("a.example", "mx.example", &relaytest.Host{})
	six := netip.MustParseAddrPort("[2001:db8::1]:25")
	n.addresses["mx.example"] = append([]netip.AddrPort{six}, n.addresses["mx.example"]...)
	inNetwork(t, n, Options{}, func(r *rig) {
		equal(t, "outcome", "bob relayed 2.0.0 blind", r.deliver(jobNow(text, "bob@a.example")))
		equal(t, "tried first", six, n.dialled[0])
		equal(t, "mails", 1, len(h.Mails()))
	})
}

// RFC 5321 §5.1: mail that would come back to us is not sent.
func TestLoop(t *testing.T) {
	n := newNetwork()
	us := n.add("a.example", "mx.example", &relaytest.Host{Name: "MX.example.org"})
	self := &route.Error{Status: smtp.Status{Class: 5, Subject: 4, Detail: 6}, Self: true}
	n.add("b.example", "self.example", nil)
	n.errs["self.example"] = self
	n.add("c.example", "other.example", nil)
	n.add("c.example", "self.example", nil)
	worse := n.add("c.example", "worse.example", &relaytest.Host{})
	n.routes["d.example"] = []route.Host{{Name: "mx.example", Port: 25, Trusted: true}}
	inNetwork(t, n, Options{}, func(r *rig) {
		equal(t, "by its greeting", "bob failed 5.4.6", r.deliver(jobNow(text, "bob@a.example")))
		equal(t, "mails", 0, len(us.Mails()))
		equal(t, "by its address", "bob failed 5.4.6", r.deliver(jobNow(text, "bob@b.example")))
		equal(t, "only better ones are tried", "bob deferred 4.4.1 down", r.deliver(jobNow(text, "bob@c.example")))
		equal(t, "mails of a worse one", 0, len(worse.Mails()))
		// A smarthost on this machine may have our name.
		equal(t, "configured", "bob relayed 2.0.0 blind", r.deliver(jobNow(text, "bob@d.example")))
	})
}

func TestUnrouted(t *testing.T) {
	n := newNetwork()
	n.errs["null.example"] = &route.Error{Code: 556, Status: smtp.Status{Class: 5, Subject: 1, Detail: 10}, Text: "null MX"}
	n.errs["dns.example"] = &route.Error{Status: smtp.Status{Class: 4, Subject: 4, Detail: 3}, Text: "no DNS", Cause: errFault}
	n.add("a.example", "gone.example", nil)
	n.errs["gone.example"] = &route.Error{Status: smtp.Status{Class: 5, Subject: 4, Detail: 4}, Text: "no address"}
	n.errs["odd.example"] = errFault
	inNetwork(t, n, Options{}, func(r *rig) {
		j := jobNow(text, "bob@null.example")
		equal(t, "null MX", "bob failed 5.1.10", r.deliver(j)) // RFC 7505 §4.1
		equal(t, "code", 556, j.outcomes[0].Code)
		equal(t, "no DNS", "bob deferred 4.4.3 down", r.deliver(jobNow(text, "bob@dns.example")))
		equal(t, "no address", "bob failed 5.4.4", r.deliver(jobNow(text, "bob@a.example")))
		equal(t, "a fault", "bob deferred 4.4.3 down", r.deliver(jobNow(text, "bob@odd.example")))
	})
}

// RFC 7504 §3: a host that never takes mail says 521.
func TestNoMailHere(t *testing.T) {
	n := newNetwork()
	n.add("a.example", "mx.example", &relaytest.Host{Say: says("", "521 5.3.2 no mail here")})
	inNetwork(t, n, Options{}, func(r *rig) {
		equal(t, "outcome", "bob failed 5.3.2", r.deliver(jobNow(text, "bob@a.example")))
	})
}

// Without a router nothing leaves.
func TestHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Options{Dial: nil})
		equal(t, "outcome", "bob deferred 4.4.0 down", r.deliver(jobNow(text, "bob@a.example")))
	})
}

// At a shutdown what has begun ends, what waits is given back, and nobody is
// left with a connection.
func TestShutdown(t *testing.T) {
	n := newNetwork()
	release := make(chan struct{})
	busy := n.add("a.example", "mx.a.example", &relaytest.Host{Say: func(line string) string {
		if line == "." {
			<-release
		}
		return ""
	}})
	n.add("b.example", "mx.b.example", &relaytest.Host{Say: says("EHLO", relaytest.Stall)})
	idle := n.add("c.example", "mx.c.example", &relaytest.Host{})
	synctest.Test(t, func(t *testing.T) {
		release = make(chan struct{})
		q, boxes := newQueue(), newBoxes()
		relay := New(Options{Hostname: "mx.example.org", Work: q, Resolver: people, Filing: boxes, Router: n, Dial: n.dial})
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			relay.Run(ctx)
			close(done)
		}()
		first, second, third := jobNow(text, "bob@c.example"), jobNow(text, "bob@a.example"), jobNow(text, "bob@b.example")
		q.jobs <- first
		<-first.over
		q.jobs <- second
		q.jobs <- third
		synctest.Wait()
		stop()
		time.Sleep(time.Second)
		close(release)
		<-done
		equal(t, "in the midst of its end", "bob relayed 2.0.0 blind", second.result())
		equal(t, "mails", 1, len(busy.Mails()))
		equal(t, "not begun", "released", third.result())
		lines := idle.Lines()
		equal(t, "an idle connection", "QUIT", lines[len(lines)-1])
	})
}
