package account_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"citron/engine/enginetest"
	"citron/engine/kv"
	"citron/engine/kv/memkv"
	"citron/store"
	"citron/store/account"
	"citron/store/uidset"
)

func TestUnknownOutcomes(t *testing.T) {
	for name, c := range map[string]struct {
		fate memkv.Fate
		want error
		n    uint32
	}{
		"done":         {memkv.UnknownKept, nil, 1},
		"not done":     {memkv.UnknownDropped, account.ErrTemporary, 0},
		"refused":      {memkv.Refuse, account.ErrTemporary, 0},
		"engine stops": {memkv.Stop, account.ErrTemporary, 0},
	} {
		t.Run(name, func(t *testing.T) {
			f := &enginetest.Fates{}
			r := newRig(t, account.Options{InlineLimit: 10})
			r.a.Close()
			r.engine = memkv.New(memkv.Options{Decide: f.Decide})
			r.open(account.Options{InlineLimit: 10})
			in := r.incoming(small(1))
			f.Set(errors.New("as the test wants it"), c.fate)
			_, err := r.a.Append(r.ctx, r.by, account.Inbox, []account.AppendItem{{Incoming: in}})
			if !errors.Is(err, c.want) && (err != nil || c.want != nil) {
				t.Fatalf("%v, want %v", err, c.want)
			}
			if info, _ := r.a.Lookup("INBOX"); info.Messages != c.n {
				t.Errorf("%d messages, want %d", info.Messages, c.n)
			}
			if c.fate != memkv.Stop {
				r.add(account.Inbox, 2, 0)
				equal(t, "messages", int(c.n)+2, len(r.entries(r.view(account.Inbox))))
			}
		})
	}
}

// Writers who wait for an account share a transaction; each has its own error
// and modseq.
func TestWritersShareACommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, account.Options{})
		r.a.Close()
		r.engine = memkv.New(memkv.Options{Delay: time.Second})
		r.open(account.Options{})
		before := r.engine.Stats().Updates
		start := time.Now()
		var mu sync.Mutex
		seen := map[account.ModSeq]bool{}
		var wg sync.WaitGroup
		for i := range 20 {
			in := r.incoming(small(i))
			wg.Go(func() {
				to := account.Inbox
				if i%5 == 4 {
					to = 1000
				}
				res, err := r.a.Append(r.ctx, r.by, to, []account.AppendItem{{Incoming: in}})
				mu.Lock()
				defer mu.Unlock()
				if (err != nil) != (to == 1000) || err != nil && !errors.Is(err, account.ErrNoMailbox) {
					t.Errorf("message %d: %v", i, err)
				}
				if err == nil && seen[res.ModSeq] {
					t.Errorf("modseq %d twice", res.ModSeq)
				}
				seen[res.ModSeq] = true
			})
		}
		wg.Wait()
		if n := r.engine.Stats().Updates - before; n > 3 {
			t.Errorf("%d transactions for 20 writers", n)
		}
		if took := time.Since(start); took > 4*time.Second {
			t.Errorf("took %v", took)
		}
		equal(t, "messages", 16, len(r.entries(r.view(account.Inbox))))
		equal(t, "findings", []string(nil), r.findings())
		r.a.Close()
	})
}

func TestWatch(t *testing.T) {
	r := newRig(t, account.Options{})
	calls := 0
	cancel := r.a.Watch(func() {
		calls++
		r.a.ModSeq() // no lock is held
	})
	r.add(account.Inbox, 3, 0)
	if calls != 1 {
		t.Errorf("woken %d times by one append", calls)
	}
	cancel()
	r.add(account.Inbox, 1, 0)
	if calls != 1 {
		t.Errorf("woken after cancel")
	}
}

func TestRecent(t *testing.T) {
	r := newRig(t, account.Options{})
	r.add(account.Inbox, 3, 0)
	if from := r.a.Recent(account.Inbox); from != 1 {
		t.Errorf("recent from %d", from)
	}
	if from := r.a.ClaimRecent(account.Inbox, 3); from != 1 {
		t.Errorf("claimed from %d", from)
	}
	r.add(account.Inbox, 1, 0)
	r.a.Close()
	r.open(account.Options{})
	if from := r.a.ClaimRecent(account.Inbox, 4); from != 4 {
		t.Errorf("claimed from %d", from)
	}
}

func TestDeleteAccount(t *testing.T) {
	r := newRig(t, account.Options{InlineLimit: 10})
	r.add(account.Inbox, 3, 0)
	if err := r.store.Delete(r.ctx, alice); err != nil {
		t.Fatal(err)
	}
	if _, err := r.store.Account(r.ctx, alice); !errors.Is(err, account.ErrNoAccount) {
		t.Errorf("opened: %v", err)
	}
	if _, err := r.a.CreateMailbox(r.ctx, r.by, "x", account.CreateMailboxOptions{}); !errors.Is(err, account.ErrGone) {
		t.Errorf("a handle goes on: %v", err)
	}
	if all, err := r.engine.Accounts(r.ctx, 0, 10); err != nil || len(all) != 0 {
		t.Errorf("left in the engine: %v %v", all, err)
	}
}

func TestAccountsLeaveMemory(t *testing.T) {
	r := newRig(t, account.Options{IdleAccounts: 2})
	for id := kv.Account(100); id < 110; id++ {
		if err := r.store.Create(r.ctx, id, account.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		a, err := r.store.Account(r.ctx, id)
		if err != nil {
			t.Fatal(err)
		}
		a.Close()
	}
	if n := r.store.InMemory(); n != 3 { // alice is in use
		t.Errorf("%d accounts in memory", n)
	}
}

func TestFiling(t *testing.T) {
	r := newRig(t, account.Options{InlineLimit: 100, MaxMessage: 2000})
	const bob = alice + 1
	if err := r.store.Create(r.ctx, bob, account.CreateOptions{Quota: 10}); err != nil {
		t.Fatal(err)
	}
	filing := account.Filing{Store: r.store}
	to := []store.Recipient{{Account: uint64(alice), Prefix: []byte("Delivered-To: a\r\n")}, {Account: uint64(alice), Prefix: []byte("Delivered-To: b\r\n")},
		{Account: uint64(bob)}, {Account: 999}}
	for _, text := range []string{"a: b\r\n\r\nc", small(1) + fmt.Sprintf("%0300d", 0)} {
		in, err := filing.Begin(r.ctx, to, 0)
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(in, text)
		errs := in.Commit(r.ctx)
		if errs[0] != nil || errs[1] != nil || len(text) > 10 && !errors.Is(errs[2], store.ErrOverQuota) || !errors.Is(errs[3], store.ErrNoAccount) {
			t.Fatalf("%v", errs)
		}
		all := r.entries(r.view(account.Inbox))
		got := []string{r.text(all[len(all)-2].Object), r.text(all[len(all)-1].Object)}
		if got[0] > got[1] {
			got[0], got[1] = got[1], got[0]
		}
		equal(t, "copies", []string{"Delivered-To: a\r\n" + text, "Delivered-To: b\r\n" + text}, got)
	}
	one, err := filing.Begin(r.ctx, to[:1], 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := one.Write(make([]byte, 3000)); !errors.Is(err, store.ErrTooLarge) {
		t.Errorf("too large: %v", err)
	}
	one.Abort()
	if _, err := filing.Begin(r.ctx, to[:1], 5000); !errors.Is(err, store.ErrTooLarge) {
		t.Errorf("announced too large: %v", err)
	}
	if _, err := filing.Begin(r.ctx, to[3:], 0); !errors.Is(err, store.ErrNoAccount) {
		t.Errorf("no account: %v", err)
	}
}

// What is deleted comes back to the body store.
func TestBodiesAreGivenBack(t *testing.T) {
	now := time.Unix(1e9, 0)
	r := newRig(t, account.Options{InlineLimit: 10, ExpungeGrace: time.Hour, Now: func() time.Time { return now }})
	r.add(account.Inbox, 20, account.Deleted)
	stored := r.entries(r.view(account.Inbox))
	if _, err := r.a.Copy(r.ctx, r.by, account.Inbox, uidset.Of(1), r.mailbox("Archive")); err != nil {
		t.Fatal(err)
	}
	if _, _, err := r.a.Expunge(r.ctx, r.by, account.Inbox, uidset.Everything()); err != nil {
		t.Fatal(err)
	}
	sweep := func() {
		for range 50 {
			if _, err := r.store.Maintain(r.ctx, now); err != nil {
				t.Fatal(err)
			}
		}
		if err := r.store.SweepBodies(r.ctx); err != nil {
			t.Fatal(err)
		}
	}
	now = now.Add(time.Minute)
	sweep()
	for i, e := range stored {
		equal(t, "within the grace", small(i+1), r.text(e.Object))
	}
	now = now.Add(time.Hour)
	sweep()
	equal(t, "the copy", small(1), r.text(stored[0].Object))
	if _, err := r.a.OpenMessage(r.ctx, stored[1].Object); !errors.Is(err, account.ErrGone) {
		t.Errorf("after the grace: %v", err)
	}
	equal(t, "findings", []string(nil), r.findings())
}

func TestImported(t *testing.T) {
	r := newRig(t, account.Options{})
	key := account.ImportKey{Source: "imap://x", ID: "7"}
	_, err := r.a.Append(context.Background(), r.by, account.Inbox, []account.AppendItem{{Incoming: r.incoming(small(1)), Import: key}})
	if err != nil {
		t.Fatal(err)
	}
	got, err := r.a.Imported(r.ctx, "imap://x", []string{"6", "7"})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "imported", []bool{false, true}, got)
	if got, _ = r.a.Imported(r.ctx, "imap:/", []string{"/x7"}); got[0] {
		t.Error("two keys meet")
	}
}

// A large MOVE takes flags that change while it is under way, and leaves out
// what is expunged meanwhile.
func TestChangesDuringLargeMove(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, account.Options{Step: 3})
		r.a.Close()
		r.engine = memkv.New(memkv.Options{Delay: time.Second})
		r.open(account.Options{Step: 3})
		r.add(account.Inbox, 60, 0)
		archive := r.mailbox("Archive")
		done := make(chan account.CopyResult)
		go func() {
			res, err := r.a.Move(r.ctx, r.by, account.Inbox, uidset.Everything(), archive)
			if err != nil {
				t.Error(err)
			}
			done <- res
		}()
		time.Sleep(8500 * time.Millisecond) // some of it is prepared
		flag := account.FlagChange{Op: account.AddFlags, System: account.Seen, Keywords: []string{"late"}}
		remove := account.FlagChange{Op: account.AddFlags, System: account.Deleted}
		for _, c := range []struct {
			uid account.UID
			c   account.FlagChange
		}{{1, flag}, {60, flag}, {2, remove}} {
			if _, err := r.a.StoreFlags(r.ctx, r.by, account.Inbox, uidset.Of(c.uid), c.c, nil); err != nil {
				t.Error(err)
			}
		}
		if _, _, err := r.a.Expunge(r.ctx, r.by, account.Inbox, uidset.Everything()); err != nil {
			t.Error(err)
		}
		select {
		case <-done:
			t.Fatal("the move was over too soon")
		default:
		}
		res := <-done
		left := upTo(60).Subtract(uidset.Of(2))
		equal(t, "source", left, res.Source)
		equal(t, "dest", left, res.Dest)
		v := r.view(archive)
		if v.Set.Unseen() != 57 || r.view(account.Inbox).Set.Len() != 0 {
			t.Errorf("%d unseen in Archive, %d left in INBOX", v.Set.Unseen(), r.view(account.Inbox).Set.Len())
		}
		for range 2 {
			for _, e := range r.entries(v) {
				if late := e.UID == 1 || e.UID == 60; late != (e.Flags == account.Seen) || late != !e.Keywords.Empty() {
					t.Errorf("UID %d has flags %v and keywords %v", e.UID, e.Flags, e.Keywords)
				}
			}
			equal(t, "findings", []string(nil), r.findings())
			r.maintain()
		}
		r.a.Close()
	})
}

// Logs end where they are too old, and whoever asks for more is told so.
func TestLogsAreTrimmed(t *testing.T) {
	now := time.Unix(1e9, 0)
	opt := account.Options{LogAge: time.Hour, ScanEvery: time.Minute, Now: func() time.Time { return now }}
	r := newRig(t, opt)
	if err := r.create("x"); err != nil {
		t.Fatal(err)
	}
	r.add(account.Inbox, 1, 0)
	told := r.view(account.Inbox)
	since := told.ModSeq() - 1
	r.add(account.Inbox, 1, 0)
	now = now.Add(2 * time.Hour)
	r.add(account.Inbox, 1, 0)
	for range 100 {
		if _, err := r.store.Maintain(r.ctx, now); err != nil {
			t.Fatal(err)
		}
		now = now.Add(time.Second)
	}
	v := r.view(account.Inbox)
	c, err := r.a.Changes(r.ctx, v, since)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "changes since before the log", account.Changes{Changed: upTo(3)}, c)
	if c, err = r.a.Changes(r.ctx, v, v.Info.LogFloor); err != nil {
		t.Fatal(err)
	}
	equal(t, "changes since the log", account.Changes{Came: uidset.Of(3), Complete: true}, c)
	if n := r.keys('n'); n != 0 {
		t.Errorf("%d records of the account's log are left", n)
	}
	equal(t, "findings", []string(nil), r.findings())
}

// keys counts alice's keys of a letter.
func (r *rig) keys(letter byte) (n int) {
	r.t.Helper()
	err := r.engine.View(r.ctx, alice, func(rd kv.Reader) error {
		got, err := rd.Read(r.ctx, kv.Reads{Ranges: []kv.Range{{From: []byte{letter}, To: []byte{letter + 1}}}})
		n = got.Ranges[0].Len()
		return err
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return n
}

// A panic is an error of those who wait; the account is read anew.
func TestPanicIsAnError(t *testing.T) {
	f := &enginetest.Fates{}
	r := newRig(t, account.Options{})
	r.a.Close()
	panics := false
	r.engine = memkv.New(memkv.Options{Decide: func(a kv.Account, id kv.TxID) (memkv.Fate, error) {
		if panics {
			panic("as the test wants it")
		}
		return f.Decide(a, id)
	}})
	r.open(account.Options{})
	r.add(account.Inbox, 1, 0)
	panics = true
	if err := r.create("x"); !errors.Is(err, account.ErrTemporary) {
		t.Errorf("%v", err)
	}
	panics = false
	if err := r.create("x"); !errors.Is(err, account.ErrTemporary) {
		t.Errorf("a handle from before the panic goes on: %v", err)
	}
	r.open(account.Options{})
	r.add(account.Inbox, 1, 0)
	equal(t, "messages", 2, len(r.entries(r.view(account.Inbox))))
}
