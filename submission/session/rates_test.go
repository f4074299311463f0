package session

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"citron/store"
)

// A burst around the boundary of a period comes to no more than the limit, and
// what is past is forgiven.
func TestRatesSlide(t *testing.T) {
	r := &rates{limits: Rates{HourlyMessages: 10, DailyMessages: 1000, HourlyRecipients: 1000, DailyRecipients: 1000}, max: 10}
	now := noon
	send := func() (n int) {
		for r.take(1, 1, now) == nil {
			n++
		}
		return n
	}
	r.take(1, 1, now)
	now = now.Add(59 * time.Minute)
	if n := send(); n != 9 {
		t.Fatalf("%d at the end of the hour", n)
	}
	now = now.Add(2 * time.Minute)
	if n := send(); n != 0 {
		t.Fatalf("%d at the beginning of the next", n)
	}
	now = now.Add(30 * time.Minute)
	if n := send(); n < 4 || n > 6 {
		t.Fatalf("%d half an hour later", n)
	}
	now = now.Add(3 * time.Hour)
	if n := send(); n != 10 {
		t.Fatalf("%d hours later", n)
	}
	if r.check(2, 1, now) != nil {
		t.Fatal("another account pays for it")
	}
	if r.check(2, 1001, now) == nil {
		t.Fatal("more recipients at once than in an hour")
	}
}

// Only so many accounts are remembered, and those who send most are not
// forgotten for those who send little.
func TestRatesAreBounded(t *testing.T) {
	r := &rates{max: 100}
	r.limits.fillIn()
	for range 50 {
		r.take(7, 100, noon)
	}
	for account := uint64(1000); account < 5000; account++ {
		r.take(account, 1, noon)
	}
	if len(r.by) > 100 || r.by[7] == nil {
		t.Fatalf("%d accounts, %v", len(r.by), r.by[7])
	}
}

// The log hears of it once an hour, the user each time.
func TestExcessIsToldOnce(t *testing.T) {
	site := newSite(t, "hourlymessages 1")
	var log bytes.Buffer
	site.service.Log = slog.New(slog.NewTextHandler(&log, nil))
	s := site.service.NewSession(peer{})
	step(s, noon, []byte(string(hello)+envelope+"DATA\r\n"+goodHead+".\r\n"))
	out, _ := step(s, noon, []byte(strings.Repeat("MAIL FROM:<alice@example.org>\r\n", 5)))
	if n := strings.Count(string(out), "450 4.7.1 "); n != 5 {
		t.Errorf("%d refusals: %s", n, out)
	}
	if n := strings.Count(log.String(), "sends too much"); n != 1 {
		t.Errorf("%d lines of the log:\n%s", n, &log)
	}
	step(s, noon.Add(30*time.Minute), []byte("MAIL FROM:<alice@example.org>\r\n"))
	step(s, noon.Add(61*time.Minute), []byte("MAIL FROM:<alice@example.org>\r\n"))
	if n := strings.Count(log.String(), "sends too much"); n != 2 {
		t.Errorf("%d lines of the log after an hour:\n%s", n, &log)
	}
}

// slowOutbox looks, before it records an attempt, at what a second session of the
// account would be told.
type slowOutbox struct {
	*outbox
	look func()
}

func (o slowOutbox) Send(ctx context.Context, r store.SendRequest) (store.Sent, error) {
	o.look()
	return o.outbox.Send(ctx, r)
}

// Attempts at the same time come to no more than the limit, and one that the
// outbox refuses does not count.
func TestRatesOfAttemptsAtATime(t *testing.T) {
	s := &Service{Config: Config{Now: func() time.Time { return noon }}}
	s.rates.limits = Rates{HourlyMessages: 1, DailyMessages: 10, HourlyRecipients: 10, DailyRecipients: 10}
	s.rates.max = 10
	looked := false
	s.Outbox = slowOutbox{newOutbox(nil), func() {
		looked = true
		if s.rates.check(1, 1, noon) == nil {
			t.Error("a second attempt may begin, which comes to twice the limit")
		}
	}}
	s.Outbox.(slowOutbox).fault = store.ErrNoTarget
	if _, err := s.record(context.Background(), store.SendRequest{Account: 1}, 1, "alice", nil); err == nil || !looked {
		t.Fatal(err, looked)
	}
	if s.rates.check(1, 1, noon) != nil {
		t.Error("what was refused counts")
	}
}
