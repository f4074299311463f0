package imapserver

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"citron/mail/acl"
	"citron/store/account"
)

// The extensions together. Phones with different ones enabled, of two users who
// share mailboxes with one another, do random things of all kinds to one
// mailbox, while rights on it are given and taken, and the index is somewhere
// between empty and complete. Whenever all rest, what each phone has been told
// must be the truth: messages, flags, mod-sequences, contexts, other mailboxes'
// STATUS, annotations; and what it asks must be answered by a plain model's rule
// (profile_checks_test.go).

var profileTime = flag.Duration("profile.time", 0, "how long TestProfileAgainstModel plays histories never played before, after a third of -seeds")

func TestProfileAgainstModel(t *testing.T) {
	for seed := range (histories() + 2) / 3 {
		playProfile(t, seed)
	}
	end := time.Now().Add(*profileTime)
	for seed := uint64(end.UnixNano()); time.Now().Before(end); seed++ {
		playProfile(t, seed)
	}
}

func playProfile(t *testing.T, seed uint64) {
	for name, open := range engines {
		t.Run(fmt.Sprintf("%s/%d", name, seed), func(t *testing.T) {
			f := newFixtureOn(t, open(t), func(c *Config) { c.MaxContexts = 5 })
			newProfileModel(t, f, seed).play(200)
		})
	}
}

// profileModel is a history of several phones, and the plain model.
type profileModel struct {
	*indexed
	phones []*phone
	rights acl.Rights        // bob's on alice's INBOX
	notes  map[string]string // annotations by noteKey
	urls   []*mintedURL
}

// phone is a client and the extensions that it uses.
type phone struct {
	*mirror
	h          *profileModel
	listens    bool // NOTIFY
	compresses bool
	annotates  bool                   // ENABLE METADATA, and no NOTIFY
	boxes      map[string]*boxPicture // other mailboxes, if it listens
	notes      map[string]string      // what it knows of annotations, if it is told of changes
	filter     string                 // its filter, if it has one
	muted      bool                   // by NOTIFY NONE
	away       bool                   // has not got the mailbox open, because it may not
}

const bobsINBOX = "Other Users/bob@example.org/INBOX"

// otherBoxes are what the phones of a user listen to, and copy to: mailbox names
// as the user sees them.
var otherBoxes = map[string][]string{
	"alice": {"Archive", "Sent", bobsINBOX},
	"bob":   {"INBOX", "Other Users/alice@example.org/Archive"},
}

// truthOf gives a mailbox by its name as a user sees it.
func (h *profileModel) truthOf(user, name string) (*account.Account, *account.MailboxInfo) {
	h.t.Helper()
	own, number := name[strings.LastIndex(name, "/")+1:], map[string]uint64{"alice": 1, "bob": 2}[user]
	if own != name {
		number = 3 - number
	}
	a := h.account(number)
	info, ok := a.Lookup(own)
	if !ok {
		h.t.Fatalf("no mailbox %s of %d", own, number)
	}
	return a, info
}

func newProfileModel(t *testing.T, f *fixture, seed uint64) *profileModel {
	h := &profileModel{indexed: &indexed{fixture: f, t: t, rng: rand.New(rand.NewPCG(seed, 5550)), on: f.engine},
		rights: acl.All, notes: map[string]string{}}
	for range 6 {
		h.arrive(h.message())
	}
	f.share("alice", "INBOX", "bob", acl.All)
	f.share("alice", "Archive", "bob", acl.All)
	f.share("bob", "INBOX", "alice", acl.All)
	for i, enable := range []string{"", "CONDSTORE", "QRESYNC METADATA", "IMAP4rev2", "UIDONLY QRESYNC UTF8=ACCEPT", "UTF8=ACCEPT", "UIDONLY METADATA", "QRESYNC"} {
		user, box := "alice", "INBOX"
		if i >= 5 {
			user, box = "bob", `"Other Users/alice@example.org/INBOX"`
		}
		p := &phone{h: h, listens: i == 1 || i == 3 || i == 7, compresses: i == 2 || i == 6, annotates: strings.Contains(enable, "METADATA"),
			mirror: &mirror{peer: f.loginAs(user), t: t, name: fmt.Sprint(user, i), user: user, box: box, enable: enable}}
		p.also = p.takeInMore
		p.open()
		h.phones = append(h.phones, p)
	}
	return h
}

// open begins a session, in which the phone knows nothing.
func (p *phone) open() {
	p.t.Helper()
	p.boxes, p.notes, p.muted = map[string]*boxPicture{}, map[string]string{}, false
	if p.compresses {
		p.ok(p.t, "z COMPRESS DEFLATE")
		p.compress()
	}
	if p.away = !p.mirror.open(); !p.away && p.listens {
		p.listen()
	}
}

func (p *phone) listen() {
	p.t.Helper()
	for _, name := range otherBoxes[p.user] {
		p.boxes[name] = &boxPicture{-1, -1, -1}
	}
	events := "(MessageNew MessageExpunge FlagChange)"
	selected := []string{"SELECTED " + events, "SELECTED-DELAYED " + events, "SELECTED (MessageNew (UID FLAGS) MessageExpunge FlagChange)"}[p.h.rng.IntN(3)]
	p.command(fmt.Sprintf(`NOTIFY SET STATUS (%s) (mailboxes ("%s") %s)`, selected, strings.Join(otherBoxes[p.user], `" "`), events))
	for name, b := range p.boxes {
		if b.messages < 0 || b.uidNext < 0 {
			p.t.Fatalf("%s was not told of %s: %q", p.name, name, p.lastOut)
		}
	}
	p.muted = false
}

// ready has a phone that was sent away come back, as soon as it may.
func (p *phone) ready() bool {
	p.t.Helper()
	mayRead := p.user == "alice" || p.h.rights.Has(acl.Read)
	switch {
	case !p.closed && !p.away && !mayRead:
		p.rest()
		if !p.closed {
			p.t.Fatalf("%s has not been sent away: %q", p.name, p.lastOut)
		}
		fallthrough
	case p.closed:
		p.peer = p.h.loginAs(p.user)
		p.open()
	case p.away && mayRead:
		p.packed = nil
		p.hangUp()
		p.peer = p.h.loginAs(p.user)
		p.open()
	}
	if p.away == mayRead {
		p.t.Fatalf("%s is away: %v, with %v: %q", p.name, p.away, p.h.rights, p.lastOut)
	}
	return !p.away
}

func (h *profileModel) play(steps int) {
	h.t.Helper()
	for step := range steps {
		p := h.phones[h.rng.IntN(len(h.phones))]
		p.step(step)
		if strings.HasPrefix(p.enable, "QRESYNC") && !p.away && !p.closed && !p.idle && !p.muted && h.rights == acl.All && h.rng.IntN(6) == 0 {
			p.returns(h.fixture)
		}
		if h.rng.IntN(8) == 0 {
			h.rest()
		}
	}
	h.rest()
	for _, p := range h.phones {
		p.hangUp()
	}
	h.verify()
}

// rest has all come to rest, and compares.
func (h *profileModel) rest() {
	h.t.Helper()
	for _, p := range h.phones {
		if p.ready() {
			if p.muted {
				p.listen()
			}
			p.mirror.rest()
		}
	}
	for _, p := range h.phones {
		if p.away {
			continue
		}
		p.compare(h.fixture, "at rest")
		p.compareLists()
		p.compareBoxes()
		p.compareNotes()
		p.check()
	}
}

// step has a phone do something, or something happen.
func (p *phone) step(n int) {
	p.t.Helper()
	h := p.h
	p.mirror.hear() // what NOTIFY and IDLE have told, before message numbers are used
	if !p.ready() {
		return
	}
	if p.muted { // its picture is an old one: all that it does is to listen again
		p.listen()
		return
	}
	switch k := h.rng.IntN(24); {
	case k == 0:
		*h.clock = h.clock.Add(time.Duration(h.rng.IntN(30)) * time.Second)
		h.index(1 + h.rng.IntN(3))
	case k <= 2:
		h.arrive(h.message())
	case p.idle:
		p.rest()
	case k == 5 && len(p.lists) > 1 && h.rng.IntN(2) == 0:
		tag := p.lists[0].tag
		p.lists = p.lists[1:]
		p.command(fmt.Sprintf("CANCELUPDATE %q", tag))
	case k <= 5:
		p.newContext(fmt.Sprint("c", n), contextQueries[h.rng.IntN(len(contextQueries))], h.rng)
	case k <= 7:
		p.transfer()
	case k == 8:
		p.fetchFrom()
	case k == 9 && p.user == "alice":
		h.grant(p)
	case k == 10:
		p.annotate(n)
	case k == 11:
		p.setFilter()
	case k <= 13:
		p.mint()
	case k == 14 && h.rng.IntN(4) == 0:
		p.resetKeys()
	case k == 15 && h.rng.IntN(2) == 0:
		p.leave()
	case k == 16:
		p.appendBinary()
	case k == 17 && p.listens:
		p.command("NOTIFY NONE")
		p.muted = true
	case k == 18:
		p.catenate()
	case k == 19 && (p.enable == "CONDSTORE" || strings.Contains(p.enable, "QRESYNC")):
		p.storeUnchanged()
	case k == 20 && p.user == "alice" && h.rng.IntN(4) == 0: // all messages go
		p.command(fmt.Sprint("RENAME INBOX old", n))
	default:
		p.act(h.fixture, h.rng)
	}
}

// transfer copies or moves messages to another mailbox, its own or not.
func (p *phone) transfer() {
	p.t.Helper()
	boxes := otherBoxes[p.user]
	to, set := boxes[p.h.rng.IntN(len(boxes))], p.someSet(p.h.rng)
	if set == "" {
		return
	}
	p.command(p.by(fmt.Sprintf("%s %s %q", []string{"COPY", "COPY", "MOVE"}[p.h.rng.IntN(3)], set, to)))
	p.forget(to)
}

// forget has the phone know no numbers of another mailbox, which it changed
// itself: of that it need not be told.
func (p *phone) forget(name string) {
	p.t.Helper()
	if b := p.boxes[name]; b != nil {
		*b = boxPicture{-1, -1, -1}
	}
	p.mirror.hear()
}

// fetchFrom has another session of the user copy or move a message out of
// another mailbox to this one.
func (p *phone) fetchFrom() {
	p.t.Helper()
	boxes := otherBoxes[p.user]
	from, q := boxes[p.h.rng.IntN(len(boxes))], p.h.loginAs(p.user)
	q.say(p.t, fmt.Sprintf("s SELECT %q", from), fmt.Sprintf("s %s 1:2 %s", []string{"COPY", "MOVE"}[p.h.rng.IntN(2)], p.box),
		`s STORE * +FLAGS (\Flagged)`, `s STORE 1 +FLAGS (\Seen \Deleted)`, "s CLOSE")
	q.hangUp()
}

// storeUnchanged changes what has not been changed since the phone knew it, or
// longer (RFC 7162 §3.1.3).
func (p *phone) storeUnchanged() {
	p.t.Helper()
	since := p.modSeq - min(p.modSeq, uint64(p.h.rng.IntN(5)))
	if set := p.someSet(p.h.rng); set != "" {
		p.command(p.by(fmt.Sprintf("STORE %s (UNCHANGEDSINCE %d) %sFLAGS (kw3)", set, since, []string{"", "+", "-"}[p.h.rng.IntN(3)])))
	}
}

// grant gives bob other rights.
func (h *profileModel) grant(p *phone) {
	h.t.Helper()
	h.rights = []acl.Rights{acl.All, acl.All, acl.All, acl.Lookup | acl.Read, acl.Lookup | acl.Read | acl.Seen,
		acl.Lookup | acl.Read | acl.Write | acl.Insert, acl.All &^ acl.Expunge, acl.Lookup, 0}[h.rng.IntN(9)]
	p.command(fmt.Sprintf("SETACL INBOX bob %q", h.rights.String()))
	if !strings.Contains(p.lastOut, "t OK") {
		h.t.Fatal(p.lastOut)
	}
}

// leave logs out in the way of RFC 8437, and in again.
func (p *phone) leave() {
	p.t.Helper()
	p.command("UNAUTHENTICATE")
	p.packed = nil
	p.command("LOGIN " + p.user + "@example.org lemonade")
	p.open()
}

func (p *phone) appendBinary() {
	p.t.Helper()
	m := "Subject: binary\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: binary\r\n\r\n\x00\xff\n\r" +
		strings.Repeat("\x01", p.h.rng.IntN(90))
	p.command(fmt.Sprintf("APPEND %s (kw2) ~{%d+}\r\n%s", p.box, len(m), m))
}

// takeInMore follows what RFC 5465 and RFC 5464 have a phone be told.
func (p *phone) takeInMore(line string) {
	p.t.Helper()
	if takeInStatus(p.t, p.boxes, line) {
		return
	}
	if rest, ok := strings.CutPrefix(line, "* METADATA "+p.box+" "); ok {
		p.takeInNotes(rest)
	}
}

func (p *phone) compareBoxes() {
	p.t.Helper()
	for name, b := range p.boxes {
		_, info := p.h.truthOf(p.user, name)
		b.compare(p.t, p.name+" at rest", info, true)
	}
}

// flagged gives the UIDs of the messages in one of a user's mailboxes that have
// a flag.
func (h *profileModel) flagged(user, name, flag string) (uids []uint32) {
	h.t.Helper()
	a, info := h.truthOf(user, name)
	h.entries(a, info, func(e *account.Entry) {
		if slices.Contains(strings.Fields(truth(info, e)), flag) {
			uids = append(uids, uint32(e.UID))
		}
	})
	return uids
}

// there says whether there is a message in the mailbox of all phones.
func (h *profileModel) there(uid uint32) (found bool) {
	h.t.Helper()
	a, info := h.truthOf("alice", "INBOX")
	h.entries(a, info, func(e *account.Entry) { found = found || uint32(e.UID) == uid })
	return found
}

func (h *profileModel) entries(a *account.Account, info *account.MailboxInfo, fn func(*account.Entry)) {
	h.t.Helper()
	view, err := a.Open(context.Background(), info.ID)
	h.check(err)
	h.check(a.Entries(context.Background(), view, everyUID, func(batch []account.Entry) error {
		for i := range batch {
			if _, ok := view.Set.Seq(batch[i].UID); ok {
				fn(&batch[i])
			}
		}
		return nil
	}))
}
