package account_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"citron/engine/enginetest"
	"citron/engine/kv"
	"citron/engine/vfs/crashfs"
	"citron/store/account"
	"citron/store/uidset"
)

// sending is an attempt to send a message of a mailbox and file it in Sent.
func (r *rig) sending(name, mailbox string, uid account.UID) *account.Sending {
	r.t.Helper()
	info, ok := r.a.Lookup(mailbox)
	if !ok {
		r.t.Fatalf("no mailbox %s", mailbox)
	}
	return &account.Sending{Attempt: name, Target: "Sent", Envelope: []byte("envelope of " + name),
		Draft: account.DraftID{Name: mailbox, Mailbox: info.ID, UIDValidity: info.UIDValidity, UID: uid}}
}

func (r *rig) waits() (names []string) {
	r.t.Helper()
	r.must(r.store.Waiting(r.ctx, func(id kv.Account, a account.Attempt) error {
		names = append(names, fmt.Sprint(id, " ", a.Name))
		return nil
	}))
	return names
}

// A crash at any call of a Send, or of what says that the message is queued,
// leaves all of it or nothing; the attempt can then be made again, once.
func TestCrashInSend(t *testing.T) {
	for _, inline := range []int{100, 4096} {
		for n, more := uint64(0), true; more; n++ {
			more = crashInSend(t, account.Options{InlineLimit: inline}, n)
		}
	}
}

// crashInSend cuts the power after n calls; more: there were as many.
func crashInSend(t *testing.T, opt account.Options, n uint64) (more bool) {
	fs := crashfs.New()
	d := mount(t, fs, opt)
	if err := d.store.Create(t.Context(), alice, account.CreateOptions{StandardFolders: true}); err != nil {
		t.Fatal(err)
	}
	r := &rig{t: t, ctx: t.Context(), a: d.account(t, alice), store: d.store, by: account.Actor{Account: uint64(alice)}}
	drafts := r.mailbox("Drafts")
	r.add(account.Inbox, 1, 0)
	_, err := r.a.Append(t.Context(), r.by, drafts, []account.AppendItem{{Incoming: r.incoming(small(2)), Flags: account.Draft,
		Keywords: []string{"$SubmitPending"}, Sources: []account.Source{{Mailbox: account.Inbox, UID: 1, Object: 1}}}})
	r.must(err)
	s := r.sending("one", "Drafts", 1)
	at := fs.Calls() + n
	fs.OnCall(crashfs.PowerCut(at, func() { more = true }))
	_, sent := r.a.Send(t.Context(), r.by, s)
	queued := r.a.Queued(t.Context(), "one", "Q1")

	d = mount(t, fs.Crash(rand.New(rand.NewPCG(n, 1))), opt)
	defer d.close()
	r.store, r.a = d.store, d.account(t, alice)
	d.verify(t)
	was, known, err := r.a.Attempted(t.Context(), s)
	r.must(err)
	if sent == nil && !known || queued == nil && was.Queued != "Q1" {
		t.Errorf("after %d calls: acknowledged with %v and %v, %+v", n, sent, queued, was)
	}
	if waits := len(r.waits()) > 0; waits != (known && was.Queued == "") {
		t.Errorf("after %d calls: waiting %v, %+v", n, waits, was)
	}
	r.isSent(known)
	again, err := r.a.Send(t.Context(), r.by, s)
	if r.must(err); again.Repeated != known {
		t.Errorf("after %d calls: %+v", n, again)
	}
	r.isSent(true)
	r.must(r.a.Queued(t.Context(), "one", "Q1"))
	if len(r.waits()) > 0 {
		t.Errorf("after %d calls: it waits although it is queued", n)
	}
	d.verify(t)
	return more
}

// isSent says whether everything shows that the draft was sent, or nothing.
func (r *rig) isSent(yes bool) {
	r.t.Helper()
	copies := len(r.entries(r.view(r.mailbox("Sent"))))
	want := []bool{yes, yes, !yes, yes}
	has := []bool{copies == 1, r.hasKeyword(r.mailbox("Drafts"), 1, "$Submitted"), r.hasKeyword(r.mailbox("Drafts"), 1, "$SubmitPending"), r.hasKeyword(account.Inbox, 1, "$Forwarded")}
	if !slices.Equal(has, want) || copies > 1 {
		r.t.Errorf("copy, $Submitted, $SubmitPending, $Forwarded: %v (%d copies), want %v", has, copies, want)
	}
}

func (r *rig) hasKeyword(id account.MailboxID, uid account.UID, name string) bool {
	v := r.view(id)
	for _, e := range r.entries(v) {
		if at := slices.Index(v.Info.Keywords, name); e.UID == uid && at >= 0 {
			return e.Keywords.Has(at)
		}
	}
	return false
}

// On a full disk nothing is sent; but what was sent can be taken into the queue,
// which makes room.
func TestSendOnAFullDisk(t *testing.T) {
	r := newRig(t, account.Options{})
	engine := &enginetest.Full{Engine: r.engine}
	r.engine = engine
	r.open(account.Options{})
	r.add(r.mailbox("Drafts"), 2, account.Draft)
	full := func(name string) {
		t.Helper()
		engine.Now.Store(true)
		defer engine.Now.Store(false)
		before := r.a.ModSeq()
		if _, err := r.a.Send(r.ctx, r.by, r.sending(name, "Drafts", 1)); account.KindOf(err) != account.NoSpace {
			t.Errorf("on a full disk: %v", err)
		}
		equal(t, "modseq", before, r.a.ModSeq())
	}
	full("one") // the account is not noted
	_, err := r.a.Send(r.ctx, r.by, r.sending("one", "Drafts", 1))
	r.must(err)
	full("two")
	engine.Now.Store(true)
	equal(t, "waiting", []string{"7 one"}, r.waits())
	r.must(r.a.Queued(r.ctx, "one", "Q"))
	equal(t, "waiting", 0, len(r.waits()))
}

// An account has so many messages waiting, and so many attempts are remembered.
func TestAttemptsAreBounded(t *testing.T) {
	now := time.Unix(1e9, 0)
	o := account.Options{MaxWaiting: 3, MaxAttempts: 400, Now: func() time.Time { return now }}
	r := newRig(t, o)
	r.add(r.mailbox("Drafts"), 1, account.Draft)
	send := func(name string) error {
		s := r.sending(name, "Drafts", 1)
		s.Target = ""
		_, err := r.a.Send(r.ctx, r.by, s)
		return err
	}
	for i := range 3 {
		r.must(send(fmt.Sprint("waits ", i)))
	}
	if err := send("too many"); account.KindOf(err) != account.Temporary {
		t.Errorf("one too many waits: %v", err)
	}
	r.must(r.a.Queued(r.ctx, "waits 0", "Q"))
	for i := range 500 {
		now = now.Add(time.Second)
		name := fmt.Sprint("sent ", i)
		r.must(send(name))
		r.must(r.a.Queued(r.ctx, name, "Q"))
	}
	days := func(n int) {
		for range n {
			now = now.Add(25 * time.Hour)
			for range 20 {
				_, err := r.store.Maintain(r.ctx, now)
				r.must(err)
			}
		}
	}
	days(2)
	known := func(name string) bool {
		s := r.sending(name, "Drafts", 1)
		s.Target = ""
		_, yes, err := r.a.Attempted(r.ctx, s)
		r.must(err)
		return yes
	}
	if known("sent 0") || !known("sent 150") || !known("sent 499") || known("waits 0") || !known("waits 1") || !known("waits 2") {
		t.Error("other attempts are forgotten than the oldest")
	}
	equal(t, "records", 3*400-398, r.keys('k'))
	days(30)
	equal(t, "records at last", 2*3, r.keys('k'))
	equal(t, "waiting", []string{"7 waits 1", "7 waits 2"}, r.waits())
	if found := r.findings(); len(found) > 0 {
		t.Errorf("%q", found)
	}
}

// notes counts the accounts that are noted.
func (r *rig) notes() (n int) {
	r.t.Helper()
	r.must(r.engine.View(r.ctx, kv.Outboxes, func(rd kv.Reader) error {
		got, err := rd.Read(r.ctx, kv.Reads{Ranges: []kv.Range{{From: []byte{'a'}, To: []byte{'b'}}}})
		n = got.Ranges[0].Len()
		return err
	}))
	return n
}

// A note stays as long as something waits or is on its way, and goes then.
func TestOutboxNotes(t *testing.T) {
	r := newRig(t, account.Options{})
	r.add(r.mailbox("Drafts"), 1, account.Draft)
	for i := range 20 { // more than a page
		_, err := r.a.Send(r.ctx, r.by, r.sending(fmt.Sprintf("%02d", i), "Drafts", 1))
		r.must(err)
	}
	equal(t, "waiting", 20, len(r.waits()))
	stop := errors.New("stop")
	if err := r.store.Waiting(r.ctx, func(kv.Account, account.Attempt) error { return stop }); err != stop {
		t.Errorf("an error of the caller's: %v", err)
	}
	for i := range 20 {
		equal(t, "notes", 1, r.notes())
		r.must(r.a.Queued(r.ctx, fmt.Sprintf("%02d", i), "Q"))
	}
	equal(t, "waiting", 0, len(r.waits()))
	equal(t, "notes when nothing waits", 0, r.notes())
	_, err := r.a.Send(r.ctx, r.by, r.sending("again", "Drafts", 1))
	r.must(err)
	equal(t, "notes", 1, r.notes())
	r.must(r.store.Delete(r.ctx, alice))
	equal(t, "waiting in an account that was deleted", 0, len(r.waits()))
	equal(t, "notes", 0, r.notes())
	r.must(r.store.SweepBodies(context.Background()))
}

// Of its sources a message keeps eight, and with them those of drafts it was made
// of; a source that is another message by now is left alone.
func TestSources(t *testing.T) {
	r := newRig(t, account.Options{})
	r.add(account.Inbox, 12, 0)
	drafts := r.mailbox("Drafts")
	inbox := r.entries(r.view(account.Inbox))
	var all []account.Source
	for _, e := range inbox {
		all = append(all, account.Source{Mailbox: account.Inbox, UID: e.UID, Object: e.Object}, account.Source{Mailbox: account.Inbox, UID: e.UID, Object: e.Object})
	}
	file := func(sources ...account.Source) account.UID {
		res, err := r.a.Append(r.ctx, r.by, drafts, []account.AppendItem{{Incoming: r.incoming(small(20)), Flags: account.Draft, Sources: sources}})
		r.must(err)
		return res.UIDs[0].First
	}
	first := file(all...)
	object := r.entries(r.view(drafts))[0].Object
	second := file(all[22], account.Source{Mailbox: drafts, UID: first, Object: object, Draft: true}, account.Source{Mailbox: account.Inbox, UID: 99, Object: object})
	third := file(account.Source{Mailbox: account.Inbox, UID: 10, Object: 9}, account.Source{Mailbox: 77, UID: 1, Object: 1})
	for i, want := range []uidset.Ranges{{{First: 1, Last: 8}}, {{First: 1, Last: 8}, {First: 12, Last: 12}}, {{First: 1, Last: 8}, {First: 12, Last: 12}}} {
		_, err := r.a.Send(r.ctx, r.by, r.sending(fmt.Sprint(i), "Drafts", []account.UID{first, second, third}[i]))
		r.must(err)
		var got uidset.Ranges
		for _, e := range inbox {
			if r.hasKeyword(account.Inbox, e.UID, "$Forwarded") {
				got.Add(e.UID)
			}
		}
		equal(t, "forwarded", want, got)
	}
	if found := r.findings(); len(found) > 0 {
		t.Errorf("%q", found)
	}
}

// lookedAt calls a function once, after the next look into an account.
type lookedAt struct {
	kv.Engine
	then func()
}

func (e *lookedAt) View(ctx context.Context, a kv.Account, fn func(kv.Reader) error) error {
	err := e.Engine.View(ctx, a, fn)
	if then := e.then; a == alice && then != nil {
		e.then = nil
		then()
	}
	return err
}

// What is sent just after the list of what waits has passed its account, or is
// being sent meanwhile, is found the next time: the note stays.
func TestOutboxNoteOfALateSend(t *testing.T) {
	r := newRig(t, account.Options{})
	engine := &lookedAt{Engine: r.engine}
	r.engine = engine
	r.open(account.Options{})
	r.add(r.mailbox("Drafts"), 1, account.Draft)
	send := func(name string) {
		_, err := r.a.Send(r.ctx, r.by, r.sending(name, "Drafts", 1))
		r.must(err)
	}
	send("one")
	r.must(r.a.Queued(r.ctx, "one", "Q"))
	done := r.store.EnterOutbox(r.ctx, r.a)
	equal(t, "waiting before it is recorded", 0, len(r.waits()))
	equal(t, "notes", 1, r.notes())
	done()
	engine.then = func() { send("late") }
	equal(t, "waiting when looked at", 0, len(r.waits()))
	equal(t, "waiting then", []string{"7 late"}, r.waits())
}
