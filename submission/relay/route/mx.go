package route

import (
	"cmp"
	"context"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"

	"github.com/miekg/dns"

	"citron/wire/smtp"
)

func permanent(subject, detail uint16, text string) *Error {
	return &Error{Status: smtp.Status{Class: 5, Subject: subject, Detail: detail}, Text: text}
}

func noAnswer(what string, cause error) *Error {
	return &Error{Status: smtp.Status{Class: 4, Subject: 4, Detail: 3}, Text: what, Cause: cause}
}

// Route finds the hosts of a domain (lower case, A-labels) or of an address
// literal. Errors are *Error, or ctx's.
func (r *Resolver) Route(ctx context.Context, domain string) (*Route, error) {
	if strings.HasPrefix(domain, "[") {
		if _, ok := literal(domain); !ok {
			return nil, permanent(1, 3, "the address literal cannot be read")
		}
		return &Route{Hosts: []Host{{Name: domain, Port: r.opt.Port}}}, nil
	}
	got, err := r.lookup(ctx, domain, dns.TypeMX)
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil:
		return nil, noAnswer("the DNS cannot tell the domain's mail hosts now", err)
	case got.missing:
		return nil, permanent(1, 2, "there is no such domain")
	}
	hosts, err := r.hosts(ctx, got)
	if err != nil {
		return nil, err
	}
	route := &Route{}
	for _, h := range hosts {
		route.Hosts = append(route.Hosts, Host{Name: strings.TrimSuffix(h.host, "."), Port: r.opt.Port})
	}
	if err := r.apply(ctx, domain, route); err != nil {
		return nil, err
	}
	route.Hosts = route.Hosts[:min(len(route.Hosts), r.opt.MaxHosts)]
	return route, nil
}

// hosts orders the hosts by preference, and by chance where that is the same
// (RFC 5321 §5.1).
func (r *Resolver) hosts(ctx context.Context, got *answer) ([]mx, error) {
	if len(got.mx) == 0 {
		// RFC 5321 §5.1: the domain is its own host.
		if _, err := r.lookupAddresses(ctx, got.name); err != nil {
			if e, ok := err.(*Error); ok && !e.Temporary() {
				return nil, permanent(1, 2, "the domain has neither mail hosts nor an address")
			}
			return nil, err
		}
		got = &answer{mx: []mx{{0, got.name}}}
	}
	hosts := slices.Clone(got.mx)
	if len(hosts) == 1 && hosts[0].host == "." {
		// RFC 7505 §3, §4.1.
		return nil, &Error{Code: 556, Status: smtp.Status{Class: 5, Subject: 1, Detail: 10}, Text: "the domain takes no mail (null MX)"}
	}
	hosts = slices.DeleteFunc(hosts, func(h mx) bool { return h.host == "." })
	rand.Shuffle(len(hosts), func(i, j int) { hosts[i], hosts[j] = hosts[j], hosts[i] })
	slices.SortStableFunc(hosts, func(a, b mx) int { return cmp.Compare(a.preference, b.preference) })
	hosts = slices.CompactFunc(hosts, func(a, b mx) bool { return a == b })
	// RFC 5321 §5.1: where we are among them, only better ones are used.
	if i := slices.IndexFunc(hosts, func(h mx) bool { return r.isOwn(h.host) }); i >= 0 {
		worse := hosts[i].preference
		hosts = slices.DeleteFunc(hosts, func(h mx) bool { return h.preference >= worse })
		if len(hosts) == 0 {
			return nil, selfError()
		}
	}
	if len(hosts) == 0 {
		return nil, permanent(4, 4, "none of the domain's mail hosts can be used")
	}
	return hosts, nil
}

func (r *Resolver) isOwn(host string) bool {
	return slices.ContainsFunc(r.opt.Own, func(own string) bool { return strings.EqualFold(dns.Fqdn(own), host) })
}

func selfError() *Error {
	e := permanent(4, 6, "mail for this domain would come back to this server")
	e.Self = true
	return e
}

// literal reads "[192.0.2.1]" and "[IPv6:2001:db8::1]" (RFC 5321 §4.1.3).
func literal(text string) (netip.Addr, bool) {
	inside, ok := strings.CutPrefix(text, "[")
	inside, closed := strings.CutSuffix(inside, "]")
	if !ok || !closed {
		return netip.Addr{}, false
	}
	const tag = "ipv6:"
	six := len(inside) > len(tag) && strings.EqualFold(inside[:len(tag)], tag)
	if six {
		inside = inside[len(tag):]
	}
	a, err := netip.ParseAddr(inside)
	return a.Unmap(), err == nil && a.Is6() == six && a.Zone() == ""
}
