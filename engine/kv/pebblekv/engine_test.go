package pebblekv_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"testing"

	"go.uber.org/goleak"

	"citron/engine/kv"
	"citron/engine/kv/pebblekv"
	"citron/engine/vfs/crashfs"
	"citron/engine/vfs/osfs"
)

func set(e kv.Engine, a kv.Account, key string) error {
	return e.Update(context.Background(), a, func(tx kv.Tx) error {
		tx.Set([]byte(key), []byte("value"))
		return nil
	})
}

// TestFatalOnce: Fatal hears of the first failure, with its cause, and of no
// other.
func TestFatalOnce(t *testing.T) {
	fs := crashfs.New()
	heard := make(chan error, 10)
	e, err := pebblekv.Open(fs, "kv", pebblekv.Options{
		Fatal: func(err error) { heard <- err }, Survive: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	fail := errors.New("I/O error")
	fs.OnCall(crashfs.FailWhen(func(op crashfs.Op) bool { return op.Changes() }, fail))
	if err := set(e, 1, "a"); !errors.Is(err, kv.ErrStopped) || !errors.Is(err, fail) {
		t.Errorf("the commit that failed: %v", err)
	}
	if err := set(e, 1, "a"); !errors.Is(err, kv.ErrStopped) {
		t.Errorf("the next: %v", err)
	}
	if first := <-heard; !errors.Is(first, fail) {
		t.Errorf("Fatal heard %v", first)
	}
	if err := e.Close(); err != nil {
		t.Errorf("Close of a stopped engine: %v", err)
	}
	if len(heard) > 0 {
		t.Errorf("Fatal also heard %v", <-heard)
	}
}

// TestStoppedWritesNothing: after a failure the files stay as they are.
func TestStoppedWritesNothing(t *testing.T) {
	fs := crashfs.New()
	e, err := pebblekv.Open(fs, "kv", pebblekv.Options{Fatal: func(error) {}, Survive: true})
	if err != nil {
		t.Fatal(err)
	}
	isSync := func(op crashfs.Op) bool { return op.Kind == crashfs.Sync }
	failed := crashfs.FailNth(1, isSync, errors.New("I/O error"))
	var over atomic.Bool
	fs.OnCall(func(op crashfs.Op) error {
		if over.Load() && op.Changes() {
			t.Errorf("after the failure: %v %s", op.Kind, op.Name)
		}
		err := failed(op)
		if err != nil {
			over.Store(true)
		}
		return err
	})
	set(e, 1, "a")
	set(e, 2, "a")
	e.Close()
	if !over.Load() {
		t.Error("no sync was made")
	}
}

// TestFloor: Updates are refused below the floor and taken again above, what
// makes room below the lower one; reads go on.
func TestFloor(t *testing.T) {
	fs := crashfs.New()
	e, err := pebblekv.Open(fs, "kv", pebblekv.Options{FreeFloor: 1 << 20, Fatal: func(err error) { t.Error(err) }})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	if err := set(e, 1, "a"); err != nil {
		t.Fatal(err)
	}
	remove := func() error {
		return e.Update(kv.MakingRoom(context.Background()), 1, func(tx kv.Tx) error {
			tx.Delete([]byte("a"))
			return nil
		})
	}
	until := func(want error, try func() error) {
		t.Helper()
		err := try()
		for !errors.Is(err, want) { // the answer is kept for a while
			if err != nil && !errors.Is(err, kv.ErrNoSpace) {
				t.Fatal(err)
			}
			err = try()
		}
	}
	write := func() error { return set(e, 1, "b") }
	fs.SetCapacity(fs.Used() + 1<<20 - 1)
	until(kv.ErrNoSpace, write)
	if err := remove(); err != nil {
		t.Errorf("what makes room, between the floors: %v", err)
	}
	until(kv.ErrNoSpace, write)
	fs.SetCapacity(fs.Used() + 1<<19 - 1)
	until(kv.ErrNoSpace, remove)
	if err := e.View(context.Background(), 1, func(kv.Reader) error { return nil }); err != nil {
		t.Errorf("View on a full disk: %v", err)
	}
	fs.SetCapacity(fs.Used() + 16<<20)
	until(nil, write)
	until(nil, remove)
}

// TestGroupCommit: Updates of many accounts that wait together share syncs.
func TestGroupCommit(t *testing.T) {
	fs := crashfs.New()
	e, err := pebblekv.Open(fs, "kv", pebblekv.Options{Fatal: func(err error) { t.Error(err) }})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	const writers = 50
	hold := fs.HoldSync(nil)
	done := make(chan error, writers)
	for a := range writers {
		go func() { done <- set(e, kv.Account(a), "k") }()
	}
	hold.Wait(1)
	for int(e.Stats().Updates) < writers { // all are on their way
	}
	var syncs atomic.Int64
	fs.OnCall(func(op crashfs.Op) error {
		if op.Kind == crashfs.Sync {
			syncs.Add(1)
		}
		return nil
	})
	hold.Release()
	for range writers {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if n := syncs.Load(); n > writers/2 {
		t.Errorf("%d commits took %d syncs more", writers, n)
	}
}

// TestCloseLeavesNothing: no goroutine and no lock outlives Close.
func TestCloseLeavesNothing(t *testing.T) {
	before := goleak.IgnoreCurrent()
	fs, err := osfs.New(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		e, err := pebblekv.Open(fs, "kv", pebblekv.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if err := set(e, 1, "a"); err != nil {
			t.Fatal(err)
		}
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
	}
	goleak.VerifyNone(t, before)
}

// TestDamagedHead: Outcome does not guess.
func TestDamagedHead(t *testing.T) {
	fs := crashfs.New()
	e, err := pebblekv.Open(fs, "kv", pebblekv.Options{Fatal: func(err error) { t.Error(err) }})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	if err := e.SetHeadForTest(3, []byte{9}); err != nil {
		t.Fatal(err)
	}
	if done, err := e.Outcome(context.Background(), 3, kv.TxID{}); done || err == nil || !strings.Contains(err.Error(), "account 3") {
		t.Errorf("Outcome: %v, %v", done, err)
	}
}

// BenchmarkReadAfterWrite is the price of a get after nine writes, which
// indexes the batch, beside one before them.
func BenchmarkReadAfterWrite(b *testing.B) {
	for _, after := range []bool{false, true} {
		b.Run(fmt.Sprintf("after=%v", after), func(b *testing.B) {
			e, err := pebblekv.Open(crashfs.New(), "kv", pebblekv.Options{})
			if err != nil {
				b.Fatal(err)
			}
			defer e.Close()
			ctx := context.Background()
			d := newDelivery(1)
			rollback := errors.New("rollback")
			rng := rand.New(rand.NewPCG(1, 1))
			b.ReportAllocs()
			for range b.N {
				e.Update(ctx, 1, func(tx kv.Tx) error {
					want := kv.Reads{Gets: [][]byte{{'h', byte(rng.IntN(4))}}}
					if !after {
						tx.Read(ctx, want)
					}
					for i, value := range d.values {
						tx.Set([]byte{'h', byte(i)}, value)
					}
					if after {
						tx.Read(ctx, want)
					}
					return rollback
				})
			}
		})
	}
}
