package kvtest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"

	"citron/engine/kv"
	"citron/engine/vfs"
	"citron/engine/vfs/crashfs"
)

// OpenOn opens the store in a file system, making it if missing. The engine
// must not end the process when its storage fails, and must refuse new work
// while less than floor bytes are free.
type OpenOn func(t *testing.T, fs vfs.FS, floor uint64) (kv.Engine, error)

// Faults tests what an engine on a vfs.FS does when that fails.
func Faults(t *testing.T, open OpenOn) {
	tests := []struct {
		name string
		run  func(*testing.T, OpenOn)
	}{
		{"HeldSync", testHeldSync},
		{"FailedSync", testFailedSync},
		{"FailedWrite", testFailedWrite},
		{"FailedRead", testFailedRead},
		{"FailedOpen", testFailedOpen},
		{"FullDisk", testFullDisk},
		{"Locked", testLocked},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { test.run(t, open) })
	}
}

func (open OpenOn) on(t *testing.T, fs vfs.FS, floor uint64) kv.Engine {
	t.Helper()
	return Opener(func(t *testing.T) kv.Engine {
		e, err := open(t, fs, floor)
		if err != nil {
			t.Fatalf("open: %v", err)
		}
		return e
	}).open(t)
}

// testHeldSync: while a commit is not durable its Update does not return,
// nobody sees it, and Views of the account do not wait.
func testHeldSync(t *testing.T, open OpenOn) {
	fs := crashfs.New()
	e := open.on(t, fs, 0)
	fill(t, e, 1, "ab")
	hold := fs.HoldSync(nil)
	begin := func(a kv.Account) chan error {
		done := make(chan error, 1)
		go func() {
			done <- e.Update(context.Background(), a, func(tx kv.Tx) error {
				tx.Set([]byte("a"), []byte("new"))
				tx.Delete([]byte("b"))
				return nil
			})
		}()
		return done
	}
	defer hold.Release()
	first := begin(1)
	held := make(chan struct{})
	go func() { hold.Wait(1); close(held) }()
	select {
	case <-held:
	case err := <-first:
		t.Fatalf("an Update returned without a sync: %v", err)
	}
	second, other := begin(1), begin(2)
	for range 100 { // more than enough for either to go wrong
		equal(t, "while the sync is held", scan(t, e, 1, kv.Range{}), "a=aa b=bb")
		equal(t, "the other account", scan(t, e, 2, kv.Range{}), "")
		accounts, err := e.Accounts(context.Background(), 0, 10)
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "accounts", accounts, []kv.Account{1})
	}
	for _, done := range []chan error{first, second, other} {
		select {
		case err := <-done:
			t.Errorf("an Update returned before its sync: %v", err)
		default:
		}
	}
	hold.Release()
	for _, done := range []chan error{first, second, other} {
		if err := <-done; err != nil {
			t.Errorf("Update: %v", err)
		}
	}
	equal(t, "after the sync", scan(t, e, 1, kv.Range{}), "a=new")
	equal(t, "after the sync", scan(t, e, 2, kv.Range{}), "a=new")
}

func testFailedSync(t *testing.T, open OpenOn) {
	testFailure(t, open, func(op crashfs.Op) bool { return op.Kind == crashfs.Sync })
}

func testFailedWrite(t *testing.T, open OpenOn) {
	testFailure(t, open, func(op crashfs.Op) bool { return op.Kind == crashfs.Write })
}

// testFailure fails a call of one commit: its outcome is unknown, the engine
// refuses all further work, and after a restart Outcome tells the truth.
func testFailure(t *testing.T, open OpenOn, match func(crashfs.Op) bool) {
	ctx := context.Background()
	for seed := range uint64(20) {
		fs := crashfs.New()
		e := open.on(t, fs, 0)
		fill(t, e, account, "a")
		fs.OnCall(crashfs.FailNth(1, match, errors.New("I/O error")))
		err := e.Update(ctx, account, func(tx kv.Tx) error { tx.Set([]byte("b"), nil); return nil })
		var unknown *kv.UnknownError
		if !errors.As(err, &unknown) {
			t.Fatalf("the commit that failed: %v, want *kv.UnknownError", err)
		}
		_, outcome := e.Outcome(ctx, account, unknown.ID)
		_, accounts := e.Accounts(ctx, 0, 1)
		for what, err := range map[string]error{
			"Update":  e.Update(ctx, account+1, func(tx kv.Tx) error { tx.Set([]byte("c"), nil); return nil }),
			"View":    e.View(ctx, account, func(kv.Reader) error { return nil }),
			"Outcome": outcome, "Accounts": accounts,
		} {
			if !errors.Is(err, kv.ErrStopped) {
				t.Errorf("%s after a failure: %v, want ErrStopped", what, err)
			}
		}
		again := open.on(t, fs.Crash(rand.New(rand.NewPCG(seed, 1))), 0)
		done, err := again.Outcome(ctx, account, unknown.ID)
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "after a restart", scan(t, again, account, kv.Range{}), map[bool]string{false: "a=aa", true: "a=aa b="}[done])
		fill(t, again, account, "c")
	}
}

// testFailedRead: a read that fails is an error, never an absent key. The next
// may succeed, unless the engine met the failure in work of its own, which
// stops it.
func testFailedRead(t *testing.T, open OpenOn) {
	fs := crashfs.New()
	e := open.on(t, fs, 0)
	value := make([]byte, 64<<10)
	for i := range 64 {
		update(t, e, account, func(tx kv.Tx) { tx.Set(fmt.Appendf(nil, "k%02d", i), value) })
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	e = open.on(t, fs, 0)
	want := kv.Reads{Gets: [][]byte{[]byte("k07")}, Ranges: []kv.Range{{Limit: 3}}}
	fail := errors.New("I/O error")
	fs.OnCall(crashfs.FailWhen(func(op crashfs.Op) bool { return op.Kind == crashfs.Read }, fail))
	err := e.View(context.Background(), account, func(r kv.Reader) error {
		_, err := r.Read(context.Background(), want)
		return err
	})
	if !errors.Is(err, fail) && !errors.Is(err, kv.ErrStopped) {
		t.Errorf("View: %v, want the I/O error", err)
	}
	fs.OnCall(nil)
	err = e.View(context.Background(), account, func(kv.Reader) error { return nil })
	if errors.Is(err, kv.ErrStopped) {
		e = open.on(t, fs.Crash(rand.New(rand.NewPCG(1, 1))), 0)
	}
	got := read(t, e, account, want)
	if len(got.Values[0]) != len(value) || got.Ranges[0].Len() != 3 {
		t.Errorf("after it: %d bytes, %d pairs", len(got.Values[0]), got.Ranges[0].Len())
	}
}

// testFailedOpen fails each call of opening in turn: it gives an error, or
// none if it did not matter, and nothing is lost.
func testFailedOpen(t *testing.T, open OpenOn) {
	fail := errors.New("I/O error")
	for n := uint64(1); ; n++ {
		fs := crashfs.New()
		e := open.on(t, fs, 0)
		fill(t, e, account, "abc")
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
		var failed atomic.Bool
		hook := crashfs.FailNth(n, crashfs.Op.Changes, fail)
		fs.OnCall(func(op crashfs.Op) error {
			err := hook(op)
			if err != nil {
				failed.Store(true)
			}
			return err
		})
		if e, err := open(t, fs, 0); err == nil {
			fs.OnCall(nil)
			e.Close()
		}
		fs = fs.Crash(rand.New(rand.NewPCG(n, 1)))
		equal(t, "after a restart", scan(t, open.on(t, fs, 0), account, kv.Range{}), "a=aa b=bb c=cc")
		if !failed.Load() {
			return
		}
	}
}

// testFullDisk: a filling disk gives refusals, after which nothing is unknown
// and everything goes on when there is room again.
func testFullDisk(t *testing.T, open OpenOn) {
	const floor, capacity = 8 << 20, 24 << 20
	ctx := context.Background()
	fs := crashfs.New()
	e := open.on(t, fs, floor)
	fs.SetCapacity(capacity)
	value := make([]byte, 32<<10)
	rng := rand.NewChaCha8([32]byte{})
	written := 0
	add := func() error {
		return e.Update(ctx, account, func(tx kv.Tx) error {
			rng.Read(value)
			tx.Set(fmt.Appendf(nil, "k%06d", written), value)
			return nil
		})
	}
	var err error
	for ; err == nil; written++ {
		if err = add(); written > capacity/len(value) {
			t.Fatal("more was taken than the disk holds")
		}
	}
	written--
	if !errors.Is(err, kv.ErrNoSpace) {
		t.Fatalf("on a full disk: %v, want ErrNoSpace", err)
	}
	all := func() {
		t.Helper()
		pairs := read(t, e, account, kv.Reads{Ranges: []kv.Range{{KeysOnly: true}}}).Ranges[0]
		if pairs.Len() != written {
			t.Errorf("%d keys, want %d", pairs.Len(), written)
		}
	}
	all()
	fs.SetCapacity(-1)
	for err = add(); errors.Is(err, kv.ErrNoSpace); err = add() { // until it looks again
	}
	if err != nil {
		t.Fatalf("with room again: %v", err)
	}
	written++
	all()
}

// testLocked: a store is open once.
func testLocked(t *testing.T, open OpenOn) {
	fs := crashfs.New()
	e := open.on(t, fs, 0)
	if _, err := open(t, fs, 0); !errors.Is(err, vfs.ErrLocked) {
		t.Errorf("second open: %v, want ErrLocked", err)
	}
	fill(t, e, account, "a")
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	equal(t, "after it", scan(t, open.on(t, fs, 0), account, kv.Range{}), "a=aa")
}
