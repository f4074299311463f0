package policies

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"testing"
	"time"

	"citron/engine/enginetest"
	"citron/engine/kv"
	"citron/engine/kv/memkv"
	"citron/submission/relay/route"
)

var monday = time.Date(2026, 11, 23, 12, 0, 0, 5, time.UTC)

func kept(domain string) route.KeptPolicy {
	return route.KeptPolicy{Domain: domain, ID: "20160831085700Z", Fetched: monday, Policy: route.Policy{
		Mode: route.ModeEnforce, Patterns: []string{"mail.example.com", "*.example.net"}, MaxAge: 7 * 24 * time.Hour,
	}}
}

func load(t *testing.T, s *Store) map[string]route.KeptPolicy {
	t.Helper()
	all := map[string]route.KeptPolicy{}
	if err := s.Load(t.Context(), func(k route.KeptPolicy) { all[k.Domain] = k }); err != nil {
		t.Fatal(err)
	}
	return all
}

func TestPoliciesAreKept(t *testing.T) {
	for name, open := range enginetest.Engines {
		t.Run(name, func(t *testing.T) { testKept(t, open) })
	}
}

func testKept(t *testing.T, open func() (kv.Engine, func() kv.Engine)) {
	engine, reopen := open()
	s := New(engine, slog.New(slog.DiscardHandler))
	want := map[string]route.KeptPolicy{}
	for i := range 3 * page {
		k := kept(fmt.Sprintf("d%d.example", i))
		if i%3 == 0 {
			k.Policy = route.Policy{Mode: route.ModeNone}
		}
		if err := s.Save(t.Context(), k); err != nil {
			t.Fatal(err)
		}
		want[k.Domain] = k
	}
	again := kept("d5.example")
	again.ID = "two"
	if err := errors.Join(s.Save(t.Context(), again), s.Delete(t.Context(), []string{"d7.example", "never.example"})); err != nil {
		t.Fatal(err)
	}
	want["d5.example"] = again
	delete(want, "d7.example")
	engine = reopen()
	defer engine.Close()
	s = New(engine, nil)
	if got := load(t, s); !reflect.DeepEqual(got, want) {
		t.Errorf("%d are kept, not %d, or others", len(got), len(want))
	}
	for domain, spoil := range map[string]func(*route.KeptPolicy){
		"A.example": func(*route.KeptPolicy) {}, "a.example": func(k *route.KeptPolicy) { k.ID = "" },
	} {
		k := kept(domain)
		if spoil(&k); s.Save(t.Context(), k) == nil {
			t.Errorf("%+v is saved", k)
		}
	}
}

// What is damaged is ignored, logged and reported; a repair takes it away.
func TestDamagedPolicies(t *testing.T) {
	engine, log := memkv.New(memkv.Options{}), &bytes.Buffer{}
	s := New(engine, slog.New(slog.NewTextHandler(log, nil)))
	good, other := kept("good.example"), kept("other.example")
	value := appendPolicy(nil, &other)
	late := kept("late.example")
	late.Policy.MaxAge *= 1000
	bad := map[string][]byte{
		"pcut.example": value[:len(value)-1], "plonger.example": append(value[:len(value):len(value)], 0), "pempty.example": nil,
		"pversion.example": append([]byte{recordVersion + 1}, value[1:]...), "pmode.example": append([]byte{recordVersion, 3}, value[2:]...),
		"plate.example": appendPolicy(nil, &late), "pUpper.example": value, "p": value, "x": value, "p*.example": value,
	}
	err := engine.Update(t.Context(), kv.Policies, func(tx kv.Tx) error {
		for key, v := range bad {
			tx.Set([]byte(key), v)
		}
		return nil
	})
	if err := errors.Join(err, s.Save(t.Context(), good)); err != nil {
		t.Fatal(err)
	}
	if all := load(t, s); len(all) != 1 || !reflect.DeepEqual(all["good.example"], good) {
		t.Errorf("%v", all)
	}
	if text := log.String(); strings.Count(text, "\n") != 1 || !strings.Contains(text, fmt.Sprintf("records=%d", len(bad))) {
		t.Errorf("the log says %q", text)
	}
	for _, step := range []struct {
		name string
		run  func(context.Context, kv.Engine, func(Finding)) error
		want int
	}{{"verify", Verify, len(bad)}, {"repair", Repair, len(bad)}, {"verify again", Verify, 0}} {
		var found []Finding
		if err := step.run(t.Context(), engine, func(f Finding) { found = append(found, f) }); err != nil || len(found) != step.want {
			t.Errorf("%s: %v, %v", step.name, found, err)
		}
	}
	if all := load(t, s); len(all) != 1 {
		t.Errorf("after the repair %v", all)
	}
}

// The layout of docs/key-layout.md, octet by octet.
func TestPolicyRecord(t *testing.T) {
	k := route.KeptPolicy{Domain: "a.example", ID: "x1", Fetched: time.Unix(64, 7), Policy: route.Policy{Mode: route.ModeTesting, Patterns: []string{"b.c"}, MaxAge: 300 * time.Second}}
	want := []byte{1, 1, 2, 'x', '1', 0x80, 1, 7, 0xac, 2, 1, 3, 'b', '.', 'c'}
	if got := appendPolicy(nil, &k); !bytes.Equal(got, want) {
		t.Errorf("% x", got)
	}
}

// Whatever stands under a key, what is read of it is within the bounds, and is
// written and read as the same.
func FuzzPolicyRecord(f *testing.F) {
	k := kept("a.example")
	value := appendPolicy(nil, &k)
	f.Add([]byte("pa.example"), value)
	f.Add([]byte("pa.example"), value[:9])
	f.Fuzz(func(t *testing.T, key, value []byte) {
		if len(key) == 0 {
			return
		}
		k, err := read(key, value)
		if err != nil {
			return
		}
		if err := k.Check(); err != nil {
			t.Errorf("%+v: %v", k, err)
		}
		again, err := read(policyKey(k.Domain), appendPolicy(nil, &k))
		if err != nil || !reflect.DeepEqual(again, k) {
			t.Errorf("%+v, then %+v, %v", k, again, err)
		}
	})
}
