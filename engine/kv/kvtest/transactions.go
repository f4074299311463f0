package kvtest

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"citron/engine/kv"
)

func testAbort(t *testing.T, o Opener) {
	e := o.open(t)
	fill(t, e, account, "a")
	sorry := errors.New("sorry")
	err := e.Update(context.Background(), account, func(tx kv.Tx) error {
		tx.Set([]byte("b"), nil)
		tx.DeleteRange(nil, nil)
		return sorry
	})
	if !errors.Is(err, sorry) {
		t.Errorf("Update: %v, want the function's own error", err)
	}
	equal(t, "after it", scan(t, e, account, kv.Range{}), "a=aa")
	err = e.View(context.Background(), account, func(kv.Reader) error { return sorry })
	if !errors.Is(err, sorry) {
		t.Errorf("View: %v, want the function's own error", err)
	}
}

// The writer uses its memory again after each write.
func testWritesAreCopied(t *testing.T, o Opener) {
	e := o.open(t)
	fill(t, e, account, "xyz")
	update(t, e, account, func(tx kv.Tx) {
		key, value := []byte("a"), []byte("1")
		tx.Set(key, value)
		key[0], value[0] = 'x', '2'
		tx.Delete(key)
		to := []byte("z")
		key[0] = 'y'
		tx.DeleteRange(key, to)
		key[0], value[0], to[0] = 'b', '3', 'b'
		tx.Set(key, value)
		key[0], value[0] = 'q', '4'
	})
	equal(t, "after it", scan(t, e, account, kv.Range{}), "a=1 b=3 z=zz")
}

func testReadYourWrites(t *testing.T, o Opener) {
	e := o.open(t)
	fill(t, e, account, "abcdef")
	update(t, e, account, func(tx kv.Tx) {
		see := func(what, want string) {
			t.Helper()
			got := readIn(t, tx, kv.Reads{Ranges: []kv.Range{{}}})
			equal(t, what, show(got.Ranges[0]), want)
		}
		see("before writing", "a=aa b=bb c=cc d=dd e=ee f=ff")
		tx.Set([]byte("b"), []byte("1"))
		tx.Set([]byte("g"), []byte("2"))
		tx.Delete([]byte("a"))
		see("set and deleted", "b=1 c=cc d=dd e=ee f=ff g=2")
		got := readIn(t, tx, kv.Reads{Gets: [][]byte{[]byte("a"), []byte("b"), []byte("c"), []byte("g")}})
		if got.Values[0] != nil {
			t.Errorf("deleted key reads as %q", got.Values[0])
		}
		equal(t, "gets", fmt.Sprintf("%s", got.Values[1:]), "[1 cc 2]")
		tx.DeleteRange([]byte("b"), []byte("e"))
		see("range deleted", "e=ee f=ff g=2")
		tx.Set([]byte("c"), []byte("3"))
		see("set within the deleted", "c=3 e=ee f=ff g=2")
		tx.DeleteRange([]byte("c"), nil)
		tx.DeleteRange([]byte("y"), []byte("x"))
		see("deleted again", "")
		tx.Set([]byte("d"), []byte("4"))
		see("set at last", "d=4")
		tx.Set([]byte("z"), nil)
	})
	equal(t, "after the commit", scan(t, e, account, kv.Range{}), "d=4 z=")
}

// testRangeOverOwnWrites: limits count what is left, not what was deleted.
func testRangeOverOwnWrites(t *testing.T, o Opener) {
	e := o.open(t)
	fill(t, e, account, "acegikmoqs")
	update(t, e, account, func(tx kv.Tx) {
		tx.DeleteRange([]byte("c"), []byte("j"))
		tx.Delete([]byte("s"))
		tx.Set([]byte("f"), []byte("1"))
		tx.Set([]byte("t"), []byte("2"))
		got := readIn(t, tx, kv.Reads{Ranges: []kv.Range{
			{Limit: 3},
			{From: []byte("b"), Limit: 2},
			{Limit: 3, Reverse: true},
			{To: []byte("m"), Limit: 3, Reverse: true, KeysOnly: true},
			{From: []byte("g"), To: []byte("k")},
		}}).Ranges
		equal(t, "first three", show(got[0]), "a=aa f=1 k=kk")
		equal(t, "two from b", show(got[1]), "f=1 k=kk")
		equal(t, "last three", show(got[2]), "t=2 q=qq o=oo")
		equal(t, "three before m", show(got[3]), "k= f= a=")
		equal(t, "nothing left", show(got[4]), "")
	})
}

// testResultsOutlive: what Read gave is valid after the transaction, and the
// caller's slices are free after each call.
func testResultsOutlive(t *testing.T, o Opener) {
	e := o.open(t)
	key, value := []byte("key"), []byte("value")
	var first, own kv.Results
	update(t, e, account, func(tx kv.Tx) {
		tx.Set(key, value)
		copy(key, "yek")
		copy(value, "eulav")
		own = readIn(t, tx, kv.Reads{Gets: [][]byte{[]byte("key")}})
	})
	first = read(t, e, account, kv.Reads{Gets: [][]byte{[]byte("key")}, Ranges: []kv.Range{{}}})
	for i := range 50 {
		update(t, e, account, func(tx kv.Tx) { tx.Set([]byte("key"), fmt.Appendf(nil, "other %d", i)) })
	}
	equal(t, "in the transaction", string(own.Values[0]), "value")
	equal(t, "value", string(first.Values[0]), "value")
	equal(t, "range", show(first.Ranges[0]), "key=value")
}

func testViewIsSnapshot(t *testing.T, o Opener) {
	e := o.open(t)
	fill(t, e, account, "ab")
	err := e.View(context.Background(), account, func(r kv.Reader) error {
		before := show(readIn(t, r, kv.Reads{Ranges: []kv.Range{{}}}).Ranges[0])
		update(t, e, account, func(tx kv.Tx) { tx.Delete([]byte("a")); tx.Set([]byte("c"), nil) })
		got := readIn(t, r, kv.Reads{Gets: [][]byte{[]byte("a"), []byte("c")}, Ranges: []kv.Range{{}}})
		equal(t, "range", show(got.Ranges[0]), before)
		equal(t, "deleted since", string(got.Values[0]), "aa")
		if got.Values[1] != nil {
			t.Errorf("a key set since is seen")
		}
		equal(t, "another View", scan(t, e, account, kv.Range{}), "b=bb c=")
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// testViewBesideUpdate: a View neither waits for an Update nor sees into it.
func testViewBesideUpdate(t *testing.T, o Opener) {
	e := o.open(t)
	fill(t, e, account, "ab")
	update(t, e, account, func(tx kv.Tx) {
		tx.Set([]byte("a"), []byte("new"))
		tx.Delete([]byte("b"))
		equal(t, "beside", scan(t, e, account, kv.Range{}), "a=aa b=bb")
		equal(t, "inside", show(readIn(t, tx, kv.Reads{Ranges: []kv.Range{{}}}).Ranges[0]), "a=new")
		equal(t, "beside", scan(t, e, account, kv.Range{}), "a=aa b=bb")
	})
	equal(t, "after", scan(t, e, account, kv.Range{}), "a=new")
}

func testContext(t *testing.T, o Opener) {
	e := o.open(t)
	ctx, cancel := context.WithCancel(context.Background())
	var waited error
	update(t, e, account, func(kv.Tx) {
		done := make(chan error)
		go func() {
			done <- e.Update(ctx, account, func(kv.Tx) error {
				t.Error("ran beside another Update of the account")
				return nil
			})
		}()
		cancel()
		waited = <-done
	})
	if !errors.Is(waited, context.Canceled) {
		t.Errorf("waiting Update: %v, want context.Canceled", waited)
	}
	called := false
	if err := e.Update(ctx, account, func(kv.Tx) error { called = true; return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("Update: %v", err)
	}
	if err := e.View(ctx, account, func(kv.Reader) error { called = true; return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("View: %v", err)
	}
	if _, err := e.Accounts(ctx, 0, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("Accounts: %v", err)
	}
	if called {
		t.Error("a function was called with its context gone")
	}
	err := e.View(context.Background(), account, func(r kv.Reader) error {
		_, err := r.Read(ctx, kv.Reads{Ranges: []kv.Range{{}}})
		return err
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("Read: %v", err)
	}
	fill(t, e, account, "a") // nothing was left locked
}

// testPanic: a caller's panic passes through and leaves nothing locked.
func testPanic(t *testing.T, o Opener) {
	e := o.open(t)
	func() {
		defer func() { recover() }()
		e.Update(context.Background(), account, func(tx kv.Tx) error { tx.Set([]byte("a"), nil); panic("bug") })
		t.Error("the panic was swallowed")
	}()
	func() {
		defer func() { recover() }()
		e.View(context.Background(), account, func(kv.Reader) error { panic("bug") })
		t.Error("the panic was swallowed")
	}()
	fill(t, e, account, "b")
	equal(t, "after it", scan(t, e, account, kv.Range{}), "b=bb")
}

func testStats(t *testing.T, o Opener) {
	e := o.open(t)
	base := e.Stats()
	update(t, e, account, func(tx kv.Tx) {
		readIn(t, tx, kv.Reads{Gets: [][]byte{[]byte("a"), []byte("b")}})
		tx.Set([]byte("a"), nil)
	})
	read(t, e, account, kv.Reads{Gets: [][]byte{[]byte("a")}, Ranges: []kv.Range{{}, {}}})
	got := e.Stats()
	equal(t, "stats", kv.Stats{
		Reads: got.Reads - base.Reads, Views: got.Views - base.Views, Updates: got.Updates - base.Updates,
	}, kv.Stats{Reads: 2, Views: 1, Updates: 1})
}
