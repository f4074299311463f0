// Package bodytest is the conformance suite of body.Store: what every store of
// bodies must do, whatever it stands on. Run holds the behaviour, Faults what
// happens on a bad day (a crash at any call, a full disk, a held or failed
// sync), which takes a store that stands on a vfs.FS.
package bodytest

import (
	"bytes"
	"context"
	"io"
	"math/rand/v2"
	"sync"
	"testing"

	"citron/engine/body"
	"citron/engine/vfs"
	"citron/engine/vfs/osfs"
)

// Open opens the store on a file system; what an earlier one left there must
// be found again.
type Open func(fs vfs.FS) (body.Store, error)

// Run runs the suite on real files.
func Run(t *testing.T, open Open) {
	for _, c := range []struct {
		name string
		test func(*env)
	}{
		{"RoundTrip", testRoundTrip},
		{"ReadBack", testReadBack},
		{"Chunks", testChunks},
		{"Concurrent", testConcurrent},
		{"Reopen", testReopen},
		{"Abort", testAbort},
		{"DoneAborts", testDoneAborts},
		{"Context", testContext},
		{"WrongRefs", testWrongRefs},
		{"Closed", testClosed},
		{"Check", testCheck},
		{"Usage", testUsage},
		{"SweepDeletes", testSweepDeletes},
		{"SweepForgetsNoNumber", testSweepForgetsNoNumber},
		{"SweepMoves", testSweepMoves},
		{"SweepKeepsUnfinished", testSweepKeepsUnfinished},
		{"SweepKeepsOnError", testSweepKeepsOnError},
		{"SweepMoveRefused", testSweepMoveRefused},
		{"SweepUnderReaders", testSweepUnderReaders},
		{"SweepUnderWriters", testSweepUnderWriters},
	} {
		t.Run(c.name, func(t *testing.T) {
			fs, err := osfs.New(t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			e := &env{T: t, fs: fs, open: open, alive: map[body.Owner]body.Ref{}, bytes: map[body.Owner][]byte{}}
			e.reopen()
			defer func() { _ = e.store.Close() }()
			c.test(e)
		})
	}
}

// env is a store and, beside it, what the accounts would know.
type env struct {
	*testing.T
	fs    vfs.FS
	open  Open
	store body.Store

	mu    sync.Mutex
	next  uint64
	alive map[body.Owner]body.Ref
	bytes map[body.Owner][]byte
}

var ctx = context.Background()

// reopen closes the store, if one is open, and opens it anew.
func (e *env) reopen() {
	e.Helper()
	if e.store != nil {
		if err := e.store.Close(); err != nil {
			e.Fatalf("close: %v", err)
		}
	}
	var err error
	if e.store, err = e.open(e.fs); err != nil {
		e.Fatalf("open: %v", err)
	}
}

// owner gives an owner never seen before.
func (e *env) owner() body.Owner {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.next++
	return body.Owner{Account: 1 + e.next%7, Object: e.next}
}

// random gives n bytes that depend on seed.
func random(seed uint64, n int) []byte {
	p := make([]byte, n)
	r := rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8), byte(seed >> 16), byte(seed >> 24)})
	_, _ = r.Read(p)
	return p
}

// write starts a body of n bytes.
func (e *env) write(o body.Owner, n int) (body.Writer, []byte) {
	e.Helper()
	w, err := e.store.Create(ctx, o)
	if err != nil {
		e.Fatalf("create: %v", err)
	}
	data := random(o.Object, n)
	if _, err := w.Write(data); err != nil {
		e.Fatalf("write: %v", err)
	}
	return w, data
}

// add commits a body of n bytes and refers to it.
func (e *env) add(n int) body.Owner {
	e.Helper()
	o := e.owner()
	w, data := e.write(o, n)
	defer w.Done()
	ref, err := w.Commit(ctx)
	if err != nil {
		e.Fatalf("commit: %v", err)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.alive[o], e.bytes[o] = ref, data
	return o
}

// drop removes the reference to a body.
func (e *env) drop(o body.Owner) body.Ref {
	e.mu.Lock()
	ref := e.alive[o]
	delete(e.alive, o)
	e.mu.Unlock()
	e.store.Release(o, ref)
	return ref
}

// read reads a whole body.
func read(s body.Store, ref body.Ref) ([]byte, error) {
	r, err := s.Open(ctx, ref)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(io.NewSectionReader(r, 0, r.Size()))
}

// verify reads all that is referred to.
func (e *env) verify() {
	e.Helper()
	e.mu.Lock()
	defer e.mu.Unlock()
	for o, ref := range e.alive {
		got, err := read(e.store, ref)
		if err != nil {
			e.Fatalf("%+v at %+v: %v", o, ref, err)
		}
		if !bytes.Equal(got, e.bytes[o]) {
			e.Fatalf("%+v at %+v: other bytes came back", o, ref)
		}
	}
}

func (e *env) keep(o body.Owner, r body.Ref) (bool, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.alive[o] == r, nil
}

func (e *env) move(o body.Owner, from, to body.Ref) (bool, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.alive[o] != from {
		return false, nil
	}
	e.alive[o] = to
	return true, nil
}

// sweep sweeps; it must not fail.
func (e *env) sweep() {
	e.Helper()
	if err := e.store.Sweep(ctx, e.keep, e.move); err != nil {
		e.Fatalf("sweep: %v", err)
	}
}

// age reopens the store and adds a body, so that all before lies in segments
// that are no longer written to.
func (e *env) age() {
	e.Helper()
	e.reopen()
	e.add(10)
}
