package account_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"citron/engine/body/segment"
	"citron/engine/enginetest"
	"citron/engine/kv"
	"citron/engine/kv/pebblekv"
	"citron/engine/vfs"
	"citron/engine/vfs/crashfs"
	"citron/store/account"
	"citron/store/uidset"
)

var crashSeeds = flag.Int("crash.seeds", 12, "how many random crashes TestCrash makes")

// disk is an engine and bodies on one file system that can crash.
type disk struct {
	fs     *crashfs.FS
	engine *pebblekv.Engine
	bodies *segment.Store
	store  *account.Store
}

func mount(t *testing.T, fs *crashfs.FS, o account.Options) *disk {
	t.Helper()
	d := &disk{fs: fs, engine: enginetest.Pebble(t, fs), bodies: enginetest.Bodies(t, fs, "bodies")}
	var err error
	if d.store, err = account.Open(d.engine, d.bodies, o); err != nil {
		t.Fatal(err)
	}
	return d
}

func (d *disk) close() {
	d.store.Close()
	d.engine.Close()
	d.bodies.Close()
}

func (d *disk) account(t *testing.T, id kv.Account) *account.Account {
	t.Helper()
	a, err := d.store.Account(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func (d *disk) verify(t *testing.T) {
	t.Helper()
	err := account.Verify(t.Context(), d.engine, d.bodies, func(f account.Finding) { t.Errorf("account %d: %s", f.Account, f.Text) })
	if err != nil {
		t.Fatal(err)
	}
}

// promise is what one worker was told and must find again. Each worker has
// texts of its own, so that nobody else changes what it was promised.
type promise struct {
	account kv.Account
	arrived map[string]bool // texts acknowledged and not touched since
	flags   map[string]account.SystemFlag
	gone    map[string]bool // expunge or move acknowledged
	moved   map[string]bool // in Archive
	unsure  map[string]bool // a change was under way
	uids    map[string]bool // validity and UID of each acknowledged message
	modseq  account.ModSeq
	either  [][2]string // of which one must be there, and not the other
	user    uint64      // whose URL key key is
	key     []byte      // the last that was acknowledged; nil while another was under way
}

// TestCrash lets deliveries, appends, flags, moves and expunges run together,
// cuts the power at a random call and looks whether what was acknowledged is
// there.
func TestCrash(t *testing.T) {
	for seed := range *crashSeeds {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) { crash(t, uint64(seed)) })
	}
}

const crashAccounts = 4

func crash(t *testing.T, seed uint64) {
	rng := rand.New(rand.NewPCG(seed, 1))
	fs := crashfs.New()
	opt := account.Options{Step: 3, InlineLimit: 300}
	d := mount(t, fs, opt)
	for id := range kv.Account(crashAccounts) {
		if err := d.store.Create(t.Context(), id+1, account.CreateOptions{StandardFolders: true}); err != nil {
			t.Fatal(err)
		}
	}
	calls := fs.Calls()
	at := calls + uint64(rng.IntN(1500)) + 10
	ctx, off := context.WithCancel(context.Background())
	fs.OnCall(crashfs.PowerCut(at, off))
	promises := d.work(ctx, seed)
	after := fs.Crash(rng)
	off()
	d = mount(t, after, opt)
	defer d.close()
	for _, p := range promises {
		d.kept(t, p)
	}
	d.verify(t)
	for range 200 {
		if _, err := d.store.Maintain(t.Context(), time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	d.verify(t)
}

// work runs 64 workers until the power is off.
func (d *disk) work(ctx context.Context, seed uint64) []*promise {
	promises := make([]*promise, 64)
	var wg sync.WaitGroup
	for i := range promises {
		p := &promise{account: kv.Account(i%crashAccounts) + 1, arrived: map[string]bool{}, flags: map[string]account.SystemFlag{},
			gone: map[string]bool{}, moved: map[string]bool{}, unsure: map[string]bool{}, uids: map[string]bool{}, user: uint64(1000 + i)}
		promises[i] = p
		wg.Go(func() {
			a, err := d.store.Account(ctx, p.account)
			if err != nil {
				return
			}
			defer a.Close()
			rng := rand.New(rand.NewPCG(seed, uint64(i)+100))
			for n := 0; n < 40 && ctx.Err() == nil; n++ {
				p.round(ctx, a, rng, fmt.Sprintf("worker %d message %d", i, n))
			}
		})
	}
	wg.Wait()
	return promises
}

// round delivers a message and does something with it.
func (p *promise) round(ctx context.Context, a *account.Account, rng *rand.Rand, text string) {
	body := "Subject: " + text + "\r\n\r\n" + fmt.Sprintf("%0*d", rng.IntN(800), 7)
	in, err := a.NewMessage(ctx)
	if err != nil {
		return
	}
	io.WriteString(in, body)
	res, err := a.Append(ctx, account.Actor{Account: uint64(a.ID())}, account.Inbox, []account.AppendItem{{Incoming: in}})
	if err != nil {
		return
	}
	p.arrived[body] = true
	p.told(res.UIDValidity, res.UIDs, res.ModSeq)
	switch rng.IntN(6) {
	case 0:
		p.unsure[body] = true
		if _, err := a.StoreFlags(ctx, account.Actor{Account: uint64(a.ID())}, account.Inbox, res.UIDs, account.FlagChange{System: account.Flagged | account.Seen}, nil); err == nil {
			p.flags[body] = account.Flagged | account.Seen
			delete(p.unsure, body)
		}
	case 1:
		p.unsure[body] = true
		archive, _ := a.Lookup("Archive")
		if moved, err := a.Move(ctx, account.Actor{Account: uint64(a.ID())}, account.Inbox, res.UIDs, archive.ID); err == nil {
			p.moved[body] = true
			p.told(moved.UIDValidity, moved.Dest, moved.ModSeq)
			delete(p.unsure, body)
		}
	case 2:
		p.unsure[body] = true
		a.StoreFlags(ctx, account.Actor{Account: uint64(a.ID())}, account.Inbox, res.UIDs, account.FlagChange{System: account.Deleted}, nil)
		if gone, modseq, err := a.Expunge(ctx, account.Actor{Account: uint64(a.ID())}, account.Inbox, res.UIDs); err == nil && len(gone) > 0 {
			p.gone[body] = true
			p.told(0, nil, modseq)
			delete(p.unsure, body)
		}
	case 3:
		p.replace(ctx, a, res.UIDs[0].First, body)
	case 4:
		p.key = nil
		if err := a.ResetURLKey(ctx, account.Actor{Account: uint64(a.ID())}, account.Inbox, p.user); err == nil {
			p.key, _ = a.URLKey(ctx, account.Inbox, p.user)
		}
	}
}

// replace is REPLACE: of the old message and the new one, just one is there.
func (p *promise) replace(ctx context.Context, a *account.Account, old account.UID, body string) {
	in, err := a.NewMessage(ctx)
	if err != nil {
		return
	}
	by := body + " replaced"
	io.WriteString(in, by)
	p.unsure[body], p.unsure[by] = true, true
	res, err := a.Replace(ctx, account.Actor{Account: uint64(a.ID())}, account.Inbox, old, account.Inbox, account.AppendItem{Incoming: in})
	if err != nil {
		p.either = append(p.either, [2]string{body, by})
		return
	}
	p.gone[body], p.arrived[by] = true, true
	p.told(res.UIDValidity, res.UIDs, res.ModSeq)
	delete(p.unsure, body)
	delete(p.unsure, by)
}

func (p *promise) told(validity uint32, uids uidset.Ranges, modseq account.ModSeq) {
	uids.Each(func(u account.UID) bool {
		p.uids[fmt.Sprint(validity, " ", u)] = true
		return true
	})
	p.modseq = max(p.modseq, modseq)
}

// kept looks for what was promised.
func (d *disk) kept(t *testing.T, p *promise) {
	t.Helper()
	a := d.account(t, p.account)
	defer a.Close()
	inbox, archive := d.texts(t, a, "INBOX"), d.texts(t, a, "Archive")
	for text := range p.arrived {
		e, here := inbox[text]
		_, there := archive[text]
		switch {
		case p.unsure[text]:
		case p.gone[text] && (here || there):
			t.Errorf("account %d: an expunged message is back: %.40q", p.account, text)
		case p.gone[text]:
		case p.moved[text] && (here || !there):
			t.Errorf("account %d: a moved message is in INBOX %v, Archive %v: %.40q", p.account, here, there, text)
		case p.moved[text]:
		case !here:
			t.Errorf("account %d: an acknowledged message is lost: %.40q", p.account, text)
		case e.Flags != p.flags[text]:
			t.Errorf("account %d: flags %v, acknowledged %v", p.account, e.Flags, p.flags[text])
		}
	}
	for _, texts := range p.either {
		_, old := inbox[texts[0]]
		if _, fresh := inbox[texts[1]]; old == fresh {
			t.Errorf("account %d: a message and what replaces it are both there, or not: %v %.40q", p.account, old, texts[0])
		}
	}
	if key, err := a.URLKey(t.Context(), account.Inbox, p.user); p.key != nil && (err != nil || !bytes.Equal(key, p.key)) {
		t.Errorf("account %d: another URL key than was acknowledged: %v", p.account, err)
	}
	if a.ModSeq() < p.modseq {
		t.Errorf("account %d: modseq went back from %d to %d", p.account, p.modseq, a.ModSeq())
	}
	for _, info := range a.Mailboxes() {
		next := fmt.Sprint(info.UIDValidity, " ", info.UIDNext)
		if p.uids[next] {
			t.Errorf("account %d: UID %s would be given out again", p.account, next)
		}
	}
}

func (d *disk) texts(t *testing.T, a *account.Account, name string) map[string]account.Entry {
	t.Helper()
	info, _ := a.Lookup(name)
	v, err := a.Open(t.Context(), info.ID)
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{t: t, ctx: t.Context(), a: a}
	all := make(map[string]account.Entry)
	for _, e := range r.entries(v) {
		all[r.text(e.Object)] = e
	}
	return all
}

// While Sync is held back nothing is acknowledged, and nothing is to be seen.
func TestNothingBeforeSync(t *testing.T) {
	fs := crashfs.New()
	d := mount(t, fs, account.Options{InlineLimit: 100})
	defer d.close()
	if err := d.store.Create(t.Context(), alice, account.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	a := d.account(t, alice)
	defer a.Close()
	r := &rig{t: t, ctx: t.Context(), a: a}
	for _, text := range []string{"a: b\r\n\r\nsmall", small(1)} {
		in := r.incoming(text)
		before := r.view(account.Inbox).Info.Messages
		hold := fs.HoldSync(nil)
		done := make(chan error, 1)
		go func() {
			_, err := a.Append(context.Background(), account.Actor{Account: uint64(a.ID())}, account.Inbox, []account.AppendItem{{Incoming: in}})
			done <- err
		}()
		held := make(chan struct{})
		go func() {
			hold.Wait(1)
			close(held)
		}()
		select {
		case err := <-done:
			t.Fatalf("acknowledged before the sync: %v", err)
		case <-held:
		}
		select {
		case err := <-done:
			t.Fatalf("acknowledged while the sync is held: %v", err)
		default:
		}
		if n := r.view(account.Inbox).Info.Messages; n != before {
			t.Fatalf("%d messages to be seen before the sync", n)
		}
		hold.Release()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if n := r.view(account.Inbox).Info.Messages; n != before+1 {
			t.Fatalf("%d messages after the sync", n)
		}
	}
}

// A large COPY that ends in the middle shows nothing of itself, neither to a
// session beside it nor after the crash; then it is taken back.
func TestCrashInLargeCopy(t *testing.T) {
	const n = 40
	for _, after := range []uint64{2, 6, 11} {
		fs := crashfs.New()
		opt := account.Options{Step: 8}
		d := mount(t, fs, opt)
		if err := d.store.Create(t.Context(), alice, account.CreateOptions{StandardFolders: true}); err != nil {
			t.Fatal(err)
		}
		a := d.account(t, alice)
		r := &rig{t: t, ctx: t.Context(), a: a}
		r.add(account.Inbox, n, 0)
		archive := r.mailbox("Archive")
		at := fs.Calls() + after
		fs.OnCall(func(op crashfs.Op) error {
			if shown, _ := a.Mailbox(archive); shown.Messages != 0 && shown.Messages != n {
				t.Errorf("%d of %d messages are to be seen", shown.Messages, n)
			}
			if op.N >= at {
				return crashfs.ErrPower
			}
			return nil
		})
		_, err := a.Copy(t.Context(), account.Actor{Account: uint64(a.ID())}, account.Inbox, everything, archive)
		if err == nil {
			t.Fatalf("the copy was done in %d calls", after)
		}
		d = mount(t, fs.Crash(rand.New(rand.NewPCG(after, 2))), opt)
		r = &rig{t: t, ctx: t.Context(), a: d.account(t, alice), store: d.store}
		if v := r.view(archive); v.Set.Len() != 0 || v.Info.UIDNext != 1 {
			t.Errorf("after %d calls: %d messages of an unfinished copy", after, v.Set.Len())
		}
		d.verify(t)
		r.maintain()
		d.verify(t)
		equal(t, "objects after the copy was taken back", n, len(r.entries(r.view(account.Inbox))))
		d.close()
	}
}

// On a full disk deliveries are refused for the time being, and taken again
// when there is space.
func TestFullDisk(t *testing.T) {
	fs := crashfs.New()
	d := mount(t, fs, account.Options{InlineLimit: 100})
	defer d.close()
	if err := d.store.Create(t.Context(), alice, account.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	a := d.account(t, alice)
	defer a.Close()
	r := &rig{t: t, ctx: t.Context(), a: a}
	r.add(account.Inbox, 2, 0)
	fs.OnCall(crashfs.FailWhen(func(op crashfs.Op) bool {
		return op.Kind == crashfs.Write && len(op.Name) > 6 && op.Name[:6] == "bodies"
	}, fmt.Errorf("write: %w", vfs.ErrNoSpace)))
	in := r.incoming(small(3))
	_, err := a.Append(t.Context(), account.Actor{Account: uint64(a.ID())}, account.Inbox, []account.AppendItem{{Incoming: in}})
	if !errors.Is(err, account.ErrNoSpace) {
		t.Fatalf("%v", err)
	}
	fs.OnCall(nil)
	r.add(account.Inbox, 1, 0)
	equal(t, "messages", 3, len(r.entries(r.view(account.Inbox))))
	d.verify(t)
}
