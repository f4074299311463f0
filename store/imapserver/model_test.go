package imapserver

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"citron/mail/acl"
	"citron/store/account"
	"citron/store/uidset"
)

// Several sessions, with different extensions enabled and of two users who share
// it, do random things to one mailbox. Each client keeps its own picture of it from nothing but what its
// server says, as RFC 9051 §7 and RFC 7162 §6 tell it to. After a NOOP every
// picture must be the truth; and a client with QRESYNC that loses its
// connection after any command must be able to come back with what it knows.

var modelSeeds = flag.Uint64("seeds", 25, "how many random histories the tests against models play")

// histories is how many random histories a test plays: with -short, where the
// race detector looks on, a fifth of them.
func histories() uint64 {
	if testing.Short() {
		return (*modelSeeds + 4) / 5
	}
	return *modelSeeds
}

func TestClientsSeeTheTruth(t *testing.T) {
	for name, open := range engines {
		for seed := range histories() {
			t.Run(fmt.Sprintf("%s/%d", name, seed), func(t *testing.T) {
				playRandomly(t, newFixtureOn(t, open(t)), seed, 120)
			})
		}
	}
}

// mirror is a client and its picture of the mailbox.
type mirror struct {
	*peer
	t       *testing.T
	name    string
	user    string
	box     string // the mailbox, as this user names it
	enable  string
	uids    []uint32          // by sequence number; 0: not asked yet
	flags   map[uint32]string // by UID; absent: not asked yet
	modSeqs map[uint32]uint64 // by UID, where told
	modSeq  uint64            // HIGHESTMODSEQ as the client reckons it
	idle    bool
	valid   string // UIDVALIDITY
	lastOut string
	lists   []*followed       // contexts
	also    func(line string) // sees all that is said, if set
}

// newMirrors are clients of two users who have selected the same mailbox.
func newMirrors(t *testing.T, f *fixture) []*mirror {
	var mirrors []*mirror
	f.share("alice", "INBOX", "bob", acl.All)
	for i, enable := range []string{"", "CONDSTORE", "QRESYNC", "IMAP4rev2", "", "QRESYNC"} {
		user, box := "alice", "INBOX"
		if i >= 4 {
			user, box = "bob", `"Other Users/alice@example.org/INBOX"`
		}
		m := &mirror{peer: f.loginAs(user), t: t, name: fmt.Sprint(i), user: user, box: box, enable: enable}
		m.open()
		mirrors = append(mirrors, m)
	}
	return mirrors
}

// open selects the mailbox, of which the client knows nothing. It says whether
// the user may.
func (m *mirror) open() bool {
	m.t.Helper()
	m.uids, m.flags, m.modSeqs, m.modSeq, m.idle, m.lists = nil, map[uint32]string{}, map[uint32]uint64{}, 0, false, nil
	if m.enable != "" {
		m.command("ENABLE " + m.enable)
	}
	m.command("SELECT " + m.box)
	if !strings.Contains(m.lastOut, "\nt OK") {
		return false
	}
	m.ask()
	return true
}

// uidOnly says that the client knows no message numbers (RFC 9586). What it
// knows by UID comes first in its picture then.
func (m *mirror) uidOnly() bool { return strings.Contains(m.enable, "UIDONLY") }

// vanishes says that the client is told of UIDs instead of EXPUNGE.
func (m *mirror) vanishes() bool { return m.uidOnly() || strings.Contains(m.enable, "QRESYNC") }

// by gives a command that names messages as the client may.
func (m *mirror) by(command string) string {
	if m.uidOnly() {
		return "UID " + command
	}
	return command
}

func playRandomly(t *testing.T, f *fixture, seed uint64, steps int) {
	random := rand.New(rand.NewPCG(seed, 7))
	for range 6 {
		f.deliver("INBOX", nil)
	}
	mirrors := newMirrors(t, f)
	for range steps {
		m := mirrors[random.IntN(len(mirrors))]
		m.act(f, random)
		if m.enable == "QRESYNC" && !m.idle && random.IntN(4) == 0 {
			m.returns(f)
		}
		if random.IntN(8) == 0 {
			for _, m := range mirrors {
				m.rest()
				m.compare(f, "after NOOP")
			}
		}
	}
}

// act does one random thing.
func (m *mirror) act(f *fixture, random *rand.Rand) {
	if m.idle {
		m.rest()
		return
	}
	set := m.someSet(random)
	flag := []string{`\Seen`, `\Flagged`, `\Deleted`, "$Junk", fmt.Sprintf("kw%d", random.IntN(5))}[random.IntN(5)]
	sign := []string{"+", "-", ""}[random.IntN(3)]
	switch n := random.IntN(13); {
	case n == 0:
		f.deliver("INBOX", nil)
	case n == 1:
		m.command("APPEND " + m.box + " (\\Seen kw1) {5+}\r\nabc\r\n")
	case n <= 4 && set != "":
		m.command(m.by(fmt.Sprintf("STORE %s %sFLAGS (%s)", set, sign, flag)))
	case n <= 6 && set != "":
		m.storeSilently(set, sign, flag)
	case n == 7:
		m.command("EXPUNGE")
	case n == 8 && set != "":
		m.command(m.by(fmt.Sprintf("COPY %s %s", set, m.box)))
	case n == 9 && set != "" && random.IntN(3) == 0:
		m.command(m.by(fmt.Sprintf("MOVE %s %s", set, m.box)))
	case n == 11 && set != "":
		m.replace(random.IntN(len(m.uids)))
	case n == 10:
		m.send("i IDLE\r\n")
		m.idle = true
		m.hear()
	case set != "":
		m.command(m.by(fmt.Sprintf("FETCH %s (UID FLAGS)", set)))
	}
}

// replace has a message replaced by one made of itself, if its UID is known.
func (m *mirror) replace(i int) {
	uid, named := m.uids[i], fmt.Sprint(i+1)
	switch {
	case m.uidOnly() && uid == 0:
		return
	case m.uidOnly():
		named = fmt.Sprint(uid)
	case uid == 0:
		m.command(fmt.Sprintf("REPLACE %s %s {5+}\r\nabc\r\n", named, m.box))
		return
	}
	m.command(m.by(fmt.Sprintf("REPLACE %s %s (\\Draft) CATENATE (URL \"/%s/;UID=%d\")", named, m.box, inURL(m.box), uid)))
}

// inURL is a mailbox's name within a URL.
func inURL(name string) string {
	return strings.NewReplacer(`"`, "", " ", "%20", "@", "%40").Replace(name)
}

// someSet names a few messages; it is empty if there are none to be named.
func (m *mirror) someSet(random *rand.Rand) string {
	if m.uidOnly() && slices.Contains(m.uids, 0) || len(m.uids) == 0 {
		return ""
	}
	from, to := 1+random.IntN(len(m.uids)), 1+random.IntN(len(m.uids))
	from, to = min(from, to, from+2), min(max(from, to), from+3)
	if m.uidOnly() {
		return fmt.Sprintf("%d:%d", m.uids[from-1], m.uids[to-1])
	}
	return fmt.Sprintf("%d:%d", from, to)
}

// named are the UIDs that the client knows of a set.
func (m *mirror) named(set string) (uids []uint32) {
	var from, to uint32
	fmt.Sscanf(set, "%d:%d", &from, &to)
	for i, uid := range m.uids {
		n := uint32(i + 1)
		if m.uidOnly() {
			n = uid
		}
		if n >= min(from, to) && n <= max(from, to) {
			uids = append(uids, uid)
		}
	}
	return uids
}

// storeSilently is a STORE whose effect the client works out by itself.
func (m *mirror) storeSilently(set, sign, flag string) {
	uids := m.named(set)
	for _, uid := range uids {
		if have, known := m.flags[uid]; known {
			m.flags[uid] = changed(have, sign, flag)
		}
	}
	m.command(m.by(fmt.Sprintf("STORE %s %sFLAGS.SILENT (%s)", set, sign, flag)))
	if m.user != "alice" || strings.Contains(m.lastOut, "\nt NO") || strings.HasPrefix(m.lastOut, "t NO") { // not all of it may be allowed
		for _, uid := range uids {
			delete(m.flags, uid)
		}
	}
}

func changed(have, sign, flag string) string {
	list := strings.Fields(have)
	list = slices.DeleteFunc(list, func(f string) bool { return sign == "" || f == flag })
	if sign != "-" {
		list = append(list, flag)
	}
	return ordered(list)
}

// ordered gives a list of flags in one order, without \Recent.
func ordered(list []string) string {
	list = slices.DeleteFunc(list, func(f string) bool { return f == `\Recent` })
	slices.Sort(list)
	return strings.Join(list, " ")
}

// command runs a command and takes in what is said. It must be answered, with
// OK or NO.
func (m *mirror) command(line string) {
	m.t.Helper()
	m.send("t " + line + "\r\n")
	m.hear()
	if !m.closed && !regexp.MustCompile(`(?m)^t (OK|NO) `).MatchString(m.lastOut) {
		m.t.Fatalf("%s: %s: %q", m.name, line, m.lastOut)
	}
}

// hear runs the session and takes in what it says.
func (m *mirror) hear() {
	m.t.Helper()
	said := string(m.in)
	if m.packed != nil {
		said = "compressed"
	}
	m.run(m.t)
	m.lastOut = string(m.out)
	m.out = nil
	m.t.Logf("%s: %q → %q", m.name, said, m.lastOut)
	m.takeIn(m.lastOut)
}

// rest ends IDLE, or says NOOP.
func (m *mirror) rest() {
	m.t.Helper()
	if m.idle {
		m.hear()
		m.send("DONE\r\n")
		m.idle = false
		m.hear()
		return
	}
	m.command("NOOP")
}

// ask fetches the UIDs and flags of messages that the client knows nothing of.
func (m *mirror) ask() {
	m.t.Helper()
	first := slices.IndexFunc(m.uids, func(uid uint32) bool {
		_, known := m.flags[uid]
		return uid == 0 || !known
	})
	switch {
	case first >= 0 && m.uidOnly():
		m.command("UID FETCH 1:* (FLAGS)")
	case first >= 0:
		m.command(fmt.Sprintf("FETCH %d:* (UID FLAGS)", first+1))
	}
}

var (
	saysExists   = regexp.MustCompile(`^\* (\d+) EXISTS$`)
	saysExpunge  = regexp.MustCompile(`^\* (\d+) EXPUNGE$`)
	saysVanished = regexp.MustCompile(`^\* VANISHED (?:\(EARLIER\) )?(\S+)$`)
	saysUIDFetch = regexp.MustCompile(`^\* (\d+) UIDFETCH \((.*)\)$`)
	saysFetch    = regexp.MustCompile(`^\* (\d+) FETCH \((.*)\)$`)
	saysHighest  = regexp.MustCompile(`\[HIGHESTMODSEQ (\d+)\]`)
	saysUID      = regexp.MustCompile(`\bUID (\d+)`)
	saysFlags    = regexp.MustCompile(`FLAGS \(([^)]*)\)`)
	saysModSeq   = regexp.MustCompile(`MODSEQ \((\d+)\)`)
	saysValidity = regexp.MustCompile(`\[UIDVALIDITY (\d+)\]`)
)

func number(s string) uint32 {
	n, _ := strconv.ParseUint(s, 10, 64)
	return uint32(n)
}

// takeIn follows what the server says, and RFC 7162 §6 for HIGHESTMODSEQ.
func (m *mirror) takeIn(out string) {
	m.t.Helper()
	var fetched, named uint64
	for line := range strings.Lines(out) {
		line = strings.TrimSuffix(line, "\r\n")
		m.follow(line)
		if m.also != nil {
			m.also(line)
		}
		if a := saysExists.FindStringSubmatch(line); a != nil {
			for len(m.uids) < int(number(a[1])) {
				m.uids = append(m.uids, 0)
			}
			if len(m.uids) != int(number(a[1])) {
				m.t.Fatalf("%s: %d messages, and %s", m.name, len(m.uids), line)
			}
		} else if a := saysExpunge.FindStringSubmatch(line); a != nil {
			m.remove(int(number(a[1])) - 1)
		} else if a := saysVanished.FindStringSubmatch(line); a != nil {
			m.vanish(a[1], true)
		} else if a := saysFetch.FindStringSubmatch(line); a != nil {
			fetched = max(fetched, m.fetched(int(number(a[1])), a[2]))
		} else if a := saysUIDFetch.FindStringSubmatch(line); a != nil {
			fetched = max(fetched, m.fetched(m.place(number(a[1])), a[2]))
		}
		if a := saysHighest.FindStringSubmatch(line); a != nil {
			named = uint64(number(a[1]))
		}
		if a := saysValidity.FindStringSubmatch(line); a != nil {
			m.valid = a[1]
		}
	}
	if named > 0 {
		m.modSeq = named
	} else {
		m.modSeq = max(m.modSeq, fetched)
	}
}

func (m *mirror) remove(i int) {
	m.t.Helper()
	if i < 0 || i >= len(m.uids) {
		m.t.Fatalf("%s: EXPUNGE of message %d of %d", m.name, i+1, len(m.uids))
	}
	for _, l := range m.lists {
		l.expunged(m, uint32(i+1))
	}
	delete(m.flags, m.uids[i])
	delete(m.modSeqs, m.uids[i])
	m.uids = slices.Delete(m.uids, i, i+1)
}

// vanish removes UIDs. If certain, all of them were among the client's
// messages: those it does not find are ones whose UID it does not know.
func (m *mirror) vanish(set string, certain bool) {
	m.t.Helper()
	for part := range strings.SplitSeq(set, ",") {
		first, last, isRange := strings.Cut(part, ":")
		if !isRange {
			last = first
		}
		for uid := number(first); uid <= number(last); uid++ {
			if i := slices.Index(m.uids, uid); i >= 0 {
				m.remove(i)
			} else if certain {
				m.remove(m.unknownBelow(uid))
			}
		}
	}
}

// unknownBelow is where a message must be whose UID the client does not know:
// the last of these in front of the first known UID that is higher.
func (m *mirror) unknownBelow(uid uint32) int {
	if m.uidOnly() {
		return slices.Index(m.uids, 0)
	}
	next := slices.IndexFunc(m.uids, func(u uint32) bool { return u > uid })
	if next < 0 {
		next = len(m.uids)
	}
	for next--; next >= 0 && m.uids[next] != 0; next-- {
	}
	return next
}

// place gives the place of a UID in the picture of a client without message
// numbers, counted from 1; a new one takes that of a message not known yet.
func (m *mirror) place(uid uint32) int {
	m.t.Helper()
	if !slices.Contains(m.uids, uid) {
		i := slices.Index(m.uids, 0)
		if i < 0 {
			m.t.Fatalf("%s: UID %d beside %v", m.name, uid, m.uids)
		}
		m.uids[i] = uid
		slices.Sort(m.uids[:i+1])
	}
	return 1 + slices.Index(m.uids, uid)
}

func (m *mirror) fetched(seq int, items string) (modSeq uint64) {
	m.t.Helper()
	if seq < 1 || seq > len(m.uids) {
		m.t.Fatalf("%s: FETCH of message %d of %d", m.name, seq, len(m.uids))
	}
	if a := saysUID.FindStringSubmatch(items); a != nil {
		if have := m.uids[seq-1]; have != 0 && have != number(a[1]) {
			m.t.Fatalf("%s: message %d was UID %d, now %s", m.name, seq, have, items)
		}
		m.uids[seq-1] = number(a[1])
	}
	if a := saysFlags.FindStringSubmatch(items); a != nil {
		m.flags[m.uids[seq-1]] = ordered(strings.Fields(a[1]))
	}
	if a := saysModSeq.FindStringSubmatch(items); a != nil {
		modSeq = uint64(number(a[1]))
		m.modSeqs[m.uids[seq-1]] = modSeq
	}
	return modSeq
}

// compare holds the picture against the truth.
func (m *mirror) compare(f *fixture, when string) {
	m.t.Helper()
	if m.uidOnly() {
		m.ask() // the places of UIDs that it does not know
	}
	a := f.alice()
	view, err := a.Open(context.Background(), account.Inbox)
	f.check(err)
	if len(m.uids) != int(view.Set.Len()) {
		m.t.Fatalf("%s %s: sees %d messages of %d (%v)", m.name, when, len(m.uids), view.Set.Len(), m.uids)
	}
	info, _ := a.Mailbox(account.Inbox)
	f.check(a.Entries(context.Background(), view, uidset.Ranges{{First: 1, Last: uidset.MaxUID}}, func(batch []account.Entry) error {
		for i := range batch {
			e := &batch[i]
			seq, ok := view.Set.Seq(e.UID)
			if !ok {
				continue
			}
			if have := m.uids[seq-1]; have != 0 && have != uint32(e.UID) {
				m.t.Fatalf("%s %s: message %d is UID %d, not %d", m.name, when, seq, e.UID, have)
			}
			if have, known := m.modSeqs[uint32(e.UID)]; known && have != uint64(e.ModSeq) {
				m.t.Fatalf("%s %s: UID %d has mod-sequence %d, not %d; last heard %q", m.name, when, e.UID, e.ModSeq, have, m.lastOut)
			}
			if have, known := m.flags[uint32(e.UID)]; known && have != truth(info, e) {
				m.t.Fatalf("%s %s: UID %d has (%s), not (%s); last heard %q", m.name, when, e.UID, truth(info, e), have, m.lastOut)
			}
		}
		return nil
	}))
	m.ask()
}

// truth is an entry's flags as a client would write them.
func truth(info *account.MailboxInfo, e *account.Entry) string {
	var list []string
	for i, name := range []string{`\Seen`, `\Answered`, `\Flagged`, `\Deleted`, `\Draft`} {
		if e.Flags&(1<<i) != 0 {
			list = append(list, name)
		}
	}
	for i, name := range info.Keywords {
		if e.Keywords.Has(i) {
			list = append(list, name)
		}
	}
	return ordered(list)
}

// returns has a second client with the same knowledge come in, as if the
// connection had been lost just now.
func (m *mirror) returns(f *fixture) {
	m.t.Helper()
	if slices.Contains(m.uids, 0) {
		m.ask()
	}
	back := &mirror{peer: f.loginAs(m.user), t: m.t, name: m.name + " back", flags: map[uint32]string{}, modSeqs: map[uint32]uint64{}}
	defer back.hangUp()
	back.command("ENABLE QRESYNC")
	back.in = append(back.in, fmt.Sprintf("t EXAMINE %s (QRESYNC (%s %d))\r\n", m.box, m.valid, m.modSeq)...)
	back.run(m.t)
	out := string(back.out)
	back.out = nil
	// What it knew: those still there take the numbers the server means.
	for uid, flags := range m.flags {
		back.flags[uid] = flags
	}
	back.uids = slices.Clone(m.uids)
	m.t.Logf("%s: known up to %d: %v → %q", back.name, m.modSeq, m.uids, out)
	back.resynced(out)
	back.lastOut = fmt.Sprintf("known up to %d: %s", m.modSeq, out)
	back.compare(f, "after QRESYNC")
}

// resynced applies the answer to SELECT with QRESYNC: VANISHED first, then the
// number of messages, then FETCH.
func (m *mirror) resynced(out string) {
	m.t.Helper()
	for line := range strings.Lines(out) {
		if a := saysVanished.FindStringSubmatch(strings.TrimSuffix(line, "\r\n")); a != nil {
			m.vanish(a[1], false)
		}
	}
	m.takeIn(regexp.MustCompile(`(?m)^\* VANISHED.*\r\n`).ReplaceAllString(out, ""))
}
