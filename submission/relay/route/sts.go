package route

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"time"

	"github.com/miekg/dns"
)

const (
	// refetch is how long a policy is used before it is looked at again, though
	// its id is still the same, or cannot be seen (RFC 8461 §3.3, §10.2).
	refetch = 24 * time.Hour
	// refetchFailed is the pause after a fetch that failed, refetchUnseen where
	// there was no record either: the domain may just have given MTA-STS up.
	refetchFailed = 5 * time.Minute
	refetchUnseen = time.Hour
)

func policyClient(r *Resolver) *http.Client {
	transport := &http.Transport{
		DialContext:            r.dialPolicyHost,
		TLSClientConfig:        &tls.Config{RootCAs: r.opt.Roots, MinVersion: tls.VersionTLS12},
		DisableKeepAlives:      true,
		DisableCompression:     true,
		ForceAttemptHTTP2:      true,
		TLSHandshakeTimeout:    r.opt.PolicyTimeout,
		MaxResponseHeaderBytes: 16 << 10,
	}
	return &http.Client{
		Transport: transport,
		Timeout:   r.opt.PolicyTimeout,
		// RFC 8461 §3.3: redirects are not followed.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// apply has the route follow the domain's policy.
//
// A host that a policy in testing names is trusted as one that an enforced one
// names: REQUIRETLS asks that the name is validated by RFC 8461 §4.1 (RFC 8689
// §4.2.1), which compares it with the policy whatever its mode; the mode says
// what becomes of mail when that fails (RFC 8461 §5). Both policies are the
// domain's own word, had over verified HTTPS, and REQUIRETLS itself sees to the
// rest: TLS, the certificate, and that a host that is not named gets nothing. A
// policy of mode none is as none.
func (r *Resolver) apply(ctx context.Context, domain string, route *Route) error {
	p, err := r.policy(ctx, domain)
	if err != nil || p.Mode == ModeNone {
		return err
	}
	for i := range route.Hosts {
		h := &route.Hosts[i]
		h.Trusted = p.matches(h.Name)
		if p.Mode == ModeEnforce {
			h.TLS, h.Policy, h.Excluded = TLS{Required: true, Verified: true}, true, !h.Trusted
		}
	}
	return nil
}

// policy gives the policy that holds for a domain now; mode none without one.
//
// RFC 8461 §3.3 would have policies refreshed before they expire. Here mail to
// the domain does that, once a day, whatever the DNS says of it; a domain that
// got none for all of max_age is as one that was never met. A task that asks all
// domains ever met would keep for good what strangers had us fetch.
func (r *Resolver) policy(ctx context.Context, domain string) (Policy, error) {
	if r.policies.client == nil {
		return Policy{}, nil
	}
	got, err := r.lookup(ctx, "_mta-sts."+domain, dns.TypeTXT)
	if ctx.Err() != nil {
		return Policy{}, ctx.Err()
	}
	id, live := "", false
	if err == nil {
		id, live = parseID(got.texts)
	}
	s := r.policies.of(domain, live, r.opt.Now())
	if s == nil {
		return Policy{}, nil
	}
	s.fetching.Lock()
	defer s.fetching.Unlock()
	if now := r.opt.Now(); s.due(id, live, now) {
		r.fetch(ctx, domain, id, live, s)
	}
	// RFC 8461 §3.3: it holds for max_age whatever became of its record.
	if k := s.known.Load(); k.valid(r.opt.Now()) {
		return k.Policy, nil
	}
	return Policy{}, ctx.Err()
}

// due says whether the policy is to be fetched: for a new id, or anew. Without a
// record only one that holds is, lest who takes the record out of the DNS has it
// expire (RFC 8461 §10.2); of mode none it may be gone for good (§8.3).
func (s *stored) due(id string, live bool, now time.Time) bool {
	k := s.known.Load()
	switch valid := k.valid(now); {
	case now.Before(s.again) && (!live || s.failed == id):
		return false
	case !live && (!valid || k.Policy.Mode == ModeNone):
		return false
	case !valid, live && k.ID != id, now.Before(k.Fetched): // the clock was wrong
		return true
	}
	return now.Sub(k.Fetched) >= refetch
}

// fetch gets the policy; s.fetching is held.
func (r *Resolver) fetch(ctx context.Context, domain, id string, live bool, s *stored) {
	p, err := r.fetchPolicy(ctx, domain)
	now, before := r.opt.Now(), s.known.Load()
	pause := refetchFailed
	if !live {
		id, pause = before.ID, refetchUnseen
	}
	if err == nil {
		s.again = time.Time{}
		s.known.Store(&KeptPolicy{Domain: domain, ID: id, Fetched: now, Policy: p})
		// What was fetched is saved though nobody waits for it any more.
		r.policies.keep(context.WithoutCancel(ctx), domain, s, now)
		return
	}
	s.failed, s.again = id, now.Add(pause)
	if kept := before.valid(now); !kept || before.Policy.Mode != ModeNone {
		r.opt.Log.Warn("the policy of a domain (MTA-STS) cannot be fetched", "domain", domain, "kept", kept, "record", live, "err", err)
	}
}

// fetchPolicy is RFC 8461 §3.3's GET.
func (r *Resolver) fetchPolicy(ctx context.Context, domain string) (Policy, error) {
	url := "https://mta-sts." + domain + "/.well-known/mta-sts.txt"
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return Policy{}, err
	}
	response, err := r.policies.client.Do(request)
	if err != nil {
		return Policy{}, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return Policy{}, fmt.Errorf("%s", response.Status)
	}
	if kind, _, err := mime.ParseMediaType(response.Header.Get("Content-Type")); err != nil || kind != "text/plain" {
		return Policy{}, fmt.Errorf("its type is %.40q", response.Header.Get("Content-Type"))
	}
	text, err := io.ReadAll(io.LimitReader(response.Body, maxPolicy+1))
	switch {
	case err != nil:
		return Policy{}, err
	case len(text) > maxPolicy:
		return Policy{}, errors.New("it is too long")
	}
	return parsePolicy(string(text))
}

// dialPolicyHost connects to a policy host at the addresses that mail could go
// to.
func (r *Resolver) dialPolicyHost(ctx context.Context, _, address string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	addrs, err := r.lookupAddresses(ctx, host)
	if err != nil {
		return nil, err
	}
	err = errors.New("the policy host has no address that may be asked")
	n := 0
	for _, a := range byTurns(addrs) {
		if !r.allowed(a) || n == r.opt.MaxAddresses {
			continue
		}
		n++
		var c net.Conn
		if c, err = r.dial(ctx, netip.AddrPortFrom(a, r.opt.PolicyPort)); err == nil {
			return c, nil
		}
	}
	return nil, err
}

// dialTimeout is how long one address has.
const dialTimeout = 20 * time.Second

func (r *Resolver) dial(ctx context.Context, a netip.AddrPort) (net.Conn, error) {
	d := net.Dialer{Timeout: dialTimeout, KeepAlive: -1}
	return d.DialContext(ctx, "tcp", net.JoinHostPort(a.Addr().String(), strconv.Itoa(int(a.Port()))))
}
