package memkv_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"citron/engine/kv"
	"citron/engine/kv/memkv"
)

func set(e kv.Engine, key string) (id kv.TxID, err error) {
	err = e.Update(context.Background(), 1, func(tx kv.Tx) error {
		id = tx.ID()
		tx.Set([]byte(key), nil)
		return nil
	})
	return id, err
}

func has(t *testing.T, e kv.Engine, key string) (found bool) {
	t.Helper()
	err := e.View(context.Background(), 1, func(r kv.Reader) error {
		got, err := r.Read(context.Background(), kv.Reads{Gets: [][]byte{[]byte(key)}})
		if err == nil {
			found = got.Values[0] != nil
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestFates(t *testing.T) {
	cause := errors.New("the wire was cut")
	tests := []struct {
		fate          memkv.Fate
		kept, unknown bool
	}{
		{memkv.Commit, true, false},
		{memkv.Refuse, false, false},
		{memkv.UnknownKept, true, true},
		{memkv.UnknownDropped, false, true},
	}
	for _, test := range tests {
		var fate memkv.Fate
		e := memkv.New(memkv.Options{Decide: func(kv.Account, kv.TxID) (memkv.Fate, error) { return fate, cause }})
		if _, err := set(e, "before"); err != nil {
			t.Fatal(err)
		}
		fate = test.fate
		id, err := set(e, "k")
		fate = memkv.Commit
		var unknown *kv.UnknownError
		if errors.As(err, &unknown) != test.unknown || (err == nil) != (test.kept && !test.unknown) {
			t.Errorf("fate %d: %v", test.fate, err)
		}
		if err != nil && !errors.Is(err, cause) {
			t.Errorf("fate %d: %v does not name its cause", test.fate, err)
		}
		if unknown != nil && unknown.ID != id {
			t.Errorf("fate %d: unknown is %v, want %v", test.fate, unknown.ID, id)
		}
		done, err := e.Outcome(context.Background(), 1, id)
		if done != test.kept || err != nil || has(t, e, "k") != test.kept {
			t.Errorf("fate %d: outcome %v, %v; visible %v", test.fate, done, err, has(t, e, "k"))
		}
	}
}

func TestStop(t *testing.T) {
	fate := memkv.Commit
	e := memkv.New(memkv.Options{Decide: func(kv.Account, kv.TxID) (memkv.Fate, error) { return fate, nil }})
	if _, err := set(e, "a"); err != nil {
		t.Fatal(err)
	}
	fate = memkv.Stop
	var unknown *kv.UnknownError
	if _, err := set(e, "b"); !errors.As(err, &unknown) {
		t.Errorf("the commit at which it stopped: %v", err)
	}
	if _, err := set(e, "c"); !errors.Is(err, kv.ErrStopped) {
		t.Errorf("the next: %v", err)
	}
	again := e.Reopen(memkv.Options{})
	if !has(t, again, "a") || has(t, again, "b") {
		t.Error("what was kept before it stopped, and no more, is there after reopening")
	}
}

// TestDelay: each Read and each commit takes the delay, whatever it carries.
func TestDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const delay = 30 * time.Millisecond
		e := memkv.New(memkv.Options{Delay: delay})
		took := func(fn func()) time.Duration {
			start := time.Now()
			fn()
			return time.Since(start)
		}
		if got := took(func() { set(e, "a") }); got != delay {
			t.Errorf("a blind write took %v, want %v", got, delay)
		}
		if got := took(func() { has(t, e, "a") }); got != delay {
			t.Errorf("a read took %v, want %v", got, delay)
		}
		ctx, cancel := context.WithTimeout(context.Background(), delay/3)
		defer cancel()
		got := took(func() {
			err := e.View(ctx, 1, func(r kv.Reader) error {
				_, err := r.Read(ctx, kv.Reads{})
				return err
			})
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("Read: %v", err)
			}
		})
		if got != delay/3 {
			t.Errorf("a read given up took %v", got)
		}
	})
}

// BenchmarkUpdate is the price of a transaction in tests.
func BenchmarkUpdate(b *testing.B) {
	e := memkv.New(memkv.Options{})
	b.ReportAllocs()
	for i := range b.N {
		err := e.Update(context.Background(), 1, func(tx kv.Tx) error {
			for j := range 9 {
				tx.Set([]byte{byte(j), byte(i), byte(i >> 8)}, []byte("value"))
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}
