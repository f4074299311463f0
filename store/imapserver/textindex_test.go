package imapserver

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"citron/engine/body/segment"
	"citron/engine/kv"
	"citron/engine/kv/memkv"
	"citron/engine/kv/pebblekv"
	"citron/engine/vfs/osfs"
	"citron/store/account"
)

// indexed is a server under random changes, whose search index is anywhere
// between empty and complete.
type indexed struct {
	*fixture
	t     *testing.T
	rng   *rand.Rand
	on    kv.Engine
	p     *peer
	texts []string // messages that were delivered
	made  int      // mailboxes
}

func newIndexed(t *testing.T, engine kv.Engine, seed uint64) *indexed {
	x := &indexed{fixture: newFixture(t), t: t, rng: rand.New(rand.NewPCG(seed, 7)), on: engine}
	disk, err := osfs.New(t.TempDir())
	x.check(err)
	x.bodies, err = segment.Open(disk, "bodies", segment.Options{})
	x.check(err)
	t.Cleanup(func() { x.bodies.Close() })
	x.reopen()
	x.check(x.store.Create(context.Background(), 1, account.CreateOptions{StandardFolders: true}))
	x.p = x.login()
	return x
}

// reopen is a restart of the store: what is not durable is forgotten.
func (x *indexed) reopen() {
	if x.p != nil {
		x.p.hangUp()
	}
	var err error
	x.store, err = account.Open(x.on, x.bodies, account.Options{
		InlineLimit: 300, Step: 5, Now: func() time.Time { return *x.clock }})
	x.check(err)
	if x.p != nil {
		x.p = x.login()
	}
}

// index takes some steps; all there are if n is 0.
func (x *indexed) index(n int) {
	x.t.Helper()
	*x.clock = x.clock.Add(time.Minute)
	for i := 0; n == 0 || i < n; i++ {
		next, err := x.store.IndexStep(context.Background(), *x.clock)
		x.check(err)
		if next.IsZero() || next.After(*x.clock) {
			return
		}
	}
}

var vocabulary = []string{"lemon", "Zitrone", "harbour", "HARBOR", "invoice 4711", "gr\u00fc\u00dfe", "M\u00fcnchen", "\u043e\u0442\u043f\u0443\u0441\u043a", "\u65e5\u672c\u8a9e", "\u30e1\u30fc\u30eb", "x-ray", "a@b.example", "zitr"}

func (x *indexed) words(n int) string {
	var b strings.Builder
	for range n {
		b.WriteString(vocabulary[x.rng.IntN(len(vocabulary))] + []string{" ", "", ", ", "\r\n"}[x.rng.IntN(4)])
	}
	return b.String()
}

func (x *indexed) message() []byte {
	line := func(n int) string { return strings.ReplaceAll(x.words(n), "\r\n", " ") }
	n := []int{3, 10, 400}[x.rng.IntN(3)]
	return []byte("From: " + line(1) + " <f@example.org>\r\nTo: " + line(1) + "\r\nSubject: " + line(3) +
		"\r\nX-Number: " + fmt.Sprint(x.rng.IntN(1e6)) + "\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n" + x.words(n))
}

func (x *indexed) arrive(m []byte) {
	x.deliver("INBOX", m)
	x.texts = append(x.texts, string(m))
}

// change does something at random.
func (x *indexed) change() {
	first := 1 + x.rng.IntN(20)
	some := fmt.Sprintf("%d:%d", first, first+x.rng.IntN(30))
	switch x.rng.IntN(11) {
	case 0, 1, 2:
		for range x.rng.IntN(20) {
			x.arrive(x.message())
		}
	case 3:
		x.p.say(x.t, "c COPY "+some+" Archive")
	case 4:
		x.p.say(x.t, "c MOVE "+some+" Archive")
	case 5:
		x.p.say(x.t, "c STORE "+some+" +FLAGS.SILENT (\\Deleted)", "c EXPUNGE")
	case 6:
		x.made++
		name := fmt.Sprint("box", x.made)
		x.p.say(x.t, "c CREATE "+name, "c COPY "+some+" "+name, "c SELECT "+name)
	case 7:
		x.p.say(x.t, "c DELETE "+fmt.Sprint("box", 1+x.rng.IntN(1+x.made)))
	case 8:
		*x.clock = x.clock.Add(2 * time.Hour) // what is expunged goes
		x.maintain()
	case 9:
		x.reopen()
	}
	if x.rng.IntN(2) == 0 {
		x.index(x.rng.IntN(3) + 1)
	}
	x.p.say(x.t, "s SELECT "+[]string{"INBOX", "INBOX", "Archive"}[x.rng.IntN(3)])
	if x.rng.IntN(3) == 0 {
		x.expungeUnseen()
	}
}

// expungeUnseen has another session expunge messages; this one still counts
// with them.
func (x *indexed) expungeUnseen() {
	q := x.login()
	q.say(x.t, "s SELECT INBOX", "s STORE 2:4 +FLAGS.SILENT (\\Deleted)", "s EXPUNGE")
	q.hangUp()
}

func (x *indexed) key(depth int) string {
	if depth > 0 && x.rng.IntN(2) == 0 {
		switch x.rng.IntN(3) {
		case 0:
			return "NOT " + x.key(depth-1)
		case 1:
			return "OR " + x.key(depth-1) + " " + x.key(depth-1)
		}
		return "(" + x.key(depth-1) + " " + x.key(depth-1) + ")"
	}
	needle := x.words(1)
	if len(x.texts) > 0 && x.rng.IntN(3) > 0 {
		from := x.texts[x.rng.IntN(len(x.texts))]
		at := x.rng.IntN(max(1, len(from)))
		needle = from[at:min(len(from), at+1+x.rng.IntN(16))]
	}
	needle = strings.NewReplacer("\x00", "", "\xef\xbf\xbd", "").Replace(strings.ToValidUTF8(needle, ""))
	key := []string{"BODY", "TEXT", "FROM", "TO", "CC", "SUBJECT", "HEADER X-Number", "HEADER Subject", "BODY", "TEXT"}[x.rng.IntN(10)]
	if x.rng.IntN(12) == 0 {
		return "UNSEEN"
	}
	return fmt.Sprintf("%s {%d+}\r\n%s", key, len(needle), needle)
}

// compare runs a search with the index and without: what NOT encloses is not
// narrowed.
func (x *indexed) compare() {
	x.t.Helper()
	if x.rng.IntN(20) == 0 {
		collations := []string{"i;octet", "i;ascii-casemap", "i;unicode-casemap"}
		x.p.say(x.t, `c COMPARATOR "`+collations[x.rng.IntN(3)]+`"`)
	}
	key := x.key(3)
	with := x.p.say(x.t, "a SEARCH RETURN (ALL) CHARSET UTF-8 "+key)
	without := x.p.say(x.t, "a SEARCH RETURN (ALL) CHARSET UTF-8 NOT NOT ("+key+")")
	if with != without || !strings.Contains(with, "a OK") {
		x.t.Fatalf("%s\nwith the index:\n%.500s\nwithout:\n%.500s", key, with, without)
	}
}

// TestIndexedSearchIsTheScan: whatever happened, and however far the index has
// come, a search finds what a look at every message finds.
func TestIndexedSearchIsTheScan(t *testing.T) {
	for seed := range uint64(6) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			var engine kv.Engine = memkv.New(memkv.Options{})
			if seed%2 == 1 {
				engine = openPebble(t)
			}
			x := newIndexed(t, engine, seed)
			for range []int{5, 600}[seed/2%2] { // of 600, the UIDs get a column
				x.arrive(x.message())
			}
			x.p.say(t, "s SELECT INBOX")
			for range 25 {
				x.change()
				for range 10 {
					x.compare()
				}
			}
			x.index(0)
			for range 50 {
				x.compare()
			}
			x.verify()
		})
	}
}

func openPebble(t *testing.T) kv.Engine {
	fs, err := osfs.New(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	engine, err := pebblekv.Open(fs, "kv", pebblekv.Options{NoFloor: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { engine.Close() })
	return engine
}

func (x *indexed) verify() {
	x.t.Helper()
	err := account.Verify(context.Background(), x.on, x.bodies, func(f account.Finding) { x.t.Error(f.Text) })
	x.check(err)
}

// TestIndexedCorpus: so it is with real messages.
func TestIndexedCorpus(t *testing.T) {
	messages := awkward()
	maps.Copy(messages, corpus(t))
	x := newIndexed(t, memkv.New(memkv.Options{}), 1)
	for _, name := range slices.Sorted(maps.Keys(messages)) {
		if m := messages[name]; len(m) > 0 && len(m) < 1<<20 && !bytes.Contains(m, []byte("\x00")) {
			x.arrive(m)
		}
	}
	x.p.say(t, "s SELECT INBOX")
	x.index(0)
	for range 400 {
		x.compare()
	}
	if out := x.p.say(t, "a SEARCH RETURN (COUNT) BODY harbour-that-is-nowhere"); !strings.Contains(out, "COUNT 0") {
		t.Error(out)
	}
}

// Of a word that is in one message, no other message is read.
func TestIndexedSearchReadsWhatItFinds(t *testing.T) {
	f := newFixture(t)
	f.fill(300, []byte("Subject: usual\r\n\r\nHello.\r\n"))
	f.deliver("INBOX", []byte("Subject: rare\r\n\r\nThe word is petrichor.\r\n"))
	f.fill(300, []byte("Subject: usual\r\n\r\nHello.\r\n"))
	*f.clock = f.clock.Add(time.Minute)
	for next := f.clock.Add(0); !next.IsZero() && !next.After(*f.clock); {
		var err error
		next, err = f.store.IndexStep(context.Background(), *f.clock)
		f.check(err)
	}
	p := f.login()
	p.say(t, "x SELECT INBOX")
	for _, c := range []struct {
		line, want string
		reads      uint64
	}{
		{"BODY petrichor", "SEARCH 301\r\n", 5}, // index, its blocks, entry, header, body
		{"SUBJECT rare", "SEARCH 301\r\n", 4},
		{"TEXT PETRICH OR SUBJECT rare BODY petri", "SEARCH 301\r\n", 7},
		{"BODY petrichors", "SEARCH\r\n", 2},
		{"NOT BODY hello", "SEARCH 301\r\n", 20},
	} {
		before := f.engine.Stats().Reads
		out := p.say(t, "a SEARCH "+c.line)
		if reads := f.engine.Stats().Reads - before; !strings.Contains(out, c.want) || reads > c.reads {
			t.Errorf("%s: %d reads; %s", c.line, reads, out)
		}
	}
}
