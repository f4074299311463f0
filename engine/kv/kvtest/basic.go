package kvtest

import (
	"bytes"
	"context"
	"errors"
	"math"
	"strings"
	"testing"

	"citron/engine/kv"
)

func testValues(t *testing.T, o Opener) {
	e := o.open(t)
	big := bytes.Repeat([]byte("x"), kv.MaxValue)
	long := bytes.Repeat([]byte{0xff}, kv.MaxKey)
	update(t, e, account, func(tx kv.Tx) {
		tx.Set([]byte("empty"), nil)
		tx.Set([]byte{0}, []byte("zero"))
		tx.Set([]byte("twice"), []byte("first"))
		tx.Set([]byte("twice"), []byte("second"))
		tx.Set([]byte("gone"), []byte("x"))
		tx.Delete([]byte("gone"))
		tx.Delete([]byte("never"))
		tx.Set(long, big)
	})
	got := read(t, e, account, kv.Reads{Gets: [][]byte{
		[]byte("empty"), {0}, []byte("twice"), []byte("gone"), []byte("never"), long,
	}}).Values
	if got[0] == nil || len(got[0]) != 0 {
		t.Errorf("empty value: %#v, want empty and not nil", got[0])
	}
	equal(t, "zero key", string(got[1]), "zero")
	equal(t, "set twice", string(got[2]), "second")
	if got[3] != nil || got[4] != nil {
		t.Errorf("missing keys: %q and %q, want nil", got[3], got[4])
	}
	if !bytes.Equal(got[5], big) {
		t.Errorf("largest value came back with %d bytes", len(got[5]))
	}
}

func testLimits(t *testing.T, o Opener) {
	e := o.open(t)
	fill(t, e, account, "a")
	refused := map[string]func(kv.Tx){
		"empty key":        func(tx kv.Tx) { tx.Set(nil, []byte("x")) },
		"long key":         func(tx kv.Tx) { tx.Set(make([]byte, kv.MaxKey+1), nil) },
		"long value":       func(tx kv.Tx) { tx.Set([]byte("k"), make([]byte, kv.MaxValue+1)) },
		"delete empty key": func(tx kv.Tx) { tx.Delete(nil) },
		"long range":       func(tx kv.Tx) { tx.DeleteRange(nil, make([]byte, kv.MaxKey+2)) },
		"large transaction": func(tx kv.Tx) {
			value := make([]byte, kv.MaxValue)
			for i := range kv.MaxTx/kv.MaxValue + 1 {
				tx.Set([]byte{byte(i)}, value)
			}
		},
	}
	for name, write := range refused {
		err := e.Update(context.Background(), account, func(tx kv.Tx) error {
			tx.Set([]byte("b"), nil)
			write(tx)
			return nil
		})
		if !errors.Is(err, kv.ErrTooLarge) {
			t.Errorf("%s: %v, want ErrTooLarge", name, err)
		}
	}
	equal(t, "after refusals", scan(t, e, account, kv.Range{}), "a=aa")
	if got := read(t, e, account, kv.Reads{Gets: [][]byte{nil, {}}}).Values; got[0] != nil || got[1] != nil {
		t.Errorf("the empty key reads as %q and %q, want nil", got[0], got[1])
	}
}

func testOrder(t *testing.T, o Opener) {
	e := o.open(t)
	keys := []string{"\x00", "\x00\x00", "\x00\xff", "\x01", "a", "a\x00", "a\x00b", "aa", "b", "\x7f", "\x80", "\xff", "\xff\x00", "\xff\xff"}
	update(t, e, account, func(tx kv.Tx) {
		for i := range keys {
			tx.Set([]byte(keys[(i*5)%len(keys)]), nil)
		}
	})
	got := read(t, e, account, kv.Reads{Ranges: []kv.Range{{}, {Reverse: true}}}).Ranges
	if got[0].Len() != len(keys) || got[1].Len() != len(keys) {
		t.Fatalf("%d and %d keys, want %d", got[0].Len(), got[1].Len(), len(keys))
	}
	for i, key := range keys {
		equal(t, "key", string(got[0].Key(i)), key)
		equal(t, "key from the end", string(got[1].Key(len(keys)-1-i)), key)
	}
}

func testRanges(t *testing.T, o Opener) {
	e := o.open(t)
	fill(t, e, account, "bdfhj")
	b := func(s string) []byte { return []byte(s) }
	tests := []struct {
		r    kv.Range
		want string
	}{
		{kv.Range{}, "b=bb d=dd f=ff h=hh j=jj"},
		{kv.Range{From: b("d")}, "d=dd f=ff h=hh j=jj"},
		{kv.Range{From: b("c"), To: b("h")}, "d=dd f=ff"},
		{kv.Range{To: b("d")}, "b=bb"},
		{kv.Range{To: b("")}, ""},
		{kv.Range{From: b("f"), To: b("f")}, ""},
		{kv.Range{From: b("h"), To: b("c")}, ""},
		{kv.Range{From: b("k")}, ""},
		{kv.Range{Limit: 2}, "b=bb d=dd"},
		{kv.Range{Limit: 9}, "b=bb d=dd f=ff h=hh j=jj"},
		{kv.Range{Reverse: true, Limit: 2}, "j=jj h=hh"},
		{kv.Range{From: b("c"), To: b("h"), Reverse: true}, "f=ff d=dd"},
		{kv.Range{From: b("c"), To: b("h"), Reverse: true, Limit: 1}, "f=ff"},
		{kv.Range{From: b("d"), Limit: 2, KeysOnly: true}, "d= f="},
		{kv.Range{Reverse: true, Limit: 1, KeysOnly: true}, "j="},
	}
	var all kv.Reads
	for _, test := range tests {
		equal(t, "range", scan(t, e, account, test.r), test.want)
		all.Ranges = append(all.Ranges, test.r)
		all.Gets = append(all.Gets, b("f"), b("g"))
	}
	got := read(t, e, account, all)
	for i, test := range tests {
		equal(t, "range in a batch", show(got.Ranges[i]), test.want)
		if string(got.Values[2*i]) != "ff" || got.Values[2*i+1] != nil {
			t.Errorf("gets in a batch: %q and %q", got.Values[2*i], got.Values[2*i+1])
		}
	}
}

// testEdgeAccounts: ranges without an end stop at the account's.
func testEdgeAccounts(t *testing.T, o Opener) {
	e := o.open(t)
	last := kv.Account(math.MaxUint64)
	high := strings.Repeat("\xff", kv.MaxKey)
	for _, a := range []kv.Account{0, 1, 255, 256, last - 1, last} {
		update(t, e, a, func(tx kv.Tx) {
			tx.Set([]byte("a"), nil)
			tx.Set([]byte(high), nil)
		})
		equal(t, "all", scan(t, e, a, kv.Range{}), "a= "+high+"=")
		equal(t, "last", scan(t, e, a, kv.Range{Reverse: true, Limit: 1}), high+"=")
	}
	for _, a := range []kv.Account{0, 255, last} {
		update(t, e, a, func(tx kv.Tx) { tx.DeleteRange([]byte("b"), nil) })
		equal(t, "after deleting to the end", scan(t, e, a, kv.Range{}), "a=")
		update(t, e, a, func(tx kv.Tx) { tx.DeleteRange(nil, nil) })
		equal(t, "after deleting all", scan(t, e, a, kv.Range{}), "")
	}
	for _, a := range []kv.Account{1, 256, last - 1} {
		equal(t, "neighbour", scan(t, e, a, kv.Range{}), "a= "+high+"=")
	}
}

func testIsolation(t *testing.T, o Opener) {
	e := o.open(t)
	fill(t, e, 1, "ab")
	fill(t, e, 2, "bc")
	update(t, e, 2, func(tx kv.Tx) { tx.DeleteRange(nil, []byte("c")); tx.Delete([]byte("a")) })
	equal(t, "account 1", scan(t, e, 1, kv.Range{}), "a=aa b=bb")
	equal(t, "account 2", scan(t, e, 2, kv.Range{Reverse: true}), "c=cc")
	equal(t, "account 3", scan(t, e, 3, kv.Range{}), "")
	if got := get(t, e, 3, "a"); got != nil {
		t.Errorf("account 3 has %q", got)
	}
}

func testAccounts(t *testing.T, o Opener) {
	e := o.open(t)
	list := func(after kv.Account, limit int) []kv.Account {
		t.Helper()
		got, err := e.Accounts(context.Background(), after, limit)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	equal(t, "none", list(0, 10), []kv.Account{})
	for _, a := range []kv.Account{300, 2, 0, math.MaxUint64, 1, 17} {
		fill(t, e, a, "ab")
	}
	update(t, e, 17, func(tx kv.Tx) { tx.DeleteRange(nil, nil) })
	update(t, e, 2, func(tx kv.Tx) { tx.Delete([]byte("a")) })
	update(t, e, 9, func(tx kv.Tx) { tx.Delete([]byte("a")) })
	last := kv.Account(math.MaxUint64)
	equal(t, "all", list(0, 10), []kv.Account{1, 2, 300, last})
	equal(t, "first", list(0, 1), []kv.Account{1})
	equal(t, "after 1", list(1, 2), []kv.Account{2, 300})
	equal(t, "after 16", list(16, 2), []kv.Account{300, last})
	equal(t, "after the last", list(last, 2), []kv.Account{})
	equal(t, "limit 0", list(0, 0), []kv.Account{})
	err := e.Update(context.Background(), 5, func(tx kv.Tx) error {
		tx.Set([]byte("k"), nil)
		equal(t, "during an update", list(4, 1), []kv.Account{300})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "after it", list(4, 1), []kv.Account{5})
}
