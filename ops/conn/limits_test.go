package conn

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"
)

func addr(s string) netip.AddrPort { return netip.AddrPortFrom(netip.MustParseAddr(s), 40000) }

func TestNetwork(t *testing.T) {
	for in, want := range map[string]string{
		"192.0.2.77":             "192.0.2.0/24",
		"::ffff:192.0.2.77":      "192.0.2.0/24",
		"2001:db8:1:2ff:3::4":    "2001:db8:1:200::/56",
		"fe80::1%eth0":           "fe80::/56",
		"2001:db8:0:ff00:ffff::": "2001:db8:0:ff00::/56",
	} {
		if got := network(netip.MustParseAddr(in)); got != netip.MustParsePrefix(want) {
			t.Errorf("%s: %v, want %s", in, got, want)
		}
	}
	if got := network(netip.Addr{}); got != (netip.Prefix{}) {
		t.Errorf("Unix socket: %v", got)
	}
}

func TestOldestOfBusiestGivesWay(t *testing.T) {
	a := newAdmission(Limits{BeforeLogin: 5})
	on := &Listener{}
	enter := func(ip string, wantVictim *link) *link {
		t.Helper()
		l := &link{on: on, remote: addr(ip)}
		victim, ok := a.enter(l)
		if !ok || victim != wantVictim {
			t.Fatalf("%s: victim %v, want %v; let in: %v", ip, victim, wantVictim, ok)
		}
		return l
	}
	phone := enter("198.51.100.1", nil)
	b1 := enter("192.0.2.1", nil)
	b2 := enter("192.0.2.2", nil)
	six := enter("2001:db8::1", nil)
	b3 := enter("192.0.2.3", nil)
	enter("203.0.113.9", b1) // 192.0.2.0/24 has three
	// Logged in: no longer in the line, so nobody has to go.
	l := &link{on: on, remote: addr("192.0.2.4")}
	if err := a.login(b2, "alice"); err != nil {
		t.Fatal(err)
	}
	if victim, ok := a.enter(l); victim != nil || !ok {
		t.Fatal("no need for a victim, but", victim)
	}
	enter("192.0.2.5", b3) // the busiest again, b2 is out of reach
	enter("203.0.113.10", l)
	// All networks but 203.0.113.0/24 have one: it has two.
	last := enter("2001:db8:0:100::1", oldestOf(a, "203.0.113.9"))
	for _, l := range []*link{phone, six, last} {
		a.leave(l)
	}
	if open, waiting, _ := a.levels(); waiting != len(a.waitingList()) || open < waiting {
		t.Errorf("open %d, waiting %d", open, waiting)
	}
}

// oldestOf finds the oldest connection of an address's network.
func oldestOf(a *admission, ip string) *link {
	return a.buckets[network(netip.MustParseAddr(ip))].first
}

func (a *admission) waitingList() []*link {
	var all []*link
	for _, b := range a.buckets {
		for l := b.first; l != nil; l = l.place.next {
			all = append(all, l)
		}
	}
	return all
}

// TestAdmissionAgainstModel compares with a list that is searched.
func TestAdmissionAgainstModel(t *testing.T) {
	const limit = 40
	rnd := rand.New(rand.NewPCG(1, 2))
	a := newAdmission(Limits{BeforeLogin: limit, PerAccount: 5})
	on := &Listener{}
	var line, in []*link // the line, oldest first; all that are in
	accounts := map[string]int{}
	remove := func(s []*link, l *link) []*link {
		for i := range s {
			if s[i] == l {
				return append(s[:i:i], s[i+1:]...)
			}
		}
		return s
	}
	for step := range 15_000 {
		switch op := rnd.IntN(10); {
		case op < 5 || len(in) == 0:
			l := &link{on: on, remote: addr(fmt.Sprintf("10.0.%d.%d", rnd.IntN(rnd.IntN(20)+1), rnd.IntN(250)))}
			var want *link
			if len(line) >= limit {
				want = modelVictim(line)
				line = remove(line, want)
			}
			victim, ok := a.enter(l)
			if victim != want || !ok {
				t.Fatalf("step %d: victim %v, want %v", step, victim.remote, want.remote)
			}
			line, in = append(line, l), append(in, l)
		case op < 7:
			l := in[rnd.IntN(len(in))]
			account := fmt.Sprint("u", rnd.IntN(20))
			err := a.login(l, account)
			if wantErr := modelFull(accounts, l.place.account, account, err); wantErr != nil {
				t.Fatalf("step %d: %v", step, wantErr)
			}
			if err == nil {
				line = remove(line, l)
			}
			accounts = modelAccounts(in)
		case op < 8:
			l := in[rnd.IntN(len(in))]
			if l.place.account != "" {
				line = append(line, l)
			}
			a.logout(l)
			accounts = modelAccounts(in)
		default:
			l := in[rnd.IntN(len(in))]
			a.leave(l)
			line, in = remove(line, l), remove(in, l)
			accounts = modelAccounts(in)
		}
		open, waiting, users := a.levels()
		if open != len(in) || waiting != len(line) || users != len(accounts) {
			t.Fatalf("step %d: %d %d %d, want %d %d %d", step, open, waiting, users, len(in), len(line), len(accounts))
		}
	}
}

func modelVictim(line []*link) *link {
	n := map[netip.Prefix]int{}
	for _, l := range line {
		n[network(l.remote.Addr())]++
	}
	var best *link
	for _, l := range line { // oldest first: the first of the busiest
		if best == nil || n[network(l.remote.Addr())] > n[network(best.remote.Addr())] {
			best = l
		}
	}
	return best
}

// modelFull checks the outcome of a login against the counts before it.
func modelFull(accounts map[string]int, now, account string, err error) error {
	full := accounts[account] >= 5
	if now == account && err == nil {
		return nil
	}
	if full != (err == ErrTooManyConnections) {
		return fmt.Errorf("%d connections of %s: %v", accounts[account], account, err)
	}
	return nil
}

func modelAccounts(in []*link) map[string]int {
	n := map[string]int{}
	for _, l := range in {
		if l.place.account != "" {
			n[l.place.account]++
		}
	}
	return n
}

func TestCrowdedOut(t *testing.T) {
	o := Options{Limits: Limits{BeforeLogin: 3, Total: 5, PerAccount: 2}}
	each(t, o, &Listener{}, func(t *testing.T, r *rig) {
		a, b, c := r.dial(), r.dial(), r.dial()
		a.say("LOGIN alice")
		a.want("<nil>")
		r.dial()
		r.dial() // a fourth before login: b goes
		b.ended()
		if err := r.cause(); err != Crowded {
			t.Errorf("Close was given %v", err)
		}
		c.say("LOGIN alice")
		c.want("<nil>")
		d := r.dial()
		d.say("LOGIN alice")
		d.want(ErrTooManyConnections.Error())
		c.say("LOGOUT", "LOGIN bob")
		c.want("ok", "<nil>")
		d.say("LOGIN alice")
		d.want("<nil>")
	})
}

func TestTotalLimit(t *testing.T) {
	o := Options{Limits: Limits{Total: 2}}
	each(t, o, &Listener{Trusted: true}, func(t *testing.T, r *rig) {
		a := r.dial()
		r.dial()
		newClient(t, r.connect()).ended()
		a.Close()
		until(t, "room", func() bool { return r.srv.Stats().Open == 1 })
		r.dial()
		if n := r.srv.Stats().Ended[TooMany]; n != 1 {
			t.Errorf("%d refused", n)
		}
	})
}

func TestListenerLimit(t *testing.T) {
	each(t, Options{}, &Listener{Max: 1}, func(t *testing.T, r *rig) {
		r.dial()
		newClient(t, r.connect()).ended()
	})
}

func TestFailures(t *testing.T) {
	var f failures
	now := time.Unix(1e9, 0)
	ip := func(s string) netip.Addr { return netip.MustParseAddr(s) }
	var delays []time.Duration
	for range 12 {
		delays = append(delays, f.add(ip("192.0.2.1"), now))
	}
	for i, d := range delays {
		switch {
		case i < failFree && d != 0:
			t.Errorf("failure %d is held back by %v", i+1, d)
		case i == failFree && d != failFirst:
			t.Errorf("the first delay is %v", d)
		case i > failFree && (d < delays[i-1] || d > failMost):
			t.Errorf("delay %v after %v", d, delays[i-1])
		}
	}
	if delays[11] != failMost {
		t.Errorf("the last delay is %v", delays[11])
	}
	if d := f.add(ip("192.0.2.200"), now); d == 0 {
		t.Error("a neighbour in the same network starts anew")
	}
	if d := f.add(ip("192.0.3.1"), now); d != 0 {
		t.Errorf("another network is held back by %v", d)
	}
	if d := f.add(ip("192.0.2.1"), now.Add(time.Hour)); d != 0 {
		t.Errorf("nothing forgiven in an hour: %v", d)
	}
	if d := f.add(ip("192.0.3.1"), now.Add(-time.Hour)); d != 0 {
		t.Errorf("a clock set back: %v", d)
	}
}

func TestFailuresAreBounded(t *testing.T) {
	var f failures
	now := time.Unix(1e9, 0)
	guilty := netip.MustParseAddr("192.0.2.1")
	for range 20 {
		f.add(guilty, now)
	}
	for i := range 2 * failMemory {
		f.add(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), now)
		f.add(netip.AddrFrom4([4]byte{11, byte(i >> 8), byte(i), 1}), now)
	}
	if len(f.net) > failMemory {
		t.Errorf("%d networks remembered", len(f.net))
	}
	if d := f.add(guilty, now); d == 0 {
		t.Error("the guilty one was washed out")
	}
}
