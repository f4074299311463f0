package route

import (
	"context"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"citron/wire/smtp"
)

// SmarthostOptions name the host that takes all mail for other domains.
type SmarthostOptions struct {
	Host string // a name or an address
	Port uint16
	TLS  TLS
	// Login: it wants credentials.
	Login bool
	// Resolver finds the policy of the host's own name, which counts for it
	// (RFC 8461 §3.4) where TLS is not verified anyway. nil: none is followed.
	Resolver *Resolver
	// Servers are the DNS servers to ask. Default: the system's way, with
	// /etc/hosts, which counts in any case.
	Servers []netip.AddrPort
	// Now tells the time. Default time.Now.
	Now func() time.Time
}

// smarthostTTL is how long addresses of a smarthost are used.
const smarthostTTL = time.Minute

// Smarthost is a route for every domain. Its methods may be called
// concurrently.
type Smarthost struct {
	opt    SmarthostOptions
	lookup func(ctx context.Context, host string) ([]netip.Addr, error)
	cache  cache
}

// NewSmarthost makes a Smarthost.
func NewSmarthost(o SmarthostOptions) *Smarthost {
	if o.Now == nil {
		o.Now = time.Now
	}
	o.Host = strings.ToLower(strings.TrimSuffix(o.Host, "."))
	system := &net.Resolver{}
	if len(o.Servers) > 0 {
		system = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, o.Servers[rand.IntN(len(o.Servers))].String())
		}}
	}
	return &Smarthost{opt: o, cache: newCache(1), lookup: func(ctx context.Context, host string) ([]netip.Addr, error) {
		return system.LookupNetIP(ctx, "ip", host)
	}}
}

// Route gives the smarthost, whatever the domain.
func (s *Smarthost) Route(ctx context.Context, _ string) (*Route, error) {
	// Its name is the operator's, no stranger's.
	h := Host{Name: s.opt.Host, Port: s.opt.Port, TLS: s.opt.TLS, Trusted: true, Login: s.opt.Login}
	route := &Route{Hosts: []Host{h}}
	_, err := netip.ParseAddr(s.opt.Host)
	if r := s.opt.Resolver; r != nil && err != nil && !h.TLS.Verified {
		if err := r.apply(ctx, s.opt.Host, route); err != nil {
			return nil, err
		}
		route.Hosts[0].TLS.Implicit = s.opt.TLS.Implicit
	}
	return route, nil
}

// Addresses gives those of the smarthost, wherever they are.
func (s *Smarthost) Addresses(ctx context.Context, h Host) ([]netip.AddrPort, error) {
	addrs, err := s.addrs(ctx, h.Name)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, &Error{Status: smtp.Status{Class: 4, Subject: 4, Detail: 3}, Text: "the smarthost's address cannot be found", Cause: err}
	}
	var out []netip.AddrPort
	for _, a := range byTurns(addrs) {
		out = append(out, netip.AddrPortFrom(a, h.Port))
	}
	return out, nil
}

func (s *Smarthost) addrs(ctx context.Context, host string) ([]netip.Addr, error) {
	if a, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{a.Unmap()}, nil
	}
	now := s.opt.Now()
	a, err := s.cache.get(ctx, question{name: host}, now, func() (*answer, error) {
		addrs, err := s.lookup(ctx, host)
		if err != nil {
			return nil, err
		}
		for i := range addrs {
			addrs[i] = addrs[i].Unmap()
		}
		return &answer{addrs: addrs, expires: now.Add(smarthostTTL)}, nil
	})
	if err != nil {
		return nil, err
	}
	return slices.Clone(a.addrs), nil
}
