package account_test

import (
	"context"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"citron/engine/body/segment"
	"citron/engine/kv"
	"citron/engine/kv/memkv"
	"citron/engine/vfs/crashfs"
	"citron/store/account"
	"citron/store/uidset"

	"github.com/google/go-cmp/cmp"
)

const alice kv.Account = 7

// rig is a store over memory.
type rig struct {
	t      *testing.T
	ctx    context.Context
	engine kv.Engine
	fs     *crashfs.FS
	bodies *segment.Store
	store  *account.Store
	a      *account.Account
	by     account.Actor
}

func newRig(t *testing.T, o account.Options) *rig {
	t.Helper()
	r := &rig{t: t, ctx: t.Context(), engine: memkv.New(memkv.Options{}), fs: crashfs.New(), by: account.Actor{Account: uint64(alice)}}
	r.openBodies()
	t.Cleanup(func() { r.bodies.Close() })
	r.open(o)
	return r
}

// openBodies opens the bodies, again after the first time.
func (r *rig) openBodies() {
	r.t.Helper()
	if r.bodies != nil {
		r.bodies.Close()
	}
	var err error
	if r.bodies, err = segment.Open(r.fs, "bodies", segment.Options{}); err != nil {
		r.t.Fatal(err)
	}
}

// open opens the store, again after the first time, and alice's account.
func (r *rig) open(o account.Options) {
	r.t.Helper()
	var err error
	if r.store, err = account.Open(r.engine, r.bodies, o); err != nil {
		r.t.Fatal(err)
	}
	if err = r.store.Create(r.ctx, alice, account.CreateOptions{StandardFolders: true}); err != nil {
		r.t.Fatal(err)
	}
	if r.a, err = r.store.Account(r.ctx, alice); err != nil {
		r.t.Fatal(err)
	}
}

func small(i int) string {
	return fmt.Sprintf("From: Bob <bob@example.org>\r\nTo: alice@example.org\r\nSubject: message %d\r\nMessage-ID: <%d@example.org>\r\n\r\nHello %d\r\n", i, i, i)
}

// incoming writes a message into the account.
func (r *rig) incoming(text string) *account.Incoming {
	r.t.Helper()
	in, err := r.a.NewMessage(r.ctx)
	if err != nil {
		r.t.Fatal(err)
	}
	if _, err := io.WriteString(in, text); err != nil {
		r.t.Fatal(err)
	}
	return in
}

// add appends messages small(1) … small(n) with flags.
func (r *rig) add(id account.MailboxID, n int, f account.SystemFlag) account.AppendResult {
	r.t.Helper()
	items := make([]account.AppendItem, n)
	for i := range items {
		items[i] = account.AppendItem{Incoming: r.incoming(small(i + 1)), Flags: f, InternalDate: time.Unix(int64(1e9+i), 0)}
	}
	res, err := r.a.Append(r.ctx, r.by, id, items)
	if err != nil {
		r.t.Fatal(err)
	}
	return res
}

func (r *rig) view(id account.MailboxID) account.View {
	r.t.Helper()
	v, err := r.a.Open(r.ctx, id)
	if err != nil {
		r.t.Fatal(err)
	}
	return v
}

func (r *rig) entries(v account.View) (all []account.Entry) {
	r.t.Helper()
	err := r.a.Entries(r.ctx, v, everything, func(batch []account.Entry) error {
		all = append(all, batch...)
		return nil
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return all
}

func (r *rig) text(o account.ObjectID) string {
	r.t.Helper()
	m, err := r.a.OpenMessage(r.ctx, o)
	if err != nil {
		r.t.Fatal(err)
	}
	defer m.Close()
	text, err := io.ReadAll(io.NewSectionReader(m, 0, m.Size()))
	if err != nil {
		r.t.Fatal(err)
	}
	return string(text)
}

func (r *rig) mailbox(name string) account.MailboxID {
	r.t.Helper()
	info, ok := r.a.Lookup(name)
	if !ok {
		r.t.Fatalf("no mailbox %s", name)
	}
	return info.ID
}

var everything = uidset.Everything()

func upTo(n int) uidset.Ranges { return uidset.Ranges{{First: 1, Last: account.UID(n)}} }

func equal(t *testing.T, what string, want, got any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s: %s", what, diff)
	}
}

func TestAppendAndRead(t *testing.T) {
	r := newRig(t, account.Options{})
	res := r.add(account.Inbox, 3, account.Seen)
	equal(t, "UIDs", upTo(3), res.UIDs)
	large := "Subject: large\r\n\r\n" + strings.Repeat("0123456789abcdef\r\n", 20_000)
	if _, err := r.a.Append(r.ctx, r.by, account.Inbox, []account.AppendItem{{Incoming: r.incoming(large), Keywords: []string{"$Junk", "x"}}}); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time after a restart
		v := r.view(account.Inbox)
		all := r.entries(v)
		if len(all) != 4 || v.Info.Messages != 4 || v.Info.Unseen != 1 || v.Info.UIDNext != 5 || v.Set.Len() != 4 {
			t.Fatalf("%d entries, %+v", len(all), v.Info)
		}
		for i := range 3 {
			equal(t, "message", small(i+1), r.text(all[i].Object))
			equal(t, "date", int64(1e9+i), all[i].InternalDate.Unix())
		}
		equal(t, "large message", large, r.text(all[3].Object))
		equal(t, "keywords", []string{"$Junk", "x"}, v.Info.Keywords)
		if !all[3].Keywords.Has(0) || !all[3].Keywords.Has(1) || all[0].Flags != account.Seen {
			t.Errorf("flags %+v", all)
		}
		stored, err := r.a.Summaries(r.ctx, []account.ObjectID{all[1].Object, 999, all[0].Object}, account.WantIndex|account.WantHeader|account.WantObject)
		if err != nil {
			t.Fatal(err)
		}
		if stored[1].Found || !stored[0].Found || len(stored[0].Index) == 0 || !stored[0].HeaderWhole || !strings.HasPrefix(small(2), string(stored[0].Header)) {
			t.Errorf("summaries %+v", stored)
		}
		if stored[0].EmailID() == stored[2].EmailID() || stored[0].ThreadID() == stored[2].ThreadID() || stored[0].EmailID()[0] != 'M' {
			t.Errorf("identifiers %+v", stored)
		}
		r.a.Close()
		r.store.Close()
		r.open(account.Options{})
	}
}

func TestFlagsExpungeChanges(t *testing.T) {
	r := newRig(t, account.Options{Step: 4})
	r.add(account.Inbox, 10, 0)
	told := r.view(account.Inbox)
	change := account.FlagChange{Op: account.AddFlags, System: account.Deleted, Keywords: []string{"old"}}
	res, err := r.a.StoreFlags(r.ctx, r.by, account.Inbox, uidset.Of(2, 4, 6, 8, 10, 99), change, nil)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "changed", uidset.Of(2, 4, 6, 8, 10), res.Changed)
	since := told.ModSeq()
	change.UnchangedSince = &since
	if res, err = r.a.StoreFlags(r.ctx, r.by, account.Inbox, upTo(10), change, nil); err != nil {
		t.Fatal(err)
	}
	equal(t, "changed", uidset.Of(1, 3, 5, 7, 9), res.Changed)
	equal(t, "modified", uidset.Of(2, 4, 6, 8, 10), res.Modified)
	gone, _, err := r.a.Expunge(r.ctx, r.by, account.Inbox, uidset.Of(1, 2, 3, 4, 5))
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "gone", upTo(5), gone)
	r.add(account.Inbox, 1, 0)
	now := r.view(account.Inbox)
	c, err := r.a.Changes(r.ctx, now, told.ModSeq())
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "changes", account.Changes{Came: uidset.Of(11), Changed: uidset.Of(6, 7, 8, 9, 10), Gone: upTo(5), Complete: true}, c)
	if n := len(r.entries(told)); n != 10 {
		t.Errorf("%d of 10 messages are readable to a session not yet told", n)
	}
}

func TestCopyAndMove(t *testing.T) {
	for _, step := range []int{100, 3} {
		t.Run(fmt.Sprint("step ", step), func(t *testing.T) {
			r := newRig(t, account.Options{Step: step})
			r.add(account.Inbox, 10, account.Flagged)
			archive := r.mailbox("Archive")
			res, err := r.a.Copy(r.ctx, r.by, account.Inbox, uidset.Of(1, 3, 5, 7, 9, 11), archive)
			if err != nil {
				t.Fatal(err)
			}
			equal(t, "source", uidset.Of(1, 3, 5, 7, 9), res.Source)
			equal(t, "dest", upTo(5), res.Dest)
			if _, err = r.a.Move(r.ctx, r.by, account.Inbox, uidset.Of(2, 4, 6, 8), archive); err != nil {
				t.Fatal(err)
			}
			equal(t, "left", uidset.Of(1, 3, 5, 7, 9, 10), r.view(account.Inbox).Set.Ranges())
			all := r.entries(r.view(archive))
			var texts []string
			for _, e := range all {
				texts = append(texts, r.text(e.Object))
				if e.Flags != account.Flagged {
					t.Errorf("flags %v", e.Flags)
				}
			}
			var want []string
			for _, i := range []int{1, 3, 5, 7, 9, 2, 4, 6, 8} {
				want = append(want, small(i))
			}
			equal(t, "copies", want, texts)
			r.a.StoreFlags(r.ctx, r.by, archive, uidset.Of(2, 9), account.FlagChange{Op: account.ReplaceFlags, System: account.Draft}, nil)
			before := r.entries(r.view(archive))
			r.maintain()
			equal(t, "entries after Maintain", before, r.entries(r.view(archive)))
		})
	}
}

// maintain does all that is due now.
func (r *rig) maintain() {
	r.t.Helper()
	now := time.Now()
	for range 10_000 {
		next, err := r.store.Maintain(r.ctx, now)
		if err != nil {
			r.t.Fatal(err)
		}
		if next.After(now) {
			return
		}
	}
	r.t.Fatal("Maintain does not come to an end")
}
