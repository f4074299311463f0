package main

import (
	"testing"
	"time"

	"citron/engine/kv"
	"citron/submission/relay/policies"
	"citron/submission/relay/relaytest"
	"citron/submission/relay/route"
)

// RFC 8461 §10.2: a policy of before the server was started holds where the DNS
// knows of none; and one that is damaged is found, and can be taken away.
func TestPoliciesOfBefore(t *testing.T) {
	zone := relaytest.NewZone(t)
	zone.Add("a.example. 300 IN MX 10 mx.evil.example.")
	cfg := privateConfig(t)
	cfg.Relay.Resolvers, cfg.Relay.MTASTS, cfg.Relay.Hold = []string{zone.Addr.String()}, true, false
	n, err := openUnqueued(t.Context(), cfg, quietLog())
	if err != nil {
		t.Fatal(err)
	}
	k := route.KeptPolicy{Domain: "a.example", ID: "one", Fetched: time.Now(), Policy: route.Policy{
		Mode: route.ModeEnforce, Patterns: []string{"mx.a.example"}, MaxAge: time.Hour,
	}}
	if err := policies.New(n.engine, quietLog()).Save(t.Context(), k); err != nil {
		t.Error(err)
	}
	if err := n.Close(); err != nil {
		t.Error(err)
	}

	if n, err = openUnqueued(t.Context(), cfg, quietLog()); err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	s := &server{cfg: cfg, log: quietLog(), node: n}
	router, err := s.router(t.Context(), "mx.example.org")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := router.Route(t.Context(), "a.example"); err != nil || !got.Hosts[0].Excluded {
		t.Errorf("%+v, %v", got, err)
	}

	check := func(what string, repair bool, want int) {
		t.Helper()
		if found, err := (&verifyCmd{Repair: repair}).check(t.Context(), n); err != nil || found != want {
			t.Errorf("%s: %d findings, want %d, %v", what, found, want, err)
		}
	}
	check("sound", false, 0)
	err = n.engine.Update(t.Context(), kv.Policies, func(tx kv.Tx) error {
		tx.Set([]byte("pb.example"), []byte("damaged"))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	check("damaged", false, 1)
	check("repaired", true, 0)
}
