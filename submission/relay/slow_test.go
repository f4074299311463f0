package relay

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"citron/submission/relay/relaytest"
	"citron/submission/relay/route"
)

// slowAt answers just within the time that a client has to wait (RFC 5321
// §4.5.3.2), from some command on: "" is the greeting, "." the end of a message.
func slowAt(command string) func(string) string {
	return func(line string) string {
		if line == command || command != "" && strings.HasPrefix(line, command) {
			time.Sleep(5*time.Minute - time.Second)
		}
		return ""
	}
}

// addAt gives a domain a host of its own name at some address.
func (n *network) addAt(domain string, a netip.AddrPort, h *relaytest.Host) {
	name := "mx." + domain
	n.routes[domain] = []route.Host{{Name: name, Port: 25}}
	n.addresses[name] = append(n.addresses[name], a)
	n.hosts[a] = h
}

// numbered gives addresses that are all different.
func numbered(i int) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{198, 18, byte(i >> 8), byte(i)}), 25)
}

// sessionsEnd waits for hosts that still sleep.
func sessionsEnd() { time.Sleep(time.Hour) }

// flood gives out jobs for slow domains, each for some recipients.
func (r *rig) flood(domains int) (jobs []*job) {
	for i := range domains {
		d := fmt.Sprintf("slow%d.example", i)
		j := jobNow(text, "bob@"+d, "carol@"+d, "dave@"+d)
		jobs = append(jobs, j)
		r.queue.jobs <- j
	}
	synctest.Wait()
	return jobs
}

// healthy sends to a domain that has nothing to do with those, and gives how
// long it took.
func (r *rig) healthy() time.Duration {
	r.t.Helper()
	began := time.Now()
	equal(r.t, "a healthy domain", "bob relayed 2.0.0 blind", r.deliver(jobNow(text, "bob@healthy.example")))
	return time.Since(began)
}

// Slow hosts of many domains on few addresses have no more connections than
// those addresses may have.
func TestSlowOnFewAddresses(t *testing.T) {
	for _, command := range []string{"", "EHLO", "MAIL", "RCPT", "."} {
		n := newNetwork()
		two := []*relaytest.Host{{Say: slowAt(command)}, {Say: slowAt(command)}}
		for i := range 200 {
			n.addAt(fmt.Sprintf("slow%d.example", i), numbered(i%2), two[i%2])
		}
		n.addAt("healthy.example", numbered(1000), &relaytest.Host{})
		inNetwork(t, n, Options{}, func(r *rig) {
			jobs := r.flood(200)
			for range 24 {
				equal(t, "wait", 0, r.healthy())
				time.Sleep(10 * time.Second)
			}
			for _, h := range two {
				equal(t, "connections to an address at a time", 20, h.MaxOpen())
			}
			for range 36 {
				equal(t, "wait", 0, r.healthy())
				time.Sleep(10 * time.Second)
			}
			for _, j := range jobs {
				<-j.over
			}
		})
	}
}

// Slow hosts on addresses of their own have all Workers only until they are found
// to be slow.
func TestSlowOnManyAddresses(t *testing.T) {
	for _, command := range []string{"", "EHLO", "MAIL", "RCPT", "."} {
		n := newNetwork()
		for i := range 400 {
			n.addAt(fmt.Sprintf("slow%d.example", i), numbered(i), &relaytest.Host{Say: slowAt(command)})
		}
		n.addAt("healthy.example", numbered(1000), &relaytest.Host{})
		inNetwork(t, n, Options{}, func(r *rig) {
			jobs := r.flood(400)
			// 400 of them, 100 at a time, for a minute each.
			if wait := r.healthy(); wait > 4*time.Minute {
				t.Errorf("%q: the first waited for %v", command, wait)
			}
			for range 60 {
				equal(t, "wait", 0, r.healthy())
				time.Sleep(10 * time.Second)
			}
			cut := 0
			for _, j := range jobs {
				<-j.over
				if strings.Contains(j.result(), "deferred 4.4.5 down") {
					cut++
				}
			}
			if command != "." && (cut < 101 || cut > 200) {
				t.Errorf("%q: %d were cut off, for the fourth hundred and for us", command, cut)
			}
		})
	}
}

// Whose host may have the message is cut off after the others, and is noted.
func TestCutOff(t *testing.T) {
	n := newNetwork()
	for i, command := range []string{"MAIL", "MAIL", "."} {
		n.addAt(fmt.Sprintf("slow%d.example", i), numbered(i), &relaytest.Host{Say: slowAt(command)})
	}
	n.addAt("healthy.example", numbered(1000), &relaytest.Host{})
	n.addAt("busy.example", numbered(1001), &relaytest.Host{Say: slowAt("MAIL")})
	inNetwork(t, n, Options{Workers: 2, Slow: 1}, func(r *rig) {
		began := time.Now()
		var jobs []*job
		for i := range 3 {
			d := fmt.Sprintf("slow%d.example", i)
			jobs = append(jobs, jobNow(text, "bob@"+d, "carol@"+d, "dave@"+d))
			r.queue.jobs <- jobs[i]
			time.Sleep(70 * time.Second)
		}
		r.healthy()
		const cut = "bob deferred 4.4.5 down\ncarol deferred 4.4.5 down\ndave deferred 4.4.5 down"
		<-jobs[1].over
		equal(t, "its host has not got it", cut, jobs[1].result())
		equal(t, "another's may", "", jobs[2].result())
		r.queue.jobs <- jobNow(text, "bob@busy.example")
		synctest.Wait()
		r.healthy()
		<-jobs[2].over
		equal(t, "it may", "bob deferred 4.4.2\ncarol deferred 4.4.2\ndave deferred 4.4.2", jobs[2].result())
		equal(t, "noted", "mx.slow2.example", strings.Join(jobs[2].handed, " "))
		<-jobs[0].over
		equal(t, "who had room went on", "bob relayed 2.0.0 blind\ncarol relayed 2.0.0 blind\ndave relayed 2.0.0 blind", jobs[0].result())
		equal(t, "as long as it took", 5*time.Minute-time.Second, time.Since(began))
		sessionsEnd()
	})
}

// Those who wait for a full address do not fill the backlog.
func TestCrowd(t *testing.T) {
	n := newNetwork()
	slow := &relaytest.Host{Say: slowAt("MAIL")}
	for i := range 90 {
		n.addAt(fmt.Sprintf("slow%d.example", i), numbered(0), slow)
	}
	n.addAt("healthy.example", numbered(1000), &relaytest.Host{})
	inNetwork(t, n, Options{Backlog: 10, PerHost: 1}, func(r *rig) {
		jobs := r.flood(90)
		equal(t, "wait", 0, r.healthy())
		waiting := 0
		for _, j := range jobs {
			switch j.result() {
			case "":
				waiting++
			case "bob deferred 4.4.5\ncarol deferred 4.4.5\ndave deferred 4.4.5":
				equal(t, "not before", 2*time.Minute, time.Until(j.outcomes[0].NotBefore))
			default:
				t.Error(j.result())
			}
		}
		equal(t, "have a turn or wait", 1+5, waiting)
		sessionsEnd()
	})
}

// A host whose other address is full is there, but busy.
func TestOtherAddressFull(t *testing.T) {
	n := newNetwork()
	n.addAt("slow0.example", numbered(0), &relaytest.Host{Say: slowAt("MAIL")})
	n.addAt("a.example", numbered(1), nil)
	n.addresses["mx.a.example"] = append(n.addresses["mx.a.example"], numbered(0))
	inNetwork(t, n, Options{PerHost: 1}, func(r *rig) {
		r.flood(1)
		equal(t, "outcome", "bob deferred 4.4.5", r.deliver(jobNow(text, "bob@a.example")))
		sessionsEnd()
	})
}

// A host that wants a transaction for each recipient has so many as take
// connAge; the others are tried later.
func TestManyTransactions(t *testing.T) {
	n := newNetwork()
	h := &relaytest.Host{Offers: []string{"LIMITS RCPTMAX=1"}, Say: func(line string) string {
		if line == "." {
			time.Sleep(4 * time.Minute)
		}
		return ""
	}}
	n.addAt("a.example", numbered(0), h)
	inNetwork(t, n, Options{}, func(r *rig) {
		j := jobNow(text, "bob@a.example", "carol@a.example", "dave@a.example")
		equal(t, "outcome", "bob relayed 2.0.0 blind\ncarol relayed 2.0.0 blind\ndave deferred 4.4.2", r.deliver(j))
	})
}
