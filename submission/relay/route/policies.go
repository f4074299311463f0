package route

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// KeptPolicy is a policy as it was fetched.
type KeptPolicy struct {
	Domain  string // lower case, A-labels
	ID      string // of its record (RFC 8461 §3.1)
	Fetched time.Time
	Policy  Policy
}

// Policies keeps policies over a restart: without them, who keeps a domain's
// record out of the DNS would have mail go to wherever the DNS says (RFC 8461
// §10.2).
type Policies interface {
	// Load gives each that is kept, in any order; what cannot be read is left
	// out, and logged.
	Load(ctx context.Context, each func(KeptPolicy)) error
	// Save keeps one in place of the domain's last.
	Save(ctx context.Context, k KeptPolicy) error
	// Delete forgets those of domains, kept or not.
	Delete(ctx context.Context, domains []string) error
}

// Check says whether this is what a Resolver may have fetched.
func (k *KeptPolicy) Check() error {
	switch p := &k.Policy; {
	case !isPattern(k.Domain) || strings.HasPrefix(k.Domain, "*") || k.Domain != strings.ToLower(k.Domain):
		return errors.New("it is of no domain")
	case len(k.ID) > maxPolicyID || !isName(k.ID, ""):
		return errors.New("its id is none")
	case p.Mode > ModeEnforce, p.MaxAge < 0, p.MaxAge > maxAge*time.Second, len(p.Patterns) > maxPatterns, p.Mode != ModeNone && len(p.Patterns) == 0:
		return errPolicy
	}
	for _, pattern := range k.Policy.Patterns {
		if !isPattern(pattern) || pattern != strings.ToLower(pattern) {
			return errPolicy
		}
	}
	return nil
}

// valid: RFC 8461 §3.3, for max_age. Of nil nothing is.
func (k *KeptPolicy) valid(now time.Time) bool { return k != nil && now.Before(k.expires()) }

func (k *KeptPolicy) expires() time.Time { return k.Fetched.Add(k.Policy.MaxAge) }

// policies keeps what domains said of themselves, for as long as they said.
//
// Who has us write to many domains of theirs must not have a policy forgotten
// that is enforced. So a domain whose policy was never fetched takes no place
// among those that were, and of these the ones give way that are worth least
// (room); one that is enforced never does before it expires. A policy without a
// place still counts, from tried, but a restart forgets it.
type policies struct {
	client *http.Client // nil: MTA-STS is not followed
	store  Policies     // nil: none
	max    int          // of each table
	log    *slog.Logger

	mu    sync.Mutex
	kept  map[string]*stored // those of store
	tried map[string]*stored // never fetched, as a rule

	// saving is held while the store is made to say what kept says, so that
	// changes come to it in their order.
	saving sync.Mutex
}

// stored is what is known of one domain.
type stored struct {
	known    atomic.Pointer[KeptPolicy] // nil: never fetched
	fetching sync.Mutex                 // held while it is; guards what follows
	failed   string                     // the id that could not be fetched
	again    time.Time                  // no fetch of failed before
}

func newPolicies(o Options, client *http.Client) policies {
	return policies{
		client: client, store: o.Policies, max: o.MaxPolicies, log: o.Log,
		kept: make(map[string]*stored), tried: make(map[string]*stored),
	}
}

// load takes over what the store has, and has it forget what holds no longer.
func (p *policies) load(ctx context.Context, now time.Time) error {
	if p.store == nil {
		return nil
	}
	var gone []string
	err := p.store.Load(ctx, func(k KeptPolicy) {
		s := &stored{}
		s.known.Store(&k)
		dropped, in := p.place(k.Domain, s, now)
		if gone = append(gone, dropped...); !in {
			gone = append(gone, k.Domain)
		}
	})
	if err != nil {
		return fmt.Errorf("policies that are kept (MTA-STS): %w", err)
	}
	p.save(ctx, gone)
	return nil
}

// of gives what is kept of a domain, and makes a place for it if there is a
// record.
func (p *policies) of(domain string, live bool, now time.Time) *stored {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.kept[domain]
	if s == nil {
		s = p.tried[domain]
	}
	if s == nil && live {
		if len(p.tried) >= p.max {
			for other := range p.tried {
				delete(p.tried, other)
				break
			}
		}
		s = &stored{}
		p.tried[domain] = s
	}
	return s
}

// keep is called when a policy was fetched.
func (p *policies) keep(ctx context.Context, domain string, s *stored, now time.Time) {
	changed, in := p.place(domain, s, now)
	if in {
		changed = append(changed, domain)
	} else if s.known.Load().valid(now) {
		p.log.Warn("there is no room to keep the policy of a domain (MTA-STS) over a restart", "domain", domain, "kept", p.max)
	}
	p.save(ctx, changed)
}

// place puts a policy among those that are kept, if it holds and there is room;
// dropped were, and are no longer.
func (p *policies) place(domain string, s *stored, now time.Time) (dropped []string, in bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.kept[domain] == nil {
		k := s.known.Load()
		if !k.valid(now) {
			return nil, false
		}
		if dropped, in = p.room(k.Policy.Mode, now); !in {
			return dropped, false
		}
	}
	delete(p.tried, domain)
	p.kept[domain] = s
	return dropped, true
}

// room makes room for a policy of a mode: all go that hold no longer, or else
// one that asks for no more than the new one, and is not enforced: first of mode
// none, then testing, of these the one that expires soonest.
func (p *policies) room(mode Mode, now time.Time) (dropped []string, ok bool) {
	if len(p.kept) < p.max {
		return nil, true
	}
	var least *KeptPolicy
	for domain, s := range p.kept {
		k := s.known.Load()
		switch {
		case !k.valid(now):
			delete(p.kept, domain)
			dropped = append(dropped, domain)
		case least == nil || k.Policy.Mode < least.Policy.Mode || k.Policy.Mode == least.Policy.Mode && k.expires().Before(least.expires()):
			least = k
		}
	}
	switch {
	case len(dropped) > 0:
		return dropped, true
	case least.Policy.Mode > mode || least.Policy.Mode == ModeEnforce:
		return nil, false
	}
	delete(p.kept, least.Domain)
	return []string{least.Domain}, true
}

// save has the store say of these domains what kept says. That it cannot stops
// no mail.
func (p *policies) save(ctx context.Context, domains []string) {
	if p.store == nil || len(domains) == 0 {
		return
	}
	p.saving.Lock()
	defer p.saving.Unlock()
	var list []*KeptPolicy
	var gone []string
	p.mu.Lock()
	for _, domain := range domains {
		if s := p.kept[domain]; s != nil {
			list = append(list, s.known.Load())
		} else {
			gone = append(gone, domain)
		}
	}
	p.mu.Unlock()
	for _, k := range list {
		if err := p.store.Save(ctx, *k); err != nil {
			p.log.Error("the policy of a domain (MTA-STS) cannot be saved; a restart forgets it", "domain", k.Domain, "err", err)
		}
	}
	if len(gone) == 0 {
		return
	}
	if err := p.store.Delete(ctx, gone); err != nil {
		p.log.Warn("policies (MTA-STS) that are not kept any more cannot be deleted", "domains", len(gone), "err", err)
	}
}
