package burl

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"citron/auth"
	"citron/store"
	"citron/submission"
)

// someNames are accounts by the names that mean them.
type someNames map[string]string

func (n someNames) ByName(_ context.Context, name string) (auth.Account, error) {
	switch canonical, ok := n[name]; {
	case name == "busy":
		return auth.Account{}, auth.Temporary
	case ok:
		return auth.Account{Name: canonical}, nil
	}
	return auth.Account{}, auth.NoSuchUser
}

func (n someNames) ByNumber(context.Context, ...uint64) ([]auth.Account, error) { return nil, nil }

// sayer is a store that gives its name for every URL.
type sayer string

func (s sayer) Fetch(context.Context, string, string, bool) (submission.Fetched, error) {
	return said{io.NopCloser(strings.NewReader(string(s)))}, nil
}

type said struct{ io.ReadCloser }

func (said) Size() int64 { return 1 }

const end = ":internal:0123456789abcdef0123456789abcdef"

// The host of a URL leads to its store, in whatever case it is written (RFC 3986
// §3.2.2) and with or without the port that is IMAP's (RFC 5092 §3.2); what else
// stands before the path does not matter; and no other is contacted (RFC 4468
// §8).
func TestHosts(t *testing.T) {
	s, err := New(Config{Stores: map[string]submission.Fetcher{
		"Mail.Example.org": sayer("a"), "other.example.net:1143": sayer("b"), "[2001:DB8::1]": sayer("c"), "192.0.2.1:143": sayer("d"),
		"own.example:1144": sayer("e"),
	}, Own: sayer("f"), OwnHosts: []string{"Own.example", "[::1]"}})
	if err != nil {
		t.Fatal(err)
	}
	for host, want := range map[string]string{
		"mail.example.org": "a", "MAIL.example.ORG": "a", "mail.example.org:143": "a", "mail.example.org:0143": "a", "mail.example.org:": "a",
		"m%61il.example.org": "a", "mail.example.org.": "a", "joe@mail.example.org": "a", "joe;AUTH=*@mail.example.org": "a",
		"other.example.net%40evil.example@mail.example.org": "a",
		"other.example.net:1143":                            "b", "[2001:db8::1]": "c", "[2001:db8::1]:143": "c", "192.0.2.1": "d",
		"own.example:1144": "e", "own.example": "f", "OWN.example.": "f", "own.example:1143": "f", "[::1]:1143": "f", "x.own.example": "",
		"mail.example.org:144": "", "mail.example.org:993": "", "other.example.net": "", "example.org": "", "x.mail.example.org": "",
		"mail.example.org@evil.example": "", "evil.example": "", "127.0.0.1": "", "localhost": "", "169.254.169.254": "",
	} {
		if own := s.Owns("imap://" + host + "/INBOX/;UID=1;URLAUTH=anonymous" + end); own != (want == "f") {
			t.Errorf("%s is own: %v", host, own)
		}
		f, err := s.Fetch(context.Background(), "joe", "imap://"+host+"/INBOX/;UID=1;URLAUTH=anonymous"+end, false)
		if want == "" && !errors.Is(err, submission.ErrForeignStore) {
			t.Errorf("%s: %v", host, err)
		}
		if want == "" {
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", host, err)
			continue
		}
		if got, _ := io.ReadAll(f); string(got) != want {
			t.Errorf("%s leads to %s", host, got)
		}
	}
}

func TestBadHosts(t *testing.T) {
	for _, names := range [][]string{{""}, {"a/b"}, {"joe@a"}, {"imap://a"}, {"a:b"}, {"a", "A:143"}, {"a b"}, {";AUTH=*@a"}} {
		stores := map[string]submission.Fetcher{}
		for _, n := range names {
			stores[n] = sayer("a")
		}
		if _, err := New(Config{Stores: stores}); err == nil {
			t.Errorf("%q are taken for hosts", names)
		}
		if _, err := New(Config{OwnHosts: names}); err == nil {
			t.Errorf("%q are taken for hosts of one's own", names)
		}
	}
}

// A URL for submission is fetched only for the user it names (RFC 4468 §3.3), by
// whatever name of his; and without authorization none is (RFC 4468 §3.3, plain
// URLs are not offered).
func TestUsers(t *testing.T) {
	s, err := New(Config{Stores: map[string]submission.Fetcher{"h": sayer("a")}, Names: someNames{"joe": "joe@example.org", "fred": "fred@example.org"}})
	if err != nil {
		t.Fatal(err)
	}
	const m = "imap://joe@h/INBOX/;UID=1"
	for url, want := range map[string]error{
		m + ";URLAUTH=submit+joe" + end: nil, m + ";URLAUTH=submit+joe%40example.org" + end: nil, m + ";urlauth=SUBMIT+joe" + end: nil,
		m + ";URLAUTH=anonymous" + end: nil, m + ";URLAUTH=authuser" + end: nil,
		m + ";URLAUTH=user+joe" + end: submission.ErrNoURL, m + ";URLAUTH=stream" + end: submission.ErrNoURL,
		m + ";URLAUTH=submit+fred" + end: submission.ErrNoURL, m + ";URLAUTH=submit+nobody" + end: submission.ErrNoURL,
		m + ";URLAUTH=submit" + end: submission.ErrNoURL, m + ";URLAUTH=submit+busy" + end: submission.ErrTemporary,
		m: submission.ErrNoURL, m + ";URLAUTH=submit+joe": submission.ErrNoURL, "imap://h/": submission.ErrNoURL,
		"": submission.ErrNoURL, "//h/INBOX/;UID=1;URLAUTH=anonymous" + end: submission.ErrNoURL, "/INBOX/;UID=1;URLAUTH=anonymous" + end: submission.ErrNoURL,
		"http://h/": submission.ErrNoURL, m + ";URLAUTH=anonymous" + end + "\r\na LOGOUT": submission.ErrNoURL,
		"imap://h/" + strings.Repeat("x", 9000) + "/;UID=1;URLAUTH=anonymous" + end: submission.ErrNoURL,
	} {
		if _, err := s.Fetch(context.Background(), "joe@example.org", url, false); !errors.Is(err, want) {
			t.Errorf("%.100s: %v", url, err)
		}
	}
}

// urls is a store.URLs whose content may break off.
type urls struct {
	content io.Reader
	size    int64
	err     error
}

func (u urls) FetchURL(context.Context, string, string, string, bool) (store.URLContent, error) {
	return broken{u.content, u.size}, u.err
}

type broken struct {
	io.Reader
	size int64
}

func (b broken) Size() int64                           { return b.size }
func (b broken) ReadAt(p []byte, _ int64) (int, error) { return b.Read(p) }
func (b broken) Close() error                          { return nil }

// What breaks in the middle is temporary, and never taken for the end.
func TestLocalBreaksOff(t *testing.T) {
	for what, content := range map[string]io.Reader{
		"an error": io.MultiReader(strings.NewReader("abc"), iotest.ErrReader(store.ErrTemporary)), "an early end": strings.NewReader("abc"),
		"a withdrawn right": io.MultiReader(strings.NewReader("abc"), iotest.ErrReader(store.ErrNoURL)),
	} {
		f, err := Local{urls{content: content, size: 5}}.Fetch(context.Background(), "joe", "", false)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(f); string(got) != "abc" || !errors.Is(err, submission.ErrTemporary) {
			t.Errorf("after %s: %q, %v", what, got, err)
		}
	}
	if _, err := (Local{urls{err: store.ErrTemporary}}).Fetch(context.Background(), "joe", "", false); !errors.Is(err, submission.ErrTemporary) {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	f, err := Local{urls{content: strings.NewReader("abc"), size: 3}}.Fetch(ctx, "joe", "", false)
	cancel()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(f); !errors.Is(err, context.Canceled) || !errors.Is(err, submission.ErrTemporary) {
		t.Errorf("after ctx was done: %v", err)
	}
}
