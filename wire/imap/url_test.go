package imap_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"citron/wire/imap"
)

func at(host string) imap.URLServer { return imap.URLServer{Host: host} }

func userAt(user, host string) imap.URLServer { return imap.URLServer{User: user, Host: host} }

func part(nums ...uint32) *imap.Section { return &imap.Section{Part: nums} }

const token = "91354a473744909de610943775f92038"

var urlTests = []struct {
	text string
	want *imap.URL
}{
	// RFC 5092 §9
	{"imap://minbari.example.org/gray-council;UIDVALIDITY=385759045/;UID=20/;PARTIAL=0.1024", &imap.URL{Absolute: true,
		Server: at("minbari.example.org"), Mailbox: "gray-council", UIDValidity: 385759045, UID: 20, Partial: &imap.Partial{Length: 1024}}},
	{"imap://psicorp.example.org/~peter/%E6%97%A5%E6%9C%AC%E8%AA%9E/%E5%8F%B0%E5%8C%97", &imap.URL{Absolute: true,
		Server: at("psicorp.example.org"), Mailbox: "~peter/日本語/台北"}},
	{"imap://;AUTH=GSSAPI@minbari.example.org/gray-council/;uid=20/;section=1.2", &imap.URL{Absolute: true,
		Server: imap.URLServer{Mechanism: "GSSAPI", Host: "minbari.example.org"}, Mailbox: "gray-council", UID: 20, Section: part(1, 2)}},
	{"imap://;AUTH=*@minbari.example.org/gray%20council?SUBJECT%20shadows", &imap.URL{Absolute: true,
		Server: imap.URLServer{Mechanism: "*", Host: "minbari.example.org"}, Mailbox: "gray council", Search: "SUBJECT shadows"}},
	{"imap://michael@example.org/INBOX", &imap.URL{Absolute: true, Server: userAt("michael", "example.org"), Mailbox: "INBOX"}},
	{"/foo/;UID=20/..", &imap.URL{Mailbox: "foo"}},
	{"/..;UIDVALIDITY=385759045/;UID=20", &imap.URL{Mailbox: "..", UIDValidity: 385759045, UID: 20}},
	// RFC 4467 §7, RFC 5092 §6.1.2
	{"imap://joe@example.com/INBOX/;uid=20/;section=1.2", &imap.URL{Absolute: true,
		Server: userAt("joe", "example.com"), Mailbox: "INBOX", UID: 20, Section: part(1, 2)}},
	{"imap://joe@example.com/INBOX/;uid=20/;section=1.2;urlauth=submit+fred", &imap.URL{Absolute: true,
		Server: userAt("joe", "example.com"), Mailbox: "INBOX", UID: 20, Section: part(1, 2),
		Auth: &imap.URLAuth{Access: imap.URLAccess{Application: "submit", User: "fred"}}}},
	{"imap://joe@example.com/INBOX/;uid=20/;section=1.2;urlauth=submit+fred:internal:" + token, &imap.URL{Absolute: true,
		Server: userAt("joe", "example.com"), Mailbox: "INBOX", UID: 20, Section: part(1, 2),
		Auth: &imap.URLAuth{Access: imap.URLAccess{Application: "submit", User: "fred"}, Mechanism: "INTERNAL", Token: token}}},
	// RFC 4469 appendix A
	{"/Drafts;UIDVALIDITY=385759045/;UID=20/;section=HEADER", &imap.URL{Mailbox: "Drafts", UIDValidity: 385759045, UID: 20,
		Section: &imap.Section{Text: imap.SectionHeader}}},
	{"/Drafts;UIDVALIDITY=385759045/;UID=20/;section=1.MIME", &imap.URL{Mailbox: "Drafts", UIDValidity: 385759045, UID: 20,
		Section: &imap.Section{Part: []uint32{1}, Text: imap.SectionMIME}}},
	{"/Drafts/;UID=3002", &imap.URL{Mailbox: "Drafts", UID: 3002}},
	// RFC 5550 §8.4: its "/;urlauth" is in no grammar.
	{"imap://bob.ar@example.org/Sent;UIDVALIDITY=387899045/;uid=45;expire=2005-10-28T23:59:59Z;urlauth=submit+bob.ar:internal:" + token,
		&imap.URL{Absolute: true, Server: userAt("bob.ar", "example.org"), Mailbox: "Sent", UIDValidity: 387899045, UID: 45,
			Auth: &imap.URLAuth{Expire: time.Date(2005, 10, 28, 23, 59, 59, 0, time.UTC),
				Access: imap.URLAccess{Application: "submit", User: "bob.ar"}, Mechanism: "INTERNAL", Token: token}}},
	{"imap://bob.ar@example.org/Sent;UIDVALIDITY=387899045/;uid=45/;urlauth=submit+bob.ar:internal:" + token,
		&imap.URL{Absolute: true, Server: userAt("bob.ar", "example.org"), Mailbox: "Sent", UIDValidity: 387899045, UID: 45,
			Auth: &imap.URLAuth{Access: imap.URLAccess{Application: "submit", User: "bob.ar"}, Mechanism: "INTERNAL", Token: token}}},
	// RFC 5593 §3.3
	{"imap://a@h/b/;UID=1;URLAUTH=stream", &imap.URL{Absolute: true, Server: userAt("a", "h"), Mailbox: "b", UID: 1,
		Auth: &imap.URLAuth{Access: imap.URLAccess{Application: "stream"}}}},
	{"imap://a@h/b/;UID=1;URLAUTH=exampleapp3+testuser", &imap.URL{Absolute: true, Server: userAt("a", "h"), Mailbox: "b", UID: 1,
		Auth: &imap.URLAuth{Access: imap.URLAccess{Application: "exampleapp3", User: "testuser"}}}},
	// The rest of the grammar.
	{"imap://h", &imap.URL{Absolute: true, Server: at("h")}},
	{"IMAP://[2001:db8::7]:1143/", &imap.URL{Absolute: true, Server: imap.URLServer{Host: "[2001:db8::7]", Port: "1143"}}},
	{"//h/x/", &imap.URL{Server: at("h"), Mailbox: "x"}},
	{"/", &imap.URL{}},
	{"imap://alice%40example.org;AUTH=PLAIN@h/inbox", &imap.URL{Absolute: true,
		Server: imap.URLServer{User: "alice@example.org", Mechanism: "PLAIN", Host: "h"}, Mailbox: "INBOX"}},
	{"/a/./b/../c%2f/;uid=7/;partial=3", &imap.URL{Mailbox: "a/c/", UID: 7, Partial: &imap.Partial{Offset: 3}}},
	{"/%2Fa%3B%3F/%2E%2E/b", &imap.URL{Mailbox: "/a;?/../b"}},
	{"/a/;UID=7/;SECTION=2.HEADER.FIELDS%20(Subject%20From)/;PARTIAL=5.9", &imap.URL{Mailbox: "a", UID: 7,
		Section: &imap.Section{Part: []uint32{2}, Text: imap.SectionHeaderFields, Fields: []string{"Subject", "From"}},
		Partial: &imap.Partial{Offset: 5, Length: 9}}},
	{"imap://a@h/b/;UID=1;EXPIRE=2026-12-31t23:59:60.5-01:30;URLAUTH=authuser", &imap.URL{Absolute: true, Server: userAt("a", "h"), Mailbox: "b", UID: 1,
		Auth: &imap.URLAuth{Expire: time.Date(2027, 1, 1, 1, 30, 0, 5e8, time.UTC), Access: imap.URLAccess{Application: "authuser"}}}},
}

func TestParseURL(t *testing.T) {
	for _, tt := range urlTests {
		got, err := imap.ParseURL(tt.text)
		if err != nil {
			t.Errorf("%s: %v", tt.text, err)
			continue
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s: %s", tt.text, diff)
		}
		again, err := imap.ParseURL(string(got.Append(nil)))
		if diff := cmp.Diff(got, again); err != nil || diff != "" {
			t.Errorf("%s encoded as %s: %v %s", tt.text, got.Append(nil), err, diff)
		}
	}
}

var badURLs = []string{
	"", "x", "http://h/INBOX", "imap:/x", "imap:///INBOX", "imap://", "imap://@h/x", "imap://a@b@h/x", "imap://h:x/", "imap://h/a b",
	// RFC 5092 §7.2: references relative to a path.
	";UID=20", ";section=1.4", "foo/;UID=20", "..;UIDVALIDITY=385759045/;UID=20",
	"imap://;AUTH=%2A@h/", "imap://;AUTH=@h/", "imap://a%00@h/", "imap://a%ff@h/", "imap://[::g]/", "imap://[]/",
	"/x;UIDVALIDITY=0", "/x;UIDVALIDITY=4294967296/;UID=1", "/x/;UID=0", "/x/;UID=-1", "/x/;UID=", "/x;UID=1", "/x/;UID=1x",
	"/x/;UID=1/;SECTION=", "/x/;UID=1/;SECTION=0", "/x/;UID=1/;SECTION=1.", "/x/;UID=1/;SECTION=1]", "/x/;UID=1/;SECTION=MIME",
	"/x/;UID=1/;SECTION=HEADER.FIELDS%20(%7B1%7D%0D%0Aa)", "/x/;UID=1/;PARTIAL=", "/x/;UID=1/;PARTIAL=1.", "/x/;UID=1/;PARTIAL=1.0",
	"/x/;UID=1/;PARTIAL=9223372036854775808", "/x/;PARTIAL=1", "/x?", "/x?a#b", "/x%0a", "/%zz", "/x/;UID=1?a",
	"/x/;UID=1;EXPIRE=2026-11-23T12:00:00Z", "/x/;UID=1;EXPIRE=tomorrow;URLAUTH=authuser", "/x/;UID=1;EXPIRE=0000-01-01T00:00:00Z;URLAUTH=authuser",
	"/x/;UID=1;URLAUTH=", "/x/;UID=1;URLAUTH=submit+", "/x/;UID=1;URLAUTH=a.b", "/x/;UID=1;URLAUTH=authuser:internal",
	"/x/;UID=1;URLAUTH=authuser:internal:" + token[1:], "/x/;UID=1;URLAUTH=authuser:internal:" + token + "g",
	"/x/;UID=1;URLAUTH=authuser::" + token, "/x;URLAUTH=authuser:internal:" + token,
	"/x/;UID=1;URLAUTH=authuser:internal:" + token + ";EXPIRE=2026-11-23T12:00:00Z",
	"/" + strings.Repeat("x", imap.MaxURL),
}

func TestParseURLRefuses(t *testing.T) {
	for _, text := range badURLs {
		if got, err := imap.ParseURL(text); err == nil {
			t.Errorf("%q: %+v", text, got)
		}
	}
}

// The rump is cut out, never written anew (RFC 4467 §6).
func TestRumpURL(t *testing.T) {
	const rump = "imap://Joe@EXAMPLE.com/%49NBOX/;uid=20;urlauth=user+a%3Ab"
	if got := imap.RumpURL(rump + ":internal:" + token); got != rump {
		t.Error(got)
	}
}

func FuzzURL(f *testing.F) {
	for _, tt := range urlTests {
		f.Add(tt.text)
	}
	for _, text := range badURLs {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		u, err := imap.ParseURL(text)
		if err != nil {
			return
		}
		encoded := u.Append(nil)
		again, err := imap.ParseURL(string(encoded))
		if len(encoded) > imap.MaxURL {
			return // percent-encoding made it longer
		}
		if diff := cmp.Diff(u, again); err != nil || diff != "" {
			t.Errorf("%q encoded as %q: %v %s", text, encoded, err, diff)
		}
		if u.Auth != nil && u.Auth.Token != "" && !strings.HasPrefix(text, imap.RumpURL(text)+":") {
			t.Errorf("%q has the rump %q", text, imap.RumpURL(text))
		}
	})
}
