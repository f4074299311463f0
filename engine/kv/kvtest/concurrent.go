package kvtest

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"testing"

	"citron/engine/kv"
)

// increment adds one to a counter and notes who did it under its number.
func increment(e kv.Engine, a kv.Account, who int) error {
	ctx := context.Background()
	counter := []byte("counter")
	return e.Update(ctx, a, func(tx kv.Tx) error {
		got, err := tx.Read(ctx, kv.Reads{Gets: [][]byte{counter}})
		if err != nil {
			return err
		}
		n := uint64(1)
		if old := got.Values[0]; old != nil {
			n += binary.BigEndian.Uint64(old)
		}
		tx.Set(counter, binary.BigEndian.AppendUint64(nil, n))
		tx.Set(binary.BigEndian.AppendUint64([]byte("n"), n), fmt.Appendf(nil, "%d", who))
		return nil
	})
}

// counted checks that a View sees the counter and the notes of one moment, and
// gives the counter.
func counted(e kv.Engine, a kv.Account) (n uint64, err error) {
	ctx := context.Background()
	err = e.View(ctx, a, func(r kv.Reader) error {
		got, err := r.Read(ctx, kv.Reads{
			Gets:   [][]byte{[]byte("counter")},
			Ranges: []kv.Range{{From: []byte("n"), Reverse: true, Limit: 1}},
		})
		if err != nil {
			return err
		}
		if old := got.Values[0]; old != nil {
			n = binary.BigEndian.Uint64(old)
		}
		again, err := r.Read(ctx, kv.Reads{Ranges: []kv.Range{{From: []byte("n"), KeysOnly: true}}})
		if err != nil {
			return err
		}
		notes := uint64(again.Ranges[0].Len())
		if notes != n {
			return fmt.Errorf("counter %d beside %d notes", n, notes)
		}
		if n > 0 && binary.BigEndian.Uint64(got.Ranges[0].Key(0)[1:]) != n {
			return fmt.Errorf("counter %d, last note %x", n, got.Ranges[0].Key(0))
		}
		return nil
	})
	return n, err
}

// testWritersOneAccount: Updates of one account run one after the other, and
// Views beside them see whole transactions, never going back.
func testWritersOneAccount(t *testing.T, o Opener) {
	e := o.open(t)
	const writers, each = 8, 25
	var writing, reading sync.WaitGroup
	stop := make(chan struct{})
	for range 2 {
		reading.Go(func() {
			for last := uint64(0); ; {
				n, err := counted(e, account)
				if err != nil || n < last {
					t.Errorf("View: counter %d after %d, %v", n, last, err)
					return
				}
				last = n
				select {
				case <-stop:
					return
				default:
				}
			}
		})
	}
	for who := range writers {
		writing.Go(func() {
			for range each {
				if err := increment(e, account, who); err != nil {
					t.Errorf("Update: %v", err)
				}
			}
		})
	}
	writing.Wait()
	close(stop)
	reading.Wait()
	n, err := counted(e, account)
	if n != writers*each || err != nil {
		t.Errorf("counter %d, want %d; %v", n, writers*each, err)
	}
}

func testWritersManyAccounts(t *testing.T, o Opener) {
	e := o.open(t)
	const accounts, each = 16, 20
	var writing sync.WaitGroup
	for a := range kv.Account(accounts) {
		for who := range 2 {
			writing.Go(func() {
				for range each {
					if err := increment(e, a, who); err != nil {
						t.Errorf("Update: %v", err)
					}
				}
			})
		}
	}
	writing.Wait()
	for a := range kv.Account(accounts) {
		n, err := counted(e, a)
		if n != 2*each || err != nil {
			t.Errorf("account %d: counter %d, want %d; %v", a, n, 2*each, err)
		}
	}
}

func testOutcome(t *testing.T, o Opener) {
	e := o.open(t)
	var ids []kv.TxID
	for i := range 3 {
		err := e.Update(context.Background(), account, func(tx kv.Tx) error {
			ids = append(ids, tx.ID())
			tx.Set([]byte("k"), []byte{byte(i)})
			if i == 1 {
				return errors.New("changed my mind")
			}
			return nil
		})
		if (err != nil) != (i == 1) {
			t.Fatalf("Update: %v", err)
		}
		done, err := e.Outcome(context.Background(), account, ids[i])
		if err != nil || done != (i != 1) {
			t.Errorf("outcome of transaction %d: %v, %v", i, done, err)
		}
	}
	if ids[0] == ids[1] || ids[1] == ids[2] {
		t.Errorf("an id came twice: %v", ids)
	}
	if done, err := e.Outcome(context.Background(), account+1, ids[2]); done || err != nil {
		t.Errorf("outcome on an account never written: %v, %v", done, err)
	}
}

func testReopen(t *testing.T, o Opener) {
	e := o.open(t)
	fill(t, e, 1, "abc")
	fill(t, e, 2, "b")
	update(t, e, 1, func(tx kv.Tx) { tx.DeleteRange([]byte("b"), []byte("c")) })
	var last kv.TxID
	update(t, e, 1, func(tx kv.Tx) { last = tx.ID(); tx.Set([]byte("d"), nil) })
	for range 3 {
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
		e = o.open(t)
		equal(t, "account 1", scan(t, e, 1, kv.Range{}), "a=aa c=cc d=")
		equal(t, "account 2", scan(t, e, 2, kv.Range{}), "b=bb")
		if done, err := e.Outcome(context.Background(), 1, last); !done || err != nil {
			t.Errorf("outcome of the last transaction: %v, %v", done, err)
		}
	}
}

func testClosed(t *testing.T, o Opener) {
	e := o.open(t)
	ctx := context.Background()
	fill(t, e, account, "a")
	closed := make(chan error)
	err := e.View(ctx, account, func(r kv.Reader) error {
		go func() { closed <- e.Close() }()
		// Whenever Close comes to run, it must wait for this.
		for e.View(ctx, account, func(kv.Reader) error { return nil }) == nil {
		}
		equal(t, "while closing", show(readIn(t, r, kv.Reads{Ranges: []kv.Range{{}}}).Ranges[0]), "a=aa")
		select {
		case err := <-closed:
			t.Errorf("Close returned (%v) while a View ran", err)
		default:
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	if err := <-closed; err != nil {
		t.Errorf("Close: %v", err)
	}
	never := func(string) error { t.Error("a closed engine called back"); return nil }
	_, listing := e.Accounts(ctx, 0, 1)
	_, outcome := e.Outcome(ctx, account, kv.TxID{})
	for what, err := range map[string]error{
		"View":     e.View(ctx, account, func(kv.Reader) error { return never("View") }),
		"Update":   e.Update(ctx, account, func(kv.Tx) error { return never("Update") }),
		"Accounts": listing, "Outcome": outcome, "Close": e.Close(),
	} {
		if !errors.Is(err, kv.ErrClosed) {
			t.Errorf("%s after Close: %v, want ErrClosed", what, err)
		}
	}
}
