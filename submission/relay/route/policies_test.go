package route

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// shelf is a store in memory.
type shelf struct {
	kept map[string]KeptPolicy
	fail error
}

func (s *shelf) Load(_ context.Context, each func(KeptPolicy)) error {
	for _, k := range s.kept {
		each(k)
	}
	return s.fail
}

func (s *shelf) Save(_ context.Context, k KeptPolicy) error {
	if s.fail == nil {
		s.kept[k.Domain] = k
	}
	return s.fail
}

func (s *shelf) Delete(_ context.Context, domains []string) error {
	for _, d := range domains {
		if s.fail == nil {
			delete(s.kept, d)
		}
	}
	return s.fail
}

func (s *shelf) domains() string { return strings.Join(slices.Sorted(maps.Keys(s.kept)), " ") }

func newShelf(list ...KeptPolicy) *shelf {
	s := &shelf{kept: map[string]KeptPolicy{}}
	for _, k := range list {
		s.kept[k.Domain] = k
	}
	return s
}

// keptFor is a policy that was fetched on monday.
func keptFor(domain string, m Mode, days int) KeptPolicy {
	return KeptPolicy{domain, "id", monday, Policy{m, []string{"mx." + domain}, time.Duration(days) * 24 * time.Hour}}
}

func tables(t *testing.T, store *shelf, max int, now time.Time) *policies {
	t.Helper()
	p := newPolicies(Options{Policies: store, MaxPolicies: max}.withDefaults(), nil)
	if err := p.load(t.Context(), now); err != nil {
		t.Fatal(err)
	}
	return &p
}

// come has a policy of a domain fetched.
func (p *policies) come(t *testing.T, k KeptPolicy, now time.Time) {
	s := p.of(k.Domain, true, now)
	s.known.Store(&k)
	p.keep(t.Context(), k.Domain, s, now)
}

// same compares the table with its store.
func same(t *testing.T, what string, p *policies, store *shelf, want string) {
	t.Helper()
	if got := strings.Join(slices.Sorted(maps.Keys(p.kept)), " "); got != want {
		t.Errorf("%s: kept are %s, want %s", what, got, want)
	}
	if got := store.domains(); got != want {
		t.Errorf("%s: saved are %s, want %s", what, got, want)
	}
}

// Whoever has us write to many domains of theirs pushes out no policy that is
// enforced.
func TestWhichPoliciesGiveWay(t *testing.T) {
	store := newShelf()
	p := tables(t, store, 5, monday)
	for _, k := range []KeptPolicy{
		keptFor("none", ModeNone, 300), keptFor("soon", ModeTesting, 3), keptFor("late", ModeTesting, 9),
		keptFor("short", ModeEnforce, 1), keptFor("long", ModeEnforce, 300),
	} {
		p.come(t, k, monday)
	}
	same(t, "full", p, store, "late long none short soon")
	for i := range 100 {
		p.of(fmt.Sprint("never", i), true, monday)
	}
	same(t, "domains whose policy is never fetched", p, store, "late long none short soon")
	if len(p.tried) != 5 {
		t.Errorf("%d domains are remembered that were tried", len(p.tried))
	}
	p.come(t, keptFor("a", ModeEnforce, 300), monday)
	same(t, "mode none goes first", p, store, "a late long short soon")
	p.come(t, keptFor("b", ModeNone, 300), monday)
	same(t, "but for none of the same", p, store, "a late long short soon")
	p.come(t, keptFor("b", ModeTesting, 1), monday)
	same(t, "then the one in testing that expires first", p, store, "a b late long short")
	p.come(t, keptFor("c", ModeEnforce, 300), monday)
	p.come(t, keptFor("d", ModeEnforce, 300), monday)
	same(t, "and the next", p, store, "a c d long short")
	for i := range 100 {
		p.come(t, keptFor(fmt.Sprint("many", i), ModeEnforce, 365), monday)
	}
	same(t, "enforced ones stay", p, store, "a c d long short")
	if s := p.of("many99", false, monday); s == nil || s.known.Load().Policy.Mode != ModeEnforce {
		t.Error("a policy without a place does not count")
	}
	p.come(t, keptFor("long", ModeNone, 300), monday)
	p.come(t, keptFor("e", ModeTesting, 300), monday)
	same(t, "until they are taken back", p, store, "a c d e short")
	tuesday := monday.Add(25 * time.Hour)
	k := keptFor("f", ModeTesting, 300)
	p.come(t, k, tuesday)
	same(t, "or expire", p, store, "a c d e f")
}

// However fetches cross each other, the store says in the end what the table
// says.
func TestStoreFollowsTable(t *testing.T) {
	store := newShelf()
	p := tables(t, store, 5, monday)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for j := range 200 {
				k := keptFor(fmt.Sprint("d", (i+7*j)%20), Mode(j%2), 1+j%9)
				p.come(t, k, monday.Add(time.Duration(j)*time.Minute))
			}
		})
	}
	wg.Wait()
	same(t, "in the end", p, store, strings.Join(slices.Sorted(maps.Keys(p.kept)), " "))
	for domain, s := range p.kept {
		if !reflect.DeepEqual(*s.known.Load(), store.kept[domain]) {
			t.Errorf("%s: saved is another policy", domain)
		}
	}
}

func TestPoliciesAreLoaded(t *testing.T) {
	store := newShelf(keptFor("none", ModeNone, 9), keptFor("soon", ModeTesting, 3), keptFor("over", ModeEnforce, 1), keptFor("a", ModeEnforce, 9), keptFor("b", ModeEnforce, 9))
	p := tables(t, store, 3, monday.Add(25*time.Hour))
	same(t, "more than there is room for", p, store, "a b soon")
	store.fail = errors.New("broken")
	if _, err := New(t.Context(), Options{Policies: store, Servers: newZone(t).servers()}); !errors.Is(err, store.fail) {
		t.Errorf("a store that cannot be read: %v", err)
	}
}

// That a policy cannot be saved stops no mail.
func TestPolicyNotSaved(t *testing.T) {
	s, store := newSite(t, "mta-sts.a.example"), newShelf()
	store.fail = errors.New("full")
	s.r.policies.store = store
	s.record("one")
	s.expect("it counts", "enforce", 1)
	store.fail = nil
	s.now = s.now.Add(25 * time.Hour)
	s.expect("a day later", "enforce", 2)
	if store.domains() != "a.example" {
		t.Errorf("saved are %s", store.domains())
	}
}

// A KeptPolicy is what may have been fetched, or Check says that it is not.
func TestCheckKeptPolicy(t *testing.T) {
	good := keptFor("a.example", ModeEnforce, 7)
	if err := good.Check(); err != nil {
		t.Error(err)
	}
	for what, spoil := range map[string]func(*KeptPolicy){
		"no domain":   func(k *KeptPolicy) { k.Domain = "" },
		"a pattern":   func(k *KeptPolicy) { k.Domain = "*.example" },
		"upper case":  func(k *KeptPolicy) { k.Domain = "A.example" },
		"no id":       func(k *KeptPolicy) { k.ID = "" },
		"a long id":   func(k *KeptPolicy) { k.ID = strings.Repeat("a", 33) },
		"mode":        func(k *KeptPolicy) { k.Policy.Mode = 3 },
		"no hosts":    func(k *KeptPolicy) { k.Policy.Patterns = nil },
		"no host":     func(k *KeptPolicy) { k.Policy.Patterns[0] = "a b" },
		"an upper":    func(k *KeptPolicy) { k.Policy.Patterns[0] = "MX.example" },
		"many":        func(k *KeptPolicy) { k.Policy.Patterns = slices.Repeat(k.Policy.Patterns, maxPatterns+1) },
		"for ever":    func(k *KeptPolicy) { k.Policy.MaxAge = (maxAge + 1) * time.Second },
		"a time back": func(k *KeptPolicy) { k.Policy.MaxAge = -1 },
	} {
		k := keptFor("a.example", ModeEnforce, 7)
		if spoil(&k); k.Check() == nil {
			t.Errorf("%s is taken", what)
		}
	}
}
