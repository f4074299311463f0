package relay

import (
	"net/netip"
	"sync"
	"time"

	"citron/submission"
)

// downs remembers for a while which addresses do not answer, so that not every
// domain that has its mail there waits for that again.
type downs struct {
	opt *Options
	mu  sync.Mutex
	by  map[netip.AddrPort]down
}

type down struct {
	until time.Time
	why   submission.Outcome
}

// maxDown bounds how many addresses are remembered.
const maxDown = 10_000

func newDowns(o *Options) *downs { return &downs{opt: o, by: make(map[netip.AddrPort]down)} }

// is says that an address did not answer a short while ago, and what was found
// then.
func (d *downs) is(a netip.AddrPort) (why submission.Outcome, is bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	e, ok := d.by[a]
	if ok && !d.opt.Now().Before(e.until) {
		delete(d.by, a)
		ok = false
	}
	return e.why, ok
}

func (d *downs) set(a netip.AddrPort, why submission.Outcome) {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := d.opt.Now()
	if len(d.by) >= maxDown {
		for old, e := range d.by {
			if !now.Before(e.until) {
				delete(d.by, old)
			}
		}
	}
	if len(d.by) < maxDown {
		d.by[a] = down{now.Add(d.opt.DownTime), why}
	}
}
