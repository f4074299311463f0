package relay

import (
	"context"
	"net/netip"
	"sync"
	"time"

	"citron/submission"
)

// hosts shares out connections: no host gets more than its part, so that what
// waits for a slow one leaves the rest to others. And it remembers for a while
// which addresses do not answer, so that not every domain that has its mail
// there waits for that again.
type hosts struct {
	opt   *Options
	total chan struct{} // turns of all

	mu   sync.Mutex
	by   map[hostPort]*turns
	down map[netip.AddrPort]downHost
}

type hostPort struct {
	name string
	port uint16
}

// turns are those of one host, while somebody has or wants one.
type turns struct {
	places chan struct{}
	users  int
}

type downHost struct {
	until time.Time
	why   submission.Outcome
}

// maxDown bounds how many addresses are remembered.
const maxDown = 10_000

func newHosts(o *Options) *hosts {
	return &hosts{opt: o, total: make(chan struct{}, o.Workers), by: make(map[hostPort]*turns), down: make(map[netip.AddrPort]downHost)}
}

// enter waits for a turn at a host, at most Options.HostWait; leave gives it
// back. ok is false if there was none.
func (h *hosts) enter(ctx context.Context, name string, port uint16) (leave func(), ok bool) {
	key := hostPort{name, port}
	t := h.turns(key)
	limit := time.NewTimer(h.opt.HostWait)
	defer limit.Stop()
	for i, places := range [...]chan struct{}{t.places, h.total} {
		select {
		case places <- struct{}{}:
			continue
		case <-ctx.Done():
		case <-limit.C:
		}
		if i == 1 {
			<-t.places
		}
		h.done(key)
		return nil, false
	}
	return func() {
		<-h.total
		<-t.places
		h.done(key)
	}, true
}

func (h *hosts) turns(key hostPort) *turns {
	h.mu.Lock()
	defer h.mu.Unlock()
	t := h.by[key]
	if t == nil {
		t = &turns{places: make(chan struct{}, h.opt.PerHost)}
		h.by[key] = t
	}
	t.users++
	return t
}

func (h *hosts) done(key hostPort) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if t := h.by[key]; t.users > 1 {
		t.users--
	} else {
		delete(h.by, key)
	}
}

// isDown says that an address did not answer a short while ago, and what was
// found then.
func (h *hosts) isDown(a netip.AddrPort) (why submission.Outcome, down bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	d, ok := h.down[a]
	if ok && !h.opt.Now().Before(d.until) {
		delete(h.down, a)
		ok = false
	}
	return d.why, ok
}

func (h *hosts) setDown(a netip.AddrPort, why submission.Outcome) {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := h.opt.Now()
	if len(h.down) >= maxDown {
		for old, d := range h.down {
			if !now.Before(d.until) {
				delete(h.down, old)
			}
		}
	}
	if len(h.down) < maxDown {
		h.down[a] = downHost{now.Add(h.opt.DownTime), why}
	}
}
