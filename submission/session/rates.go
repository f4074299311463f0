package session

import (
	"cmp"
	"sync"
	"time"
)

// Rates bound what one account sends, so that a stolen password gets no
// further. 0 means the default; negative: no limit.
type Rates struct {
	HourlyMessages   int // 500
	DailyMessages    int // 2,000
	HourlyRecipients int // 2,000
	DailyRecipients  int // 5,000
}

func (r *Rates) fillIn() {
	for _, l := range []struct {
		limit *int
		d     int
	}{{&r.HourlyMessages, 500}, {&r.DailyMessages, 2000}, {&r.HourlyRecipients, 2000}, {&r.DailyRecipients, 5000}} {
		*l.limit = cmp.Or(*l.limit, l.d)
		if *l.limit < 0 {
			*l.limit = int(^uint(0) >> 1)
		}
	}
}

// maxRated is how many accounts are counted at a time.
const maxRated = 64 << 10

// rates counts what accounts send.
type rates struct {
	limits Rates

	mu  sync.Mutex
	by  map[uint64]*sending
	max int // accounts; maxRated
}

// sending is what one account sends.
type sending struct {
	hour, day window
	toldAt    time.Time // when the log heard that it was too much
}

// window counts a period, in two: the one that runs, and the one before, which
// counts for as much of it as lies less than a period ago. So no burst around a
// boundary comes to twice the limit.
type window struct {
	start       time.Time
	now, before volume
}

type volume struct{ messages, rcpts float64 }

// at moves the window to a time and gives what was sent in the period before it.
func (w *window) at(t time.Time, period time.Duration) volume {
	switch age := t.Sub(w.start); {
	case age >= 2*period:
		*w = window{start: t}
	case age >= period:
		*w = window{start: w.start.Add(period), before: w.now}
	}
	weight := 1 - float64(max(0, t.Sub(w.start)))/float64(period)
	return volume{w.now.messages + weight*w.before.messages, w.now.rcpts + weight*w.before.rcpts}
}

// excess says that an account has reached a limit; tell: for the first time in
// this hour.
type excess struct{ tell bool }

// check says whether an account may send a message to so many recipients now;
// nil: it may.
func (r *rates) check(account uint64, rcpts int, now time.Time) *excess {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.find(account, now).fits(&r.limits, rcpts, now)
}

// take counts a message, if check allows it.
func (r *rates) take(account uint64, rcpts int, now time.Time) *excess {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.find(account, now)
	if e := s.fits(&r.limits, rcpts, now); e != nil {
		return e
	}
	for _, w := range []*window{&s.hour, &s.day} {
		w.now.messages++
		w.now.rcpts += float64(rcpts)
	}
	return nil
}

// giveBack undoes a take that led to no mail, moments after it.
func (r *rates) giveBack(account uint64, rcpts int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.by[account]
	if s == nil {
		return
	}
	for _, w := range []*window{&s.hour, &s.day} {
		w.now.messages = max(0, w.now.messages-1)
		w.now.rcpts = max(0, w.now.rcpts-float64(rcpts))
	}
}

func (s *sending) fits(l *Rates, rcpts int, now time.Time) *excess {
	hour, day := s.hour.at(now, time.Hour), s.day.at(now, 24*time.Hour)
	if hour.messages+1 <= float64(l.HourlyMessages) && day.messages+1 <= float64(l.DailyMessages) &&
		hour.rcpts+float64(rcpts) <= float64(l.HourlyRecipients) && day.rcpts+float64(rcpts) <= float64(l.DailyRecipients) {
		return nil
	}
	tell := s.toldAt.IsZero() || now.Sub(s.toldAt) >= time.Hour
	if tell {
		s.toldAt = now
	}
	return &excess{tell}
}

// find gives the counts of an account. Where there is no room for one more, of
// a few others (the map's order is random) the one that sent least is forgotten.
func (r *rates) find(account uint64, now time.Time) *sending {
	s := r.by[account]
	if s != nil {
		return s
	}
	if r.by == nil {
		r.by = map[uint64]*sending{}
	}
	if len(r.by) >= r.max {
		r.forget(now)
	}
	s = &sending{hour: window{start: now}, day: window{start: now}}
	r.by[account] = s
	return s
}

func (r *rates) forget(now time.Time) {
	var least uint64
	lowest, seen := -1.0, 0
	for account, s := range r.by {
		v := s.day.at(now, 24*time.Hour)
		if sent := v.messages + v.rcpts; lowest < 0 || sent < lowest {
			least, lowest = account, sent
		}
		if seen++; seen == 8 {
			break
		}
	}
	delete(r.by, least)
}

// tooMuch is the refusal of what an account may not send now; the log hears of
// it once an hour.
func (s *Service) tooMuch(e *excess, account string) error {
	if e == nil {
		return nil
	}
	if e.tell {
		s.Log.Warn("account sends too much; is its password stolen?", "account", account)
	}
	return replyTooMuch
}
