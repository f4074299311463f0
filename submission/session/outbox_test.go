package session

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"citron/ops/conn"
	"citron/store"
	"citron/submission"
	"citron/wire/smtp"
)

// outbox is a store.Outbox in memory, over the URLs of a site.
type outbox struct {
	urls  *urls
	fault error // of Send

	mu    sync.Mutex
	known map[string]*attempt
}

type attempt struct {
	request store.SendRequest
	sent    store.Sent
	text    string
}

func newOutbox(u *urls) *outbox { return &outbox{urls: u, known: map[string]*attempt{}} }

func key(account uint64, name string) string { return fmt.Sprint(account, " ", name) }

func (o *outbox) Send(ctx context.Context, r store.SendRequest) (store.Sent, error) {
	if o.fault != nil {
		return store.Sent{}, o.fault
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if a := o.known[key(r.Account, r.Attempt)]; a != nil {
		if a.request.URL != r.URL || a.request.Target != r.Target || string(a.request.Envelope) != string(r.Envelope) {
			return store.Sent{}, store.ErrAttemptReused
		}
		sent := a.sent
		sent.Repeated = true
		return sent, nil
	}
	if r.KnownOnly {
		return store.Sent{}, store.ErrNoURL
	}
	c, err := o.urls.FetchURL(ctx, "submit", r.User, r.URL, false)
	if err != nil {
		return store.Sent{}, err
	}
	c.Close()
	if r.Target == "Nowhere" {
		return store.Sent{}, store.ErrNoTarget
	}
	a := &attempt{request: r, text: c.(*opened).content.text}
	a.sent = store.Sent{Account: r.Account, Attempt: r.Attempt, At: time.Now(), Envelope: r.Envelope}
	o.known[key(r.Account, r.Attempt)] = a
	return a.sent, nil
}

func (o *outbox) Open(_ context.Context, account uint64, name string, _ bool) (store.URLContent, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	a := o.known[key(account, name)]
	if a == nil || a.sent.Queued != "" {
		return nil, store.ErrNoURL
	}
	o.urls.open.Add(1)
	return &opened{urls: o.urls, content: content{text: a.text}}, nil
}

func (o *outbox) Queued(_ context.Context, account uint64, name, id string) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	a := o.known[key(account, name)]
	if a.sent.Queued == "" {
		a.sent.Queued, a.sent.Envelope = id, nil
	}
	return nil
}

func (o *outbox) Waiting(_ context.Context, each func(store.Sent) error) error {
	o.mu.Lock()
	var waiting []store.Sent
	for _, a := range o.known {
		if a.sent.Queued == "" {
			waiting = append(waiting, a.sent)
		}
	}
	o.mu.Unlock()
	for _, sent := range waiting {
		if err := each(sent); err != nil {
			return err
		}
	}
	return nil
}

// flaky fails at one of its calls: before it has an effect, or after it.
type flaky struct {
	at    int // the call, from 1; 0: never
	after bool
	calls int
}

var errCrash = errors.New("crash")

func (f *flaky) call(do func() error) error {
	f.calls++
	if f.calls != f.at {
		return do()
	}
	if f.after {
		do()
	}
	return errCrash
}

type flakyOutbox struct {
	store.Outbox
	*flaky
}

func (o flakyOutbox) Send(ctx context.Context, r store.SendRequest) (s store.Sent, err error) {
	err = o.call(func() (err error) { s, err = o.Outbox.Send(ctx, r); return err })
	return s, err
}

func (o flakyOutbox) Open(ctx context.Context, account uint64, name string, binary bool) (c store.URLContent, err error) {
	if err := o.call(func() error { return nil }); err != nil { // opening has no effect
		return nil, err
	}
	return o.Outbox.Open(ctx, account, name, binary)
}

func (o flakyOutbox) Queued(ctx context.Context, account uint64, name, id string) error {
	return o.call(func() error { return o.Outbox.Queued(ctx, account, name, id) })
}

type flakySpool struct {
	submission.Spool
	*flaky
}

func (s flakySpool) Begin(ctx context.Context, size int64) (in submission.Incoming, err error) {
	err = s.call(func() error { return nil })
	if err == nil {
		in, err = s.Spool.Begin(ctx, size)
	}
	return flakyIncoming{in, s.flaky}, err
}

type flakyIncoming struct {
	submission.Incoming
	*flaky
}

func (i flakyIncoming) Write(p []byte) (n int, err error) {
	err = i.call(func() (err error) { n, err = i.Incoming.Write(p); return err })
	return n, err
}

func (i flakyIncoming) Commit(ctx context.Context, e submission.Envelope) (id string, err error) {
	err = i.call(func() (err error) { id, err = i.Incoming.Commit(ctx, e); return err })
	return id, err
}

// Whatever fails in the middle of an atomic send, before or after it had its
// effect: what is recorded ends in the queue, once; what was answered with 250 is
// there; and the attempt, repeated, gets the answer that it got, or would have.
func TestAtomicSendCrashes(t *testing.T) {
	for _, after := range []bool{false, true} {
		for at := 1; ; at++ {
			calls := 0
			t.Run(fmt.Sprint(at, after), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { calls = crashAt(t, at, after) })
			})
			if calls < at {
				break
			}
		}
	}
}

func crashAt(t *testing.T, at int, after bool) (calls int) {
	site := newSite(t, "atomic")
	site.urls.content[1] = content{text: "From: alice@example.org\r\n\r\nhi\r\n"}
	f := &flaky{at: at, after: after}
	sound := site.service.Config
	site.service.Outbox, site.service.Spool = flakyOutbox{sound.Outbox, f}, flakySpool{sound.Spool, f}
	attempt := "MAIL FROM:<alice@example.org> XATTEMPT=1 XSENT=Sent\r\nRCPT TO:<bob@example.org>\r\nBURL " + urlOf(1) + " LAST\r\n"
	first := talkOnce(t, site, attempt)
	calls = f.calls

	site.service.Outbox, site.service.Spool = sound.Outbox, sound.Spool // it starts again
	if err := site.service.Recover(t.Context()); err != nil {
		t.Fatal(err)
	}
	recorded := len(site.outbox.known)
	if len(site.spool.queued) != recorded {
		t.Fatalf("%d recorded, %d queued; the answer was %q", recorded, len(site.spool.queued), first)
	}
	if strings.HasPrefix(first, "250 ") && recorded != 1 {
		t.Fatalf("answered %q, and not recorded", first)
	}
	site.urls.content = nil // the draft is gone
	second := talkOnce(t, site, attempt)
	if recorded == 1 && (second != "250 2.5.0 queued as q1" || len(site.spool.queued) != 1) {
		t.Fatalf("first %q, then %q; %d queued", first, second, len(site.spool.queued))
	}
	if recorded == 0 && !strings.HasPrefix(second, "554 5.6.6 ") {
		t.Fatalf("not recorded, then %q", second)
	}
	site.spool.check(t)
	if n := site.urls.open.Load(); n != 0 {
		t.Errorf("%d drafts left open", n)
	}
	return calls
}

// talkOnce logs alice in, sends text and gives the last reply.
func talkOnce(t *testing.T, site *site, text string) string {
	woken := make(chan struct{}, 1)
	s := site.service.NewSession(peer{woken: woken})
	out, w := step(s, time.Now(), append(hello[:len(hello):len(hello)], text...))
	s.Close(nil)
	if w.Then != conn.Continue {
		t.Fatalf("%s", out)
	}
	lines := strings.Split(strings.TrimSuffix(string(out), "\r\n"), "\r\n")
	return lines[len(lines)-1]
}

// noFetcher finds nothing.
type noFetcher struct{}

func (noFetcher) Fetch(context.Context, string, string, bool) (submission.Fetched, error) {
	return nil, submission.ErrNoURL
}

// A draft that submission could not look at is not recorded, even if the store
// has it when it is asked: whose name stands in it nobody has seen.
func TestAtomicSendUnseen(t *testing.T) {
	site := newSite(t, "atomic")
	site.urls.content[1] = content{text: "From: bob@example.org\r\n\r\nhi\r\n"}
	site.service.Fetcher = noFetcher{}
	if got := talkOnce(t, site, "MAIL FROM:<alice@example.org> XATTEMPT=1\r\nRCPT TO:<bob@example.org>\r\nBURL "+urlOf(1)+" LAST\r\n"); !strings.HasPrefix(got, "554 5.6.6 ") {
		t.Error(got)
	}
	if len(site.outbox.known) != 0 {
		t.Error("it is recorded")
	}
}

// An attempt of a name that the outbox has forgotten is a new mail, whatever the
// queue remembers.
func TestAtomicSendForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		site := newSite(t, "atomic")
		site.urls.content[1] = content{text: "From: alice@example.org\r\n\r\nhi\r\n"}
		attempt := "MAIL FROM:<alice@example.org> XATTEMPT=1\r\nRCPT TO:<bob@example.org>\r\nBURL " + urlOf(1) + " LAST\r\n"
		talkOnce(t, site, attempt)
		time.Sleep(31 * 24 * time.Hour)
		clear(site.outbox.known)
		if got := talkOnce(t, site, attempt); got != "250 2.5.0 queued as q2" || len(site.spool.queued) != 2 {
			t.Errorf("%s; %d queued", got, len(site.spool.queued))
		}
	})
}

// What the outbox refuses for good is not asked to be tried again.
func TestAtomicSendRefused(t *testing.T) {
	for fault, want := range map[error]string{
		store.ErrTooLarge: "552 5.3.4 ", store.ErrOverQuota: "552 5.2.2 ", store.ErrNoTarget: "554 5.2.0 ", store.ErrAttemptReused: "554 5.5.4 ",
		store.ErrNoSpace: "452 4.3.1 ", store.ErrTemporary: "451 4.3.0 ",
	} {
		site := newSite(t, "atomic")
		site.urls.content[1] = content{text: "From: alice@example.org\r\n\r\nhi\r\n"}
		site.outbox.fault = fault
		if got := talkOnce(t, site, "MAIL FROM:<alice@example.org> XATTEMPT=1\r\nRCPT TO:<bob@example.org>\r\nBURL "+urlOf(1)+" LAST\r\n"); !strings.HasPrefix(got, want) {
			t.Errorf("%v: %s", fault, got)
		}
	}
}

// picky is a spool that takes reports only.
type picky struct {
	submission.Spool
	fault error
}

func (s picky) Begin(ctx context.Context, size int64) (submission.Incoming, error) {
	in, err := s.Spool.Begin(ctx, size)
	return pickyIncoming{in, s.fault}, err
}

type pickyIncoming struct {
	submission.Incoming
	fault error
}

func (i pickyIncoming) Commit(ctx context.Context, e submission.Envelope) (string, error) {
	if !e.Mail.From.IsNull() {
		return "", i.fault
	}
	return i.Incoming.Commit(ctx, e)
}

// A recorded attempt that the queue refuses for good, or for too long, ends: its
// sender gets a report, if he wants any (RFC 3461 §5.2.6), and it waits no more.
func TestAtomicSendGivenUp(t *testing.T) {
	for what, test := range map[string]struct {
		fault        error
		notify       string
		days         int
		first, later string // replies
		report       string // its Status; empty: there is none
		waiting      int
	}{
		"for good":             {submission.ErrTooLarge, "", 0, "250 2.5.0 queued as q1", "250 2.5.0 queued as q1", "5.3.4", 0},
		"by the mending":       {smtp.Reply{Code: 550, Status: smtp.Status{Class: 5, Subject: 6}, Text: "no"}, "", 0, "250 2.5.0 queued as q1", "250 2.5.0 queued as q1", "5.6.0", 0},
		"nobody to tell":       {submission.ErrTooLarge, " NOTIFY=NEVER", 0, "250 2.5.0 queued as ", "250 2.5.0 queued as ", "", 0},
		"for now":              {submission.ErrTemporary, "", 4, "451 ", "451 ", "", 1},
		"for too long":         {submission.ErrTemporary, "", 5, "451 ", "250 2.5.0 queued as q1", "5.4.7", 0},
		"for too long, unsaid": {submission.ErrNoSpace, " NOTIFY=SUCCESS", 5, "452 ", "250 2.5.0 queued as ", "", 0},
	} {
		t.Run(what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				site := newSite(t, "atomic")
				site.urls.content[1] = content{text: "From: alice@example.org\r\nSubject: a draft\r\n\r\nhi\r\n"}
				site.service.Spool = picky{site.spool, test.fault}
				attempt := "MAIL FROM:<alice@example.org> XATTEMPT=1\r\nRCPT TO:<bob@example.org>" + test.notify + "\r\nBURL " + urlOf(1) + " LAST\r\n"
				if got := talkOnce(t, site, attempt); !strings.HasPrefix(got, test.first) {
					t.Error(got)
				}
				time.Sleep(time.Duration(test.days) * 24 * time.Hour)
				for range 2 {
					if err := site.service.Recover(t.Context()); err != nil {
						t.Error(err)
					}
				}
				if got := talkOnce(t, site, attempt); !strings.HasPrefix(got, test.later) {
					t.Error(got)
				}
				waiting, reports := 0, 0
				site.outbox.Waiting(t.Context(), func(store.Sent) error { waiting++; return nil })
				for _, q := range site.spool.queued {
					reports++
					if !strings.Contains(q.text, "\r\nStatus: "+test.report+"\r\n") || !strings.Contains(q.text, "Subject: a draft\r\n") ||
						q.envelope.Rcpts[0].To.String() != "alice@example.org" {
						t.Errorf("%+v", q)
					}
				}
				if waiting != test.waiting || reports > 1 || (reports == 1) != (test.report != "") {
					t.Errorf("%d waiting, %d reports", waiting, reports)
				}
				site.spool.check(t)
				if n := site.urls.open.Load(); n != 0 {
					t.Errorf("%d drafts left open", n)
				}
			})
		})
	}
}

// What cannot even be reported stays.
func TestAtomicSendNoQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		site := newSite(t, "atomic")
		site.urls.content[1] = content{text: "From: alice@example.org\r\n\r\nhi\r\n"}
		site.spool.begin = submission.ErrNoSpace
		attempt := "MAIL FROM:<alice@example.org> XATTEMPT=1\r\nRCPT TO:<bob@example.org>\r\nBURL " + urlOf(1) + " LAST\r\n"
		talkOnce(t, site, attempt)
		time.Sleep(60 * 24 * time.Hour)
		if err := site.service.Recover(t.Context()); err != nil {
			t.Error(err)
		}
		if len(site.spool.queued) != 0 {
			t.Error("queued")
		}
		site.spool.begin = nil
		if got := talkOnce(t, site, attempt); got != "250 2.5.0 queued as q1" || site.spool.queued[0].envelope.Mail.From.IsNull() {
			t.Error(got, site.spool.queued)
		}
	})
}

// racing is an outbox whose attempts another session takes before one's own
// session can.
type racing struct {
	*outbox
	service func() *Service
}

func (r racing) Open(ctx context.Context, account uint64, name string, binary bool) (store.URLContent, error) {
	if a := r.known[key(account, name)]; a.sent.Queued == "" {
		other := &Service{Config: r.service().Config, ctx: ctx}
		other.Outbox = r.outbox // without the race
		if err := other.Recover(ctx); err != nil {
			return nil, err
		}
	}
	return r.outbox.Open(ctx, account, name, binary)
}

// An attempt that Recover takes while its session is about to is queued once, and
// the session answers with that.
func TestAtomicSendRaces(t *testing.T) {
	site := newSite(t, "atomic")
	site.urls.content[1] = content{text: "From: alice@example.org\r\n\r\nhi\r\n"}
	site.service.Outbox = racing{site.outbox, func() *Service { return site.service }}
	got := talkOnce(t, site, "MAIL FROM:<alice@example.org> XATTEMPT=1\r\nRCPT TO:<bob@example.org>\r\nBURL "+urlOf(1)+" LAST\r\n")
	if got != "250 2.5.0 queued as q1" || len(site.spool.queued) != 1 {
		t.Errorf("%s; %d queued", got, len(site.spool.queued))
	}
}
