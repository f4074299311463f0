package relay

import (
	"context"
	"net/netip"
	"slices"
	"sync"
	"time"

	"citron/submission/relay/client"
	"citron/submission/relay/route"
)

// target is to whom a connection is, and how well it is protected: what must be
// the same for it to serve another message.
type target struct {
	name  string
	port  uint16
	tls   route.TLS
	login bool
}

// conn is a connection to a host.
type conn struct {
	*client.Conn
	target target
	addr   netip.AddrPort
	opened time.Time
	used   int         // messages
	expiry *time.Timer // while it is idle
}

// pool keeps connections that are good for another message.
type pool struct {
	opt  *Options
	mu   sync.Mutex
	idle map[target][]*conn // the last used at the end
	n    int
	shut bool
}

const (
	// connAge and connUses are after how long, and how many messages, a
	// connection is not used again: some hosts take many as abuse.
	connAge  = 5 * time.Minute
	connUses = 100
	// quitTime bounds the taking leave.
	quitTime = 5 * time.Second
)

func newPool(o *Options) *pool { return &pool{opt: o, idle: make(map[target][]*conn)} }

// get gives an idle connection, which has been seen to work, to an address that
// may be used; nil without one.
func (p *pool) get(ctx context.Context, t target, may func(netip.AddrPort) bool) *conn {
	for {
		c := p.take(t, may)
		if c == nil {
			return nil
		}
		if err := c.Ready(ctx); err == nil {
			return c
		}
		c.Close()
	}
}

func (p *pool) take(t target, may func(netip.AddrPort) bool) *conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range slices.Backward(p.idle[t]) {
		if may(c.addr) {
			p.drop(c)
			return c
		}
	}
	return nil
}

// drop takes a connection out; p.mu is held. It says whether it was there.
func (p *pool) drop(c *conn) bool {
	list := p.idle[c.target]
	for i := range list {
		if list[i] != c {
			continue
		}
		c.expiry.Stop()
		if list = append(list[:i:i], list[i+1:]...); len(list) == 0 {
			delete(p.idle, c.target)
		} else {
			p.idle[c.target] = list
		}
		p.n--
		return true
	}
	return false
}

// put keeps a connection for a while, or takes leave.
func (p *pool) put(c *conn) {
	if c.used++; !c.Usable() || c.used >= connUses || p.opt.Now().Sub(c.opened) >= connAge || !p.keep(c) {
		quit(c)
	}
}

func (p *pool) keep(c *conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.shut || p.n >= p.opt.MaxIdle || len(p.idle[c.target]) >= p.opt.MaxIdlePerHost {
		return false
	}
	c.expiry = time.AfterFunc(p.opt.IdleTime, func() {
		p.mu.Lock()
		mine := p.drop(c)
		p.mu.Unlock()
		if mine {
			quit(c)
		}
	})
	p.idle[c.target] = append(p.idle[c.target], c)
	p.n++
	return true
}

// close takes leave of all hosts.
func (p *pool) close() {
	p.mu.Lock()
	p.shut = true
	var all []*conn
	for _, list := range p.idle {
		all = append(all, list...)
	}
	for _, c := range all {
		p.drop(c)
	}
	p.mu.Unlock()
	var leaving sync.WaitGroup
	for _, c := range all {
		leaving.Go(func() { quit(c) })
	}
	leaving.Wait()
}

func quit(c *conn) {
	ctx, stop := context.WithTimeout(context.Background(), quitTime)
	defer stop()
	c.Quit(ctx)
}
