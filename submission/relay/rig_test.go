package relay

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"citron/auth"
	"citron/store"
	"citron/submission"
	"citron/wire/smtp"
)

var monday = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// work is a submission.Work of jobs that a test makes.
type work struct {
	jobs, here chan *job
	errs       chan error
}

func newQueue() *work {
	return &work{make(chan *job, 100), make(chan *job, 100), make(chan error, 1)}
}

func (q *work) Next(ctx context.Context) (submission.Job, error)     { return q.next(ctx, q.jobs) }
func (q *work) NextHere(ctx context.Context) (submission.Job, error) { return q.next(ctx, q.here) }

func (q *work) next(ctx context.Context, jobs chan *job) (submission.Job, error) {
	select {
	case j := <-jobs:
		return j, nil
	case err := <-q.errs:
		return nil, err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// job is a message for some recipients of one domain.
type job struct {
	id, domain string
	envelope   submission.Envelope
	text       string
	due        []submission.Due // nil: those of the domain
	openErr    error
	settleErrs []error // of the first calls
	handErr    error

	mu       sync.Mutex
	handed   []string // hosts
	outcomes []submission.Outcome
	released bool
	over     chan struct{}
}

// newJob makes a job from alice@example.org to addresses of one domain.
func newJob(text string, to ...string) *job {
	j := &job{id: "q1", text: text, over: make(chan struct{})}
	j.envelope.Received = monday
	j.envelope.Mail.From = path("alice@example.org")
	for _, address := range to {
		j.envelope.Rcpts = append(j.envelope.Rcpts, smtp.Rcpt{To: path(address)})
	}
	j.domain = path(to[0]).Domain
	return j
}

func path(address string) smtp.Path {
	at := strings.LastIndexByte(address, '@')
	return smtp.Path{Local: address[:at], Domain: address[at+1:]}
}

func (j *job) ID() string                     { return j.id }
func (j *job) Envelope() *submission.Envelope { return &j.envelope }
func (j *job) Domain() string                 { return j.domain }

func (j *job) Due() (due []submission.Due) {
	if j.due != nil {
		return j.due
	}
	for i, r := range j.envelope.Rcpts {
		if r.To.Domain == j.domain {
			due = append(due, submission.Due{Index: i})
		}
	}
	return due
}

func (j *job) Open(context.Context) (submission.Body, error) {
	return body{bytes.NewReader([]byte(j.text))}, j.openErr
}

func (j *job) HandOver(_ context.Context, host string, rcpts []int) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.handed = append(j.handed, host)
	return j.handErr
}

func (j *job) Settle(_ context.Context, o []submission.Outcome) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.settleErrs) > 0 {
		err := j.settleErrs[0]
		j.settleErrs = j.settleErrs[1:]
		return err
	}
	j.outcomes = o
	close(j.over)
	return nil
}

func (j *job) Release() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.released = true
	close(j.over)
}

type body struct{ *bytes.Reader }

func (body) Close() error { return nil }

// directory is an auth.Resolver of example.org.
type directory map[string][]auth.Destination

func (d directory) Resolve(_ context.Context, local, domain string) ([]auth.Destination, error) {
	switch to, ok := d[local]; {
	case domain == "broken.example":
		return nil, auth.Errorf(auth.Temporary, "no directory")
	case domain != "example.org" && domain != "":
		return nil, auth.NoSuchDomain
	case !ok:
		return nil, auth.NoSuchUser
	default:
		return to, nil
	}
}

var people = directory{
	"alice": {{Account: 1}},
	"bob":   {{Account: 2, Detail: "list"}},
	"all":   {{Account: 1}, {Account: 2}, {Account: 3, Disabled: true}},
	"gone":  {{Account: 3, Disabled: true}},
}

// boxes is a store.OnceFiling in memory, with faults.
type boxes struct {
	mu     sync.Mutex
	begin  error
	faults map[uint64]error
	mail   map[uint64][]string
	once   map[uint64]map[store.Once]bool
	forgot chan struct{}
}

func newBoxes() *boxes {
	return &boxes{faults: map[uint64]error{}, mail: map[uint64][]string{}, once: map[uint64]map[store.Once]bool{}, forgot: make(chan struct{}, 100)}
}

func (b *boxes) Begin(_ context.Context, to []store.Recipient, _ int64) (store.Incoming, error) {
	return &incoming{b: b, to: to}, b.begin
}

func (b *boxes) Forget(_ context.Context, account uint64, once ...store.Once) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, o := range once {
		delete(b.once[account], o)
		b.forgot <- struct{}{}
	}
	return nil
}

// remembered counts the copies that were filed once and are not forgotten.
func (b *boxes) remembered() (n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, once := range b.once {
		n += len(once)
	}
	return n
}

type incoming struct {
	b  *boxes
	to []store.Recipient
	bytes.Buffer
}

func (i *incoming) Commit(context.Context) []error {
	i.b.mu.Lock()
	defer i.b.mu.Unlock()
	errs := make([]error, len(i.to))
	for n, to := range i.to {
		switch {
		case i.b.faults[to.Account] != nil:
			errs[n] = i.b.faults[to.Account]
		case !i.b.once[to.Account][to.Once]:
			i.b.mail[to.Account] = append(i.b.mail[to.Account], string(to.Prefix)+i.String())
			if i.b.once[to.Account] == nil {
				i.b.once[to.Account] = map[store.Once]bool{}
			}
			i.b.once[to.Account][to.Once] = true
		}
	}
	return errs
}

func (i *incoming) Abort() {}

// rig is a relay that runs.
type rig struct {
	t     *testing.T
	queue *work
	boxes *boxes
}

func newRig(t *testing.T, o Options) *rig {
	r := &rig{t: t, queue: newQueue(), boxes: newBoxes()}
	o.Hostname, o.Work, o.Resolver, o.Filing = "mx.example.org", r.queue, people, r.boxes
	if o.Now == nil {
		o.Now = func() time.Time { return monday.Add(time.Minute) }
	}
	relay := New(o)
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		relay.Run(ctx)
		close(done)
	}()
	t.Cleanup(func() {
		stop()
		<-done
	})
	return r
}

// deliver runs a job to its end and gives the outcomes, one line each.
func (r *rig) deliver(j *job) string {
	r.t.Helper()
	r.queue.jobs <- j
	<-j.over
	return j.result()
}

func (j *job) result() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	var lines []string
	for _, o := range j.outcomes {
		line := j.envelope.Rcpts[o.Index].To.Local + " " + o.Result.String() + " " + o.Status.String()
		if o.Result == submission.RelayedBlind {
			line += " blind"
		}
		if o.DomainDown {
			line += " down"
		}
		if o.TellRelayed {
			line += " tell"
		}
		lines = append(lines, line)
	}
	if j.released {
		lines = append(lines, "released")
	}
	return strings.Join(lines, "\n")
}

func equal[T comparable](t *testing.T, what string, want, got T) {
	t.Helper()
	if got != want {
		t.Errorf("%s:\n got %v\nwant %v", what, got, want)
	}
}

var errFault = errors.New("a fault")
