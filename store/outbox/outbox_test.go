package outbox_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"citron/engine/body/segment"
	"citron/engine/kv"
	"citron/engine/kv/memkv"
	"citron/engine/vfs/crashfs"
	"citron/mail/acl"
	"citron/store"
	"citron/store/account"
	"citron/store/outbox"
	"citron/store/uidset"
	"citron/store/urlauth"
)

var users = map[string]kv.Account{"alice": 7, "bob": 8}

// rig is two accounts in memory and an outbox over them.
type rig struct {
	*testing.T
	now    time.Time
	engine kv.Engine
	bodies *segment.Store
	store  *account.Store
	urls   *urlauth.Service
	outbox *outbox.Service
}

func newRig(t *testing.T) *rig {
	r := &rig{T: t, now: time.Unix(1_800_000_000, 0), engine: memkv.New(memkv.Options{})}
	var err error
	r.bodies, err = segment.Open(crashfs.New(), "bodies", segment.Options{})
	r.must(err)
	t.Cleanup(func() { r.bodies.Close() })
	r.open()
	for _, number := range users {
		r.must(r.store.Create(t.Context(), number, account.CreateOptions{StandardFolders: true}))
	}
	return r
}

// open opens the store, again after the first time.
func (r *rig) open() {
	var err error
	r.store, err = account.Open(r.engine, r.bodies, account.Options{Now: func() time.Time { return r.now }, InlineLimit: 200})
	r.must(err)
	r.urls = urlauth.New(urlauth.Config{Mailboxes: r, Now: func() time.Time { return r.now }, Log: slog.New(slog.DiscardHandler)})
	r.outbox = outbox.New(outbox.Config{Accounts: r.store, URLs: r.urls, Owns: func(url string) bool {
		return strings.HasPrefix(url, "imap://alice@h/") || strings.HasPrefix(url, "imap://bob@h/")
	}})
}

func (r *rig) must(err error) {
	r.Helper()
	if err != nil {
		r.Fatal(err)
	}
}

// User implements urlauth.Mailboxes.
func (r *rig) User(_ context.Context, name string) (uint64, error) {
	if number := users[name]; number != 0 {
		return uint64(number), nil
	}
	return 0, urlauth.ErrNotFound
}

// Mailbox implements urlauth.Mailboxes: a name after "of alice/" is one of hers.
func (r *rig) Mailbox(ctx context.Context, user uint64, name string) (*urlauth.Mailbox, error) {
	own, err := r.store.Account(ctx, kv.Account(user))
	r.must(err)
	owner := own
	if rest, other := strings.CutPrefix(name, "of alice/"); other {
		owner, err = r.store.Account(ctx, users["alice"])
		r.must(err)
		name = rest
	}
	box := &urlauth.Mailbox{User: own, Owner: owner, Close: own.Close}
	if info, ok := owner.Lookup(name); ok {
		box.Info = info
	}
	return box, nil
}

func (r *rig) account(name string) *account.Account {
	r.Helper()
	a, err := r.store.Account(r.Context(), users[name])
	r.must(err)
	r.Cleanup(a.Close)
	return a
}

func by(a *account.Account) account.Actor { return account.Actor{Account: uint64(a.ID())} }

// add appends a message and gives its UID.
func (r *rig) add(a *account.Account, mailbox, text string, flags account.SystemFlag, keywords ...string) account.UID {
	r.Helper()
	info, ok := a.Lookup(mailbox)
	if !ok {
		r.Fatalf("no mailbox %s", mailbox)
	}
	in, err := a.NewMessage(r.Context())
	r.must(err)
	_, err = io.WriteString(in, text)
	r.must(err)
	res, err := a.Append(r.Context(), by(a), info.ID, []account.AppendItem{{Incoming: in, Flags: flags, Keywords: keywords}})
	r.must(err)
	return res.UIDs[0].First
}

// authorize gives a URL its token.
func (r *rig) authorize(user, rump string) string {
	r.Helper()
	url, err := r.urls.Authorize(r.Context(), account.Actor{Account: uint64(users[user])}, rump)
	r.must(err)
	return url
}

func (r *rig) draftURL(uid account.UID) string {
	return r.authorize("alice", fmt.Sprintf("imap://alice@h/Drafts/;UID=%d;URLAUTH=submit+alice", uid))
}

// is a request of alice.
func request(attempt, url, target string) store.SendRequest {
	return store.SendRequest{Account: uint64(users["alice"]), User: "alice", Attempt: attempt, URL: url, Target: target, Envelope: []byte("to bob")}
}

func (r *rig) send(q store.SendRequest) store.Sent {
	r.Helper()
	sent, err := r.outbox.Send(r.Context(), q)
	r.must(err)
	return sent
}

func (r *rig) refuses(q store.SendRequest, want error) {
	r.Helper()
	before := r.account("alice").ModSeq()
	if sent, err := r.outbox.Send(r.Context(), q); !errors.Is(err, want) {
		r.Errorf("%+v, %v; want %v", sent, err, want)
	}
	if r.account("alice").ModSeq() != before {
		r.Error("something was changed")
	}
}

// shows says what a mailbox has: "UID flags keywords text" of each message.
func (r *rig) shows(a *account.Account, mailbox string) (all []string) {
	r.Helper()
	info, _ := a.Lookup(mailbox)
	v, err := a.Open(r.Context(), info.ID)
	r.must(err)
	err = a.Entries(r.Context(), v, uidset.Everything(), func(batch []account.Entry) error {
		for _, e := range batch {
			var words []string
			for i, w := range v.Info.Keywords {
				if e.Keywords.Has(i) {
					words = append(words, w)
				}
			}
			slices.Sort(words)
			all = append(all, fmt.Sprintf("%d %v %s", e.UID, flagNames(e.Flags), strings.Join(words, " ")))
		}
		return nil
	})
	r.must(err)
	return all
}

func flagNames(f account.SystemFlag) string {
	s := ""
	for i, c := range "SAFDd" { // Seen, Answered, Flagged, Deleted, draft
		if f>>i&1 != 0 {
			s += string(c)
		}
	}
	return s
}

func (r *rig) equal(what string, got []string, want ...string) {
	r.Helper()
	if !slices.Equal(got, want) {
		r.Errorf("%s: %q, want %q", what, got, want)
	}
}

func (r *rig) waiting() (all []string) {
	r.Helper()
	r.must(r.outbox.Waiting(r.Context(), func(s store.Sent) error {
		all = append(all, fmt.Sprintf("%d %s %s", s.Account, s.Attempt, s.Envelope))
		return nil
	}))
	return all
}

func (r *rig) read(attempt string) string {
	r.Helper()
	c, err := r.outbox.Open(r.Context(), uint64(users["alice"]), attempt, false)
	r.must(err)
	text, err := io.ReadAll(io.NewSectionReader(c, 0, c.Size()))
	r.must(err)
	r.must(c.Close())
	return string(text)
}

func (r *rig) verify() {
	r.Helper()
	r.must(account.Verify(r.Context(), r.engine, r.bodies, func(f account.Finding) { r.Errorf("account %d: %s", f.Account, f.Text) }))
}

const draftText = "From: alice@example.org\r\nSubject: a draft\r\n\r\nHello\r\n"

// The whole life of an attempt: recorded, filed, flags set (RFC 5550 §5.10), found
// after a restart, queued, repeated, forgotten.
func TestAttempt(t *testing.T) {
	for name, text := range map[string]string{"inline": draftText, "with a body": draftText + strings.Repeat("x", 500)} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			a := r.account("alice")
			uid := r.add(a, "Drafts", text, account.Draft|account.Flagged, "$SubmitPending", "$Work")
			q := request("first", r.draftURL(uid), "Sent")
			woken := 0
			t.Cleanup(a.Watch(func() { woken++ }))
			sent := r.send(q)
			if sent.Repeated || sent.UID != 1 || sent.UIDValidity == 0 || sent.Queued != "" || !sent.At.Equal(r.now) || string(sent.Envelope) != "to bob" {
				t.Errorf("%+v", sent)
			}
			if woken == 0 {
				t.Error("nobody was woken")
			}
			r.equal("Drafts", r.shows(a, "Drafts"), "1 Fd $Submitted $Work")
			r.equal("Sent", r.shows(a, "Sent"), "1 SF $Submitted $Work")
			r.verify()

			again := r.send(q)
			if !again.Repeated || again.UID != sent.UID || again.UIDValidity != sent.UIDValidity || again.Queued != "" {
				t.Errorf("%+v", again)
			}
			r.open() // a restart
			a = r.account("alice")
			r.equal("waiting", r.waiting(), "7 first to bob")

			r.expunge(a, "Drafts", uid)
			r.expunge(a, "Sent", 1)
			r.now = r.now.Add(2 * time.Hour)
			r.maintain()
			r.verify()
			if got := r.read("first"); got != text {
				t.Errorf("the message is %q", got)
			}
			r.must(r.outbox.Queued(r.Context(), 7, "first", "Q1"))
			r.must(r.outbox.Queued(r.Context(), 7, "first", "Q2"))
			r.equal("waiting", r.waiting())
			if _, err := r.outbox.Open(r.Context(), 7, "first", true); !errors.Is(err, store.ErrNoURL) {
				t.Errorf("open after it is queued: %v", err)
			}
			r.verify()
			r.must(r.store.SweepBodies(r.Context()))
			if again = r.send(q); !again.Repeated || again.Queued != "Q1" || again.Envelope != nil {
				t.Errorf("%+v", again)
			}
			r.now = r.now.Add(28 * 24 * time.Hour)
			r.maintain()
			if !r.send(q).Repeated {
				t.Error("forgotten too early")
			}
			for range 4 { // each account is visited once a day
				r.now = r.now.Add(25 * time.Hour)
				r.maintain()
			}
			r.verify()
			r.refuses(q, store.ErrNoURL) // forgotten, and the draft is gone
		})
	}
}

func (r *rig) expunge(a *account.Account, mailbox string, uid account.UID) {
	r.Helper()
	info, _ := a.Lookup(mailbox)
	_, err := a.StoreFlags(r.Context(), by(a), info.ID, uidset.Single(uid), account.FlagChange{Op: account.AddFlags, System: account.Deleted}, nil)
	r.must(err)
	_, _, err = a.Expunge(r.Context(), by(a), info.ID, uidset.Single(uid))
	r.must(err)
}

func (r *rig) maintain() {
	r.Helper()
	for range 100 {
		_, err := r.store.Maintain(r.Context(), r.now)
		r.must(err)
	}
}

// Who asks again is known by the draft, not by the token; everything else must be
// the same.
func TestSameAttempt(t *testing.T) {
	r := newRig(t)
	a := r.account("alice")
	uid, other := r.add(a, "Drafts", draftText, account.Draft), r.add(a, "Drafts", draftText, account.Draft)
	q := request("one", r.draftURL(uid), "Sent")
	r.send(q)

	r.now = r.now.Add(time.Hour)
	info, _ := a.Lookup("Drafts")
	for _, url := range []string{
		r.draftURL(uid), // another token
		fmt.Sprintf("imap://alice@other/Drafts;UIDVALIDITY=%d/;UID=%d;EXPIRE=2000-01-01T00:00:00Z;URLAUTH=submit+alice:internal:00000000000000000000000000000000", info.UIDValidity, uid),
	} {
		same := q
		same.URL = url
		if sent := r.send(same); !sent.Repeated {
			t.Errorf("%s is another attempt", url)
		}
	}
	for what, change := range map[string]func(*store.SendRequest){
		"draft":     func(q *store.SendRequest) { q.URL = r.draftURL(other) },
		"target":    func(q *store.SendRequest) { q.Target = "Archive" },
		"no target": func(q *store.SendRequest) { q.Target = "" },
		"envelope":  func(q *store.SendRequest) { q.Envelope = []byte("to carol") },
		"uidvalidity": func(q *store.SendRequest) {
			q.URL = "imap://alice@h/Drafts;UIDVALIDITY=1/;UID=1;URLAUTH=submit+alice:internal:00000000000000000000000000000000"
		},
	} {
		t.Run(what, func(t *testing.T) {
			reused := q
			change(&reused)
			r.refuses(reused, store.ErrAttemptReused)
		})
	}
	r.must(a.RenameMailbox(r.Context(), by(a), "Drafts", "Entw\u00fcrfe"))
	renamed := q
	renamed.URL = r.authorize("alice", "imap://alice@h/Entw%C3%BCrfe/;UID=1;URLAUTH=submit+alice")
	for _, same := range []store.SendRequest{q, renamed} {
		if !r.send(same).Repeated {
			t.Error("after a rename it is another attempt")
		}
	}
	next := renamed
	next.Attempt = "two"
	if r.send(next).Repeated {
		t.Error("a new attempt is no new mail")
	}
	r.equal("Sent", r.shows(a, "Sent"), "1 S $Submitted", "2 S $Submitted")
	r.verify()
}

// The right to send and file is that of the draft's own URL, and of no other: one
// for submission on behalf of the very user who asks (RFC 4467 §3, RFC 4468 §3.3).
func TestRight(t *testing.T) {
	r := newRig(t)
	a, b := r.account("alice"), r.account("bob")
	r.add(a, "Drafts", draftText, account.Draft)
	r.add(b, "Drafts", draftText, account.Draft)
	drafts, _ := a.Lookup("Drafts")
	for what, url := range map[string]string{
		"no token":         "imap://alice@h/Drafts/;UID=1;URLAUTH=submit+alice",
		"wrong token":      "imap://alice@h/Drafts/;UID=1;URLAUTH=submit+alice:internal:" + strings.Repeat("01", 41),
		"of another":       r.draftURL(1)[:strings.Index(r.draftURL(1), ";UID=1")] + ";UID=2" + r.draftURL(1)[strings.Index(r.draftURL(1), ";URLAUTH"):],
		"a part":           r.authorize("alice", "imap://alice@h/Drafts/;UID=1/;SECTION=TEXT;URLAUTH=submit+alice"),
		"some octets":      r.authorize("alice", "imap://alice@h/Drafts/;UID=1/;PARTIAL=0.10;URLAUTH=submit+alice"),
		"for anybody":      r.authorize("alice", "imap://alice@h/Drafts/;UID=1;URLAUTH=anonymous"),
		"for users":        r.authorize("alice", "imap://alice@h/Drafts/;UID=1;URLAUTH=authuser"),
		"for streaming":    r.authorize("alice", "imap://alice@h/Drafts/;UID=1;URLAUTH=stream"),
		"for another user": r.authorize("alice", "imap://alice@h/Drafts/;UID=1;URLAUTH=submit+bob"),
		"another's":        r.authorize("bob", "imap://bob@h/Drafts/;UID=1;URLAUTH=submit+alice"),
		"expired":          r.authorize("alice", "imap://alice@h/Drafts/;UID=1;EXPIRE=2000-01-01T00:00:00Z;URLAUTH=submit+alice"),
		"gone":             r.draftURL(9),
		"uidvalidity":      fmt.Sprintf("imap://alice@h/Drafts;UIDVALIDITY=%d/;UID=1;URLAUTH=submit+alice:internal:%s", drafts.UIDValidity+1, strings.Repeat("01", 41)),
		"another host":     r.authorize("alice", "imap://alice@elsewhere/Drafts/;UID=1;URLAUTH=submit+alice"),
		"nonsense":         "http://example.org/",
	} {
		t.Run(what, func(t *testing.T) { r.refuses(request("a", url, "Sent"), store.ErrNoURL) })
	}
	r.must(a.SetACL(r.Context(), by(a), drafts.ID, acl.Who{Account: uint64(users["bob"])}, acl.Change{Rights: acl.Lookup | acl.Read | acl.Write}, nil))
	bobs := request("a", r.authorize("bob", "imap://bob@h/of%20alice/Drafts/;UID=1;URLAUTH=submit+bob"), "Sent")
	bobs.Account = uint64(users["bob"])
	r.refuses(bobs, store.ErrNoURL)
	valid := r.draftURL(1)
	r.must(a.ResetURLKey(r.Context(), by(a), drafts.ID, uint64(users["alice"])))
	r.refuses(request("a", valid, "Sent"), store.ErrNoURL)
	known := request("a", r.draftURL(1), "Sent")
	known.KnownOnly = true
	r.refuses(known, store.ErrNoURL)
	r.equal("waiting", r.waiting())
}

func TestTargets(t *testing.T) {
	r := newRig(t)
	a := r.account("alice")
	for range 4 {
		r.add(a, "Drafts", draftText, account.Draft, "$SubmitPending")
	}
	if sent := r.send(request("none", r.draftURL(1), "")); sent.UID != 0 || sent.UIDValidity != 0 {
		t.Errorf("%+v", sent)
	}
	if sent := r.send(request("drafts", r.draftURL(2), "Drafts")); sent.UID != 2 {
		t.Errorf("%+v", sent)
	}
	_, err := a.CreateMailbox(r.Context(), by(a), "Gesendet/\u00e9", account.CreateMailboxOptions{})
	r.must(err)
	r.send(request("nfd", r.draftURL(3), "Gesendet/e\u0301"))
	r.equal("Drafts", r.shows(a, "Drafts"), "1 d $Submitted", "2 S $Submitted", "3 d $Submitted", "4 d $SubmitPending")
	for _, bad := range []string{"Nowhere", "Gesendet", "\xff", "of alice/Sent"} {
		r.refuses(request("bad", r.draftURL(4), bad), store.ErrNoTarget)
	}
	for i, q := range []store.SendRequest{
		request("", r.draftURL(4), "Sent"), request(strings.Repeat("a", 65), r.draftURL(4), "Sent"), request("big", r.draftURL(4), "Sent"),
	} {
		if i == 2 {
			q.Envelope = make([]byte, 1<<20+1)
		}
		r.refuses(q, store.ErrTooLarge)
	}
	r.must(a.SetQuota(r.Context(), uint64(4*len(draftText))+10))
	r.refuses(request("full", r.draftURL(4), "Sent"), store.ErrOverQuota)
	r.send(request("full", r.draftURL(4), "")) // a refused attempt was none
	r.verify()
}

// Calls of one attempt at the same time are one; of several, several.
func TestTogether(t *testing.T) {
	r := newRig(t)
	a := r.account("alice")
	uid := r.add(a, "Drafts", draftText, account.Draft)
	url := r.draftURL(uid)
	var mu sync.Mutex
	var all sync.WaitGroup
	first := map[string]int{}
	for i := range 40 {
		all.Go(func() {
			name := fmt.Sprint("attempt ", i%4)
			sent, err := r.outbox.Send(context.Background(), request(name, url, "Sent"))
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			if !sent.Repeated {
				first[name]++
			}
		})
		all.Go(func() {
			if err := r.outbox.Waiting(context.Background(), func(store.Sent) error { return nil }); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	for name, n := range first {
		if n != 1 {
			t.Errorf("%s was made %d times", name, n)
		}
	}
	if n := len(r.waiting()); len(first) != 4 || n != 4 || len(r.shows(a, "Sent")) != 4 {
		t.Errorf("%d first, %d waiting", len(first), n)
	}
	r.verify()
}
