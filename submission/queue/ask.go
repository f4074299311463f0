package queue

import (
	"maps"
	"slices"
)

// Options.Here and Options.HoldDomain may ask a directory, which takes its time:
// no lock is held meanwhile.

// ask asks about a domain that was picked, and gives its level in which a group
// may be taken now; nil: none, or not by who wants this server's only. It is
// called with q.mu held, and asks without.
func (q *Queue) ask(d *domain, now milli, hereOnly bool) *levelOf {
	d.reading = true
	if q.schedule.anyReady() {
		q.signal()
	}
	q.mu.Unlock()
	where, kept := q.answers(d.name)
	q.mu.Lock()
	d.reading, d.where, d.kept = false, where, kept
	if l := d.due(now); q.schedule.isReady(d, l, now) && (!hereOnly || where == here) {
		return l
	}
	q.schedule.place(d, now)
	return nil
}

func (q *Queue) answers(name string) (where int, kept bool) {
	if q.opt.Here(name) {
		where = here
	}
	return where, q.opt.HoldDomain(name)
}

// learn takes over what was answered.
func (s *schedule) learn(d *domain, where int, kept bool, now milli) {
	s.take(d) // the lists are by where it is
	d.where, d.kept = where, kept
	s.place(d, now)
}

// askAgain asks again about all domains: the answers may depend on what changes.
func (q *Queue) askAgain(now milli) {
	q.mu.Lock()
	names := slices.Collect(maps.Keys(q.schedule.domains))
	q.mu.Unlock()
	for _, name := range names {
		where, kept := q.answers(name)
		q.mu.Lock()
		if d := q.schedule.domains[name]; d != nil && d.where != unasked && (d.where != where || d.kept != kept) {
			q.schedule.learn(d, where, kept, now)
		}
		q.mu.Unlock()
	}
}

// holds says whether an operator or the configuration holds a domain, which is
// asked if nobody knows.
func (q *Queue) holds(name string) bool {
	q.mu.Lock()
	_, held := q.schedule.held[name]
	d := q.schedule.domains[name]
	known := held || d != nil && d.where != unasked
	held = held || d != nil && d.kept
	q.mu.Unlock()
	return held || !known && q.opt.HoldDomain(name)
}
