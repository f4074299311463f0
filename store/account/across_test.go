package account_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"citron/engine/kv"
	"citron/engine/vfs/crashfs"
	"citron/mail/acl"
	"citron/store/account"
	"citron/store/uidset"
)

// other opens another account of the rig's store.
func (r *rig) other(id kv.Account) *rig {
	r.t.Helper()
	a, err := r.store.Account(r.ctx, id)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(a.Close)
	return &rig{t: r.t, ctx: r.ctx, engine: r.engine, fs: r.fs, bodies: r.bodies, store: r.store, a: a, by: account.Actor{Account: uint64(id)}}
}

// A copy in another account is the same message: octets, dates, identifiers
// (RFC 8474 §5.1, §5.2), and the flags that the actor may set there (RFC 4314
// §4). Copied back it is so still.
func TestCopyToAnotherAccount(t *testing.T) {
	r := newSharing(t)
	theirs := r.other(bob)
	large := small(2) + strings.Repeat("0123456789\r\n", 1000)
	for i, text := range []string{small(1), large} {
		items := []account.AppendItem{{Incoming: r.incoming(text), Flags: account.Flagged | account.Deleted, Keywords: []string{"$Forwarded", fmt.Sprint("k", i)}}}
		if _, err := r.a.Append(r.ctx, r.by, account.Inbox, items); err != nil {
			t.Fatal(err)
		}
	}
	theirs.grant(account.Inbox, acl.Who{Account: uint64(alice)}, "iw")
	res, err := r.a.CopyTo(r.ctx, r.by, account.Inbox, everything, theirs.a, account.Inbox)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "source", uidset.Of(1, 2), res.Source)
	equal(t, "copies", uidset.Of(1, 2), res.Dest)
	before, after := r.entries(r.view(account.Inbox)), theirs.entries(theirs.view(account.Inbox))
	equal(t, "keywords", []string{"$Forwarded", "k0", "k1"}, theirs.view(account.Inbox).Info.Keywords)
	for i := range before {
		equal(t, "text", r.text(before[i].Object), theirs.text(after[i].Object))
		equal(t, "internal date", before[i].InternalDate, after[i].InternalDate)
		equal(t, "flags", account.Flagged, after[i].Flags)
		sameIdentity(t, r, before[i], theirs, after[i])
	}
	if _, err := theirs.a.CopyTo(r.ctx, r.by, account.Inbox, uidset.Of(2), r.a, r.mailbox("Archive")); err != nil {
		t.Fatal(err)
	}
	sameIdentity(t, theirs, after[1], r, r.entries(r.view(r.mailbox("Archive")))[0])
	r.sound()
}

func sameIdentity(t *testing.T, a *rig, x account.Entry, b *rig, y account.Entry) {
	t.Helper()
	get := func(r *rig, e account.Entry) account.Stored {
		all, err := r.a.Summaries(r.ctx, []account.ObjectID{e.Object}, account.WantObject)
		if err != nil {
			t.Fatal(err)
		}
		return all[0]
	}
	one, two := get(a, x), get(b, y)
	if one.EmailID() != two.EmailID() || one.ThreadID() != two.ThreadID() {
		t.Errorf("%s %s became %s %s", one.EmailID(), one.ThreadID(), two.EmailID(), two.ThreadID())
	}
}

// What cannot be done is not done by half: too many at a time, no quota, no
// such mailbox, an end in the middle.
func TestCopyToIsAllOrNothing(t *testing.T) {
	r := newRig(t, account.Options{MaxAcross: 3})
	if err := r.store.Create(r.ctx, bob, account.CreateOptions{Quota: 300}); err != nil {
		t.Fatal(err)
	}
	theirs := r.other(bob)
	theirs.grant(account.Inbox, acl.Who{Account: uint64(alice)}, "i")
	r.add(account.Inbox, 4, 0)
	stop := errors.New("closed")
	for _, c := range []struct {
		uids uidset.Ranges
		to   account.MailboxID
		ends uint64 // after so many messages
		want error
	}{
		{everything, account.Inbox, 0, account.ErrLimit},
		{uidset.Of(1, 2, 3), account.Inbox, 0, account.ErrOverQuota},
		{uidset.Of(1), 99, 0, account.ErrNoMailbox},
		{uidset.Of(1, 2), account.Inbox, 2, stop},
	} {
		ctx := account.WithProgress(r.ctx, func(done, goal uint64) error {
			if done == c.ends {
				return stop
			}
			return nil
		})
		if _, err := r.a.MoveTo(ctx, r.by, account.Inbox, c.uids, theirs.a, c.to); !errors.Is(err, c.want) {
			t.Errorf("%v to %d: %v, want %v", c.uids, c.to, err, c.want)
		}
	}
	theirs.grant(account.Inbox, acl.Who{Account: uint64(alice)}, "lr")
	if _, err := r.a.MoveTo(r.ctx, r.by, account.Inbox, uidset.Of(1), theirs.a, account.Inbox); !errors.Is(err, account.ErrCannot) {
		t.Errorf("without the right: %v", err)
	}
	equal(t, "left", uint32(4), r.view(account.Inbox).Set.Len())
	equal(t, "came", uint32(0), theirs.view(account.Inbox).Set.Len())
	r.sound()
}

// One move that cannot be finished, because of damage in another account, keeps
// neither other moves nor anything else in the account from being done.
func TestMoveThatCannotBeFinished(t *testing.T) {
	r := newSharing(t)
	from := r.other(bob)
	from.add(account.Inbox, 3, 0)
	r.add(account.Inbox, 3, account.Deleted)
	if _, _, err := r.a.Expunge(r.ctx, r.by, account.Inbox, everything); err != nil {
		t.Fatal(err)
	}
	intent := []byte("j\x03\x00\x00\x00\x00\x00\x00\x00")
	r.write(alice, append(intent, 1), []byte{1})                                          // damaged
	r.write(alice, append(intent, 2), []byte{1, byte(bob), byte(account.Inbox), 1, 1, 2}) // of messages 1 to 3
	failed := 0
	for now, end := time.Now(), time.Now().Add(48*time.Hour); now.Before(end); now = now.Add(10 * time.Minute) {
		if _, err := r.store.Maintain(r.ctx, now); err != nil {
			failed++
		}
	}
	if left := from.view(account.Inbox).Set.Len(); failed == 0 || left > 0 || r.keys('g') > 0 {
		t.Errorf("%d failures, %d messages left, %d graves", failed, left, r.keys('g'))
	}
}

// What the other account has no quota for is not written there first.
func TestCopyToBeyondQuotaWritesLittle(t *testing.T) {
	r := newRig(t, account.Options{})
	if err := r.store.Create(r.ctx, bob, account.CreateOptions{Quota: 300}); err != nil {
		t.Fatal(err)
	}
	theirs := r.other(bob)
	theirs.grant(account.Inbox, acl.Who{Account: uint64(alice)}, "i")
	r.add(account.Inbox, 100, 0)
	written := uint64(0)
	ctx := account.WithProgress(r.ctx, func(done, goal uint64) error {
		written = done
		return nil
	})
	if _, err := r.a.CopyTo(ctx, r.by, account.Inbox, everything, theirs.a, account.Inbox); !errors.Is(err, account.ErrOverQuota) || written > 5 {
		t.Errorf("%v, after %d messages", err, written)
	}
	r.sound()
}

// A MOVE to another account that a crash ends anywhere has moved nothing, or
// moves everything: never is a message nowhere, and when Maintain has run it is
// in one place.
func TestCrashInMoveToAnotherAccount(t *testing.T) {
	const n = 5
	for after, done := uint64(1), false; !done; after++ {
		fs := crashfs.New()
		opt := account.Options{InlineLimit: 100}
		d := mount(t, fs, opt)
		for _, id := range []kv.Account{alice, bob} {
			if err := d.store.Create(t.Context(), id, account.CreateOptions{}); err != nil {
				t.Fatal(err)
			}
		}
		from := &rig{t: t, ctx: t.Context(), a: d.account(t, alice), by: account.Actor{Account: uint64(alice)}}
		from.add(account.Inbox, n, 0)
		to := d.account(t, bob)
		all := acl.Change{Op: acl.Replace, Rights: acl.All}
		if err := to.SetACL(t.Context(), account.Actor{Account: uint64(bob)}, account.Inbox, acl.Who{Account: uint64(alice)}, all, nil); err != nil {
			t.Fatal(err)
		}
		at := fs.Calls() + after
		fs.OnCall(crashfs.PowerCut(at, nil))
		_, err := from.a.MoveTo(t.Context(), from.by, account.Inbox, everything, to, account.Inbox)
		done = err == nil && fs.Calls() < at
		d = mount(t, fs.Crash(rand.New(rand.NewPCG(after, 3))), opt)
		here, there := d.readable(t, alice), d.readable(t, bob)
		if there != 0 && there != n || here+there < n || err == nil && there != n {
			t.Fatalf("after %d calls (%v): %d messages here and %d there", after, err, here, there)
		}
		d.verify(t)
		(&rig{t: t, ctx: t.Context(), store: d.store}).maintain()
		if here, now := d.readable(t, alice), d.readable(t, bob); now != there || here+now != n {
			t.Fatalf("after %d calls and Maintain: %d messages here and %d there", after, here, now)
		}
		d.verify(t)
		d.close()
	}
}

// readable counts the messages of an INBOX that can be read.
func (d *disk) readable(t *testing.T, id kv.Account) (n int) {
	t.Helper()
	r := &rig{t: t, ctx: t.Context(), a: d.account(t, id)}
	defer r.a.Close()
	for _, e := range r.entries(r.view(account.Inbox)) {
		if r.text(e.Object) != "" {
			n++
		}
	}
	return n
}
