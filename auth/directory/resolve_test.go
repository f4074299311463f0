package directory

import (
	"fmt"
	"strings"
	"testing"

	"citron/auth"
)

// reach is "name+detail …" of an address, or the error's kind.
func (f *fixture) reach(address string) string {
	at := strings.LastIndexByte(address, '@')
	local, domain := address, ""
	if at >= 0 {
		local, domain = address[:at], address[at+1:]
	}
	to, err := f.Resolve(f.t.Context(), local, domain)
	if e, ok := err.(*auth.Error); ok {
		return "! " + e.Kind.Error()
	}
	var out []string
	for _, d := range to {
		out = append(out, fmt.Sprintf("%d:%s", d.Account, d.Detail))
	}
	return strings.Join(out, " ")
}

func TestResolve(t *testing.T) {
	f := open(t)
	ctx := t.Context()
	f.add("alice@example.org", "x")
	f.add("bob@example.org", "x")
	f.add("carol+plus@example.org", "x")
	f.ok(f.AddAlias(ctx, "sales@example.org", "alice@example.org"))
	f.ok(f.AddAlias(ctx, "sales@example.org", "bob"))
	f.ok(f.AddAlias(ctx, "postmaster", "bob"))
	f.ok(f.AddDomain(ctx, "catch.example"))
	f.ok(f.SetCatchAll(ctx, "catch.example", "alice"))
	f.ok(f.AddDomain(ctx, "bücher.example"))
	f.ok(f.AddAlias(ctx, "büro@bücher.example", "bob"))

	noUser, noDomain := "! "+auth.NoSuchUser.Error(), "! "+auth.NoSuchDomain.Error()
	for range 2 { // the second time from memory
		for address, want := range map[string]string{
			"alice@example.org":                       "1:",
			"ALICE@Example.org":                       "1:",
			"alice+list@example.org":                  "1:list",
			"alice+a+b@example.org":                   "1:a+b",
			"alice+@example.org":                      "1:",
			"+alice@example.org":                      noUser,
			"carol+plus@example.org":                  "3:",
			"carol+plus+x@example.org":                noUser,
			"sales@example.org":                       "1: 2:",
			"Sales+q4@example.org":                    "1:q4 2:q4",
			"postmaster":                              "2:",
			"nobody@example.org":                      noUser,
			"a b@example.org":                         noUser,
			"alice@example.com":                       noDomain,
			"alice@[127.0.0.1]":                       noDomain,
			"anything@catch.example":                  "1:",
			"BÜRO@xn--bcher-kva.example":              "2:",
			"büro@BÜCHER.example":                     "2:",
			strings.Repeat("x", 300) + "@example.org": noUser,
		} {
			if got := f.reach(address); got != want {
				t.Errorf("%s: %s, want %s", address, got, want)
			}
		}
	}
}

func TestAliases(t *testing.T) {
	f := open(t)
	ctx := t.Context()
	f.add("alice", "x")
	f.add("bob", "x")
	f.is(f.AddAlias(ctx, "info@elsewhere.example", "alice"), auth.NoSuchDomain)
	f.is(f.AddAlias(ctx, "info", "nobody"), auth.NoSuchUser)
	f.is(f.AddAlias(ctx, "bob", "alice"), auth.Exists)
	f.ok(f.AddAlias(ctx, "info", "alice"))
	f.is(f.AddAlias(ctx, "info", "alice"), auth.Exists)
	f.ok(f.AddAlias(ctx, "info", "bob"))
	_, err := f.AddAccounts(ctx, NewAccount{Name: "info"})
	f.is(err, auth.Exists)
	_, err = f.EnsureAccounts(ctx, NewAccount{Name: "info"})
	f.is(err, auth.Exists)

	var list []string
	f.ok(f.Aliases(ctx, "", func(a Alias) error {
		list = append(list, a.Name+"="+strings.Join(a.Targets, ","))
		return nil
	}))
	if got := strings.Join(list, " "); got != "info@example.org=alice@example.org,bob@example.org" {
		t.Fatal(got)
	}
	f.ok(f.RemoveAlias(ctx, "info", "alice"))
	f.is(f.RemoveAlias(ctx, "info", "alice"), auth.NoSuchUser)
	f.is(f.RemoveAlias(ctx, "bob", ""), auth.NoSuchUser)
	if got := f.reach("info@example.org"); got != "2:" {
		t.Fatal(got)
	}
	_, err = f.Delete(ctx, "bob")
	f.ok(err)
	if got := f.reach("info@example.org"); got != "! "+auth.NoSuchUser.Error() {
		t.Fatal(got)
	}
	f.ok(f.AddAlias(ctx, "info", "alice"))
	f.ok(f.RemoveAlias(ctx, "info", ""))
	if n := f.count(keyTarget); n != 0 {
		t.Fatalf("%d targets left", n)
	}
}

func TestDomains(t *testing.T) {
	f := open(t)
	ctx := t.Context()
	f.add("alice", "x")
	f.is(f.AddDomain(ctx, "example.ORG"), auth.Exists)
	f.is(f.AddDomain(ctx, "not a domain"), auth.Invalid)
	f.ok(f.AddDomain(ctx, "b.example"))
	f.is(f.SetCatchAll(ctx, "c.example", "alice"), auth.NoSuchDomain)
	f.ok(f.SetCatchAll(ctx, "b.example", "alice"))
	list, err := f.Domains(ctx)
	f.ok(err)
	if got := fmt.Sprint(list); got != "[{b.example alice@example.org} {example.org }]" {
		t.Fatal(got)
	}
	f.is(f.RemoveDomain(ctx, "example.org"), auth.Invalid)
	f.is(f.RemoveDomain(ctx, "c.example"), auth.NoSuchDomain)
	_, err = f.Delete(ctx, "alice")
	f.ok(err)
	list, _ = f.Domains(ctx)
	if list[0].CatchAll != "" {
		t.Fatalf("catch-all survives its account: %v", list)
	}
	f.ok(f.SetCatchAll(ctx, "b.example", ""))
	f.ok(f.RemoveDomain(ctx, "example.org"))
	f.ok(f.RemoveDomain(ctx, "b.example"))
}

func BenchmarkResolve(b *testing.B) {
	f := open(b)
	f.add("alice", "x")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := f.Resolve(b.Context(), "alice", "example.org"); err != nil {
			b.Fatal(err)
		}
	}
}
