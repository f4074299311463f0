package relay

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"citron/engine/body/segment"
	"citron/engine/enginetest"
	"citron/engine/kv"
	"citron/engine/kv/pebblekv"
	"citron/engine/vfs/crashfs"
	"citron/store/account"
	"citron/store/uidset"
	"citron/submission"
	"citron/submission/queue"
	"citron/submission/relay/relaytest"
	"citron/wire/smtp"
)

var crashSeeds = flag.Int("crash.seeds", 12, "how many random crashes TestCrash makes")

// site is a store, a queue and a relay on one file system.
type site struct {
	t      *testing.T
	engine *pebblekv.Engine
	bodies [2]*segment.Store
	store  *account.Store
	queue  *queuePart
	stop   func()
}

type queuePart struct {
	*queue.Queue
	log lockedText
}

type lockedText struct {
	mu sync.Mutex
	strings.Builder
}

func (l *lockedText) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.Builder.Write(p)
}

func mount(t *testing.T, fs *crashfs.FS, n *network, now func() time.Time) *site {
	t.Helper()
	s := &site{t: t, engine: enginetest.Pebble(t, fs)}
	for i, name := range []string{"bodies", "queue"} {
		s.bodies[i] = enginetest.Bodies(t, fs, name)
	}
	var err error
	must := func() {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	s.store, err = account.Open(s.engine, s.bodies[0], account.Options{InlineLimit: 100})
	must()
	s.queue = &queuePart{}
	o := queue.Options{InlineLimit: 100, Now: now, Log: slog.New(slog.NewTextHandler(&s.queue.log, nil)), Here: func(d string) bool { return d == "example.org" }}
	s.queue.Queue, err = queue.Open(t.Context(), s.engine, s.bodies[1], o)
	must()
	ctx, stop := context.WithCancel(t.Context())
	relay := New(Options{
		Hostname: "mx.example.org", Work: s.queue, Resolver: people, Filing: account.Filing{Store: s.store},
		Router: n, Dial: n.dial, Now: now, Grace: time.Millisecond,
	})
	done := make(chan struct{})
	go func() {
		relay.Run(ctx)
		close(done)
	}()
	s.stop = func() {
		stop()
		<-done
	}
	return s
}

func (s *site) close() {
	s.stop()
	s.queue.Close()
	s.store.Close()
	s.engine.Close()
	for _, b := range s.bodies {
		b.Close()
	}
}

// submit queues a message for alice, bob and somebody elsewhere.
func (s *site) submit(text string, now time.Time) error {
	in, err := s.queue.Begin(s.t.Context(), 0)
	if err != nil {
		return err
	}
	defer in.Abort()
	if _, err := io.WriteString(in, text); err != nil {
		return err
	}
	e := submission.Envelope{Mail: smtp.Mail{From: path("alice@example.org")}, Received: now}
	for _, to := range []string{"alice@example.org", "all@example.org", "carol@elsewhere.example"} {
		e.Rcpts = append(e.Rcpts, smtp.Rcpt{To: path(to), Notify: smtp.NotifyNever})
	}
	_, err = in.Commit(s.t.Context(), e)
	return err
}

// copies counts, by account, how often each text is in its INBOX.
func (s *site) copies(id kv.Account, texts []string) map[string]int {
	s.t.Helper()
	a, err := s.store.Account(s.t.Context(), id)
	if err != nil {
		s.t.Fatal(err)
	}
	defer a.Close()
	v, err := a.Open(s.t.Context(), account.Inbox)
	if err != nil {
		s.t.Fatal(err)
	}
	found := map[string]int{}
	var all []account.Entry
	err = a.Entries(s.t.Context(), v, uidset.Everything(), func(batch []account.Entry) error {
		all = append(all, batch...)
		return nil
	})
	if err != nil {
		s.t.Fatal(err)
	}
	for _, e := range all {
		m, err := a.OpenMessage(s.t.Context(), e.Object)
		if err != nil {
			s.t.Fatal(err)
		}
		b, _ := io.ReadAll(io.NewSectionReader(m, 0, m.Size()))
		m.Close()
		for _, text := range texts {
			if strings.HasSuffix(string(b), text) {
				found[text]++
			}
		}
	}
	return found
}

// TestCrash cuts the power at a random moment between the submission of messages
// and the end of their delivery. Each that was accepted is then delivered once to
// every mailbox here, and to the other host at least once: more often only if the
// queue says that it may have been handed over.
func TestCrash(t *testing.T) {
	for seed := range uint64(*crashSeeds) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) { crash(t, seed) })
	}
}

func crash(t *testing.T, seed uint64) {
	rng := rand.New(rand.NewPCG(seed, 7))
	n := newNetwork()
	h := n.add("elsewhere.example", "mx.elsewhere.example", &relaytest.Host{})
	var clock enginetest.Clock
	clock.Time = monday
	fs := crashfs.New()
	s := mount(t, fs, n, clock.Now)
	for _, id := range []kv.Account{1, 2, 3} {
		if err := s.store.Create(t.Context(), id, account.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	off := make(chan struct{})
	at, once := fs.Calls()+uint64(rng.IntN(250)), sync.Once{}
	fs.OnCall(crashfs.PowerCut(at, func() { once.Do(func() { close(off) }) }))
	var accepted, unsure []string
	for i := range 15 {
		text := fmt.Sprintf("Subject: %d\r\n\r\n%0*d\r\n", i, 10+i*20, i)
		if s.submit(text, clock.Now()) == nil {
			accepted = append(accepted, text)
		} else {
			unsure = append(unsure, text)
		}
	}
	select {
	case <-off:
	case <-s.idle():
	}
	after := fs.Crash(rng)
	s.stop()

	clock.Pass(24 * time.Hour)
	s = mount(t, after, n, clock.Now)
	defer s.close()
	<-s.idle()
	for account, per := range map[kv.Account]int{1: 2, 2: 1} { // alice is also one of all
		found := s.copies(account, append(accepted, unsure...))
		for _, text := range accepted {
			equal(t, fmt.Sprintf("copies in account %d", account), per, found[text])
		}
		for _, text := range unsure {
			if found[text] != 0 && found[text] != per {
				t.Errorf("account %d: %d copies of a message that may have been accepted", account, found[text])
			}
		}
	}
	sent := map[string]int{}
	for _, m := range h.Mails() {
		sent[m.Data]++
	}
	twice := 0
	for _, text := range accepted {
		if sent[text] == 0 {
			t.Errorf("a message is lost: %q", text)
		}
		twice += max(sent[text]-1, 0)
	}
	if marks := strings.Count(s.queue.log.String(), "may have been"); twice > marks {
		t.Errorf("%d duplicates, %d of which the queue knew", twice, marks)
	}
}

// idle is closed when the queue is empty.
func (s *site) idle() <-chan struct{} {
	empty := make(chan struct{})
	go func() {
		defer close(empty)
		for s.queue.Totals().Messages > 0 && s.t.Context().Err() == nil {
			time.Sleep(time.Millisecond)
		}
	}()
	return empty
}
