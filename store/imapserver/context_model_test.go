package imapserver

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// Clients with contexts keep lists of results from nothing but ADDTO and
// REMOVEFROM (RFC 5267 §4.3), and EXPUNGE where they count with message
// numbers, while several sessions do random things. After a NOOP, or in IDLE,
// each list must be what the same command would find now, in its order.

// followed is a context as its client keeps it.
type followed struct {
	tag     string
	command string // without RETURN, with %s in its place
	uid     bool
	sorted  bool
	list    []uint32
}

// contextQueries are searching commands of all kinds of programs.
var contextQueries = []string{
	"SEARCH %s ALL", "SEARCH %s UNSEEN", "SEARCH %s DELETED", "SEARCH %s FLAGGED UNDELETED",
	"SEARCH %s OR KEYWORD kw1 SUBJECT two", "SEARCH %s NOT KEYWORD $Junk", "SEARCH %s UID 9:*",
	"SEARCH %s NOT UID *", "SEARCH %s UID 4:12,20:*", "SEARCH %s MODSEQ 30", "SEARCH %s YOUNGER 40",
	"SEARCH %s OR OLDER 60 (YOUNGER 20 UNSEEN)", "SEARCH %s BODY needle UNFLAGGED", "SEARCH %s LARGER 60",
	"SORT %s (SUBJECT) UTF-8 ALL", "SORT %s (REVERSE FROM SUBJECT) UTF-8 UNDELETED", "SORT %s (DATE) UTF-8 UNSEEN",
	"SORT %s (REVERSE ARRIVAL) US-ASCII NOT KEYWORD $Junk", "SORT %s (SIZE REVERSE DATE) UTF-8 YOUNGER 60",
	"SORT %s (FROM REVERSE SUBJECT SIZE) UTF-8 OR SUBJECT two FLAGGED",
}

func TestContextsFollow(t *testing.T) {
	for name, open := range engines {
		for seed := range histories() {
			t.Run(fmt.Sprintf("%s/%d", name, seed), func(t *testing.T) {
				f := newFixtureOn(t, open(t), func(c *Config) { c.MaxContexts = 5 })
				followRandomly(t, f, seed, 150)
			})
		}
	}
}

func followRandomly(t *testing.T, f *fixture, seed uint64, steps int) {
	random := rand.New(rand.NewPCG(seed, 8))
	for range 6 {
		f.deliver("INBOX", randomMessage(random))
	}
	mirrors := newMirrors(t, f)
	for i, events := range []string{"", "MessageNew MessageExpunge", "MessageNew MessageExpunge FlagChange"} {
		if events != "" { // told at any time (RFC 5465)
			mirrors[i].command("NOTIFY SET (SELECTED (" + events + "))")
		}
	}
	for step := range steps {
		m := mirrors[random.IntN(len(mirrors))]
		m.hear() // what NOTIFY has told, before message numbers are used
		switch n := random.IntN(10); {
		case n == 0:
			*f.clock = f.clock.Add(time.Duration(random.IntN(30)) * time.Second)
		case n == 1:
			f.deliver("INBOX", randomMessage(random))
		case n == 2 && !m.idle:
			m.newContext(fmt.Sprintf("c%d", step), contextQueries[random.IntN(len(contextQueries))], random)
		case n == 3 && !m.idle && len(m.lists) > 3:
			tag := m.lists[0].tag
			m.lists = m.lists[1:]
			m.command(fmt.Sprintf("CANCELUPDATE %q", tag))
		default:
			m.act(f, random)
		}
		if random.IntN(6) == 0 {
			m.rest()
			m.compareLists()
		}
	}
	for _, m := range mirrors {
		m.rest()
		m.compareLists()
		m.hangUp()
	}
	if n := len(f.server.contexts.results); n != 0 || len(f.server.contexts.count) != 0 {
		t.Errorf("%d results are kept for nobody, %v", n, f.server.contexts.count)
	}
}

func randomMessage(random *rand.Rand) []byte {
	word := func(words ...string) string { return words[random.IntN(len(words))] }
	return fmt.Appendf(nil, "From: %s@example.org\r\nSubject: %s%s\r\nDate: %d Nov 2026 10:00:00 +0000\r\n\r\n%s\r\n",
		word("ann", "Bob", "carl"), word("", "Re: "), word("one", "Two", "three"), 1+random.IntN(28), word("hay", "a needle in hay"))
}

// newContext begins to follow a query. The session may have as many as it is
// configured for.
func (m *mirror) newContext(tag, query string, random *rand.Rand) {
	m.t.Helper()
	l := &followed{tag: tag, command: query, uid: m.vanishes() || random.IntN(2) == 0, // VANISHED shifts no numbers of messages not known by UID
		sorted: strings.HasPrefix(query, "SORT")}
	refused := len(m.lists) == 5
	m.send(fmt.Sprintf("%s %s\r\n", tag, l.line("ALL UPDATE")))
	m.lists = append(m.lists, l)
	m.hear()
	if !regexp.MustCompile(`(?m)^`+tag+` OK `).MatchString(m.lastOut) || refused != strings.Contains(m.lastOut, "* NO [NOUPDATE") {
		m.t.Fatalf("%s: %q", m.name, m.lastOut)
	}
	if refused {
		m.lists = m.lists[:5]
	}
}

func (l *followed) line(options string) string {
	line := fmt.Sprintf(l.command, "RETURN ("+options+")")
	if l.uid {
		return "UID " + line
	}
	return line
}

var (
	saysESearch = regexp.MustCompile(`^\* ESEARCH \(TAG "(\w+)"\)( UID)?(.*)$`)
	saysItem    = regexp.MustCompile(` (ALL|ADDTO|REMOVEFROM|COUNT|MODSEQ) (?:\(([^)]*)\)|(\S+))`)
)

// follow applies an ESEARCH response to the list it is about.
func (m *mirror) follow(line string) {
	m.t.Helper()
	a := saysESearch.FindStringSubmatch(line)
	if a == nil {
		return
	}
	i := slices.IndexFunc(m.lists, func(l *followed) bool { return l.tag == a[1] })
	if i < 0 {
		if strings.Contains(line, "ADDTO") || strings.Contains(line, "REMOVEFROM") {
			m.t.Fatalf("%s: nobody follows %s", m.name, line)
		}
		return
	}
	l := m.lists[i]
	if l.uid != (a[2] != "") {
		m.t.Fatalf("%s: %s", m.name, line)
	}
	for _, item := range saysItem.FindAllStringSubmatch(a[3], -1) {
		switch item[1] {
		case "ALL":
			l.list = expand(item[3])
		case "ADDTO", "REMOVEFROM":
			words := strings.Fields(item[2])
			for ; len(words) > 1; words = words[2:] {
				l.apply(m, item[1] == "REMOVEFROM", int(number(words[0])), expand(words[1]))
			}
		}
	}
}

// expand gives the numbers of a set in its order.
func expand(set string) (list []uint32) {
	for part := range strings.SplitSeq(set, ",") {
		first, last, isRange := strings.Cut(part, ":")
		if !isRange {
			last = first
		}
		for n := number(first); n <= number(last); n++ {
			list = append(list, n)
		}
	}
	return list
}

func (l *followed) apply(m *mirror, remove bool, position int, nums []uint32) {
	m.t.Helper()
	if l.sorted == (position == 0) {
		m.t.Fatalf("%s: %s has a position %d", m.name, l.tag, position)
	}
	for i, n := range nums {
		if !l.uid && int(n) > len(m.uids) {
			m.t.Fatalf("%s: %s tells message %d of %d", m.name, l.tag, n, len(m.uids))
		}
		at := position - 1
		if position == 0 {
			at, _ = slices.BinarySearch(l.list, n)
		} else if !remove {
			at += i
		}
		switch {
		case remove && (at >= len(l.list) || l.list[at] != n):
			m.t.Fatalf("%s: %s has not %d at %d: %v; %q", m.name, l.tag, n, position, l.list, m.lastOut)
		case remove:
			l.list = slices.Delete(l.list, at, at+1)
		case slices.Contains(l.list, n) || at > len(l.list):
			m.t.Fatalf("%s: %s gets %d at %d: %v; %q", m.name, l.tag, n, position, l.list, m.lastOut)
		default:
			l.list = slices.Insert(l.list, at, n)
		}
	}
}

// expunged renumbers. A result must be taken away before its EXPUNGE
// (RFC 5267 §4.3.4).
func (l *followed) expunged(m *mirror, seq uint32) {
	m.t.Helper()
	if l.uid {
		return
	}
	for i, n := range l.list {
		if n == seq {
			m.t.Fatalf("%s: EXPUNGE of %d, which is in %s: %q", m.name, seq, l.tag, m.lastOut)
		}
		if n > seq {
			l.list[i]--
		}
	}
}

// compareLists asks again and holds every list against the answer.
func (m *mirror) compareLists() {
	m.t.Helper()
	for _, l := range m.lists {
		now := m.results(l.line("ALL"))
		if !slices.Equal(l.list, now) {
			m.t.Fatalf("%s: %s (%s) is %v, its client has %v", m.name, l.tag, l.command, now, l.list)
		}
		m.comparePages(l, now)
	}
}

// results asks for ALL, and gives what is answered.
func (m *mirror) results(command string) (now []uint32) {
	m.t.Helper()
	m.command(command)
	for line := range strings.Lines(m.lastOut) {
		a := saysESearch.FindStringSubmatch(strings.TrimSuffix(line, "\r\n"))
		if a == nil || a[1] != "t" {
			continue
		}
		if item := saysItem.FindStringSubmatch(a[3]); item != nil && item[1] == "ALL" {
			now = expand(item[3])
		}
	}
	return now
}

var saysPartial = regexp.MustCompile(` PARTIAL \((\S+) (\S+)\)`)

// comparePages asks for windows, which must be slices of all there is, whether
// or not the results are kept (RFC 5267 §4.4, §4.5, RFC 9394 §3.1).
func (m *mirror) comparePages(l *followed, all []uint32) {
	m.t.Helper()
	n := len(all)
	for _, w := range [][2]int{{1, 3}, {n - 1, n + 2}, {n + 1, n + 5}, {-1, -2}, {-n - 3, -n}, {3, 2}} {
		first, last := min(w[0], w[1]), max(w[0], w[1])
		window := fmt.Sprintf("%d:%d", w[0], w[1])
		switch {
		case first*last <= 0:
			continue // no such window
		case first < 0:
			first, last = n+1+first, n+1+last
		}
		m.send("t " + l.line("PARTIAL "+window) + "\r\n")
		m.hear()
		a := saysPartial.FindStringSubmatch(m.lastOut)
		if a == nil || a[1] != window {
			m.t.Fatalf("%s: %q", m.name, m.lastOut)
		}
		var got []uint32
		if a[2] != "NIL" {
			got = expand(a[2])
		}
		want := all[min(max(first, 1)-1, n):]
		want = want[:max(min(last, n)-max(first, 1)+1, 0)]
		if !slices.Equal(got, want) {
			m.t.Fatalf("%s: %s of %v is %v", m.name, window, all, got)
		}
	}
}
