package directory

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"citron/auth"
	"citron/engine/kv"
	"citron/engine/kv/memkv"
)

// mails is a Store that remembers what it was asked.
type mails struct {
	quota map[uint64]uint64
	fail  error
	calls int
}

func (m *mails) MakeAccounts(_ context.Context, accounts []Account) error {
	m.calls++
	if m.fail != nil {
		return m.fail
	}
	for _, a := range accounts {
		m.quota[a.Number] = a.Quota
	}
	return nil
}

func (m *mails) DropAccount(_ context.Context, number uint64) error {
	m.calls++
	if m.fail != nil {
		return m.fail
	}
	delete(m.quota, number)
	return nil
}

type fixture struct {
	*Directory
	t       testing.TB
	engine  kv.Engine
	mails   *mails
	revoked []uint64
}

func open(t testing.TB) *fixture {
	f := &fixture{t: t, engine: memkv.New(memkv.Options{}), mails: &mails{quota: map[uint64]uint64{}}}
	t.Cleanup(func() { f.engine.Close() })
	f.reopen()
	return f
}

func (f *fixture) reopen() {
	f.t.Helper()
	d, err := Open(f.t.Context(), Options{
		Engine: f.engine, Store: f.mails, DefaultDomain: "Example.ORG", Iterations: minIterations,
		Revoked: func(account uint64, _ auth.CredentialID) { f.revoked = append(f.revoked, account) },
	})
	if err != nil {
		f.t.Fatal(err)
	}
	f.Directory = d
}

func (f *fixture) password(p string) *Secret {
	f.t.Helper()
	s, err := f.Password(f.t.Context(), p)
	if err != nil {
		f.t.Fatal(err)
	}
	return s
}

func (f *fixture) add(name, password string) Account {
	f.t.Helper()
	a, err := f.AddAccounts(f.t.Context(), NewAccount{Name: name, Secret: f.password(password)})
	f.ok(err)
	return a[0]
}

func (f *fixture) ok(err error) {
	f.t.Helper()
	if err != nil {
		f.t.Fatal(err)
	}
}

func (f *fixture) is(err error, kind auth.Kind) {
	f.t.Helper()
	var typed *auth.Error
	if !errors.Is(err, kind) || !errors.As(err, &typed) {
		f.t.Fatalf("got %v, want %q", err, kind)
	}
}

func TestPlainLogin(t *testing.T) {
	f := open(t)
	ctx := t.Context()
	alice := f.add("alice@example.org", "lemonade")
	f.add("jürgen@exämple.org", "pässword")
	if alice.Number != 1 || alice.Name != "alice@example.org" {
		t.Fatalf("%+v", alice)
	}
	for _, name := range []string{"alice@example.org", "ALICE@EXAMPLE.ORG.", "alice", "Alice"} {
		id, err := f.Plain(ctx, name, "", "lemonade")
		if err != nil || id.Account != 1 || id.Name != "alice@example.org" || id.Credential == (auth.CredentialID{}) {
			t.Errorf("%s: %+v, %v", name, id, err)
		}
	}
	id, err := f.Plain(ctx, "JÜRGEN@xn--exmple-cua.org", "jürgen@exämple.org", "pässword")
	if err != nil || id.Name != "jürgen@xn--exmple-cua.org" {
		t.Errorf("%+v, %v", id, err)
	}
	for _, bad := range [][2]string{
		{"alice", "lemonad"}, {"alice", ""}, {"alice", "lemonade "}, {"alice", "lemon\x01ade"}, {"nobody", "lemonade"},
		{"", "lemonade"}, {"alice@", "lemonade"}, {"alice@example.com", "lemonade"}, {"al ice", "lemonade"}, {"alice@[127.0.0.1]", "lemonade"},
	} {
		_, err := f.Plain(ctx, bad[0], "", bad[1])
		f.is(err, auth.BadCredentials)
	}
	_, err = f.Plain(ctx, "alice", "jürgen@exämple.org", "lemonade")
	f.is(err, auth.NotAuthorized)
	_, err = f.Plain(ctx, "alice", "jürgen@exämple.org", "wrong")
	f.is(err, auth.BadCredentials)
}

func TestDisabled(t *testing.T) {
	f := open(t)
	ctx := t.Context()
	f.add("alice", "lemonade")
	_, err := f.Disable(ctx, "alice")
	f.ok(err)
	if !slices.Equal(f.revoked, []uint64{1}) {
		t.Fatalf("revoked %v", f.revoked)
	}
	_, err = f.Plain(ctx, "alice", "", "lemonade")
	f.is(err, auth.Disabled)
	_, err = f.Plain(ctx, "alice", "", "wrong") // says nothing of the account
	f.is(err, auth.BadCredentials)
	v, err := f.Scram(ctx, "alice", "")
	f.ok(err)
	f.is(v.Refuse, auth.Disabled)
	if to, err := f.Resolve(ctx, "alice", "example.org"); err != nil || !to[0].Disabled {
		t.Fatalf("%v, %v", to, err)
	}
	_, err = f.Enable(ctx, "alice")
	f.ok(err)
	_, err = f.Plain(ctx, "alice", "", "lemonade")
	f.ok(err)
}

func TestSetPasswordForgetsTheOld(t *testing.T) {
	f := open(t)
	ctx := t.Context()
	f.add("alice", "old")
	before, err := f.Plain(ctx, "alice", "", "old")
	f.ok(err)
	_, err = f.SetPassword(ctx, "alice", f.password("new"))
	f.ok(err)
	_, err = f.Plain(ctx, "alice", "", "old") // was remembered
	f.is(err, auth.BadCredentials)
	now, err := f.Plain(ctx, "alice", "", "new")
	f.ok(err)
	if now.Credential == before.Credential || !slices.Equal(f.revoked, []uint64{1}) {
		t.Fatalf("credential %x, then %x; revoked %v", before.Credential, now.Credential, f.revoked)
	}
	_, err = f.SetPassword(ctx, "alice", nil)
	f.ok(err)
	_, err = f.Plain(ctx, "alice", "", "new")
	f.is(err, auth.BadCredentials)
	if n := f.count(keyVerifier); n != 0 {
		t.Fatalf("%d verifiers left", n)
	}
}

// count counts keys of a kind.
func (f *fixture) count(kind byte) (n int) {
	f.ok(f.engine.View(context.Background(), account0, func(r kv.Reader) error {
		res, err := r.Read(context.Background(), kv.Reads{Ranges: []kv.Range{{From: []byte{kind}, To: []byte{kind + 1}}}})
		n = res.Ranges[0].Len()
		return err
	}))
	return n
}

func TestImportedHash(t *testing.T) {
	f := open(t)
	ctx := t.Context()
	// The reference implementation's own test: password "password", salt "somesalt", t=2, m=2^16, p=1.
	const phc = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
	s, err := f.ImportedHash(phc)
	f.ok(err)
	_, err = f.AddAccounts(ctx, NewAccount{Name: "carol", Secret: s})
	f.ok(err)
	f.reopen()
	_, err = f.Plain(ctx, "carol", "", "password")
	f.ok(err)
	_, err = f.Plain(ctx, "carol", "", "Password")
	f.is(err, auth.BadCredentials)
	v, err := f.Scram(ctx, "carol", "")
	if f.ok(err); v.Identity.Account != 0 {
		t.Fatalf("SCRAM for an argon2id hash: %+v", v)
	}
	for _, bad := range []string{"", "x", "$argon2i$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
		"$argon2id$v=19$m=65536,t=2,p=1,x=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
		"$argon2id$v=19$m=4294967295,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
		"$argon2id$v=19$m=1048576,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc", // beyond HashMemory
		"$argon2id$v=19$m=65536,t=0,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
		"$argon2id$v=19$m=65536,t=2,p=1$!$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc", "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$"} {
		_, err := f.ImportedHash(bad)
		f.is(err, auth.Invalid)
	}
}

func TestAddAccounts(t *testing.T) {
	f := open(t)
	ctx := t.Context()
	f.add("alice", "lemonade")
	_, err := f.AddAccounts(ctx, NewAccount{Name: "bob"}, NewAccount{Name: "ALICE"})
	f.is(err, auth.Exists)
	_, err = f.Lookup(ctx, "bob") // all or nothing
	f.is(err, auth.NoSuchUser)
	_, err = f.AddAccounts(ctx, NewAccount{Name: "bob"}, NewAccount{Name: "BOB"})
	f.is(err, auth.Exists)
	for _, bad := range []string{"", "@example.org", "a b@example.org", "a\x00@b", "a@b..c", "a@-b", "bob@[127.0.0.1]"} {
		_, err := f.AddAccounts(ctx, NewAccount{Name: bad})
		f.is(err, auth.Invalid)
	}
	got, err := f.EnsureAccounts(ctx, NewAccount{Name: "bob", Quota: 5}, NewAccount{Name: "alice", Quota: 7})
	f.ok(err)
	if got[0].Number != 2 || got[1].Number != 1 || got[1].Quota != 0 || f.mails.quota[2] != 5 {
		t.Fatalf("%+v, %v", got, f.mails.quota)
	}
	_, err = f.Delete(ctx, "bob")
	f.ok(err)
	f.reopen()
	if a := f.add("bob", "x"); a.Number != 3 {
		t.Fatalf("number %d was given again", a.Number)
	}
}

func TestManyAccountsShareAVerifier(t *testing.T) {
	f := open(t)
	ctx := t.Context()
	const n = 10_000
	secret := f.password("lemonade")
	list := make([]NewAccount, n)
	for i := range list {
		list[i] = NewAccount{Name: fmt.Sprintf("u%d@example.org", i+1), Secret: secret}
	}
	got, err := f.AddAccounts(ctx, list...)
	f.ok(err)
	if len(got) != n || got[n-1].Number != n || len(f.mails.quota) != n || f.count(keyVerifier) != 1 || f.count(keyPending) != 0 {
		t.Fatalf("%d accounts, %d with mail, %d verifiers", len(got), len(f.mails.quota), f.count(keyVerifier))
	}
	for _, name := range []string{"u1", "u5000", "u10000"} {
		_, err := f.Plain(ctx, name, "", "lemonade")
		f.ok(err)
	}
	_, err = f.SetPassword(ctx, "u1", f.password("own"))
	f.ok(err)
	_, err = f.Plain(ctx, "u2", "", "lemonade")
	f.ok(err)
	count := 0
	f.ok(f.Accounts(ctx, "example.org", func(Account) error { count++; return nil }))
	if count != n {
		t.Fatalf("listed %d", count)
	}
}

func TestStoreFailureIsSettledLater(t *testing.T) {
	f := open(t)
	ctx := t.Context()
	f.mails.fail = errors.New("store is down")
	_, err := f.AddAccounts(ctx, NewAccount{Name: "alice", Quota: 9})
	f.is(err, auth.Temporary)
	_, err = f.Lookup(ctx, "alice")
	f.ok(err)
	f.mails.fail = nil
	f.reopen()
	if f.mails.quota[1] != 9 || f.count(keyPending) != 0 {
		t.Fatalf("not settled: %v", f.mails.quota)
	}
	_, err = f.SetQuota(ctx, "alice", 10)
	if f.ok(err); f.mails.quota[1] != 10 {
		t.Fatalf("quota %v", f.mails.quota)
	}
	f.mails.fail = errors.New("store is down")
	_, err = f.Delete(ctx, "alice")
	f.is(err, auth.Temporary)
	_, err = f.Lookup(ctx, "alice")
	f.is(err, auth.NoSuchUser)
	f.mails.fail = nil
	f.ok(f.Settle(ctx))
	if len(f.mails.quota) != 0 || f.count(keyPending) != 0 {
		t.Fatalf("not settled: %v", f.mails.quota)
	}
	calls := f.mails.calls
	if f.reopen(); f.mails.calls != calls {
		t.Fatal("settled again")
	}
}
