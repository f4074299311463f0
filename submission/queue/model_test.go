package queue_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"citron/engine/body"
	"citron/engine/body/segment"
	"citron/engine/enginetest"
	"citron/engine/kv"
	"citron/engine/vfs/crashfs"
	"citron/submission"
	"citron/submission/queue"
	"citron/wire/smtp"
)

// model is the queue as a plain program without a disk would have it.
type model struct {
	messages map[string]*modelMessage
	origins  map[string]string
	domains  map[string]*modelDomain
	held     map[string]bool // domains
	out      map[string]*modelJob
	reports  map[string]int // expected, by what they say
	made     int
	accounts map[uint64]bool // held
}

type modelMessage struct {
	subject string
	account uint64
	level   int8
	rcpts   map[int]*modelRcpt // not done
	held    bool
	byOwner bool // held with its account
}

type modelRcpt struct {
	domain   string
	notify   smtp.Notify
	attempts int
	due      time.Time
}

type modelDomain struct {
	failures int
	until    time.Time
}

type modelJob struct {
	job   submission.Job
	id    string
	rcpts []int
	gone  bool // deleted while it was out
	began time.Time
	epoch int // failures when it was taken
}

// TestHistories runs random histories against the model, most of them on the
// engine that is faster to open.
func TestHistories(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		engine := rapid.SampledFrom([]string{"memkv", "memkv", "memkv", "pebblekv"}).Draw(rt, "engine")
		h := newHistory(t, rt, enginetest.Engines[engine])
		defer func() {
			h.q.Close()
			h.engine.Close()
			h.bodies.Close()
		}()
		rt.Repeat(map[string]func(*rapid.T){
			"commit": h.commitSome, "take": h.takeSome, "settle": h.settleSome, "release": h.releaseSome, "pass": h.pass,
			"reopen": h.reopenAll, "hold": h.holdSome, "unhold": h.unholdSome, "retry": h.retrySome, "delete": h.deleteSome, "": h.check,
		})
	})
}

type history struct {
	*rig
	m      model
	reopen func() kv.Engine
}

// pauses are the retries of a history.
var pauses = []time.Duration{time.Minute, 10 * time.Minute}

func newHistory(t *testing.T, rt *rapid.T, engine func() (kv.Engine, func() kv.Engine)) *history {
	h := &history{rig: &rig{t: t, ctx: t.Context(), clock: enginetest.Clock{Time: start}}}
	h.engine, h.reopen = engine()
	var err error
	if h.bodies, err = segment.Open(crashfs.New(), "queue", segment.Options{}); err != nil {
		t.Fatal(err)
	}
	h.opt = queue.Options{
		Retry: pauses, InlineLimit: 100, PerDomain: rapid.IntRange(1, 4).Draw(rt, "per domain"), GroupSize: 2,
		MaxDomains: rapid.IntRange(1, 10).Draw(rt, "domains in memory"), GiveUp: 1e6 * time.Hour, DelayReport: -1,
	}
	h.open()
	h.m = model{
		messages: map[string]*modelMessage{}, origins: map[string]string{}, domains: map[string]*modelDomain{},
		held: map[string]bool{}, out: map[string]*modelJob{}, reports: map[string]int{}, accounts: map[uint64]bool{},
	}
	return h
}

var domains = []string{"a.example", "b.example", "c.example"}

func (h *history) commitSome(rt *rapid.T) {
	h.m.made++
	subject := fmt.Sprintf("message-%d", h.m.made)
	e := h.envelope()
	e.Account = uint64(rapid.IntRange(1, 2).Draw(rt, "account"))
	e.Mail.Priority.Level = int8(rapid.SampledFrom([]int{0, 0, -9, 3, 9}).Draw(rt, "priority"))
	if rapid.IntRange(0, 9).Draw(rt, "hold") == 0 {
		e.HoldUntil = h.clock.Now().Add(5 * time.Minute)
	}
	if rapid.IntRange(0, 3).Draw(rt, "again") == 0 {
		e.Origin = rapid.SampledFrom([]string{"x", "y"}).Draw(rt, "origin")
	}
	m := &modelMessage{subject: subject, account: e.Account, level: e.Mail.Priority.Level, rcpts: map[int]*modelRcpt{}, byOwner: h.m.accounts[e.Account]}
	m.held = m.byOwner
	for i := range rapid.IntRange(1, 5).Draw(rt, "recipients") {
		r := &modelRcpt{
			domain: rapid.SampledFrom(domains).Draw(rt, "domain"), due: e.Received,
			notify: rapid.SampledFrom([]smtp.Notify{0, 0, smtp.NotifyNever, smtp.NotifySuccess}).Draw(rt, "notify"),
		}
		if !e.HoldUntil.IsZero() {
			r.due = e.HoldUntil
		}
		e.Rcpts = append(e.Rcpts, smtp.Rcpt{To: path("bob@" + r.domain), Notify: r.notify})
		m.rcpts[i] = r
	}
	id := h.commit("Subject: "+subject+"\r\n\r\n"+strings.Repeat("x", rapid.SampledFrom([]int{0, 200}).Draw(rt, "size")), e)
	if known := h.m.origins[e.Origin]; e.Origin != "" && known != "" {
		if id != known {
			rt.Fatalf("origin %q became %s, then %s", e.Origin, known, id)
		}
		return
	}
	if h.m.messages[id] != nil {
		rt.Fatalf("id %s is given again", id)
	}
	h.m.messages[id] = m
	if e.Origin != "" {
		h.m.origins[e.Origin] = id
	}
}

func (h *history) domain(name string) *modelDomain {
	if h.m.domains[name] == nil {
		h.m.domains[name] = &modelDomain{}
	}
	return h.m.domains[name]
}

// limit is how many jobs of a domain may be out.
func (h *history) limit(name string) int {
	if h.domain(name).failures > 0 {
		return 1
	}
	return h.opt.PerDomain
}

func (h *history) outOf(name string) (n int) {
	for _, j := range h.m.out {
		if j.job.Domain() == name {
			n++
		}
	}
	return n
}

// mayRun says whether a job of a domain may be given now.
func (h *history) mayRun(name string) bool {
	return !h.m.held[name] && !h.domain(name).until.After(h.clock.Now()) && h.outOf(name) < h.limit(name)
}

func (h *history) takeSome(rt *rapid.T) {
	h.q.Maintain(h.ctx, h.clock.Now()) // brings domains into memory
	j := h.take()
	if j == nil {
		h.nothingDue(rt)
		return
	}
	if j.Envelope().Mail.From.IsNull() {
		h.readReport(rt, j)
		return
	}
	m := h.m.messages[j.ID()]
	if m == nil || m.held || !h.mayRun(j.Domain()) {
		rt.Fatalf("message %s (%+v) is given for %s, which is held, down or busy", j.ID(), m, j.Domain())
	}
	job := &modelJob{job: j, id: j.ID(), began: h.clock.Now(), epoch: h.domain(j.Domain()).failures}
	for _, d := range j.Due() {
		r := m.rcpts[d.Index]
		if r == nil || r.domain != j.Domain() || r.attempts != d.Attempts || r.due.After(h.clock.Now()) || h.isOut(j.ID(), d.Index) {
			rt.Fatalf("recipient %d of %s is given: %+v", d.Index, j.ID(), r)
		}
		job.rcpts = append(job.rcpts, d.Index)
	}
	if rapid.Bool().Draw(rt, "hand over") {
		if err := j.HandOver(h.ctx, "mx", job.rcpts[:1]); err != nil {
			rt.Fatal(err)
		}
	}
	h.m.out[fmt.Sprint(j.ID(), job.rcpts)] = job
}

func (h *history) isOut(id string, index int) bool {
	for _, j := range h.m.out {
		if j.id == id && slices.Contains(j.rcpts, index) {
			return true
		}
	}
	return false
}

// nothingDue: what is due is out, held, or waits for its domain. With fewer
// domains in memory than there are some may have to wait for the next look.
func (h *history) nothingDue(rt *rapid.T) {
	if h.opt.MaxDomains < 5 {
		return
	}
	for id, m := range h.m.messages {
		for index, r := range m.rcpts {
			if !m.held && !r.due.After(h.clock.Now()) && !h.groupOut(id, r.domain) && h.mayRun(r.domain) {
				rt.Fatalf("recipient %d of %s is due at %s and is not given", index, id, r.domain)
			}
		}
	}
}

// groupOut says whether something of a message is out at a domain: its group
// may be.
func (h *history) groupOut(id, domain string) bool {
	for _, j := range h.m.out {
		if j.id == id && j.job.Domain() == domain {
			return true
		}
	}
	return false
}

// readReport ends a report, which must be one that is expected.
func (h *history) readReport(rt *rapid.T, j submission.Job) {
	text := h.text(j)
	_, after, _ := strings.Cut(text, "\r\nSubject: message-")
	subject, _, _ := strings.Cut(after, "\r\n")
	says := fmt.Sprintf("message-%s %d failed %d delivered", subject, strings.Count(text, "\r\nAction: failed"), strings.Count(text, "\r\nAction: delivered"))
	if h.m.reports[says]--; h.m.reports[says] < 0 {
		rt.Fatalf("a report that was not expected: %s; expected are %v", says, h.m.reports)
	}
	h.settle(j, delivered)
}

func (h *history) expectReport(m *modelMessage, failed, delivered int) {
	if failed+delivered > 0 {
		h.m.reports[fmt.Sprintf("%s %d failed %d delivered", m.subject, failed, delivered)]++
	}
}

// anyOut draws a job that is out; nil if none is.
func (h *history) anyOut(rt *rapid.T) *modelJob {
	if len(h.m.out) == 0 {
		return nil
	}
	key := rapid.SampledFrom(slices.Sorted(maps.Keys(h.m.out))).Draw(rt, "job")
	j := h.m.out[key]
	delete(h.m.out, key)
	return j
}

func (h *history) releaseSome(rt *rapid.T) {
	if j := h.anyOut(rt); j != nil {
		j.job.Release()
	}
}

func (h *history) settleSome(rt *rapid.T) {
	j := h.anyOut(rt)
	if j == nil {
		return
	}
	var outcomes []submission.Outcome
	isDown := rapid.IntRange(0, 3).Draw(rt, "down") == 0
	for _, index := range j.rcpts {
		o := rapid.SampledFrom([]submission.Outcome{delivered, deferred, failed}).Draw(rt, "outcome")
		if isDown {
			o = down
		}
		o.Index = index
		outcomes = append(outcomes, o)
	}
	if err := j.job.Settle(h.ctx, outcomes); err != nil {
		rt.Fatal(err)
	}
	d, now := h.domain(j.job.Domain()), h.clock.Now()
	switch {
	case !isDown:
		*d = modelDomain{}
	case d.failures == 0 || j.epoch == d.failures && !j.began.Before(d.until):
		d.failures++
		d.until = now.Add(pauses[min(d.failures, len(pauses))-1])
	}
	if m := h.m.messages[j.id]; !j.gone && m != nil {
		h.settled(m, outcomes)
	}
}

func (h *history) settled(m *modelMessage, outcomes []submission.Outcome) {
	fails, goods := 0, 0
	for _, o := range outcomes {
		r := m.rcpts[o.Index]
		switch o.Result {
		case submission.Deferred:
			r.attempts++
			r.due = h.clock.Now().Add(pauses[min(r.attempts, len(pauses))-1])
			continue
		case submission.Failed:
			if r.notify == 0 {
				fails++
			}
		default:
			if r.notify == smtp.NotifySuccess {
				goods++
			}
		}
		delete(m.rcpts, o.Index)
	}
	h.expectReport(m, fails, goods)
	h.sweep()
}

// sweep drops messages that are done.
func (h *history) sweep() {
	maps.DeleteFunc(h.m.messages, func(_ string, m *modelMessage) bool { return len(m.rcpts) == 0 })
}

func (h *history) pass(rt *rapid.T) {
	h.clock.Pass(time.Duration(rapid.IntRange(1, 700).Draw(rt, "seconds")) * time.Second)
	if _, err := h.q.Maintain(h.ctx, h.clock.Now()); err != nil {
		rt.Fatal(err)
	}
}

// reopenAll ends the process: its jobs are released, and nobody knows any more
// which domains were down.
func (h *history) reopenAll(rt *rapid.T) {
	h.q.Close()
	h.engine = h.reopen()
	h.open()
	clear(h.m.out)
	clear(h.m.domains)
}

// selection draws one of a message, a domain, an account.
func (h *history) selection(rt *rapid.T) queue.Selection {
	account := uint64(rapid.IntRange(1, 2).Draw(rt, "account"))
	list := []queue.Selection{{Domain: rapid.SampledFrom(domains).Draw(rt, "domain")}, {Account: &account}}
	for _, id := range slices.Sorted(maps.Keys(h.m.messages)) {
		list = append(list, queue.Selection{ID: id})
	}
	return list[rapid.IntRange(0, len(list)-1).Draw(rt, "selection")]
}

func (h *history) selected(s queue.Selection, fn func(id string, m *modelMessage)) {
	for id, m := range h.m.messages {
		if s.ID == id || s.Account != nil && *s.Account == m.account || s.All || s.Domain != "" {
			fn(id, m)
		}
	}
}

func (h *history) holdSome(rt *rapid.T) {
	s := h.selection(rt)
	h.must(h.q.Hold(h.ctx, s))
	if s.Domain != "" {
		h.m.held[s.Domain] = true
		return
	}
	if s.Account != nil {
		h.m.accounts[*s.Account] = true
	}
	h.selected(s, func(_ string, m *modelMessage) {
		m.byOwner = m.byOwner || s.Account != nil
		m.held = true
	})
}

func (h *history) unholdSome(rt *rapid.T) {
	s := h.selection(rt)
	if s.Account != nil && rapid.Bool().Draw(rt, "only what is held with its account") {
		// A message held by its id stays so, which the model does not tell
		// apart.
		return
	}
	h.must(h.q.Unhold(h.ctx, s))
	if s.Domain != "" {
		delete(h.m.held, s.Domain)
		return
	}
	if s.Account != nil {
		delete(h.m.accounts, *s.Account)
		for id, m := range h.m.messages {
			if m.account == *s.Account {
				h.must(h.q.Unhold(h.ctx, queue.Selection{ID: id}))
			}
		}
	}
	h.selected(s, func(_ string, m *modelMessage) { m.held, m.byOwner = false, false })
}

func (h *history) retrySome(rt *rapid.T) {
	s := h.selection(rt)
	h.must(h.q.Retry(h.ctx, s))
	now := h.clock.Now()
	if s.Domain != "" {
		delete(h.m.domains, s.Domain)
	}
	h.selected(s, func(_ string, m *modelMessage) {
		for _, r := range m.rcpts {
			if m.held || s.Domain != "" && r.domain != s.Domain {
				continue
			}
			if r.due.After(now) {
				r.due = now
			}
			delete(h.m.domains, r.domain)
		}
	})
}

func (h *history) deleteSome(rt *rapid.T) {
	s := h.selection(rt)
	report := rapid.Bool().Draw(rt, "report")
	h.must(h.q.Delete(h.ctx, s, report))
	h.selected(s, func(id string, m *modelMessage) {
		n := 0
		for index, r := range m.rcpts {
			if s.Domain == "" || r.domain == s.Domain {
				if delete(m.rcpts, index); r.notify == 0 {
					n++
				}
			}
		}
		for _, j := range h.m.out {
			if j.id == id && (s.Domain == "" || j.job.Domain() == s.Domain) {
				j.gone = true
			}
		}
		if report {
			h.expectReport(m, n, 0)
		}
	})
	h.sweep()
}

// check compares what is there with the model.
func (h *history) check(rt *rapid.T) {
	reports, recipients := 0, 0
	for _, n := range h.m.reports {
		reports += n
	}
	for _, m := range h.m.messages {
		recipients += len(m.rcpts)
	}
	got := h.q.Totals()
	if got.Messages != uint64(len(h.m.messages)+reports) || got.Recipients != uint64(recipients+reports) {
		rt.Fatalf("%+v, want %d messages and %d reports with %d recipients", got, len(h.m.messages), reports, recipients)
	}
	err := h.q.List(h.ctx, queue.Filter{}, func(s queue.Summary) error {
		m := h.m.messages[s.ID]
		if s.From.IsNull() {
			return nil
		}
		if m == nil || s.Recipients != uint64(len(m.rcpts)) || m.account != s.Account {
			rt.Fatalf("listed: %+v, want %+v", s, m)
		}
		return nil
	})
	if err != nil {
		rt.Fatal(err)
	}
	err = queue.Verify(h.ctx, h.engine, nobody{h.bodies}, func(f queue.Finding) { rt.Fatal(f.Text) })
	if err != nil {
		rt.Fatal(err)
	}
}

// nobody is a body store whose bytes are not read by Verify.
type nobody struct{ body.Store }

func (nobody) Check(context.Context, func(body.Owner, body.Ref, error)) error { return nil }
