package queue

import (
	"container/heap"
	"container/list"
	"slices"
	"time"
)

// levels is the number of priorities.
const levels = 19

// fairEvery: every so many picks the domain that waits longest is taken,
// whatever its priority.
const fairEvery = 8

// schedule is what is in memory of the schedule on disk. Its owner's lock
// guards it.
type schedule struct {
	opt     *Options
	held    map[string]hold // domains that an operator holds
	domains map[string]*domain
	waiting waiting      // domains with nothing due yet
	ready   [3]readyList // those of other servers, this server's own, those not yet asked about
	picks   int
	turns   uint64
	// partial says that not all domains are in memory.
	partial bool
	// changed is called when a domain is ready, or another is the first to be.
	changed func()
}

// readyList is of *domain, by the level of the first group that is due.
type readyList [levels]list.List

// Where a domain is.
const (
	elsewhere = iota
	here
	// unasked: nobody knows. Who picks it asks, and holds no lock meanwhile.
	unasked
)

// domain is what is known of one.
type domain struct {
	name   string
	where  int        // elsewhere, here or unasked
	levels []*levelOf // the highest priority first
	// out are the groups that are out, each with the earliest place in the
	// schedule that it is known to have had since.
	out     map[slot]*place
	kept    bool // from being tried, by the configuration
	reading bool // somebody looks for its next group, or asks about it

	failures  int   // in a row
	downSince milli // when the last failure was seen
	downUntil milli

	wake    milli         // when it may have something to do, in waiting
	index   int           // in waiting, or -1
	element *list.Element // in ready, or nil
	in      byte          // the level it is ready at
	turn    uint64        // counts those that became ready
}

// levelOf is one priority of a domain.
type levelOf struct {
	level byte
	at    place  // no group that is not out stands before
	low   *place // the first that came while somebody was reading
}

func newSchedule(opt *Options, changed func()) *schedule {
	return &schedule{opt: opt, held: make(map[string]hold), domains: make(map[string]*domain), changed: changed}
}

// waiting is a heap of domains, the first to wake first.
type waiting []*domain

func (w waiting) Len() int           { return len(w) }
func (w waiting) Less(i, j int) bool { return w[i].wake < w[j].wake }
func (w waiting) Swap(i, j int) {
	w[i], w[j] = w[j], w[i]
	w[i].index, w[j].index = i, j
}
func (w *waiting) Push(x any) {
	d := x.(*domain)
	d.index = len(*w)
	*w = append(*w, d)
}
func (w *waiting) Pop() any {
	n := len(*w) - 1
	d := (*w)[n]
	(*w)[n], d.index = nil, -1
	*w = (*w)[:n]
	return d
}

// domain gives a domain, made if there is room or if it must be.
func (s *schedule) domain(name string, must bool) *domain {
	d := s.domains[name]
	if d == nil {
		if len(s.domains) >= s.opt.MaxDomains && !must {
			s.partial = true
			return nil
		}
		d = &domain{name: name, index: -1, where: unasked}
		s.domains[name] = d
	}
	return d
}

// insert tells of a group on disk, new there or again to be had.
func (s *schedule) insert(g scheduled, now milli) {
	d := s.domain(g.domain, false)
	if d == nil {
		return
	}
	if first := d.out[g.place.slot]; first != nil && g.place.before(*first) {
		*first = g.place
	}
	l := d.level(g.level, g.place)
	if g.place.before(l.at) {
		l.at = g.place
	}
	if d.reading && (l.low == nil || g.place.before(*l.low)) {
		p := g.place
		l.low = &p
	}
	s.place(d, now)
}

// level gives a level, made if it is not there.
func (d *domain) level(n byte, at place) *levelOf {
	i, found := slices.BinarySearchFunc(d.levels, n, func(l *levelOf, n byte) int { return int(l.level) - int(n) })
	if !found {
		d.levels = slices.Insert(d.levels, i, &levelOf{level: n, at: at})
	}
	return d.levels[i]
}

// due gives the highest level that may have a group that is due; nil if none.
func (d *domain) due(now milli) *levelOf {
	for _, l := range d.levels {
		if l.at.due <= now {
			return l
		}
	}
	return nil
}

// limit is how many jobs may be out: one while the domain is down, or only
// thought to be up again.
func (s *schedule) limit(d *domain) int {
	if d.failures > 0 {
		return 1
	}
	return s.opt.PerDomain
}

// holds says whether an operator or the configuration holds a domain.
func (s *schedule) holds(d *domain) bool {
	_, held := s.held[d.name]
	return held || d.kept
}

// isReady says whether a group of a level, the first that is due, may be taken.
func (s *schedule) isReady(d *domain, due *levelOf, now milli) bool {
	return due != nil && d.downUntil <= now && len(d.out) < s.limit(d) && !s.holds(d)
}

// place puts a domain where it belongs: among those ready, those waiting, or
// nowhere while something else must happen first.
func (s *schedule) place(d *domain, now milli) {
	if d.reading {
		return
	}
	l := d.due(now)
	ready := s.isReady(d, l, now)
	if ready && d.element != nil && d.in == l.level {
		return
	}
	s.take(d)
	switch {
	case ready:
		s.turns++
		d.in, d.turn = l.level, s.turns
		d.element = s.ready[d.where][l.level].PushBack(d)
		s.changed()
	case len(d.levels) == 0 && len(d.out) == 0 && d.downUntil <= now:
		delete(s.domains, d.name)
	case len(d.out) >= s.limit(d), len(d.levels) == 0 && len(d.out) > 0, len(d.levels) > 0 && s.holds(d):
	default:
		d.wake = s.wakeOf(d)
		heap.Push(&s.waiting, d)
		if d.index == 0 {
			s.changed()
		}
	}
}

func (s *schedule) wakeOf(d *domain) milli {
	if len(d.levels) == 0 {
		return d.downUntil
	}
	first := d.levels[0].at.due
	for _, l := range d.levels {
		first = min(first, l.at.due)
	}
	return max(first, d.downUntil)
}

// take takes a domain from where it stands.
func (s *schedule) take(d *domain) {
	if d.element != nil {
		s.ready[d.where][d.in].Remove(d.element)
		d.element = nil
	}
	if d.index >= 0 {
		heap.Remove(&s.waiting, d.index)
	}
}

// pick gives a domain in which a group may be due, not one that is known to be
// elsewhere if hereOnly, and its level.
func (s *schedule) pick(now milli, hereOnly bool) (*domain, *levelOf) {
	for len(s.waiting) > 0 && s.waiting[0].wake <= now {
		s.place(s.waiting[0], now)
	}
	s.picks++
	var chosen *domain
	lists := s.ready[:]
	if hereOnly {
		lists = lists[here:]
	}
	for level := 0; level < levels && (chosen == nil || s.picks%fairEvery == 0); level++ {
		for i := range lists {
			first := lists[i][level].Front()
			if first == nil {
				continue
			}
			if d := first.Value.(*domain); chosen == nil || d.turn < chosen.turn {
				chosen = d
			}
		}
	}
	if chosen == nil {
		return nil, nil
	}
	s.take(chosen)
	return chosen, chosen.due(now)
}

// next is when a domain wakes; 0: none does.
func (s *schedule) next() milli {
	if len(s.waiting) == 0 {
		return 0
	}
	return s.waiting[0].wake
}

// anyReady says whether pick would find a domain.
func (s *schedule) anyReady() bool {
	for i := range s.ready {
		for level := range s.ready[i] {
			if s.ready[i][level].Len() > 0 {
				return true
			}
		}
	}
	return false
}

// reserve takes a group out of everybody's reach, unless somebody has it.
func (s *schedule) reserve(name string, p place) bool {
	d := s.domain(name, true)
	if d.out[p.slot] != nil {
		return false
	}
	if d.out == nil {
		d.out = make(map[slot]*place)
	}
	d.out[p.slot] = &p
	return true
}

// free ends a reservation. again: the group is as it was and may be taken.
func (s *schedule) free(name string, level byte, at slot, again bool, now milli) {
	d := s.domains[name]
	if d == nil || d.out[at] == nil {
		return
	}
	p := *d.out[at]
	if delete(d.out, at); len(d.out) == 0 {
		d.out = nil
	}
	if again && p.due != 0 {
		s.insert(scheduled{name, level, p}, now)
	}
	s.place(d, now)
}

// isOut says whether somebody has a group.
func (s *schedule) isOut(name string, at slot) bool {
	d := s.domains[name]
	return d != nil && d.out[at] != nil
}

// heard tells how a try that began at a time went: a domain that is down is
// left alone for longer each time.
func (s *schedule) heard(name string, down bool, began, now milli) {
	d := s.domains[name]
	switch {
	case d == nil:
		return
	case !down:
		d.failures, d.downSince, d.downUntil = 0, 0, 0
	case d.failures == 0 || began > d.downSince:
		d.failures++
		d.downSince, d.downUntil = now, now.add(s.opt.pause(d.failures))
	}
	s.place(d, now)
}

// isDown says whether a domain is known to be down.
func (s *schedule) isDown(name string) bool {
	d := s.domains[name]
	return d != nil && d.failures > 0
}

// after is how long it is from now until then.
func after(now, then milli) time.Duration {
	return time.Duration(int64(then)-int64(now)) * time.Millisecond
}
