package queue_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"citron/engine/body"
	"citron/engine/enginetest"
	"citron/engine/kv"
	"citron/engine/kv/memkv"
	"citron/engine/vfs/crashfs"
	"citron/submission"
	"citron/submission/queue"
	"citron/wire/smtp"
)

// rig is a queue in memory with a clock that the test moves.
type rig struct {
	t      testing.TB
	ctx    context.Context
	engine kv.Engine
	bodies body.Store
	opt    queue.Options
	q      *queue.Queue
	clock  enginetest.Clock
	log    strings.Builder
}

// start is when every test begins.
var start = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

func newRig(t testing.TB, opt queue.Options) *rig {
	t.Helper()
	bodies := enginetest.Bodies(t, crashfs.New(), "queue")
	t.Cleanup(func() { bodies.Close() })
	r := &rig{t: t, ctx: t.Context(), engine: memkv.New(memkv.Options{}), bodies: bodies, opt: opt, clock: enginetest.Clock{Time: start}}
	r.open()
	return r
}

func (r *rig) open() {
	r.t.Helper()
	r.opt.Now = r.clock.Now
	r.opt.Random = func() float64 { return 0 }
	if r.opt.Hostname == "" {
		r.opt.Hostname = "mail.example.org"
	}
	r.opt.Log = slog.New(slog.NewTextHandler(&r.log, nil))
	q, err := queue.Open(r.ctx, r.engine, r.bodies, r.opt)
	if err != nil {
		r.t.Fatal(err)
	}
	r.q = q
}

// reopen is what a new process finds.
func (r *rig) reopen() {
	r.t.Helper()
	r.q.Close()
	r.open()
}

// envelope goes from alice to some addresses.
func (r *rig) envelope(to ...string) submission.Envelope {
	e := submission.Envelope{Account: 7, Sender: "alice@example.org", Mail: smtp.Mail{From: path("alice@example.org")}, Received: r.clock.Now()}
	for _, a := range to {
		e.Rcpts = append(e.Rcpts, smtp.Rcpt{To: path(a)})
	}
	return e
}

func path(address string) smtp.Path {
	local, domain, _ := strings.Cut(address, "@")
	return smtp.Path{Local: local, Domain: domain}
}

const text = "Subject: hello\r\n\r\nworld\r\n"

func (r *rig) commit(text string, e submission.Envelope) (id string) {
	r.t.Helper()
	id, err := put(r.ctx, r.q, text, e)
	if err != nil {
		r.t.Fatal(err)
	}
	return id
}

func put(ctx context.Context, q *queue.Queue, text string, e submission.Envelope) (id string, err error) {
	in, err := q.Begin(ctx, 0)
	if err != nil {
		return "", err
	}
	if _, err := io.WriteString(in, text); err != nil {
		in.Abort()
		return "", err
	}
	return in.Commit(ctx, e)
}

// take gives the job that is due; nil if none is.
func (r *rig) take() submission.Job {
	r.t.Helper()
	j, err := r.q.Take(r.ctx)
	if err != nil {
		r.t.Fatal(err)
	}
	return j
}

// mustTake is take of a job that must be there.
func (r *rig) mustTake() submission.Job {
	r.t.Helper()
	j := r.take()
	if j == nil {
		r.t.Fatal("no job is due")
	}
	return j
}

func (r *rig) text(j submission.Job) string {
	r.t.Helper()
	b, err := j.Open(r.ctx)
	if err != nil {
		r.t.Fatal(err)
	}
	defer b.Close()
	all, err := io.ReadAll(io.NewSectionReader(b, 0, b.Size()))
	if err != nil {
		r.t.Fatal(err)
	}
	return string(all)
}

// settle ends a job with the same outcome for all.
func (r *rig) settle(j submission.Job, o submission.Outcome) {
	r.t.Helper()
	if err := j.Settle(r.ctx, all(j, o)); err != nil {
		r.t.Fatal(err)
	}
}

func all(j submission.Job, o submission.Outcome) (list []submission.Outcome) {
	for _, d := range j.Due() {
		o.Index = d.Index
		list = append(list, o)
	}
	return list
}

// maintain runs what is due now.
func (r *rig) maintain() {
	r.t.Helper()
	for range 1000 {
		next, err := r.q.Maintain(r.ctx, r.clock.Now())
		if err != nil {
			r.t.Fatal(err)
		}
		if next.After(r.clock.Now()) {
			return
		}
	}
	r.t.Fatal("Maintain has no end")
}

var (
	delivered = submission.Outcome{Result: submission.Delivered, Status: smtp.Status{Class: 2}}
	deferred  = submission.Outcome{Result: submission.Deferred, Status: smtp.Status{Class: 4, Subject: 3, Detail: 2}, Code: 451, Text: "later", Host: "mx.example.com"}
	failed    = submission.Outcome{Result: submission.Failed, Status: smtp.Status{Class: 5, Subject: 1, Detail: 1}, Code: 550, Text: "no such user", Host: "mx.example.com"}
	down      = submission.Outcome{Result: submission.Deferred, Status: smtp.Status{Class: 4, Subject: 4, Detail: 1}, Text: "no answer", DomainDown: true}
)

func equal[T comparable](t testing.TB, what string, want, got T) {
	t.Helper()
	if want != got {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

func TestMessageGoesThrough(t *testing.T) {
	for _, long := range []string{text, text + strings.Repeat("a long line\r\n", 10_000)} {
		r := newRig(t, queue.Options{})
		id := r.commit(long, r.envelope("bob@Example.COM.", "carol@example.net", "dan@example.com", "ümit@bücher.example"))
		r.reopen()
		seen := map[string]string{}
		for j := r.take(); j != nil; j = r.take() {
			equal(t, "id", id, j.ID())
			equal(t, "text", long, r.text(j))
			seen[j.Domain()] = fmt.Sprint(j.Due())
			r.settle(j, delivered)
		}
		equal(t, "jobs", "map[example.com:[{0 0} {2 0}] example.net:[{1 0}] xn--bcher-kva.example:[{3 0}]]", fmt.Sprint(seen))
		equal(t, "left", queue.Totals{}, r.q.Totals())
		r.reopen()
		if r.take() != nil {
			t.Error("a job after the end")
		}
	}
}

func TestRetries(t *testing.T) {
	r := newRig(t, queue.Options{Retry: []time.Duration{time.Minute, time.Hour}})
	r.commit(text, r.envelope("bob@example.com"))
	for i, pause := range []time.Duration{time.Minute, time.Hour, time.Hour} {
		j := r.mustTake()
		equal(t, "attempts", i, j.Due()[0].Attempts)
		if r.take() != nil {
			t.Fatal("given twice")
		}
		r.settle(j, deferred)
		r.clock.Pass(pause - time.Second)
		if i == 1 {
			r.reopen()
		}
		if r.take() != nil {
			t.Fatalf("try %d comes too early", i)
		}
		r.clock.Pass(time.Second)
	}
	j := r.mustTake()
	j.Release()
	j = r.mustTake()
	r.settle(j, delivered)
	equal(t, "left", queue.Totals{}, r.q.Totals())
}

func TestOriginOnce(t *testing.T) {
	r := newRig(t, queue.Options{})
	e := r.envelope("bob@example.com")
	e.Origin = "7 first"
	ids := make([]string, 8)
	var wg sync.WaitGroup
	for i := range ids {
		wg.Go(func() { ids[i], _ = put(r.ctx, r.q, text, e) })
	}
	wg.Wait()
	for _, id := range ids {
		if id == "" || id != ids[0] {
			t.Fatalf("ids %q", ids)
		}
	}
	equal(t, "messages", 1, r.q.Totals().Messages)
	r.settle(r.mustTake(), delivered)
	r.reopen()
	equal(t, "id after the end", ids[0], r.commit(text, e))
	equal(t, "messages", 0, r.q.Totals().Messages)
	r.clock.Pass(31 * 24 * time.Hour)
	r.maintain()
	if id := r.commit(text, e); id == ids[0] {
		t.Error("remembered for ever")
	}
}

func TestClosed(t *testing.T) {
	r := newRig(t, queue.Options{})
	waits := make(chan error)
	go func() {
		_, err := r.q.Next(r.ctx)
		waits <- err
	}()
	r.q.Close()
	if err := <-waits; !errors.Is(err, submission.ErrTemporary) {
		t.Errorf("%v", err)
	}
	if _, err := r.q.Begin(r.ctx, 0); !errors.Is(err, submission.ErrTemporary) {
		t.Errorf("%v", err)
	}
}
