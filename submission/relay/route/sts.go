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
	"sync"
	"time"

	"github.com/miekg/dns"
)

const (
	// refetch is how long a policy is used before it is looked at again, though
	// its id is still the same (RFC 8461 §3.3).
	refetch = 24 * time.Hour
	// refetchFailed is the pause after a fetch that failed.
	refetchFailed = 5 * time.Minute
)

// policies keeps what domains said of themselves, for as long as they said, in
// memory: after a start the first message to a domain fetches it anew.
type policies struct {
	client *http.Client // nil: MTA-STS is not followed
	mu     sync.Mutex
	kept   map[string]*stored
}

// stored is what is known of one domain.
type stored struct {
	mu      sync.Mutex // held while it is fetched
	policy  policy
	id      string
	fetched time.Time // zero: never
	failed  string    // the id that could not be fetched
	again   time.Time // no fetch of failed before
}

func newPolicies(r *Resolver) policies {
	transport := &http.Transport{
		DialContext:            r.dialPolicyHost,
		TLSClientConfig:        &tls.Config{RootCAs: r.opt.Roots, MinVersion: tls.VersionTLS12},
		DisableKeepAlives:      true,
		DisableCompression:     true,
		ForceAttemptHTTP2:      true,
		TLSHandshakeTimeout:    r.opt.PolicyTimeout,
		MaxResponseHeaderBytes: 16 << 10,
	}
	return policies{
		kept: make(map[string]*stored),
		client: &http.Client{
			Transport: transport,
			Timeout:   r.opt.PolicyTimeout,
			// RFC 8461 §3.3: redirects are not followed.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

// apply has the route follow the domain's policy.
func (r *Resolver) apply(ctx context.Context, domain string, route *Route) error {
	p, err := r.policy(ctx, domain)
	if err != nil || p.mode == modeNone {
		return err
	}
	for i := range route.Hosts {
		h := &route.Hosts[i]
		h.Trusted = p.matches(h.Name)
		if p.mode == modeEnforce {
			h.TLS, h.Policy, h.Excluded = TLS{Required: true, Verified: true}, true, !h.Trusted
		}
	}
	return nil
}

// policy gives the policy that holds for a domain now; mode none without one.
func (r *Resolver) policy(ctx context.Context, domain string) (policy, error) {
	if r.policies.client == nil {
		return policy{}, nil
	}
	got, err := r.lookup(ctx, "_mta-sts."+domain, dns.TypeTXT)
	if ctx.Err() != nil {
		return policy{}, ctx.Err()
	}
	id, live := "", false
	if err == nil {
		id, live = parseID(got.texts)
	}
	s := r.policies.of(domain, live, r.opt.MaxPolicies, r.opt.Now())
	if s == nil {
		return policy{}, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := r.opt.Now()
	if live && s.due(id, now) {
		r.fetch(ctx, domain, id, s)
		now = r.opt.Now()
	}
	if !s.valid(now) {
		return policy{}, ctx.Err()
	}
	return s.policy, nil
}

// valid: RFC 8461 §3.3, a policy holds for max_age whatever became of its record
// in the DNS.
func (s *stored) valid(now time.Time) bool {
	return !s.fetched.IsZero() && now.Before(s.fetched.Add(s.policy.maxAge))
}

// due says whether the policy is to be fetched.
func (s *stored) due(id string, now time.Time) bool {
	switch {
	case s.failed == id && now.Before(s.again):
		return false
	case !s.valid(now), s.id != id:
		return true
	}
	return now.Sub(s.fetched) >= refetch
}

// of gives what is kept of a domain, and makes it if there is a record.
func (p *policies) of(domain string, make bool, max int, now time.Time) *stored {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.kept[domain]
	if s == nil && make {
		if len(p.kept) >= max {
			p.drop(now)
		}
		s = &stored{}
		p.kept[domain] = s
	}
	return s
}

// drop makes room: of some, in no order, those that hold no longer, or else one.
func (p *policies) drop(now time.Time) {
	const look = 32
	n, dropped, any := 0, false, ""
	for domain, s := range p.kept {
		if s.mu.TryLock() {
			if !s.valid(now) {
				delete(p.kept, domain)
				dropped = true
			}
			s.mu.Unlock()
		}
		any = domain
		if n++; n == look {
			break
		}
	}
	if !dropped {
		delete(p.kept, any)
	}
}

// fetch gets the policy; s.mu is held.
func (r *Resolver) fetch(ctx context.Context, domain, id string, s *stored) {
	p, err := r.fetchPolicy(ctx, domain)
	now := r.opt.Now()
	if err == nil {
		s.policy, s.id, s.fetched, s.failed = p, id, now, ""
		return
	}
	s.failed, s.again = id, now.Add(refetchFailed)
	if !s.valid(now) || s.policy.mode != modeNone {
		r.opt.Log.Warn("the policy of a domain (MTA-STS) cannot be fetched", "domain", domain, "kept", s.valid(now), "err", err)
	}
}

// fetchPolicy is RFC 8461 §3.3's GET.
func (r *Resolver) fetchPolicy(ctx context.Context, domain string) (policy, error) {
	url := "https://mta-sts." + domain + "/.well-known/mta-sts.txt"
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return policy{}, err
	}
	response, err := r.policies.client.Do(request)
	if err != nil {
		return policy{}, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return policy{}, fmt.Errorf("%s", response.Status)
	}
	if kind, _, err := mime.ParseMediaType(response.Header.Get("Content-Type")); err != nil || kind != "text/plain" {
		return policy{}, fmt.Errorf("its type is %.40q", response.Header.Get("Content-Type"))
	}
	text, err := io.ReadAll(io.LimitReader(response.Body, maxPolicy+1))
	switch {
	case err != nil:
		return policy{}, err
	case len(text) > maxPolicy:
		return policy{}, errors.New("it is too long")
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
