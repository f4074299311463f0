package imapserver

import (
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"testing"
	"time"

	"citron/mail/acl"
	"citron/store"
	"citron/store/account"
)

// authorized has a session authorize a URL.
func (p *peer) authorized(t testing.TB, rump string) string {
	t.Helper()
	out := p.say(t, `g GENURLAUTH "`+rump+`" INTERNAL`)
	m := regexp.MustCompile(`^\* GENURLAUTH "(.*)"\r\ng OK`).FindStringSubmatch(out)
	if m == nil {
		t.Fatalf("GENURLAUTH %s: %s", rump, out)
	}
	return m[1]
}

// fetches says whether URLFETCH gives a session what a URL points to.
func (p *peer) fetches(t testing.TB, url string) bool {
	t.Helper()
	out := p.say(t, "f URLFETCH {"+fmt.Sprint(len(url))+"+}\r\n"+url)
	switch {
	case !strings.HasSuffix(out, "f OK URLFETCH completed\r\n"):
		t.Fatalf("URLFETCH %q: %q", url, out)
	case strings.HasSuffix(out, " NIL\r\nf OK URLFETCH completed\r\n"):
		return false
	}
	return true
}

const anyone1 = "imap://alice@h/INBOX/;UID=1;URLAUTH=anonymous"

// Any other octet anywhere in a URL makes it worthless; only the mechanism may
// be written in capitals (RFC 4467 §6, §9).
func TestTamperedURL(t *testing.T) {
	f := newFixture(t)
	f.deliver("INBOX", nil)
	alice, bob := f.login(), f.loginAs("bob")
	url := alice.authorized(t, "imap://alice@h:143/INBOX/;UID=1/;SECTION=TEXT/;PARTIAL=0.3;EXPIRE=2027-11-23T12:00:00Z;URLAUTH=user+bob")
	if !bob.fetches(t, url) {
		t.Fatal("it is no good as it is")
	}
	mechanism := strings.Index(url, ":internal:")
	for i := range len(url) {
		for bit := range 8 {
			other := []byte(url)
			if other[i] ^= 1 << bit; other[i] == 0 {
				continue // no octet of a literal
			}
			same := i > mechanism && i < mechanism+len(":internal") && bit == 5
			if bob.fetches(t, string(other)) != same {
				t.Errorf("octet %d as %q: %s", i, other[i], other)
			}
		}
		if bob.fetches(t, url[:i]) || bob.fetches(t, url[:i]+url[i+1:]) || bob.fetches(t, url[:i]+"0"+url[i:]) {
			t.Errorf("cut or stretched at octet %d: %s", i, url)
		}
	}
	for _, more := range []string{"0", "00", ":", ";", "/", " ", "\r\n"} {
		if bob.fetches(t, url+more) {
			t.Errorf("with %q after it", more)
		}
	}
}

// CVE-2026-47085: without a key there is no URL, and none is valid: not one made
// with an empty key, nor with a part of one.
func TestCVE202647085(t *testing.T) {
	f := newFixture(t)
	f.deliver("INBOX", nil)
	alice := f.login()
	forged := anyone1 + ":internal:" + "01" + "000000006b042ac0" + strings.Repeat("0", 64)
	if alice.fetches(t, forged) {
		t.Error("a token of zeros where there are no keys")
	}
	url := alice.authorized(t, anyone1)
	a, ctx := f.alice(), context.Background()
	for _, c := range []struct {
		what  string
		reset func() error
	}{
		{"the table's key", func() error { return a.DropURLTable(ctx, account.Actor{Account: 1}) }},
		{"the mailbox's key", func() error { return a.ResetURLKey(ctx, account.Actor{Account: 1}, account.Inbox, 1) }},
	} {
		if !alice.fetches(t, url) {
			t.Fatal("no good to begin with")
		}
		f.check(c.reset())
		if alice.fetches(t, url) {
			t.Errorf("valid without %s", c.what)
		}
		if url = alice.authorized(t, anyone1); !alice.fetches(t, url) {
			t.Errorf("no new key in place of %s", c.what)
		}
	}
}

const bobs = "imap://bob@h/Other%20Users/alice%40example.org/work/;UID=1;URLAUTH=anonymous"

// CVE-2026-47086: GENURLAUTH is for who may read the mailbox; who may only know
// of it, or not even that, is told the same as of one that is not there.
func TestCVE202647086(t *testing.T) {
	f := newFixture(t)
	alice, bob := f.login(), f.loginAs("bob")
	alice.ok(t, "a CREATE work", "a APPEND work {14+}\r\nSubject: a\r\n\r\n")
	absent := bob.say(t, `a GENURLAUTH "`+strings.Replace(bobs, "work", "wark", 1)+`" INTERNAL`)
	for _, rights := range []string{"", "l", "lsiwx", "lr"} {
		alice.ok(t, `a SETACL work bob@example.org "`+rights+`"`)
		out := bob.say(t, `a GENURLAUTH "`+bobs+`" INTERNAL`)
		if may := strings.Contains(rights, "r"); may != strings.HasPrefix(out, "* GENURLAUTH") || !may && out != absent {
			t.Errorf("with the rights %q: %s", rights, out)
		}
	}
}

// CVE-2026-47087: a URL gives what its maker may read when it is fetched, not
// when it was made.
func TestCVE202647087(t *testing.T) {
	f := newFixture(t)
	alice, bob, carol := f.login(), f.loginAs("bob"), f.loginAs("carol")
	alice.ok(t, "a CREATE work", "a APPEND work {14+}\r\nSubject: a\r\n\r\n", `a SETACL work bob@example.org lr`)
	url, own := bob.authorized(t, bobs), alice.authorized(t, "imap://alice@h/work/;UID=1;URLAUTH=anonymous")
	for _, c := range []struct {
		change string
		want   bool
	}{{"NOOP", true}, {"SETACL work bob@example.org -r", false}, {"SETACL work bob@example.org +r", true},
		{"DELETEACL work bob@example.org", false}} {
		alice.ok(t, "a "+c.change)
		if got := carol.fetches(t, url); got != c.want {
			t.Errorf("after %s: %v", c.change, got)
		}
	}
	// What the maker's account is worth, all its URLs are.
	if !carol.fetches(t, own) {
		t.Error("alice's own")
	}
	_, err := f.users.Disable(context.Background(), "alice@example.org")
	f.check(err)
	if carol.fetches(t, own) {
		t.Error("of a disabled account")
	}
}

// Two users have different keys for the same mailbox, and resetting one leaves
// the other (RFC 4467 §2.2).
func TestURLKeysArePerUser(t *testing.T) {
	f := newFixture(t)
	alice, bob := f.login(), f.loginAs("bob")
	alice.ok(t, "a CREATE work", "a APPEND work {14+}\r\nSubject: a\r\n\r\n", `a SETACL work bob@example.org lr`)
	of := map[*peer]string{
		alice: alice.authorized(t, "imap://alice@h/work/;UID=1;URLAUTH=anonymous"),
		bob:   bob.authorized(t, bobs),
	}
	bob.ok(t, `a RESETKEY "Other Users/alice@example.org/work"`)
	if !bob.fetches(t, of[alice]) || bob.fetches(t, of[bob]) {
		t.Error("bob's key alone was to go")
	}
	of[bob] = bob.authorized(t, bobs)
	alice.ok(t, "a RESETKEY")
	if bob.fetches(t, of[alice]) || !bob.fetches(t, of[bob]) {
		t.Error("alice's keys alone were to go")
	}
	bob.ok(t, "a RESETKEY")
	if bob.fetches(t, of[bob]) {
		t.Error("RESETKEY leaves keys in the accounts of others")
	}
}

// Whatever is wrong, the same steps are gone and the same is said: the engine is
// asked as often for a wrong token as for a mailbox or a user that there is not
// (RFC 4467 §6).
func TestURLFetchTellsNothing(t *testing.T) {
	f := newFixture(t)
	f.deliver("INBOX", nil)
	alice, bob := f.login(), f.loginAs("bob")
	tellsNothing(t, f, bob, alice.authorized(t, anyone1))
	tellsNothing(t, f, f.submission(), alice.authorized(t, strings.Replace(anyone1, "anonymous", "submit+alice", 1)))
}

func tellsNothing(t *testing.T, f *fixture, by *peer, url string) {
	wrong := url[:len(url)-1] + string('0'+(url[len(url)-1]+1)%2)
	steps := func(url string) uint64 {
		by.fetches(t, url) // so that caches are warm
		before := f.mem.Stats().Reads
		if by.fetches(t, url) {
			t.Errorf("%s is valid", url)
		}
		return f.mem.Stats().Reads - before
	}
	want := steps(wrong)
	for _, other := range []string{
		strings.Replace(wrong, "INBOX", "nowhere", 1), strings.Replace(wrong, "alice@", "nobody@", 1),
		strings.Replace(wrong, "alice@", "carol@", 1), strings.Replace(wrong, "UID=1", "UID=77", 1),
		strings.Replace(wrong, "INBOX", "Other%20Users/bob%40example.org/INBOX", 1),
	} {
		if got := steps(other); got > want+1 || got+1 < want {
			t.Errorf("%s: %d round trips, a wrong token takes %d", other, got, want)
		}
	}
}

// The log has a line for each URL, with who fetched it and why not, and no
// token.
func TestURLFetchIsLogged(t *testing.T) {
	f := newFixture(t)
	f.deliver("INBOX", nil)
	alice, bob := f.login(), f.loginAs("bob")
	url := alice.authorized(t, anyone1)
	token := url[strings.LastIndexByte(url, ':')+1:]
	f.log.Reset()
	bob.fetches(t, url)
	bob.fetches(t, strings.Replace(url, "UID=1", "UID=2", 1))
	bob.fetches(t, url+" ")
	log := f.log.String()
	if n := strings.Count(log, "msg=\"URL "); n != 3 || !strings.Contains(log, anyone1) || !strings.Contains(log, "by=bob@example.org") ||
		!strings.Contains(log, `why="wrong token"`) || strings.Contains(log, token[20:40]) {
		t.Error(log)
	}
}

// The site's longest life ends URLs that have no EXPIRE, or a later one.
func TestURLMaxAge(t *testing.T) {
	f := newFixture(t, func(c *Config) { c.URLMaxAge = 20 * time.Minute })
	f.deliver("INBOX", nil)
	p := f.login()
	for _, rump := range []string{anyone1, strings.Replace(anyone1, ";URLAUTH", ";EXPIRE=2030-01-01T00:00:00Z;URLAUTH", 1)} {
		url := p.authorized(t, rump)
		*f.clock = f.clock.Add(20 * time.Minute)
		if !p.fetches(t, url) {
			t.Error("ended too early:", rump)
		}
		*f.clock = f.clock.Add(time.Second)
		if p.fetches(t, url) {
			t.Error("lives on:", rump)
		}
	}
}

// URLs and keys survive a restart.
func TestURLsSurviveRestart(t *testing.T) {
	f := newFixture(t)
	f.deliver("INBOX", nil)
	url := f.login().authorized(t, anyone1)
	f.store.Close()
	f.openStore()
	f.server = New(f.server.cfg, f.open, f.users)
	if !f.login().fetches(t, url) {
		t.Error("the URL is no good after a restart")
	}
}

// Thousands of URLs in one command are too many; as many as fit a command, all
// wrong, are answered.
func TestManyURLs(t *testing.T) {
	f := newFixture(t)
	p := f.login()
	if out := p.say(t, "a URLFETCH"+strings.Repeat(" x", 1000)); strings.Count(out, "NIL") != 1000 || !strings.HasSuffix(out, "a OK URLFETCH completed\r\n") {
		t.Errorf("%.100s", out)
	}
	if out := p.say(t, "a URLFETCH"+strings.Repeat(" x", 1001)); !strings.HasPrefix(out, "a BAD [TOOBIG]") {
		t.Errorf("%.100s", out)
	}
	if out := p.say(t, "a URLFETCH"+strings.Repeat(" "+anyone1+":internal:"+strings.Repeat("0", 82), 3000)); !strings.HasPrefix(out, "a BAD [TOOBIG]") {
		t.Errorf("%.100s", out)
	}
}

// Submission, in the same process, fetches on behalf of a user: what is meant
// for submission and that user, and what is meant for everybody.
func TestFetchURLForSubmission(t *testing.T) {
	f := newFixture(t)
	f.deliver("INBOX", []byte("Subject: a\r\n\r\nbody"))
	p, ctx := f.login(), context.Background()
	urls := f.server.URLs()
	for access, want := range map[string]bool{
		"submit+alice": true, "submit+bob": false, "submit+nobody": false, "user+alice": false, "authuser": true, "anonymous": true, "stream": false,
	} {
		url := p.authorized(t, "imap://alice@h/INBOX/;UID=1/;SECTION=TEXT;URLAUTH="+access)
		c, err := urls.FetchURL(ctx, "submit", "alice@example.org", url, false)
		if (err == nil) != want || err != nil && !errors.Is(err, store.ErrNoURL) {
			t.Errorf("%s: %v", access, err)
		}
		if err != nil {
			continue
		}
		body, err := io.ReadAll(io.NewSectionReader(c, 0, c.Size()))
		if err != nil || string(body) != "body" {
			t.Errorf("%s: %q %v", access, body, err)
		}
		f.check(c.Close())
	}
	if _, err := urls.FetchURL(ctx, "submit", "nobody", p.authorized(t, anyone1), false); !errors.Is(err, store.ErrNoURL) {
		t.Error("for a user that there is not:", err)
	}
}

// Only a whole message comes as it is stored, and only for who wants that: a
// section is what FETCH BODY of it is (RFC 3516 §6), so that it goes with its
// own MIME header, or with one made of the BODYSTRUCTURE.
func TestFetchURLBinary(t *testing.T) {
	f := newFixture(t)
	const head, field, body = "Content-Type: image/gif\r\n", "Content-Transfer-Encoding: binary\r\n\r\n", "a\x00b"
	const inBase64 = "Content-Transfer-Encoding: base64\r\n\r\nYQBi"
	f.deliver("INBOX", []byte(head+field+body))
	p, ctx := f.login(), context.Background()
	for _, c := range []struct{ section, binary, text string }{
		{"", head + field + body, head + inBase64}, {"/;SECTION=HEADER", head + inBase64[:37], head + inBase64[:37]},
		{"/;SECTION=TEXT", "YQBi", "YQBi"}, {"/;SECTION=1", "YQBi", "YQBi"}, {"/;PARTIAL=0.90", head + inBase64, head + inBase64},
	} {
		url := p.authorized(t, "imap://alice@h/INBOX/;UID=1"+c.section+";URLAUTH=submit+alice")
		for binary, want := range map[bool]string{true: c.binary, false: c.text} {
			content, err := f.server.URLs().FetchURL(ctx, "submit", "alice", url, binary)
			f.check(err)
			if got, err := io.ReadAll(io.NewSectionReader(content, 0, content.Size())); string(got) != want || err != nil {
				t.Errorf("%q, binary %v: %q, %v", c.section, binary, got, err)
			}
			f.check(content.Close())
		}
	}
}

// What is being read ends when its maker may no longer read it.
func TestFetchURLWithdrawn(t *testing.T) {
	f := newFixture(t)
	alice, bob := f.login(), f.loginAs("bob")
	alice.ok(t, "a CREATE work", "a APPEND work {14+}\r\nSubject: a\r\n\r\n", `a SETACL work bob@example.org lr`)
	content, err := f.server.URLs().FetchURL(context.Background(), "submit", "carol", bob.authorized(t, bobs), false)
	f.check(err)
	defer content.Close()
	one := make([]byte, 1)
	if _, err := content.ReadAt(one, 0); err != nil {
		t.Fatal(err)
	}
	alice.ok(t, `a SETACL work bob@example.org -r`)
	if _, err := content.ReadAt(one, 1); !errors.Is(err, store.ErrNoURL) {
		t.Error(err)
	}
}

// With everything shared, a mailbox that vanishes between two URLs is a NIL.
func TestURLOfSharedMailboxDeleted(t *testing.T) {
	f := newFixture(t)
	alice, bob := f.login(), f.loginAs("bob")
	alice.ok(t, "a CREATE work", "a APPEND work {14+}\r\nSubject: a\r\n\r\n")
	f.share("alice@example.org", "work", "bob@example.org", acl.Lookup|acl.Read)
	url := bob.authorized(t, bobs)
	if !bob.fetches(t, url) {
		t.Error("no good to begin with")
	}
	alice.ok(t, "a DELETE work")
	if bob.fetches(t, url) {
		t.Error("of a deleted mailbox")
	}
}
