package outbox_test

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
	"time"

	"citron/auth/directory"
	"citron/engine/body/segment"
	"citron/engine/enginetest"
	"citron/engine/kv"
	"citron/engine/kv/pebblekv"
	"citron/engine/vfs/crashfs"
	"citron/ops/conn"
	"citron/store/account"
	"citron/store/outbox"
	"citron/store/urlauth"
	"citron/submission"
	"citron/submission/burl"
	"citron/submission/queue"
	"citron/submission/session"
)

// road is a whole server between a phone's command and the queue, on one disk that
// can crash.
type road struct {
	*testing.T
	fs      *crashfs.FS
	engine  *pebblekv.Engine
	bodies  *segment.Store
	queued  *segment.Store
	store   *account.Store
	users   *directory.Directory
	urls    *urlauth.Service
	queue   *queue.Queue
	service *session.Service
	stop    context.CancelFunc
}

const aliceNumber kv.Account = 1

// mount starts the server on what the disk has.
func (r *road) mount(fs *crashfs.FS) {
	r.Helper()
	r.fs = fs
	r.engine, r.bodies, r.queued = enginetest.Pebble(r, fs), enginetest.Bodies(r, fs, "bodies"), enginetest.Bodies(r, fs, "queue")
	var err error
	r.store, err = account.Open(r.engine, r.bodies, account.Options{InlineLimit: 100})
	r.must(err)
	r.users, err = directory.Open(r.Context(), directory.Options{Engine: r.engine, DefaultDomain: "example.org", Iterations: 4096})
	r.must(err)
	r.queue, err = queue.Open(r.Context(), r.engine, r.queued, queue.Options{InlineLimit: 100})
	r.must(err)
	r.urls = urlauth.New(urlauth.Config{Mailboxes: r, Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	fetcher, err := burl.New(burl.Config{Own: burl.Local{URLs: r.urls}, OwnHosts: []string{"mail.example.org"}, Names: r.users})
	r.must(err)
	ctx, stop := context.WithCancel(context.Background())
	r.stop = stop
	r.service = session.NewService(ctx, session.Config{
		Hostname: "mail.example.org", Authenticator: r.users, Resolver: r.users, Spool: r.queue, PlaintextLogin: true,
		Fetcher: fetcher, Outbox: outbox.New(outbox.Config{Accounts: r.store, URLs: r.urls, Owns: fetcher.Owns}),
	})
}

func (r *road) unmount() {
	r.stop()
	r.queue.Close()
	r.store.Close()
	r.engine.Close()
	r.bodies.Close()
	r.queued.Close()
}

func (r *road) must(err error) {
	r.Helper()
	if err != nil {
		r.Fatal(err)
	}
}

// User implements urlauth.Mailboxes.
func (r *road) User(_ context.Context, name string) (uint64, error) {
	if name == "alice@example.org" {
		return uint64(aliceNumber), nil
	}
	return 0, urlauth.ErrNotFound
}

// Mailbox implements urlauth.Mailboxes.
func (r *road) Mailbox(ctx context.Context, user uint64, name string) (*urlauth.Mailbox, error) {
	a, err := r.store.Account(ctx, kv.Account(user))
	if err != nil {
		return nil, err
	}
	box := &urlauth.Mailbox{User: a, Owner: a, Close: a.Close}
	box.Info, _ = a.Lookup(name)
	return box, nil
}

// prepare makes alice, with a draft made of a message in INBOX, and gives the
// draft's URL.
func (r *road) prepare() string {
	secret, err := r.users.Password(r.Context(), "lemonade")
	r.must(err)
	_, err = r.users.AddAccounts(r.Context(), directory.NewAccount{Name: "alice@example.org", Secret: secret})
	r.must(err)
	r.must(r.store.Create(r.Context(), aliceNumber, account.CreateOptions{StandardFolders: true}))
	a, err := r.store.Account(r.Context(), aliceNumber)
	r.must(err)
	defer a.Close()
	put := func(mailbox string, item account.AppendItem, text string) {
		info, _ := a.Lookup(mailbox)
		item.Incoming, err = a.NewMessage(r.Context())
		r.must(err)
		io.WriteString(item.Incoming, text)
		_, err = a.Append(r.Context(), by(a), info.ID, []account.AppendItem{item})
		r.must(err)
	}
	put("INBOX", account.AppendItem{}, "Subject: a\r\n\r\na\r\n")
	put("Drafts", account.AppendItem{Flags: account.Draft, Sources: []account.Source{{Mailbox: account.Inbox, UID: 1, Object: 1}}},
		"From: alice@example.org\r\nDate: Wed, 25 Nov 2026 12:00:00 +0000\r\nSubject: Fwd: a\r\n\r\n"+strings.Repeat("a long text\r\n", 20))
	url, err := r.urls.Authorize(r.Context(), by(a), "imap://alice%40example.org@mail.example.org/Drafts/;UID=1;URLAUTH=submit+alice%40example.org")
	r.must(err)
	return url
}

// phone is the connection of a session.
type phone struct {
	conn.Conn
	woken chan struct{}
}

func (phone) Loopback() bool                        { return true }
func (phone) TLS() *tls.ConnectionState             { return nil }
func (phone) CanStartTLS() bool                     { return false }
func (phone) Remote() netip.AddrPort                { return netip.AddrPort{} }
func (phone) Login(string) error                    { return nil }
func (phone) Logout()                               {}
func (phone) ChannelBinding(string) ([]byte, error) { return nil, conn.ErrNoBinding }
func (phone) LoginFailed(time.Time) time.Duration   { return 0 }
func (p phone) Wake()                               { p.woken <- struct{}{} }

// send has a phone log in and send the draft, and gives the last reply.
func (r *road) send(url string) string {
	p := phone{woken: make(chan struct{}, 8)}
	s := r.service.NewSession(p)
	defer s.Close(nil)
	turn := conn.Turn{Now: time.Now(), In: []byte("EHLO phone\r\nAUTH PLAIN " + base64.StdEncoding.EncodeToString([]byte("\x00alice\x00lemonade")) + "\r\n" +
		"MAIL FROM:<alice@example.org> XATTEMPT=one XSENT=Sent\r\nRCPT TO:<bob@example.net>\r\nBURL " + url + " LAST\r\n")}
	for {
		w := s.Step(&turn)
		if w == (conn.Wait{}) { // a job runs
			<-p.woken
			continue
		}
		if w.Then != conn.Continue || !w.Again && !w.Drain {
			lines := strings.Split(strings.TrimSuffix(string(turn.Out), "\r\n"), "\r\n")
			return lines[len(lines)-1]
		}
	}
}

// deliver takes all that is in the queue out of it, as delivered, and counts it.
func (r *road) deliver() (n int) {
	for r.inQueue() > 0 {
		job, err := r.queue.Next(r.Context())
		r.must(err)
		var all []submission.Outcome
		for _, d := range job.Due() {
			all = append(all, submission.Outcome{Index: d.Index, Result: submission.Delivered})
		}
		r.must(job.Settle(r.Context(), all))
		n++
	}
	return n
}

func (r *road) inQueue() (n int) {
	r.must(r.queue.List(r.Context(), queue.Filter{}, func(queue.Summary) error {
		n++
		return nil
	}))
	return n
}

// isSent says whether the mailboxes look as after the sending, or as before it.
func (r *road) isSent(draft bool) (sent bool) {
	a, err := r.store.Account(r.Context(), aliceNumber)
	r.must(err)
	defer a.Close()
	q := &rig{T: r.T}
	was := fmt.Sprint(q.shows(a, "INBOX"), q.shows(a, "Sent"))
	if sent = was == "[1  $Forwarded] [1 S $Submitted]"; !sent && was != "[1  ] []" {
		r.Errorf("INBOX and Sent: %s", was)
	}
	if got, want := fmt.Sprint(q.shows(a, "Drafts")), map[bool]string{true: "[1 d $Submitted]", false: "[1 d ]"}[sent]; draft && got != want {
		r.Errorf("Drafts: %s, want %s", got, want)
	}
	return sent
}

func (r *road) expungeDraft() {
	a, err := r.store.Account(r.Context(), aliceNumber)
	r.must(err)
	defer a.Close()
	(&rig{T: r.T}).expunge(a, "Drafts", 1)
}

// A phone sends a draft, and the power is cut at any call of the file system in the
// whole of it: session, outbox and queue. After the restart the message is in the
// queue, if it was recorded, without the phone; what was answered with 250 is; and
// the phone, asking again, before or after the delivery, with or without the
// draft, gets one answer. One message leaves, and one copy is filed.
func TestCrashOnTheRoad(t *testing.T) {
	for n, more := uint64(0), true; more; n++ {
		t.Run(fmt.Sprint(n), func(t *testing.T) { more = crashOnTheRoad(&road{T: t}, n) })
	}
}

func crashOnTheRoad(r *road, n uint64) (more bool) {
	r.mount(crashfs.New())
	url := r.prepare()
	at := r.fs.Calls() + n
	r.fs.OnCall(crashfs.PowerCut(at, func() { more = true }))
	first := r.send(url)
	after := r.fs.Crash(rand.New(rand.NewPCG(n, 1)))
	r.unmount()

	r.mount(after)
	defer r.unmount()
	early := 0
	if n%4 < 2 { // the relay is faster than Recover
		early = r.deliver()
	}
	r.must(r.service.Recover(r.Context()))
	sent, left := r.isSent(true), early+r.inQueue()
	if sent != (left == 1) || strings.HasPrefix(first, "250 ") && !sent {
		r.Fatalf("answered %q; filed: %v; %d queued", first, sent, left)
	}
	if n%2 == 0 {
		left = early + r.deliver()
	}
	if sent && n%3 == 0 {
		r.expungeDraft()
	}
	second := r.send(url)
	r.must(r.service.Recover(r.Context()))
	third := r.send(url)
	if !strings.HasPrefix(second, "250 ") || second != third || strings.HasPrefix(first, "250 ") && first != second {
		r.Errorf("%q, then %q, then %q", first, second, third)
	}
	if n%2 != 0 || !sent {
		left = early + r.deliver()
	}
	if left != 1 || r.inQueue() != 0 {
		r.Errorf("%d messages left", left)
	}
	if !r.isSent(false) {
		r.Error("it is not filed")
	}
	r.must(account.Verify(r.Context(), r.engine, r.bodies, func(f account.Finding) { r.Errorf("account %d: %s", f.Account, f.Text) }))
	return more
}
