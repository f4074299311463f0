package route

import (
	"context"
	"math/rand/v2"
	"net/netip"
	"slices"

	"github.com/miekg/dns"
)

// Addresses gives the addresses of a host in the order in which they are to be
// tried: IPv6 and IPv4 by turns, so that a family that leads nowhere costs one
// try. Errors are *Error, with Self set where the host is this server, or ctx's.
func (r *Resolver) Addresses(ctx context.Context, h Host) ([]netip.AddrPort, error) {
	var addrs []netip.Addr
	if a, ok := literal(h.Name); ok {
		addrs = []netip.Addr{a}
	} else {
		var err error
		if addrs, err = r.lookupAddresses(ctx, h.Name); err != nil {
			return nil, err
		}
	}
	if slices.ContainsFunc(addrs, func(a netip.Addr) bool { return slices.Contains(r.opt.OwnAddresses, a.Unmap()) }) {
		return nil, selfError()
	}
	addrs = slices.DeleteFunc(addrs, func(a netip.Addr) bool { return !r.allowed(a) })
	if len(addrs) == 0 {
		return nil, permanent(4, 4, "the host has no address to which mail may go")
	}
	addrs = byTurns(addrs)
	addrs = addrs[:min(len(addrs), r.opt.MaxAddresses)]
	out := make([]netip.AddrPort, len(addrs))
	for i, a := range addrs {
		out[i] = netip.AddrPortFrom(a, h.Port)
	}
	return out, nil
}

// lookupAddresses asks for both families. One of them is enough; that there is
// none is known only if both said so.
func (r *Resolver) lookupAddresses(ctx context.Context, name string) (addrs []netip.Addr, err error) {
	types := []uint16{dns.TypeAAAA, dns.TypeA}
	if r.opt.NoIPv6 {
		types = types[1:]
	}
	answers, errs := make([]*answer, len(types)), make([]error, len(types))
	done := make(chan struct{})
	for i, qtype := range types {
		go func() {
			answers[i], errs[i] = r.lookup(ctx, name, qtype)
			done <- struct{}{}
		}()
	}
	for range types {
		<-done
	}
	for i := range types {
		if errs[i] != nil {
			err = errs[i]
			continue
		}
		addrs = append(addrs, answers[i].addrs...)
	}
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case len(addrs) > 0:
		return addrs, nil
	case err != nil:
		return nil, noAnswer("the DNS cannot tell the host's addresses now", err)
	}
	return nil, permanent(4, 4, "the host has no address")
}

// byTurns shuffles the addresses (RFC 5321 §5.1) and takes of each family by
// turns, IPv6 first.
func byTurns(addrs []netip.Addr) []netip.Addr {
	rand.Shuffle(len(addrs), func(i, j int) { addrs[i], addrs[j] = addrs[j], addrs[i] })
	var six, four, all []netip.Addr
	for _, a := range addrs {
		if a.Is6() {
			six = append(six, a)
		} else {
			four = append(four, a)
		}
	}
	for len(six)+len(four) > 0 {
		if len(six) > 0 {
			all, six = append(all, six[0]), six[1:]
		}
		if len(four) > 0 {
			all, four = append(all, four[0]), four[1:]
		}
	}
	return all
}
