package main

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"sync"
	"syscall"
	"testing"

	"citron/wire/imap"
)

// boxes are the mailboxes of the test; both are in the demo.
var boxes = [...]string{"INBOX", "Work"}

// TestKill kills the real process again and again while several connections
// deliver, append, flag, move and expunge in one account. Whatever was
// acknowledged is there after each restart; what was under way has happened
// whole or not at all; no UID is used twice and no counter goes back.
func TestKill(t *testing.T) {
	rounds := 20
	if testing.Short() {
		rounds = 3
	}
	data := t.TempDir()
	l := newLedger()
	for round := range rounds {
		p := startDemo(t, data)
		c := inspect(t, p, l, round == rounds-1)
		c.Close()
		if t.Failed() {
			t.Fatalf("in round %d", round)
		}
		disturb(p, l)
		if round%4 == 3 {
			verified(t, data) // what a crash left is sound before a server mends it, too
		}
	}
	p := startDemo(t, data)
	inspect(t, p, l, true).Close()
	p.stopped(t, syscall.SIGTERM)
	verified(t, data)
	t.Logf("%d letters, %d acknowledgements, %d rounds", l.count, l.acks, rounds)
}

// disturb has many clients at work until the process is killed in the middle.
func disturb(p *process, l *ledger) {
	// Shared out before anybody writes: a new letter is its writer's.
	var clients []func() error
	for i := range 4 {
		own := l.share(i, 4)
		clients = append(clients, func() error { return changeLetters(p, l, own) })
	}
	deliver := func() error { return deliverLetters(p, l) }
	clients = append(clients, deliver, deliver, deliver, func() error { return watchLevels(p, l) })
	l.untilKilled(p, 50+rand.IntN(300), clients)
}

// untilKilled has clients at work, and kills the process when it has given so
// many more acknowledgements.
func (l *ledger) untilKilled(p *process, acks int, clients []func() error) {
	enough := l.expect(acks)
	var workers sync.WaitGroup
	for _, client := range clients {
		workers.Go(func() {
			var no *unexpected
			if err := client(); errors.As(err, &no) {
				l.fault("%v", err)
			}
		})
	}
	ended := make(chan struct{})
	go func() {
		workers.Wait()
		close(ended)
	}()
	select {
	case <-enough:
		p.kill()
		<-ended
	case <-ended:
		p.kill()
		l.fault("all connections ended by themselves\n%s", p.stderr)
	}
}

func (l *ledger) faultsNow() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.faults
}

// deliverLetters delivers by LMTP until the connection breaks.
func deliverLetters(p *process, l *ledger) error {
	m, err := dialMailer(p.addr("lmtp"))
	if err != nil {
		return err
	}
	defer m.Close()
	for {
		arrived := fate{box: "INBOX"}
		n := l.write(arrived)
		if err := m.deliver("alice@example.org", n.text()); err != nil {
			return err
		}
		n.settle(arrived)
		l.ack()
	}
}

// watchLevels asks what must never go back, until the connection breaks.
func watchLevels(p *process, l *ledger) error {
	c, err := dialClient(p.addr("imap"), "alice@example.org", demoPassword)
	if err != nil {
		return err
	}
	defer c.Close()
	for {
		for _, box := range boxes {
			if err := c.levels(l, box); err != nil {
				return err
			}
		}
	}
}

func (c *client) levels(l *ledger, box string) error {
	highest := l.highest(box)
	items := imap.StatusUIDNext | imap.StatusUIDValidity | imap.StatusHighestModSeq
	_, err := c.do(&imap.Status{Mailbox: box, Items: items}, func(r imap.Response) {
		if s, ok := r.(*imap.StatusDataResponse); ok {
			l.level(s, highest)
		}
	})
	return err
}

// changer is one IMAP client at work on letters of its own.
type changer struct {
	*client
	l    *ledger
	own  []*letter
	open string // the mailbox selected
}

// changeLetters appends, flags, moves and expunges until the connection breaks.
// own are the letters it may begin with.
func changeLetters(p *process, l *ledger, own []*letter) error {
	conn, err := dialClient(p.addr("imap"), "alice@example.org", demoPassword)
	if err != nil {
		return err
	}
	defer conn.Close()
	c := &changer{client: conn, l: l, own: own}
	actions := []func(*letter) error{c.flag, c.flag, c.move, c.move, c.expunge}
	for {
		if len(c.own) < 5 || rand.IntN(3) == 0 {
			err = c.append()
		} else {
			i := rand.IntN(len(c.own))
			n := c.own[i]
			err = actions[rand.IntN(len(actions))](n)
			if err == nil && n.now().gone {
				c.own = append(c.own[:i], c.own[i+1:]...)
			}
		}
		if err != nil {
			return err
		}
		c.l.ack()
	}
}

// share gives the letters at rest, with a UID, that fall to one of n workers.
func (l *ledger) share(i, n int) (own []*letter) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for k := 1; k <= l.count; k++ {
		at := l.letters[id(k)]
		if k%n == i && len(at.may) == 1 && at.now().uid != 0 {
			own = append(own, at)
		}
	}
	return own
}

func (c *changer) append() error {
	f := fate{box: boxes[rand.IntN(2)], flags: flagSets[rand.IntN(len(flagSets))]}
	n := c.l.write(f)
	text := n.text()
	code, err := c.do(&imap.Append{Mailbox: f.box, Messages: []imap.AppendMessage{{
		Flags: flagList(f.flags), Message: imap.Literal{Size: int64(len(text)), Sink: -1, Data: text}}}})
	if err != nil {
		return err
	}
	at, ok := code.(imap.CodeAppendUID)
	if !ok {
		return &unexpected{"APPEND without APPENDUID"}
	}
	f.uid = at.UIDs.Min()
	c.l.saw(f.box, f.uid, n.id)
	n.settle(f)
	c.own = append(c.own, n)
	return nil
}

func (c *changer) sel(box string) error {
	if c.open == box {
		return nil
	}
	c.open = box
	_, err := c.do(&imap.Select{Mailbox: box})
	return err
}

// store sets the flags of a letter.
func (c *changer) store(n *letter, flags string) error {
	f := n.now()
	if err := c.sel(f.box); err != nil {
		return err
	}
	f.flags = flags
	n.attempt(f)
	if _, err := c.do(&imap.Store{UID: true, Set: imap.SeqSetOf(f.uid), Silent: true, Flags: flagList(flags)}); err != nil {
		return err
	}
	n.settle(f)
	return nil
}

func (c *changer) flag(n *letter) error { return c.store(n, flagSets[rand.IntN(len(flagSets))]) }

func (c *changer) move(n *letter) error {
	f := n.now()
	if err := c.sel(f.box); err != nil {
		return err
	}
	to, from := f, f.uid
	if to.uid, to.box = 0, boxes[0]; f.box == to.box {
		to.box = boxes[1]
	}
	n.attempt(to)
	code, err := c.do(&imap.Move{UID: true, Set: imap.SeqSetOf(from), Mailbox: to.box})
	if err != nil {
		return err
	}
	at, ok := code.(imap.CodeCopyUID)
	if !ok || at.From.Min() != from {
		return &unexpected{"MOVE without COPYUID of its message"}
	}
	to.uid = at.To.Min()
	c.l.saw(to.box, to.uid, n.id)
	n.settle(to)
	return nil
}

func (c *changer) expunge(n *letter) error {
	if err := c.store(n, `\Deleted`); err != nil {
		return err
	}
	n.attempt(fate{gone: true})
	if _, err := c.do(&imap.Expunge{UID: true, Set: imap.SeqSetOf(n.now().uid)}); err != nil {
		return err
	}
	n.settle(fate{gone: true})
	return nil
}

// inspect compares all mailboxes with the ledger, and texts, too, if whole.
func inspect(t *testing.T, p *process, l *ledger, whole bool) *client {
	t.Helper()
	c, err := dialClient(p.addr("imap"), "alice@example.org", demoPassword)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string][]fate{}
	for _, box := range boxes {
		if err := c.levels(l, box); err != nil {
			t.Fatal(err)
		}
		if err := c.letters(l, box, found, whole); err != nil {
			t.Fatal(err)
		}
	}
	for _, n := range l.letters {
		l.check(n, found[n.id])
	}
	for _, fault := range l.faultsNow() {
		t.Error(fault)
	}
	return c
}

// letters notes where letters are in a mailbox.
func (c *client) letters(l *ledger, box string, found map[string][]fate, whole bool) error {
	if _, err := c.do(&imap.Select{Mailbox: box, ReadOnly: true}); err != nil {
		return err
	}
	section := imap.Section{Text: imap.SectionHeaderFields, Fields: []string{"X-Letter"}}
	if whole {
		section = imap.Section{}
	}
	_, err := c.do(&imap.Fetch{Set: imap.SeqSet{Star: 1}, Items: []imap.FetchItem{
		{Kind: imap.FetchUID}, {Kind: imap.FetchFlags}, {Kind: imap.FetchSection, Section: section, Peek: true},
	}}, func(r imap.Response) {
		f, ok := r.(*imap.FetchResponse)
		if !ok || len(f.Sections) == 0 || f.Flags == nil {
			return
		}
		text := f.Sections[0].Literal.Data
		id := letterID(text)
		n := l.letters[id]
		switch {
		case n == nil && id != "":
			l.fault("%s holds a letter %q that nobody wrote", box, id)
		case n == nil: // the demo's own
		case whole && !bytes.HasSuffix(text, n.text()):
			l.fault("letter %s has another text: %d octets", id, len(text))
		default:
			found[id] = append(found[id], fate{box: box, uid: f.UID, flags: spell(f.Flags)})
		}
	})
	return err
}
