package account_test

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"citron/engine/kv"
	"citron/engine/vfs/crashfs"
	"citron/store"
	"citron/store/account"
)

var monday = time.Unix(1_700_000_000, 0)

func once(key string) store.Once { return store.Once{Key: key, Since: monday} }

// deliver files a text for recipients and gives their errors.
func (r *rig) deliver(text string, to ...store.Recipient) []error {
	r.t.Helper()
	in, err := account.Filing{Store: r.store}.Begin(r.ctx, to, 0)
	if err != nil {
		return []error{err}
	}
	io.WriteString(in, text)
	return in.Commit(r.ctx)
}

func TestFiledOnce(t *testing.T) {
	now := monday
	r := newRig(t, account.Options{InlineLimit: 100, Now: func() time.Time { return now }})
	filing := account.Filing{Store: r.store}
	copies := func(want int) {
		t.Helper()
		equal(t, "copies", want, len(r.entries(r.view(account.Inbox))))
	}
	a := store.Recipient{Account: uint64(alice), Once: once("a")}
	for range 2 { // one after the other, inline and with a body of its own
		r.must(errors.Join(r.deliver(small(1), a)...))
		r.must(errors.Join(r.deliver(small(1)+strings.Repeat("x", 200), a)...))
	}
	copies(1)
	b := a
	b.Once.Key = "b"
	r.must(errors.Join(r.deliver("b: c\r\n\r\n", b, b, a)...)) // within one batch
	copies(2)
	other := a
	other.Once.Since = monday.Add(time.Second)
	r.deliver("another message's\r\n", other)
	copies(3)

	r.must(filing.Forget(r.ctx, uint64(alice), once("a"), once("never")))
	r.must(filing.Forget(r.ctx, 999, once("a")))
	r.deliver("again\r\n", a)
	copies(4)

	long := store.Recipient{Account: uint64(alice), Once: once(strings.Repeat("k", store.MaxOnceKey+1))}
	if errs := r.deliver("a", long); errs[0] == nil {
		t.Error("a key of any length is taken")
	}
	if found := r.findings(); len(found) > 0 {
		t.Errorf("%q", found)
	}
}

// What nobody forgets is forgotten in the end, counted from the filing.
func TestFiledOnceIsSwept(t *testing.T) {
	now := monday
	r := newRig(t, account.Options{Now: func() time.Time { return now }})
	const day = 24 * time.Hour
	old := store.Recipient{Account: uint64(alice), Once: store.Once{Key: "held", Since: monday.Add(-90 * day)}}
	r.deliver("held for long\r\n", old)
	pass := func() {
		for range 20 {
			if _, err := r.store.Maintain(r.ctx, now); err != nil {
				t.Fatal(err)
			}
			now = now.Add(time.Minute)
		}
	}
	for range 29 {
		now = now.Add(day)
		pass()
	}
	r.deliver("held for long\r\n", old)
	equal(t, "copies before", 1, len(r.entries(r.view(account.Inbox))))
	now = now.Add(2 * day)
	pass()
	now = now.Add(2 * day)
	pass()
	r.must(r.engine.View(r.ctx, alice, func(rd kv.Reader) error {
		got, err := rd.Read(r.ctx, kv.Reads{Ranges: []kv.Range{{From: []byte{'z'}, To: []byte{'z' + 1}}}})
		equal(t, "records", 0, got.Ranges[0].Len())
		return err
	}))
}

// A queue that delivers everything again after a crash, because it does not
// know what was filed, leaves one copy of each message.
func TestFiledOnceAcrossCrashes(t *testing.T) {
	for seed := range uint64(*crashSeeds) {
		rng := rand.New(rand.NewPCG(seed, 3))
		fs, opt := crashfs.New(), account.Options{InlineLimit: 100}
		d := mount(t, fs, opt)
		if err := d.store.Create(t.Context(), alice, account.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		text := func(i int) string { return fmt.Sprintf("Subject: %d\r\n\r\n%0*d\r\n", i, 20+i*10, i) }
		deliver := func(d *disk) (failed int) {
			var wg sync.WaitGroup
			errs := make([]error, 20)
			for i := range errs {
				wg.Go(func() {
					to := store.Recipient{Account: uint64(alice), Once: once(fmt.Sprint(i))}
					in, err := account.Filing{Store: d.store}.Begin(t.Context(), []store.Recipient{to}, 0)
					if err != nil {
						errs[i] = err
						return
					}
					if _, err := io.WriteString(in, text(i)); err != nil {
						in.Abort()
						errs[i] = err
						return
					}
					errs[i] = errors.Join(in.Commit(t.Context())...)
				})
			}
			wg.Wait()
			for _, err := range errs {
				if err != nil {
					failed++
				}
			}
			return failed
		}
		at := fs.Calls() + uint64(rng.IntN(60))
		fs.OnCall(crashfs.PowerCut(at, nil))
		deliver(d)
		d = mount(t, fs.Crash(rng), opt)
		if failed := deliver(d); failed > 0 {
			t.Errorf("seed %d: %d deliveries failed after the crash", seed, failed)
		}
		a := d.account(t, alice)
		if inbox, info := d.texts(t, a, "INBOX"), a.Mailboxes()[0]; len(inbox) != 20 || info.Messages != 20 {
			t.Errorf("seed %d: %d texts in %d messages", seed, len(inbox), info.Messages)
		}
		a.Close()
		d.verify(t)
		d.close()
	}
}
