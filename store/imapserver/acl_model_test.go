package imapserver

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sort"
	"strings"
	"testing"

	"citron/mail/acl"
)

// Two users do random things to one mailbox, while its owner changes the other's
// rights all the time. After each thing the mailbox must be what a plain model
// says, which knows RFC 4314 §4 and nothing else: what is not allowed changes
// nothing, what is allowed in part is done in part, and who may not read is
// gone.

func TestSharedMailboxAgainstModel(t *testing.T) {
	for seed := range histories() {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			m := newACLModel(t, seed)
			for range 120 {
				m.step()
				m.compare()
			}
		})
	}
}

// aclModel is the mailbox "box" of alice's, and what bob may do with it.
type aclModel struct {
	t      *testing.T
	f      *fixture
	random *rand.Rand
	alice  *peer
	bob    *peer
	rights acl.Rights
	opened bool // bob has it selected

	uids  []int
	flags map[int]map[string]bool
	next  int // UIDNEXT
	did   string
}

var modelFlags = []string{`\Seen`, `\Answered`, `\Flagged`, `\Deleted`, `\Draft`, "$Work"}

func newACLModel(t *testing.T, seed uint64) *aclModel {
	f := newFixture(t)
	m := &aclModel{t: t, f: f, random: rand.New(rand.NewPCG(seed, 4314)), alice: f.login(), bob: f.loginAs("bob"),
		flags: map[int]map[string]bool{}, next: 1}
	m.alice.ok(t, "a CREATE box", "a SELECT box")
	m.bob.ok(t, "a APPEND INBOX (\\Seen \\Answered \\Deleted $Work) {3+}\r\nabc")
	return m
}

func (m *aclModel) step() {
	if m.opened && !m.rights.Has(acl.Read) {
		// Whatever bob tries now, he is sent away, and it is not done.
		m.did = m.bob.say(m.t, "b "+m.change().line)
		if !strings.HasPrefix(m.did, "* BYE") || !m.bob.closed {
			m.t.Fatalf("bob may not read, and: %s", m.did)
		}
		m.bob, m.opened = m.f.loginAs("bob"), false
		return
	}
	switch n := m.random.IntN(10); {
	case n < 2:
		m.grant()
	case n == 2:
		m.append(m.alice, "box", acl.All)
	case n == 3:
		m.append(m.bob, theirBox, m.rights)
	case n == 4:
		m.open()
	case n == 5 && !m.opened:
		m.copyIn()
	case m.opened:
		m.act()
	}
}

// grant gives bob other rights.
func (m *aclModel) grant() {
	m.rights = acl.Rights(m.random.IntN(int(acl.All) + 1))
	if m.random.IntN(2) == 0 {
		m.rights |= acl.Read | acl.Lookup
	}
	m.f.share("alice", "box", "bob", m.rights)
	m.did = "bob has " + m.rights.String()
}

// may leaves of flags those that rights let one change.
func may(rights acl.Rights, flag string) bool {
	switch flag {
	case `\Seen`:
		return rights.Has(acl.Seen)
	case `\Deleted`:
		return rights.Has(acl.DeleteMessages)
	}
	return rights.Has(acl.Write)
}

func (m *aclModel) someFlags() (list []string) {
	for _, f := range modelFlags {
		if m.random.IntN(3) == 0 {
			list = append(list, f)
		}
	}
	return list
}

func (m *aclModel) add(rights acl.Rights, flags []string) {
	set := map[string]bool{}
	for _, f := range flags {
		if may(rights, f) {
			set[f] = true
		}
	}
	m.uids, m.flags[m.next] = append(m.uids, m.next), set
	m.next++
}

func (m *aclModel) append(who *peer, name string, rights acl.Rights) {
	flags := m.someFlags()
	m.say(who, fmt.Sprintf("APPEND %s (%s) {3+}\r\nabc", name, strings.Join(flags, " ")), rights.Has(acl.Insert))
	if rights.Has(acl.Insert) {
		m.add(rights, flags)
	}
}

// copyIn copies bob's own message into the mailbox.
func (m *aclModel) copyIn() {
	m.bob.ok(m.t, "b EXAMINE INBOX")
	m.say(m.bob, "COPY 1 "+theirBox, m.rights.Has(acl.Insert))
	if m.rights.Has(acl.Insert) {
		m.add(m.rights, []string{`\Seen`, `\Answered`, `\Deleted`, "$Work"})
	}
	m.bob.ok(m.t, "b UNSELECT")
}

func (m *aclModel) open() {
	m.say(m.bob, "SELECT "+theirBox, m.rights.Has(acl.Read))
	m.opened = m.rights.Has(acl.Read)
}

// modelChange is a STORE.
type modelChange struct {
	line  string
	uid   int
	sign  string
	flags []string
}

func (m *aclModel) change() (c modelChange) {
	if len(m.uids) > 0 {
		c.uid = m.uids[m.random.IntN(len(m.uids))]
	} else {
		c.uid = 999
	}
	c.sign, c.flags = []string{"+", "-", ""}[m.random.IntN(3)], m.someFlags()
	c.line = fmt.Sprintf("UID STORE %d %sFLAGS (%s)", c.uid, c.sign, strings.Join(c.flags, " "))
	return c
}

// allowed says whether any of the flags named may be changed; of none named,
// whether any at all.
func (c modelChange) allowed(rights acl.Rights) bool {
	list := c.flags
	if len(list) == 0 {
		list = modelFlags
	}
	return slices.ContainsFunc(list, func(f string) bool { return may(rights, f) })
}

func (m *aclModel) act() {
	m.bob.say(m.t, "x NOOP") // of what he has not heard he cannot speak
	switch n := m.random.IntN(8); {
	case n < 4:
		c := m.change()
		ok := c.allowed(m.rights)
		m.say(m.bob, c.line, ok)
		if m.flags[c.uid] != nil && ok {
			for _, f := range modelFlags {
				named := slices.Contains(c.flags, f)
				if may(m.rights, f) && (named || c.sign == "") {
					m.flags[c.uid][f] = named && c.sign != "-"
				}
			}
		}
	case n == 4 && len(m.uids) > 0:
		uid := m.uids[m.random.IntN(len(m.uids))]
		m.say(m.bob, fmt.Sprintf("UID FETCH %d BODY[]", uid), true)
		if may(m.rights, `\Seen`) {
			m.flags[uid][`\Seen`] = true
		}
	case n == 5:
		m.say(m.bob, "EXPUNGE", m.rights.Has(acl.Expunge))
		m.expunge()
	case n == 6:
		m.say(m.bob, "CLOSE", true)
		m.expunge()
		m.opened = false
	case n == 7 && len(m.uids) > 0:
		at := m.random.IntN(len(m.uids))
		ok := m.rights.Has(acl.Expunge | acl.DeleteMessages)
		m.say(m.bob, fmt.Sprintf("UID MOVE %d INBOX", m.uids[at]), ok)
		if ok {
			m.uids = slices.Delete(m.uids, at, at+1)
		}
	}
}

func (m *aclModel) expunge() {
	if m.rights.Has(acl.Expunge) {
		m.uids = slices.DeleteFunc(m.uids, func(u int) bool { return m.flags[u][`\Deleted`] })
	}
}

// say has a client send a command and holds whether it is OK against the model.
func (m *aclModel) say(p *peer, line string, want bool) {
	m.t.Helper()
	m.did = line + "\n" + p.say(m.t, "b "+line)
	if ok := strings.Contains(m.did, "\nb OK"); ok != want {
		m.t.Fatalf("with %s: %s", m.rights, m.did)
	}
}

func (m *aclModel) compare() {
	m.t.Helper()
	var want []string
	for i, uid := range m.uids {
		var flags []string
		for f, on := range m.flags[uid] {
			if on {
				flags = append(flags, f)
			}
		}
		sort.Strings(flags)
		want = append(want, fmt.Sprintf("%d %d %s", i+1, uid, strings.Join(flags, " ")))
	}
	var have []string
	m.alice.say(m.t, "x NOOP")
	for _, line := range strings.Split(m.alice.say(m.t, "x UID FETCH 1:* FLAGS"), "\r\n") {
		var seq, uid int
		if n, _ := fmt.Sscanf(line, "* %d FETCH (UID %d", &seq, &uid); n == 2 {
			_, list, _ := strings.Cut(line, "FLAGS (")
			flags := strings.Fields(strings.TrimRight(list, ")"))
			flags = slices.DeleteFunc(flags, func(f string) bool { return f == `\Recent` })
			sort.Strings(flags)
			have = append(have, fmt.Sprintf("%d %d %s", seq, uid, strings.Join(flags, " ")))
		}
	}
	if !slices.Equal(have, want) {
		m.t.Fatalf("after %s\nthe mailbox is\n%s\nnot\n%s", m.did, strings.Join(have, "\n"), strings.Join(want, "\n"))
	}
}
