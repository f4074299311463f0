// Package kvtest is what every key-value engine must pass.
//
// Run tests the contract of package kv: order, limits, snapshots, isolation,
// read-your-writes, concurrency, reopening, and long random histories against
// a plain model. Faults and Crash test engines that stand on a vfs.FS: failed
// calls, a full disk, held syncs, and a crash at a random call.
package kvtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"

	"citron/engine/kv"
)

// Opener opens one store: the first call makes it, and each later one, after
// the engine was closed, opens it again.
type Opener func(t *testing.T) kv.Engine

// Run tests an engine. Each test asks fresh for a store of its own.
func Run(t *testing.T, fresh func(t *testing.T) Opener) {
	tests := []struct {
		name string
		run  func(*testing.T, Opener)
	}{
		{"Values", testValues},
		{"Limits", testLimits},
		{"Order", testOrder},
		{"Ranges", testRanges},
		{"EdgeAccounts", testEdgeAccounts},
		{"Isolation", testIsolation},
		{"Accounts", testAccounts},
		{"Abort", testAbort},
		{"ReadYourWrites", testReadYourWrites},
		{"RangeOverOwnWrites", testRangeOverOwnWrites},
		{"WritesAreCopied", testWritesAreCopied},
		{"ResultsOutlive", testResultsOutlive},
		{"ViewIsSnapshot", testViewIsSnapshot},
		{"ViewBesideUpdate", testViewBesideUpdate},
		{"Context", testContext},
		{"Panic", testPanic},
		{"Stats", testStats},
		{"WritersOneAccount", testWritersOneAccount},
		{"WritersManyAccounts", testWritersManyAccounts},
		{"Outcome", testOutcome},
		{"Reopen", testReopen},
		{"Closed", testClosed},
		{"Model", testModel},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { test.run(t, fresh(t)) })
	}
}

// account is the one that tests use when one is enough.
const account kv.Account = 7

// open opens the store for the length of the test.
func (o Opener) open(t *testing.T) kv.Engine {
	t.Helper()
	e := o(t)
	t.Cleanup(func() {
		if err := e.Close(); err != nil && !errors.Is(err, kv.ErrClosed) {
			t.Errorf("Close: %v", err)
		}
	})
	return e
}

func update(t *testing.T, e kv.Engine, a kv.Account, fn func(kv.Tx)) {
	t.Helper()
	err := e.Update(context.Background(), a, func(tx kv.Tx) error { fn(tx); return nil })
	if err != nil {
		t.Fatalf("Update: %v", err)
	}
}

// read runs one batch of reads in a View of its own.
func read(t *testing.T, e kv.Engine, a kv.Account, want kv.Reads) (got kv.Results) {
	t.Helper()
	err := e.View(context.Background(), a, func(r kv.Reader) (err error) {
		got, err = r.Read(context.Background(), want)
		return err
	})
	if err != nil {
		t.Fatalf("View: %v", err)
	}
	return got
}

// readIn is read within a transaction.
func readIn(t *testing.T, r kv.Reader, want kv.Reads) kv.Results {
	t.Helper()
	got, err := r.Read(context.Background(), want)
	if err != nil {
		t.Fatalf("Read: %v", err)
	}
	return got
}

func get(t *testing.T, e kv.Engine, a kv.Account, key string) []byte {
	t.Helper()
	return read(t, e, a, kv.Reads{Gets: [][]byte{[]byte(key)}}).Values[0]
}

func scan(t *testing.T, e kv.Engine, a kv.Account, r kv.Range) string {
	t.Helper()
	return show(read(t, e, a, kv.Reads{Ranges: []kv.Range{r}}).Ranges[0])
}

// show writes pairs as "k=v k=v".
func show(p kv.Pairs) string {
	var b bytes.Buffer
	for i := range p.Len() {
		if i > 0 {
			b.WriteByte(' ')
		}
		fmt.Fprintf(&b, "%s=%s", p.Key(i), p.Value(i))
	}
	return b.String()
}

func fill(t *testing.T, e kv.Engine, a kv.Account, keys string) {
	t.Helper()
	update(t, e, a, func(tx kv.Tx) {
		for _, c := range keys {
			tx.Set([]byte(string(c)), []byte(string(c)+string(c)))
		}
	})
}

func equal(t *testing.T, what string, got, want any) {
	t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%s: got %q, want %q", what, fmt.Sprint(got), fmt.Sprint(want))
	}
}
