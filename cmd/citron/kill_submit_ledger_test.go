package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"

	"citron/wire/imap"
)

// mailing is a letter on its way out.
type mailing struct {
	*letter
	rcpts []string
	how   string // DATA, BURL or XATOMIC
	url   string // of an atomic attempt's draft
	acked bool

	padding []byte // at its end
}

// text is a letter of alice's.
func (m *mailing) text() []byte {
	return bytes.Join([][]byte{[]byte("From: alice@example.org\r\n"), m.letter.text(), m.padding}, nil)
}

// body is what no server on its way changes.
func (m *mailing) body() []byte {
	_, body, _ := bytes.Cut(m.text(), []byte("\r\n\r\n"))
	return body
}

// mailbook is the ledger of what was submitted.
type mailbook struct {
	*ledger
	all  map[string]*mailing
	open [2]*mailing // atomic attempts not answered yet, by worker
	// maybe are messages, by their ids in the queue, that may arrive twice, and
	// queued the ids by recipients.
	maybe  map[string]bool
	queued map[string]string
}

func newMailbook() *mailbook {
	return &mailbook{ledger: newLedger(), all: map[string]*mailing{}, maybe: map[string]bool{}, queued: map[string]string{}}
}

// write makes a letter to one or more recipients of the kinds that nextHop
// knows, and bob.
func (l *mailbook) write(how string) *mailing {
	m := &mailing{letter: l.ledger.write(fate{}), how: how}
	kinds := []string{"bob@example.org", "ok.%s@remote.example", "later.%s@remote.example", "gone.%s@remote.example"}
	rand.Shuffle(len(kinds), func(i, j int) { kinds[i], kinds[j] = kinds[j], kinds[i] })
	for _, kind := range kinds[:1+rand.IntN(len(kinds))] {
		if strings.Contains(kind, "%s") {
			kind = fmt.Sprintf(kind, m.id)
		}
		m.rcpts = append(m.rcpts, kind)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all[m.id] = m
	return m
}

func (l *mailbook) accepted(m *mailing) {
	l.mu.Lock()
	m.acked = true
	l.mu.Unlock()
	l.ack()
}

var (
	logID        = regexp.MustCompile(`\bid=(\w+)`)
	logRecipient = regexp.MustCompile(`\brecipient=(\S+)`)
)

// readLog notes the messages of which a server says that they may have been
// handed over before, and which recipients they have.
func (l *mailbook) readLog(log string) {
	for line := range strings.Lines(log) {
		id := logID.FindStringSubmatch(line)
		if id == nil {
			continue
		}
		if strings.Contains(line, "may have been handed over before the last stop") {
			l.maybe[id[1]] = true
		}
		if to := logRecipient.FindStringSubmatch(line); to != nil {
			l.queued[to[1]] = id[1]
		}
	}
}

// arrived is what became of a letter.
type arrived struct {
	atBob, sentCopies int
	remote            map[string]int
	reported          map[string]int // recipients that a report says have failed
	texts             [][]byte
}

// inspect compares what became of all letters with what was promised.
func (l *mailbook) inspect(t *testing.T, p *process, hop *nextHop) {
	t.Helper()
	l.readLog(p.stderr.String())
	found := l.find(t, p, hop)
	for _, m := range l.all {
		a := found[m.id]
		total := 0
		for _, to := range m.rcpts {
			total += l.count(t, m, a, to)
		}
		switch {
		case m.acked && total != len(m.rcpts):
			t.Errorf("letter %s (%s) to %v was accepted, and %d recipients are settled: %+v", m.id, m.how, m.rcpts, total, a)
		case total != 0 && total != len(m.rcpts):
			t.Errorf("letter %s (%s) to %v was not accepted, and %d recipients are settled", m.id, m.how, m.rcpts, total)
		case m.how == "XATOMIC" && a.sentCopies != min(total, 1):
			t.Errorf("letter %s has %d sent copies and %d recipients", m.id, a.sentCopies, total)
		}
		for _, text := range a.texts {
			if !bytes.HasSuffix(text, m.body()) {
				t.Errorf("letter %s arrived with another text: %d octets", m.id, len(text))
			}
		}
	}
	for _, fault := range slices.Concat(l.faultsNow(), hop.faults) {
		t.Error(fault)
	}
}

// count is 1 if a recipient is settled, 0 if not. What is settled twice without
// the log's saying so is an error.
func (l *mailbook) count(t *testing.T, m *mailing, a *arrived, to string) int {
	t.Helper()
	times := a.remote[to]
	switch {
	case to == "bob@example.org":
		times = a.atBob
	case strings.HasPrefix(to, "gone"):
		if times > 0 {
			t.Errorf("%s has letter %s", to, m.id)
		}
		times = a.reported[to]
	case a.reported[to] > 0:
		t.Errorf("letter %s to %s is reported as failed", m.id, to)
	case times > 1 && l.maybe[l.queued[to]]:
		times = 1
	}
	if times > 1 {
		t.Errorf("letter %s (%s): %s is settled %d times, and the log does not say why", m.id, m.how, to, times)
	}
	return min(times, 1)
}

// find collects what became of all letters.
func (l *mailbook) find(t *testing.T, p *process, hop *nextHop) map[string]*arrived {
	t.Helper()
	found := map[string]*arrived{}
	for id := range l.all {
		a := &arrived{reported: map[string]int{}}
		var text []byte
		if a.remote, text = hop.has(id); text != nil {
			a.texts = append(a.texts, text)
		}
		found[id] = a
	}
	eachText(t, p, "bob@example.org", "INBOX", func(text []byte) {
		if a := found[letterID(text)]; a != nil {
			a.atBob++
			a.texts = append(a.texts, text)
		} else {
			t.Errorf("bob has %.300q", text)
		}
	})
	eachText(t, p, "alice@example.org", "Sent", func(text []byte) {
		if a := found[letterID(text)]; a != nil {
			a.sentCopies++
		}
	})
	eachText(t, p, "alice@example.org", "INBOX", func(text []byte) {
		for line := range strings.Lines(string(text)) {
			to, ok := strings.CutPrefix(line, "Final-Recipient: rfc822;")
			if !ok {
				continue
			}
			to = strings.TrimSpace(to)
			if id := strings.TrimSuffix(to[strings.IndexByte(to, '.')+1:], "@remote.example"); found[id] != nil {
				found[id].reported[to]++
			} else {
				t.Errorf("a report of %s, whom nobody wrote to", to)
			}
		}
	})
	return found
}

// eachText shows the messages of a mailbox.
func eachText(t *testing.T, p *process, user, box string, show func([]byte)) {
	t.Helper()
	c := mustLogin(t, p, user)
	defer c.Close()
	if _, err := c.do(&imap.Select{Mailbox: box, ReadOnly: true}); err != nil {
		t.Fatal(err)
	}
	item := imap.FetchItem{Kind: imap.FetchSection, Peek: true}
	_, err := c.do(&imap.Fetch{UID: true, Set: imap.SeqSet{Star: 1}, Items: []imap.FetchItem{item}}, func(r imap.Response) {
		if f, ok := r.(*imap.FetchResponse); ok && len(f.Sections) > 0 {
			show(bytes.Clone(f.Sections[0].Literal.Data))
		}
	})
	if err != nil {
		t.Fatal(err)
	}
}
