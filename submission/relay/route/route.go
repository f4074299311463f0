// Package route finds out where mail for a domain goes: its hosts by MX (RFC
// 5321 §5), their addresses, and how they are to be spoken to (MTA-STS, RFC
// 8461); or a smarthost.
//
// # What is believed
//
// Everything that the DNS and policy hosts say is hostile: answers are bounded
// in number and size, kept for no longer than they say, and lead to no address
// within the site (guard.go), unless the configuration allows it.
//
// DANE (RFC 7672) is left out: its TLSA records are worth something only where
// the resolver validates DNSSEC and the way to it is trusted, which a stub
// resolver cannot find out.
package route

import (
	"cmp"
	"context"
	"crypto/x509"
	"log/slog"
	"net/netip"
	"time"

	"citron/wire/smtp"
)

// Route is how mail for a domain leaves: its hosts in the order in which they
// are to be tried, at least one.
type Route struct{ Hosts []Host }

// Host is a next hop.
type Host struct {
	// Name is in lower case and A-labels, without a final dot, or an address
	// literal with its brackets.
	Name string
	Port uint16
	TLS  TLS
	// Trusted: the name is not just what the DNS said, but validated by
	// MTA-STS, or configured: what REQUIRETLS asks for (RFC 8689 §4.2.1).
	Trusted bool
	// Policy: TLS is what it is by the domain's own policy, which a message
	// with "TLS-Required: No" goes without (RFC 8689 §4.2.2). Excluded: the
	// policy does not name the host, which gets only such messages.
	Policy, Excluded bool
	// Login: the host is the one that the configured credentials are for.
	Login bool
}

// TLS is what a connection to a host must have. The zero value is opportunistic
// TLS (RFC 7435): if it is offered, unverified; otherwise without.
type TLS struct {
	Implicit bool // from the first octet on
	Required bool // nothing is sent without it
	Verified bool // by a certificate for Host.Name
	Never    bool // not even if it is offered
}

// Error is why there is no route or no address.
type Error struct {
	Code   int // SMTP's, where it has one for this; else 0
	Status smtp.Status
	Text   string
	Cause  error // for the log; may be nil
	// Self: the best of the hosts left is this server itself.
	Self bool
}

// Temporary says that it may be otherwise later.
func (e *Error) Temporary() bool { return e.Status.Class == 4 }

func (e *Error) Error() string {
	if e.Cause != nil {
		return e.Text + ": " + e.Cause.Error()
	}
	return e.Text
}

func (e *Error) Unwrap() error { return e.Cause }

// Options of a Resolver. A zero field means its default.
type Options struct {
	// Servers are recursive resolvers. Default: those of /etc/resolv.conf.
	Servers []netip.AddrPort
	// Timeout is how long a server has for an answer (default 5 seconds), and
	// Rounds how often all of them are asked (default 2).
	Timeout time.Duration
	Rounds  int
	// Own are names of this server and OwnAddresses the addresses at which it
	// takes mail by SMTP: a domain whose best host is one of them loops.
	Own          []string
	OwnAddresses []netip.Addr
	// Private are networks, not of the public Internet, to which mail may go.
	Private []netip.Prefix
	// Port of hosts found by MX. Default 25.
	Port uint16
	// NoIPv6: IPv6 addresses are not tried.
	NoIPv6 bool
	// MaxHosts is how many hosts of a domain are tried (default 8), and
	// MaxAddresses how many addresses of a host (default 4; RFC 5321 §5.1 asks
	// for at least two of a domain).
	MaxHosts, MaxAddresses int
	// CacheEntries is how many answers are kept, of about 200 octets each as
	// a rule, 10 KB at most. Default 10,000.
	CacheEntries int
	// NoPolicies: MTA-STS is not followed.
	NoPolicies bool
	// PolicyTimeout bounds the fetching of a policy. Default 1 minute.
	PolicyTimeout time.Duration
	// PolicyPort is that of policy hosts. Default 443.
	PolicyPort uint16
	// MaxPolicies is how many policies are kept, of 33 KB each at most, and of
	// how many domains beside it is remembered that theirs could not be fetched.
	// Default 10,000.
	MaxPolicies int
	// Policies keeps them over a restart. Default: they are in memory only.
	Policies Policies
	// Roots verify policy hosts. Default: the system's.
	Roots *x509.CertPool
	// Now tells the time. Default time.Now.
	Now func() time.Time
	// Log gets what an operator should know. Default: nowhere.
	Log *slog.Logger
}

func (o Options) withDefaults() Options {
	o.Rounds = cmp.Or(o.Rounds, 2)
	o.MaxHosts = cmp.Or(o.MaxHosts, 8)
	o.MaxAddresses = cmp.Or(o.MaxAddresses, 4)
	o.CacheEntries = cmp.Or(o.CacheEntries, 10_000)
	o.MaxPolicies = cmp.Or(o.MaxPolicies, 10_000)
	o.Timeout = cmp.Or(o.Timeout, 5*time.Second)
	o.PolicyTimeout = cmp.Or(o.PolicyTimeout, time.Minute)
	o.Port = cmp.Or(o.Port, 25)
	o.PolicyPort = cmp.Or(o.PolicyPort, 443)
	if o.Now == nil {
		o.Now = time.Now
	}
	o.Log = cmp.Or(o.Log, slog.New(slog.DiscardHandler))
	return o
}

// Resolver finds routes by the DNS. Its methods may be called concurrently.
type Resolver struct {
	opt      Options
	cache    cache
	policies policies
}

// New makes a Resolver. The error is of /etc/resolv.conf, or of Options.Policies:
// to begin without the policies that are kept would be to believe the DNS.
func New(ctx context.Context, o Options) (*Resolver, error) {
	o = o.withDefaults()
	if len(o.Servers) == 0 {
		servers, err := systemServers()
		if err != nil {
			return nil, err
		}
		o.Servers = servers
	}
	r := &Resolver{opt: o, cache: newCache(o.CacheEntries)}
	if o.NoPolicies {
		return r, nil
	}
	r.policies = newPolicies(o, policyClient(r))
	return r, r.policies.load(ctx, o.Now())
}
