package queue_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"citron/engine/body/segment"
	"citron/engine/enginetest"
	"citron/engine/kv/pebblekv"
	"citron/engine/vfs"
	"citron/engine/vfs/crashfs"
	"citron/submission"
	"citron/submission/queue"
)

var crashSeeds = flag.Int("crash.seeds", 12, "how many random crashes TestCrash makes")

// disk is a queue on a file system that can crash.
type disk struct {
	fs     *crashfs.FS
	engine *pebblekv.Engine
	bodies *segment.Store
	q      *queue.Queue
}

func mount(t *testing.T, fs *crashfs.FS, o queue.Options) *disk {
	t.Helper()
	d := &disk{fs: fs, engine: enginetest.Pebble(t, fs), bodies: enginetest.Bodies(t, fs, "queue")}
	var err error
	if d.q, err = queue.Open(t.Context(), d.engine, d.bodies, o); err != nil {
		t.Fatal(err)
	}
	return d
}

func (d *disk) close() {
	d.q.Close()
	d.engine.Close()
	d.bodies.Close()
}

func (d *disk) verify(t *testing.T) {
	t.Helper()
	err := queue.Verify(t.Context(), d.engine, d.bodies, func(f queue.Finding) { t.Error(f.Text) })
	if err != nil {
		t.Fatal(err)
	}
}

// fate is what a test knows of a message that was acknowledged.
type fate struct {
	subject string
	// ended is what the queue was told of it and took; 0 while it was told
	// nothing, or that it is deferred.
	ended submission.Result
	// unsure is what the queue was being told when the power went.
	unsure submission.Result
}

// promises are the fates of all messages, by id.
type promises struct {
	mu  sync.Mutex
	all map[string]*fate
}

// TestCrash lets messages come in and be tried together, cuts the power at a
// random call and looks whether each message that was acknowledged is just one
// of: in the queue, or ended with the report that it asks for in the queue.
func TestCrash(t *testing.T) {
	for seed := range *crashSeeds {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) { crash(t, uint64(seed)) })
	}
}

func crash(t *testing.T, seed uint64) {
	rng := rand.New(rand.NewPCG(seed, 1))
	fs := crashfs.New()
	opt := queue.Options{InlineLimit: 300, PerDomain: 20, HoldDomain: func(name string) bool { return name == "example.org" }}
	d := mount(t, fs, opt)
	at := fs.Calls() + uint64(rng.IntN(1200)) + 10
	ctx, off := context.WithCancel(context.Background())
	fs.OnCall(crashfs.PowerCut(at, off))
	p := &promises{all: make(map[string]*fate)}
	d.work(ctx, seed, p)
	t.Logf("%d messages, the power off: %v", len(p.all), fs.Calls() >= at)
	after := fs.Crash(rng)
	off()
	opt.HoldDomain = nil
	d = mount(t, after, opt)
	defer d.close()
	d.verify(t)
	d.kept(t, p)
	d.verify(t)
}

// work has 16 submitters and 8 relays work until the power is off.
func (d *disk) work(ctx context.Context, seed uint64, p *promises) {
	ctx, stop := context.WithCancel(ctx)
	var submitters, relays sync.WaitGroup
	for i := range 16 {
		submitters.Go(func() {
			rng := rand.New(rand.NewPCG(seed, uint64(i)+100))
			for n := 0; n < 40 && ctx.Err() == nil; n++ {
				subject := fmt.Sprintf("submitter-%d-message-%d", i, n)
				r := rig{clock: enginetest.Clock{Time: start}}
				e := r.envelope(fmt.Sprintf("bob@%d.example.com", i%4))
				id, err := put(ctx, d.q, fmt.Sprintf("Subject: %s\r\n\r\n%0*d\r\n", subject, rng.IntN(800), 7), e)
				if err == nil {
					p.mu.Lock()
					if p.all[id] == nil {
						p.all[id] = &fate{}
					}
					p.all[id].subject = subject
					p.mu.Unlock()
				}
			}
		})
	}
	for i := range 8 {
		relays.Go(func() {
			rng := rand.New(rand.NewPCG(seed, uint64(i)+200))
			for ctx.Err() == nil {
				j, err := d.q.Next(ctx)
				if err != nil {
					return
				}
				p.try(ctx, j, rng)
			}
		})
	}
	submitters.Wait()
	stop()
	relays.Wait()
}

// try is an attempt at a message.
func (p *promises) try(ctx context.Context, j submission.Job, rng *rand.Rand) {
	o := [...]submission.Outcome{deferred, delivered, failed}[rng.IntN(3)]
	if rng.IntN(4) == 0 {
		j.Release()
		return
	}
	if rng.IntN(2) == 0 {
		j.HandOver(context.WithoutCancel(ctx), "mx.example.com", []int{0})
	}
	p.mu.Lock()
	f := p.all[j.ID()]
	if f == nil {
		f = &fate{}
		p.all[j.ID()] = f
	}
	f.unsure = o.Result
	p.mu.Unlock()
	if err := j.Settle(context.WithoutCancel(ctx), all(j, o)); err == nil {
		p.mu.Lock()
		f.unsure, f.ended = 0, o.Result
		p.mu.Unlock()
	}
}

// kept compares what is there with what was promised.
func (d *disk) kept(t *testing.T, p *promises) {
	t.Helper()
	queued, reports := map[string]int{}, map[string]int{}
	for j, err := d.q.Take(t.Context()); j != nil || err != nil; j, err = d.q.Take(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		text := bodyOf(t, j)
		if j.Envelope().Mail.From.IsNull() {
			_, original, _ := strings.Cut(text, "\r\nSubject: submitter")
			subject, _, _ := strings.Cut(original, "\r\n")
			reports["submitter"+subject]++
			j.Settle(t.Context(), all(j, delivered))
		} else {
			j.Settle(t.Context(), all(j, delivered))
			queued[j.ID()]++
		}
	}
	// What was deferred is in the queue, too.
	err := d.q.List(t.Context(), queue.Filter{}, func(s queue.Summary) error {
		queued[s.ID]++
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for id, f := range p.all {
		if f.subject == "" {
			continue // not acknowledged before the power went
		}
		n, told := queued[id], reports[f.subject]
		ok := false
		switch {
		case f.ended == submission.Delivered:
			ok = n == 0 && told == 0
		case f.ended == submission.Failed:
			ok = n == 0 && told == 1
		case f.unsure == submission.Failed:
			ok = n+told == 1
		case f.unsure == submission.Delivered:
			ok = n <= 1 && told == 0
		default:
			ok = n == 1 && told == 0
		}
		if !ok {
			t.Errorf("%s: told %v, being told %v; %d times in the queue, %d reports", f.subject, f.ended, f.unsure, n, told)
		}
	}
}

func bodyOf(t *testing.T, j submission.Job) string {
	t.Helper()
	b, err := j.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	text, err := io.ReadAll(io.NewSectionReader(b, 0, b.Size()))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// While Sync is held back nothing is acknowledged (RFC 5321 §6.1), and no job
// is given.
func TestNothingBeforeSync(t *testing.T) {
	fs := crashfs.New()
	d := mount(t, fs, queue.Options{InlineLimit: 100})
	defer d.close()
	r := rig{clock: enginetest.Clock{Time: start}}
	for _, text := range []string{text, text + strings.Repeat("x", 1000)} {
		hold := fs.HoldSync(nil)
		done := make(chan error, 1)
		go func() {
			_, err := put(context.Background(), d.q, text, r.envelope("bob@example.com"))
			done <- err
		}()
		hold.Wait(1)
		select {
		case err := <-done:
			t.Fatalf("acknowledged while the sync is held: %v", err)
		default:
		}
		if j, err := d.q.Take(t.Context()); j != nil || err != nil {
			t.Fatalf("a job before the sync: %v %v", j, err)
		}
		hold.Release()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		j, err := d.q.Take(t.Context())
		if j == nil || err != nil {
			t.Fatalf("no job after the sync: %v", err)
		}
		if err := j.Settle(t.Context(), all(j, delivered)); err != nil {
			t.Fatal(err)
		}
	}
}

// On a full volume for bodies messages are refused for the time being; a report
// that finds no room for a long body is made a short one, and settling goes on.
func TestFullDisk(t *testing.T) {
	fs := crashfs.New()
	d := mount(t, fs, queue.Options{InlineLimit: 100})
	defer d.close()
	r := rig{clock: enginetest.Clock{Time: start}}
	long := "Subject: long\r\n\r\n" + strings.Repeat("x", 1000)
	if _, err := put(t.Context(), d.q, long, r.envelope("bob@example.com")); err != nil {
		t.Fatal(err)
	}
	fs.OnCall(crashfs.FailWhen(func(op crashfs.Op) bool {
		return op.Kind == crashfs.Write && strings.HasPrefix(op.Name, "queue")
	}, fmt.Errorf("write: %w", vfs.ErrNoSpace)))
	if _, err := put(t.Context(), d.q, long, r.envelope("bob@example.com")); !errors.Is(err, submission.ErrNoSpace) {
		t.Fatalf("%v", err)
	}
	j, err := d.q.Take(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Settle(t.Context(), all(j, failed)); err != nil {
		t.Fatal(err)
	}
	fs.OnCall(nil)
	if j, err = d.q.Take(t.Context()); j == nil || err != nil {
		t.Fatalf("no report: %v", err)
	}
	if text := bodyOf(t, j); !strings.Contains(text, "Subject: long") {
		t.Errorf("the report: %s", text)
	}
	if err := j.Settle(t.Context(), all(j, delivered)); err != nil {
		t.Fatal(err)
	}
	d.verify(t)
}
