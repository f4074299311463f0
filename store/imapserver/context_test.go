package imapserver

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"citron/store/account"
)

// Beyond the limits results are given and not kept up to date, but every session
// may have one context (RFC 5267 §4.3.1).
func TestContextLimits(t *testing.T) {
	f := newFixture(t, func(c *Config) { c.MaxContexts, c.MaxAccountContexts = 3, 4 })
	granted := func(p *peer, tag string) bool {
		out := p.say(t, tag+" UID SEARCH RETURN (UPDATE COUNT) UNSEEN")
		if !strings.HasPrefix(out, `* ESEARCH (TAG "`+tag+`") UID COUNT 0`) || !strings.Contains(out, tag+" OK ") {
			t.Fatal(out)
		}
		return !strings.Contains(out, `* NO [NOUPDATE "`+tag+`"] Too many contexts`)
	}
	var peers []*peer
	for i, want := range [][]bool{{true, true, true, false}, {true, false}, {true, false}} {
		p := f.login()
		p.say(t, "s SELECT INBOX")
		for j, ok := range want {
			if tag := fmt.Sprintf("t%d", j); granted(p, tag) != ok {
				t.Errorf("session %d: %s is not as it should be", i, tag)
			}
		}
		peers = append(peers, p)
	}
	// What is cancelled makes room, and so does leaving the mailbox.
	peers[0].say(t, `c CANCELUPDATE "t0" "t1"`)
	if !granted(peers[1], "t8") {
		t.Error("there is no room after CANCELUPDATE")
	}
	peers[0].say(t, "u UNSELECT")
	if !granted(peers[1], "t9") {
		t.Error("there is no room after UNSELECT")
	}
	if n := len(f.server.contexts.results); n != 1 {
		t.Errorf("%d results for one program", n)
	}
	for _, p := range peers {
		p.hangUp()
	}
	if len(f.server.contexts.results)+len(f.server.contexts.count) != 0 {
		t.Error("contexts outlive their sessions")
	}
}

// A notification reads what changed, however many messages there are, and what
// one session has found out the next reads no more.
func TestContextCostsPerChange(t *testing.T) {
	reads := map[int]uint64{}
	for _, n := range []int{10, 3000} {
		f := newFixture(t)
		a := f.alice()
		f.fillInbox(a, n)
		var peers []*peer
		for range 3 {
			p := f.login()
			p.say(t, "s SELECT INBOX")
			for j, query := range contextCosts {
				p.say(t, fmt.Sprintf("q%d %s", j, query))
			}
			p.say(t, "i IDLE")
			peers = append(peers, p)
		}
		f.deliver("INBOX", nil)
		before := f.engine.Stats().Reads
		for i, p := range peers {
			p.run(t)
			if got := strings.Count(string(p.out), "ADDTO"); got != len(contextCosts) {
				t.Fatalf("%d messages, session %d: %q", n, i, p.out)
			}
		}
		reads[n] = f.engine.Stats().Reads - before
	}
	if reads[3000] > reads[10] || reads[10] > uint64(4*len(contextCosts)+3*2) {
		t.Errorf("reads by size of the mailbox: %v", reads)
	}
}

var contextCosts = []string{
	"UID SEARCH RETURN (UPDATE COUNT) UNSEEN", "SEARCH RETURN (UPDATE COUNT) SUBJECT hello", "SEARCH RETURN (UPDATE COUNT) BODY hello",
	"UID SORT RETURN (UPDATE COUNT) (SUBJECT REVERSE DATE) UTF-8 UNDELETED",
}

// fillInbox puts n messages into INBOX.
func (f *fixture) fillInbox(a *account.Account, n int) {
	f.t.Helper()
	for n > 0 {
		var items []account.AppendItem
		for range min(n, 100) {
			in, err := a.NewMessage(f.t.Context())
			f.check(err)
			fmt.Fprintf(in, "From: u%d@example.org\r\nSubject: hello %d\r\nDate: 1 Nov 2026 10:00:%02d +0000\r\n\r\nHello.\r\n", n%17, n*7919%1000, n%60)
			items = append(items, account.AppendItem{Incoming: in})
			n--
		}
		_, err := a.Append(f.t.Context(), account.Actor{Account: 1}, account.Inbox, items)
		f.check(err)
	}
}

// Many changes are told in pieces that hold one after the other, and the client
// comes to have the same list.
func TestManyChanges(t *testing.T) {
	f := newFixture(t)
	f.fillInbox(f.alice(), 5000)
	for _, query := range []string{"SEARCH %s UNFLAGGED", "SORT %s (SUBJECT) UTF-8 UNFLAGGED"} {
		m := &mirror{peer: f.login(), t: t, name: query, box: "INBOX", flags: map[uint32]string{}}
		m.command("SELECT INBOX")
		l := &followed{tag: "t", command: query, uid: true, sorted: strings.HasPrefix(query, "SORT")}
		m.lists = append(m.lists, l)
		m.command(l.line("ALL UPDATE"))
		var odd []string
		for n := 1; n < 5000; n += 2 {
			odd = append(odd, fmt.Sprint(n))
		}
		for _, change := range []string{"+FLAGS.SILENT", "-FLAGS.SILENT"} {
			m.command(fmt.Sprintf(`UID STORE %s %s (\Flagged)`, strings.Join(odd, ","), change))
			if n := strings.Count(m.lastOut, "* ESEARCH"); n < 2 {
				t.Errorf("%s: %d ESEARCH", query, n)
			}
			if want := map[bool]int{true: 2500, false: 5000}[change[0] == '+']; len(l.list) != want {
				t.Errorf("%s: %d in the list, not %d", query, len(l.list), want)
			}
		}
		l.tag = "u"
		m.compareLists()
		m.hangUp()
	}
}

// Sessions on threads of their own share results without harm.
func TestContextsAreSharedByThreads(t *testing.T) {
	f := newFixture(t)
	f.fillInbox(f.alice(), 300)
	var threads sync.WaitGroup
	peers := make([]*mirror, 4)
	for i := range peers {
		peers[i] = &mirror{peer: f.login(), t: t, name: fmt.Sprint(i), flags: map[uint32]string{}}
	}
	for i, m := range peers {
		threads.Go(func() {
			m.command("SELECT INBOX")
			for round := range 20 {
				for j, query := range slices.Concat(contextQueries[:5], contextQueries[len(contextQueries)-4:]) {
					if round == 0 {
						l := &followed{tag: fmt.Sprintf("q%d", j), command: query, uid: true, sorted: strings.HasPrefix(query, "SORT")}
						m.lists = append(m.lists, l)
						m.command("NOOP\r\n" + l.tag + " " + l.line("ALL UPDATE"))
					}
				}
				m.command(fmt.Sprintf(`UID STORE %d:%d +FLAGS.SILENT (\Flagged)`, 1+10*round+i, 1+10*round+5*i))
				m.command(fmt.Sprintf(`UID STORE %d:%d -FLAGS.SILENT (\Flagged)`, 1+5*round+i, 1+5*round+5*i))
			}
		})
	}
	threads.Wait()
	for _, m := range peers {
		m.command("NOOP")
		m.compareLists()
		m.hangUp()
	}
}
