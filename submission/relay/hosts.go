package relay

import (
	"context"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// hosts shares out connections, each a turn, in the order in which they are asked
// for. No host and no address has more than Options.PerHost, so that what waits
// for a slow one leaves the rest to others. A turn of more than Options.SlowTime
// no longer counts among Options.Workers, as long as fewer than Options.Slow are
// so; one that finds no room there is cut off as soon as somebody waits for its
// place.
//
// So whoever may have a turn and waits has to wait until those before him have
// one, and for each Workers of them for SlowTime at most.
type hosts struct {
	opt   *Options
	downs *downs

	mu      sync.Mutex
	busy    map[place]int
	used    int     // turns that count among Workers
	late    []*turn // those of them that are slow, the oldest first
	slow    int     // turns that count among Slow
	waiting []*waiter
	crowd   int // of those: who found the host or its addresses full
}

// place is where turns are counted: a host, by its name, or an address.
type place struct {
	name string
	port uint16
	addr netip.Addr
}

// turn is a connection to a host, or what is to become one.
type turn struct {
	hosts  *hosts
	host   place
	addr   place // the zero place: none yet
	began  time.Time
	cut    context.CancelCauseFunc
	timer  *time.Timer // SlowTime; nil: the turn is over
	as     counted
	handed bool // the host may have the message
}

// counted says among what a turn is.
type counted uint8

const (
	asWorker counted = iota // Workers
	asSlow                  // Slow
	asNone                  // cut off
)

type waiter struct {
	host    place
	addrs   []netip.AddrPort
	cut     context.CancelCauseFunc
	crowded bool
	turn    chan *turn
}

func newHosts(o *Options) *hosts {
	return &hosts{opt: o, downs: newDowns(o), busy: make(map[place]int)}
}

// enter waits for a turn at a host, at most Options.HostWait; leave gives it
// back. ok is false if there was none. cut is called, with errCut, when the turn
// is over before that.
func (h *hosts) enter(ctx context.Context, cut context.CancelCauseFunc, name string, port uint16, addrs []netip.AddrPort) (t *turn, ok bool) {
	w := &waiter{host: place{name: name, port: port}, addrs: addrs, cut: cut, turn: make(chan *turn, 1)}
	if !h.wait(w) {
		return nil, false
	}
	limit := time.NewTimer(h.opt.HostWait)
	defer limit.Stop()
	select {
	case t = <-w.turn:
		return t, true
	case <-ctx.Done():
	case <-limit.C:
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if i := slices.Index(h.waiting, w); i >= 0 {
		h.unwait(i)
		return nil, false
	}
	return <-w.turn, true // it came at the same time
}

// wait lets somebody wait. Those whose hosts are full are not to take the whole
// backlog: half of it has to do.
func (h *hosts) wait(w *waiter) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	_, room := h.room(w)
	if w.crowded = !room; w.crowded {
		if h.crowd >= h.opt.Backlog/2 {
			return false
		}
		h.crowd++
	}
	h.waiting = append(h.waiting, w)
	h.serve()
	return true
}

func (h *hosts) unwait(i int) {
	if h.waiting[i].crowded {
		h.crowd--
	}
	h.waiting = slices.Delete(h.waiting, i, i+1)
}

// room finds an address of a host that has one; none if all are down, which
// whoever waits will find out.
func (h *hosts) room(w *waiter) (at place, ok bool) {
	if h.busy[w.host] >= h.opt.PerHost {
		return place{}, false
	}
	full := false
	for _, a := range w.addrs {
		if _, down := h.downs.is(a); down {
			continue
		}
		if at = (place{addr: a.Addr()}); h.busy[at] < h.opt.PerHost {
			return at, true
		}
		full = true
	}
	return place{}, !full
}

// serve gives turns to those who wait. It is called with h.mu held.
func (h *hosts) serve() {
	for i := 0; i < len(h.waiting) && (h.used < h.opt.Workers || len(h.late) > 0); {
		w := h.waiting[i]
		addr, ok := h.room(w)
		if !ok {
			i++
			continue
		}
		if h.used >= h.opt.Workers {
			h.cutLate()
		}
		h.unwait(i)
		h.begin(w, addr)
	}
}

func (h *hosts) begin(w *waiter, addr place) {
	t := &turn{hosts: h, host: w.host, addr: addr, began: h.opt.Now(), cut: w.cut}
	h.used++
	h.count(t.host, 1)
	h.count(t.addr, 1)
	t.timer = time.AfterFunc(h.opt.SlowTime, t.slowed)
	w.turn <- t
}

func (h *hosts) count(p place, n int) {
	if p == (place{}) {
		return
	}
	if h.busy[p] += n; h.busy[p] == 0 {
		delete(h.busy, p)
	}
}

// slowed is called when a turn has lasted for SlowTime.
func (t *turn) slowed() {
	h := t.hosts
	h.mu.Lock()
	defer h.mu.Unlock()
	if t.timer == nil {
		return
	}
	h.late = append(h.late, t)
	h.part()
	h.serve()
}

// part counts late turns among Slow, as many as have room there.
func (h *hosts) part() {
	for ; len(h.late) > 0 && h.slow < h.opt.Slow; h.late = h.late[1:] {
		h.late[0].as = asSlow
		h.used--
		h.slow++
	}
}

// cutLate cuts off the late turn that has lost the least by it: the last one, of
// those whose host does not have the message yet if there is one, for that would
// be sent twice.
func (h *hosts) cutLate() {
	at := len(h.late) - 1
	for i := at; i >= 0; i-- {
		if !h.late[i].handed {
			at = i
			break
		}
	}
	t := h.late[at]
	h.late = slices.Delete(h.late, at, at+1)
	t.as = asNone
	h.used--
	t.cut(errCut)
}

// leave ends a turn.
func (t *turn) leave() {
	h := t.hosts
	h.mu.Lock()
	defer h.mu.Unlock()
	t.timer.Stop()
	t.timer = nil
	switch t.as {
	case asWorker:
		h.used--
		h.late = slices.DeleteFunc(h.late, func(l *turn) bool { return l == t })
	case asSlow:
		h.slow--
		h.part()
	}
	h.count(t.host, -1)
	h.count(t.addr, -1)
	h.serve()
}

// at has the turn count at another address, if that has room.
func (t *turn) at(a netip.AddrPort) bool {
	h, to := t.hosts, place{addr: a.Addr()}
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case t.addr == to:
		return true
	case h.busy[to] >= h.opt.PerHost:
		return false
	}
	h.count(t.addr, -1)
	h.count(to, 1)
	t.addr = to
	h.serve()
	return true
}

// mayHave notes that the host may have the message from now on.
func (t *turn) mayHave() {
	t.hosts.mu.Lock()
	defer t.hosts.mu.Unlock()
	t.handed = true
}
