// Package burltest is what every way to fetch what BURL names (RFC 4468) must
// do: the conformance suite of submission.Fetcher, played against a real store.
package burltest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"citron/submission"
)

// Rig is a store with the accounts alice@example.org and bob@example.org, and a
// Fetcher that may fetch from it. The store's host is Host, and no other is
// named to the Fetcher.
type Rig struct {
	Fetcher submission.Fetcher
	// Append files a message for a user, as it is, into a new mailbox, where
	// it has the UID 1.
	Append func(user, mailbox string, message []byte)
	// Authorize has a user's session authorize a URL (GENURLAUTH).
	Authorize func(user, rump string) (url string)
	// Do has a user's session do things that must succeed.
	Do func(user string, commands ...string)
	// Pass lets time pass for the store.
	Pass func(time.Duration)
	// Restart ends the store and starts it again.
	Restart func()
}

// Host is the name of a Rig's store.
const Host = "store.example.org"

const (
	alice = "alice@example.org"
	bob   = "bob@example.org"
)

// Run plays the suite; open makes a new store.
func Run(t *testing.T, open func(*testing.T) *Rig) {
	for name, test := range map[string]func(*testing.T, *Rig){
		"content": content, "binary": binary, "large": large, "access": access, "users": users, "revoked": revoked, "expired": expired,
		"wrong": wrong, "hosts": hosts, "restart": restart, "many": many, "unread": unread, "cancelled": cancelled, "empty": empty,
		"internationalized": internationalized,
	} {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
}

// message1 gives the URL of the message 1 of a mailbox of alice's, with what
// follows UID.
func (r *Rig) message1(mailbox, rest string) string {
	return r.Authorize(alice, "imap://alice@"+Host+"/"+mailbox+"/;UID=1"+rest+";URLAUTH=submit+alice%40example.org")
}

// get fetches for alice and reads to the end.
func (r *Rig) get(t *testing.T, url string, binary bool) ([]byte, error) {
	t.Helper()
	f, err := r.Fetcher.Fetch(context.Background(), alice, url, binary)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(f)
	if err == nil && int64(len(b)) != f.Size() {
		t.Errorf("%d octets of %d", len(b), f.Size())
	}
	return b, err
}

// gives fails if a URL does not give what it should.
func (r *Rig) gives(t *testing.T, url string, binary bool, want string) {
	t.Helper()
	if got, err := r.get(t, url, binary); err != nil || string(got) != want {
		t.Errorf("%.200s: %.200q, %v", url, got, err)
	}
}

// refuses fails if a URL gives anything, or an error of another kind.
func (r *Rig) refuses(t *testing.T, user, url string, kind error) {
	t.Helper()
	f, err := r.Fetcher.Fetch(context.Background(), user, url, false)
	if err == nil {
		f.Close()
	}
	if !errors.Is(err, kind) {
		t.Errorf("%.200s: %v", url, err)
	}
	for _, other := range []error{submission.ErrNoURL, submission.ErrForeignStore, submission.ErrTemporary} {
		if other != kind && errors.Is(err, other) {
			t.Errorf("%.200s: two kinds of error: %v", url, err)
		}
	}
}

const mixed = "Subject: trip\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n" +
	"--b\r\nContent-Type: text/plain\r\n\r\nHello.\r\n\r\n" +
	"--b\r\nContent-Type: text/plain; name=trip.txt\r\nContent-Transfer-Encoding: base64\r\n\r\nSGVsbG8uDQo=\r\n--b--\r\n"

// content: sections and parts of them are as FETCH BODY gives them, encoded as
// they are, whether binary is wanted or not: what has them is put together by
// the client (RFC 5550 §8.4.2).
func content(t *testing.T, r *Rig) {
	r.Append(alice, "box", []byte(mixed))
	for rest, want := range map[string]string{
		"": mixed, "/;SECTION=HEADER": mixed[:strings.Index(mixed, "--b")], "/;SECTION=1": "Hello.\r\n",
		"/;SECTION=2.MIME": "Content-Type: text/plain; name=trip.txt\r\nContent-Transfer-Encoding: base64\r\n\r\n", "/;SECTION=2": "SGVsbG8uDQo=",
		"/;SECTION=2/;PARTIAL=4.4": "bG8u", "/;PARTIAL=9": mixed[9:], "/;SECTION=HEADER.FIELDS%20(SUBJECT)": "Subject: trip\r\n\r\n",
		"/;SECTION=TEXT/;PARTIAL=0.3": "--b",
	} {
		url := r.message1("box", rest)
		r.gives(t, url, false, want)
		r.gives(t, url, true, want)
	}
}

// binary: a whole message with NULs comes as it is stored where that is wanted
// (RFC 5524), octet for octet; else in a form that is text, with which its
// sections always go.
func binary(t *testing.T, r *Rig) {
	const head, field = "Content-Type: image/gif\r\n", "Content-Transfer-Encoding: "
	body := make([]byte, 100_000)
	for i := range body {
		body[i] = byte(i * 7)
	}
	stored := head + field + "binary\r\n\r\n" + string(body)
	r.Append(alice, "box", []byte(stored))
	url := r.message1("box", "")
	r.gives(t, url, true, stored)
	text, err := r.get(t, url, false)
	if err != nil || bytes.IndexByte(text, 0) >= 0 || !bytes.HasPrefix(text, []byte(head+field+"base64\r\n\r\n")) {
		t.Errorf("%.100q, %v", text, err)
	}
	for _, want := range []bool{false, true} {
		mime, err := r.get(t, r.message1("box", "/;SECTION=HEADER"), want)
		body, err2 := r.get(t, r.message1("box", "/;SECTION=1"), want)
		if string(mime)+string(body) != string(text) || err != nil || err2 != nil {
			t.Errorf("header and body, binary %v: %.100q, %.100q, %v, %v", want, mime, body, err, err2)
		}
	}
	eightBit := head + field + "binary\r\n\r\n\xff\n\r long"
	r.Append(alice, "other", []byte(eightBit))
	r.gives(t, r.message1("other", ""), false, eightBit)
}

// large: nothing depends on a size.
func large(t *testing.T, r *Rig) {
	for i, size := range []int{4096, 32<<10 - 1, 32 << 10, 64<<10 + 1, 2 << 20} {
		message := []byte("Subject: large\r\n\r\n" + strings.Repeat("0123456789abcdef\r\n", size/18+1))[:size]
		name := fmt.Sprint("box", i)
		r.Append(alice, name, message)
		got, err := r.get(t, r.message1(name, ""), false)
		if err != nil || sha256.Sum256(got) != sha256.Sum256(message) {
			t.Errorf("%d octets: %d, %v", size, len(got), err)
		}
	}
}

// empty: a message of nothing is not the same as no message.
func empty(t *testing.T, r *Rig) {
	r.Append(alice, "box", []byte("Subject: x\r\n\r\n"))
	r.gives(t, r.message1("box", "/;SECTION=TEXT"), false, "")
	r.gives(t, r.message1("box", ""), true, "Subject: x\r\n\r\n")
}

// internationalized: headers in UTF-8 come as they are; what the next hop knows
// is not the store's to guess (RFC 6855 §3).
func internationalized(t *testing.T, r *Rig) {
	const m = "Subject: gr\xc3\xbcn\r\nFrom: j\xc3\xbcrgen <a@example.org>\r\n\r\ntext\r\n"
	r.Append(alice, "box", []byte(m))
	r.gives(t, r.message1("box", ""), false, m)
	r.gives(t, r.message1("box", ""), true, m)
}

// access: of the access identifiers, submission has its own and those of
// everybody (RFC 4467 §3, RFC 5593 §4).
func access(t *testing.T, r *Rig) {
	r.Append(alice, "box", []byte(mixed))
	for access, may := range map[string]bool{
		"submit+alice": true, "submit+alice%40example.org": true, "SUBMIT+alice": true, "authuser": true, "anonymous": true,
		"user+alice": false, "user+submit": false, "stream": false, "exampleapp": false, "exampleapp+alice": false,
	} {
		url := r.Authorize(alice, "imap://alice@"+Host+"/box/;UID=1/;SECTION=1;URLAUTH="+access)
		if may {
			r.gives(t, url, false, "Hello.\r\n")
		} else {
			r.refuses(t, alice, url, submission.ErrNoURL)
		}
	}
	r.refuses(t, alice, "imap://alice@"+Host+"/box/;UID=1", submission.ErrNoURL)
	r.refuses(t, alice, "imap://alice@"+Host+"/box/;UID=1;URLAUTH=submit+alice", submission.ErrNoURL)
}

// users: a URL for submission on behalf of one is not fetched for another (RFC
// 4468 §3.3), whoever made it.
func users(t *testing.T, r *Rig) {
	r.Append(alice, "box", []byte(mixed))
	for access, for2 := range map[string][2]bool{
		"submit+alice": {true, false}, "submit+bob": {false, true}, "submit+nobody": {}, "anonymous": {true, true},
	} {
		url := r.Authorize(alice, "imap://alice@"+Host+"/box/;UID=1;URLAUTH="+access)
		for i, user := range []string{alice, bob} {
			if !for2[i] {
				r.refuses(t, user, url, submission.ErrNoURL)
				continue
			}
			f, err := r.Fetcher.Fetch(context.Background(), user, url, false)
			if err != nil {
				t.Errorf("%s for %s: %v", access, user, err)
				continue
			}
			f.Close()
		}
	}
}

// revoked: RESETKEY, a right withdrawn and a message expunged all end a URL.
func revoked(t *testing.T, r *Rig) {
	r.Append(alice, "box", []byte(mixed))
	url := r.message1("box", "/;SECTION=1")
	r.gives(t, url, false, "Hello.\r\n")
	r.Do(alice, "RESETKEY box")
	r.refuses(t, alice, url, submission.ErrNoURL)

	r.Do(alice, "SETACL box bob@example.org lr")
	url = r.Authorize(bob, "imap://bob@"+Host+"/Other%20Users/alice%40example.org/box/;UID=1/;SECTION=1;URLAUTH=submit+alice")
	r.gives(t, url, false, "Hello.\r\n")
	r.Do(alice, "SETACL box bob@example.org -r")
	r.refuses(t, alice, url, submission.ErrNoURL)

	url = r.message1("box", "/;SECTION=1")
	r.gives(t, url, false, "Hello.\r\n")
	r.Do(alice, "SELECT box", "STORE 1 +FLAGS.SILENT (\\Deleted)", "EXPUNGE", "UNSELECT")
	r.refuses(t, alice, url, submission.ErrNoURL)
}

// expired: EXPIRE ends a URL (RFC 4467 §3).
func expired(t *testing.T, r *Rig) {
	r.Append(alice, "box", []byte(mixed))
	until := time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
	url := r.message1("box", "/;SECTION=1;EXPIRE="+until)
	r.gives(t, url, false, "Hello.\r\n")
	r.Pass(61 * time.Minute)
	r.refuses(t, alice, url, submission.ErrNoURL)
}

// wrong: of what is not as it was authorized, nothing is told but that.
func wrong(t *testing.T, r *Rig) {
	r.Append(alice, "box", []byte(mixed))
	url := r.message1("box", "/;SECTION=1")
	last := url[len(url)-1:]
	other := map[bool]string{true: "1", false: "0"}[last == "0"]
	for _, bad := range []string{
		url[:len(url)-1] + other, strings.Replace(url, "UID=1", "UID=2", 1), strings.Replace(url, "/box/", "/INBOX/", 1),
		strings.Replace(url, "SECTION=1", "SECTION=2", 1), strings.Replace(url, "alice@", "bob@", 1), strings.Replace(url, "alice@", "nobody@", 1),
		r.message1("box", "/;SECTION=7"), r.Authorize(alice, "imap://alice@"+Host+"/box/;UID=77;URLAUTH=submit+alice"),
		url + "0", url[:len(url)-20], "", "imap://", "imap://" + Host + "/", "imap://" + Host + "/box", "http://" + Host + "/", url + "\r\nx LOGOUT",
		url + " ", "\x00", "imap://alice@" + Host + "/box?FLAGGED;URLAUTH=anonymous:internal:" + strings.Repeat("0", 32),
	} {
		if _, err := r.Fetcher.Fetch(context.Background(), alice, bad, false); !errors.Is(err, submission.ErrNoURL) || errors.Is(err, submission.ErrTemporary) {
			t.Errorf("%.100q: %v", bad, err)
		}
	}
	r.gives(t, url, false, "Hello.\r\n") // nothing of that was lasting
}

// hosts: no store is contacted that is not named (RFC 4468 §3.3, §8), though the
// very store would give what the URL points to.
func hosts(t *testing.T, r *Rig) {
	r.Append(alice, "box", []byte(mixed))
	for host, ours := range map[string]bool{Host: true, strings.ToUpper(Host): true, Host + ":143": true, "localhost": false, "127.0.0.1": false,
		"x." + Host: false, "example.org": false, "[::1]": false} {
		url := r.Authorize(alice, "imap://alice@"+host+"/box/;UID=1/;SECTION=1;URLAUTH=submit+alice")
		if ours {
			r.gives(t, url, false, "Hello.\r\n")
		} else {
			r.refuses(t, alice, url, submission.ErrForeignStore)
		}
	}
}

// restart: a store that was started again in between is found again at once.
func restart(t *testing.T, r *Rig) {
	r.Append(alice, "box", []byte(mixed))
	url := r.message1("box", "/;SECTION=1")
	for range 3 {
		r.gives(t, url, false, "Hello.\r\n")
		r.Restart()
	}
	r.gives(t, url, false, "Hello.\r\n")
}

// many: fetches at the same time do not disturb each other, however many.
func many(t *testing.T, r *Rig) {
	const boxes = 6
	var texts, urls [boxes]string
	for i := range boxes {
		texts[i] = "Subject: x\r\n\r\n" + strings.Repeat(fmt.Sprintln(i, "some text\r"), 5000*i+1)
		r.Append(alice, fmt.Sprint("box", i), []byte(texts[i]))
		urls[i] = r.message1(fmt.Sprint("box", i), "")
	}
	var wg sync.WaitGroup
	for n := range 40 {
		wg.Go(func() {
			i := n % boxes
			f, err := r.Fetcher.Fetch(context.Background(), alice, urls[i], false)
			if err != nil {
				t.Error(err)
				return
			}
			defer f.Close()
			if n%5 == 0 {
				return // it is not wanted after all
			}
			if got, err := io.ReadAll(f); err != nil || string(got) != texts[i] {
				t.Errorf("%d: %d octets, %v", i, len(got), err)
			}
		})
	}
	wg.Wait()
}

// unread: what is not read to its end does not stand in the way of the next.
func unread(t *testing.T, r *Rig) {
	r.Append(alice, "box", bytes.Repeat([]byte("Subject: x\r\n"), 100_000))
	r.Append(alice, "small", []byte(mixed))
	for _, read := range []int{0, 1, 100_000} {
		f, err := r.Fetcher.Fetch(context.Background(), alice, r.message1("box", ""), false)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(f, make([]byte, read)); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
		r.gives(t, r.message1("small", "/;SECTION=1"), false, "Hello.\r\n")
	}
}

// cancelled: ctx ends the fetch, and the reading.
func cancelled(t *testing.T, r *Rig) {
	r.Append(alice, "box", bytes.Repeat([]byte("Subject: x\r\n"), 100_000))
	url := r.message1("box", "")
	ctx, cancel := context.WithCancel(context.Background())
	f, err := r.Fetcher.Fetch(ctx, alice, url, false)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	cancel()
	if n, err := io.Copy(io.Discard, f); !errors.Is(err, submission.ErrTemporary) || n == f.Size() {
		t.Errorf("%d octets, %v", n, err)
	}
}
