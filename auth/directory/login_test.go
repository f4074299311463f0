package directory

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"citron/auth"
	"citron/engine/kv"
	"citron/engine/kv/memkv"
	"citron/wire/sasl"
)

// login runs a whole exchange.
func (f *fixture) login(c sasl.Client, b sasl.Bindings) (auth.Identity, error) {
	mechanism, message, err := c.Start()
	x := auth.Begin(f.t.Context(), f.Directory, mechanism, b)
	for err == nil {
		challenge, done, serverErr := x.Next(message)
		if serverErr != nil || done {
			return x.Identity(), serverErr
		}
		message, err = c.Next(challenge)
	}
	return auth.Identity{}, err
}

func scramClient(t testing.TB, o sasl.ScramOptions) sasl.Client {
	c, err := sasl.NewScramClient(o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// loginClient answers the two prompts of LOGIN, whatever they say.
type loginClient []string

func (c *loginClient) Done() bool { return true }

func (c *loginClient) Start() (string, []byte, error) { return sasl.Login, nil, nil }

func (c *loginClient) Next([]byte) ([]byte, error) {
	answer := (*c)[0]
	*c = (*c)[1:]
	return []byte(answer), nil
}

func TestExchanges(t *testing.T) {
	f := open(t)
	f.add("alice", "lemonade")
	f.add("bob", "x")
	binding := []byte("0123456789abcdef0123456789abcdef")
	tls := sasl.Bindings{Announced: true, Data: func(string) ([]byte, error) { return binding, nil }}
	plus := sasl.ScramOptions{Binding: sasl.TLSExporter, BindingData: binding}
	scram := func(o sasl.ScramOptions, name, password string) sasl.Client {
		o.Authcid, o.Password = name, password
		return scramClient(t, o)
	}
	tests := []struct {
		name   string
		client sasl.Client
		kind   auth.Kind
	}{
		{"PLAIN", sasl.NewPlainClient("", "alice", "lemonade"), 0},
		{"PLAIN wrong", sasl.NewPlainClient("", "alice", "x"), auth.BadCredentials},
		{"PLAIN for another", sasl.NewPlainClient("bob", "alice", "lemonade"), auth.NotAuthorized},
		{"LOGIN", &loginClient{"alice@example.org", "lemonade"}, 0},
		{"LOGIN wrong", &loginClient{"alice", "x"}, auth.BadCredentials},
		{"SCRAM", scram(sasl.ScramOptions{}, "ALICE", "lemonade"), 0},
		{"SCRAM same authzid", scram(sasl.ScramOptions{Authzid: "alice@example.org"}, "alice", "lemonade"), 0},
		{"SCRAM for another", scram(sasl.ScramOptions{Authzid: "bob"}, "alice", "lemonade"), auth.NotAuthorized},
		{"SCRAM wrong", scram(sasl.ScramOptions{}, "alice", "x"), auth.BadCredentials},
		{"SCRAM unknown", scram(sasl.ScramOptions{}, "nobody", "lemonade"), auth.BadCredentials},
		{"SCRAM downgraded", scram(sasl.ScramOptions{CouldBind: true}, "alice", "lemonade"), auth.BadCredentials},
		{"PLUS", scram(plus, "alice", "lemonade"), 0},
		{"PLUS wrong", scram(plus, "alice", "x"), auth.BadCredentials},
	}
	for _, tt := range tests {
		id, err := f.login(tt.client, tls)
		switch {
		case tt.kind != 0:
			if !errors.Is(err, tt.kind) || id != (auth.Identity{}) {
				t.Errorf("%s: %+v, %v", tt.name, id, err)
			}
		case err != nil || id.Name != "alice@example.org" || id.Account != 1:
			t.Errorf("%s: %+v, %v", tt.name, id, err)
		}
	}
	if auth.Begin(t.Context(), f.Directory, "CRAM-MD5", tls) != nil {
		t.Error("CRAM-MD5")
	}
	x := auth.Begin(t.Context(), f.Directory, "PLAIN", tls)
	_, _, err := x.Next([]byte("nonsense"))
	f.is(err, auth.BadExchange)
}

// A stranger cannot tell an unknown user from a known one by SCRAM's challenge.
func TestScramFakes(t *testing.T) {
	f := open(t)
	ctx := t.Context()
	f.add("alice", "lemonade")
	real, err := f.Scram(ctx, "alice", "")
	f.ok(err)
	one, err := f.Scram(ctx, "nobody", "")
	f.ok(err)
	f.reopen()
	again, err := f.Scram(ctx, "NOBODY@example.org", "")
	f.ok(err)
	other, err := f.Scram(ctx, "nobody2", "")
	f.ok(err)
	if !bytes.Equal(one.Salt, again.Salt) || one.Iterations != again.Iterations {
		t.Error("the salt of an unknown user changes")
	}
	if bytes.Equal(one.Salt, other.Salt) || bytes.Equal(one.StoredKey, other.StoredKey) {
		t.Error("unknown users share a salt")
	}
	if len(one.Salt) != len(real.Salt) || one.Iterations != real.Iterations {
		t.Errorf("unknown users look different: %d/%d octets, %d/%d iterations", len(one.Salt), len(real.Salt), one.Iterations, real.Iterations)
	}
	odd, err := f.Scram(ctx, "not a name", "")
	if f.ok(err); odd.Identity.Account != 0 || len(odd.Salt) != saltLen {
		t.Errorf("%+v", odd)
	}
}

func TestSuccessIsRememberedForAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := open(t)
		f.add("alice", "lemonade")
		known := func() bool {
			e, err := f.lookup(t.Context(), address{"alice", "example.org"})
			f.ok(err)
			return f.successes.known("alice@example.org", "lemonade", e.record.credential)
		}
		if known() {
			t.Fatal("known before any login")
		}
		_, err := f.Plain(t.Context(), "alice", "", "lemonade")
		if f.ok(err); !known() {
			t.Fatal("forgotten at once")
		}
		time.Sleep(DefaultRemember - time.Second)
		if !known() {
			t.Fatal("forgotten too early")
		}
		time.Sleep(time.Second)
		if known() {
			t.Fatal("remembered too long")
		}
	})
}

func TestLimiter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(10)
		if l.acquire(t.Context(), 8) != nil {
			t.Fatal("first")
		}
		ctx, cancel := context.WithCancel(t.Context())
		gaveUp := make(chan error, 1)
		go func() { gaveUp <- l.acquire(ctx, 5) }()
		synctest.Wait()
		small := make(chan error, 1)
		go func() { small <- l.acquire(t.Context(), 1) }()
		synctest.Wait()
		if len(small) > 0 {
			t.Fatal("overtook an earlier waiter")
		}
		cancel()
		synctest.Wait()
		if err := <-gaveUp; err != context.Canceled {
			t.Fatal(err)
		}
		if err := <-small; err != nil {
			t.Fatal(err)
		}
		l.release(8)
		l.release(1)
		if l.free != 10 || len(l.waiting) != 0 {
			t.Fatalf("%+v", l)
		}
	})
}

// A commit whose outcome is unknown is asked about.
func TestUnknownOutcome(t *testing.T) {
	for _, fate := range []memkv.Fate{memkv.UnknownKept, memkv.UnknownDropped} {
		next := memkv.Commit
		engine := memkv.New(memkv.Options{Decide: func(kv.Account, kv.TxID) (memkv.Fate, error) { return next, nil }})
		d, err := Open(t.Context(), Options{Engine: engine})
		if err != nil {
			t.Fatal(err)
		}
		next = fate
		_, err = d.AddAccounts(t.Context(), NewAccount{Name: "alice@example.org"})
		next = memkv.Commit
		_, found := d.Lookup(t.Context(), "alice@example.org")
		if done := fate == memkv.UnknownKept; (err == nil) != done || (found == nil) != done {
			t.Errorf("fate %v: %v, lookup %v", fate, err, found)
		}
		engine.Close()
	}
}

func FuzzNames(f *testing.F) {
	for _, s := range []string{"alice", "Jürgen", "ﬀ", "a b", "\x00", strings.Repeat("x", 300), "𝔞", "ß", "İ"} {
		f.Add(s, "exÄmple.ORG.")
	}
	f.Fuzz(func(t *testing.T, local, domain string) {
		if l, err := prepareLocal(local); err == nil {
			if again, err := prepareLocal(l); err != nil || again != l || strings.Contains(l, "\x00") {
				t.Fatalf("%q: %q, again %q, %v", local, l, again, err)
			}
		}
		if d, err := prepareDomain(domain); err == nil {
			if again, err := prepareDomain(d); err != nil || again != d || !isASCII(d) {
				t.Fatalf("%q: %q, again %q, %v", domain, d, again, err)
			}
		}
	})
}

func FuzzArgon2id(f *testing.F) {
	f.Add("$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc")
	f.Fuzz(func(t *testing.T, phc string) {
		v, err := parseArgon2id(phc)
		if err != nil {
			return
		}
		if _, _, err := decodeVerifier(v.encode(1)); err != nil {
			t.Fatal(err)
		}
	})
}

// FuzzRecords: a damaged record is an error, never a panic.
func FuzzRecords(f *testing.F) {
	raw, _ := base64.StdEncoding.DecodeString("AQEBAQ==")
	f.Add(raw)
	f.Add(accountRecord{name: address{"a", "b"}, created: time.Unix(0, 0)}.encode())
	f.Add(nameRecord{alias: true, accounts: []uint64{1, 300}}.encode())
	f.Fuzz(func(t *testing.T, v []byte) {
		decodeHead(v)
		decodeDomain(v)
		decodeVerifier(v)
		if n, err := decodeName(v); err == nil && len(n.accounts) == 0 {
			t.Fatal("a name of nobody")
		}
		if a, err := decodeAccount(v); err == nil {
			if b, err := decodeAccount(a.encode()); err != nil || a != b {
				t.Fatalf("%+v, again %+v, %v", a, b, err)
			}
		}
	})
}
