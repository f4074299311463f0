package bodytest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"sync"
	"testing"

	"citron/engine/body"
)

// lengths lie around the sizes at which a store may change its ways.
var lengths = []int{
	0, 1, 7, 8, 9, 100, 4095, 4096, 8<<10 - 40, 8<<10 - 39, 8 << 10, 8<<10 + 1, 32 << 10, 100_000,
	256<<10 - 1, 256 << 10, 256<<10 + 1, 512 << 10, 1<<20 + 3, 3_000_001,
}

func testRoundTrip(e *env) {
	for _, n := range lengths {
		o := e.add(n)
		if got := e.alive[o].Length; got != uint64(n) {
			e.Errorf("a body of %d bytes has a Ref of %d", n, got)
		}
	}
	e.verify()
	for o, ref := range e.alive {
		testOffsets(e.T, e.store, ref, e.bytes[o])
	}
}

// testOffsets reads a body at odd places.
func testOffsets(t *testing.T, s body.Store, ref body.Ref, want []byte) {
	t.Helper()
	r, err := s.Open(ctx, ref)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if r.Size() != int64(len(want)) {
		t.Errorf("size %d, want %d", r.Size(), len(want))
	}
	checkReaderAt(t, r, want)
}

// checkReaderAt holds a ReaderAt to its contract and to the bytes it has.
func checkReaderAt(t *testing.T, r io.ReaderAt, want []byte) {
	t.Helper()
	for _, off := range []int{0, 1, len(want) / 3, len(want) - 1, len(want), len(want) + 1} {
		for _, n := range []int{1, 10, 5000, len(want)} {
			if off < 0 {
				continue
			}
			rest := want[min(off, len(want)):]
			p := make([]byte, n)
			got, err := r.ReadAt(p, int64(off))
			if got != min(n, len(rest)) || !bytes.Equal(p[:got], rest[:got]) {
				t.Fatalf("ReadAt(%d bytes, %d) of %d: %d bytes, %v", n, off, len(want), got, err)
			}
			if (got < n) != (err == io.EOF) || (got == n && err != nil && err != io.EOF) {
				t.Fatalf("ReadAt(%d bytes, %d) of %d: %d bytes, error %v", n, off, len(want), got, err)
			}
		}
	}
	if _, err := r.ReadAt(make([]byte, 1), -1); err == nil || err == io.EOF {
		t.Errorf("a negative offset gives %v", err)
	}
}

func testReadBack(e *env) {
	for _, n := range lengths {
		w, data := e.write(e.owner(), n)
		if w.Len() != int64(n) {
			e.Errorf("Len is %d after %d bytes", w.Len(), n)
		}
		checkReaderAt(e.T, w, data)
		if _, err := w.Commit(ctx); err != nil {
			e.Fatal(err)
		}
		checkReaderAt(e.T, w, data)
		w.Done()
	}
}

func testChunks(e *env) {
	for _, chunk := range []int{1, 1000, 65536} {
		o := e.owner()
		data := random(o.Object, 300*chunk+17)
		w, err := e.store.Create(ctx, o)
		if err != nil {
			e.Fatal(err)
		}
		for rest := data; len(rest) > 0; {
			n := min(chunk, len(rest))
			if m, err := w.Write(rest[:n]); m != n || err != nil {
				e.Fatalf("write: %d, %v", m, err)
			}
			rest = rest[n:]
		}
		ref, err := w.Commit(ctx)
		if err != nil {
			e.Fatal(err)
		}
		w.Done()
		e.alive[o], e.bytes[o] = ref, data
	}
	e.verify()
}

func testConcurrent(e *env) {
	var all sync.WaitGroup
	for i := range 16 {
		all.Go(func() {
			for j := range 12 {
				n := (i*31 + j*977) % 9000
				if j%6 == 5 {
					n += 300 << 10
				}
				e.add(n)
			}
		})
	}
	all.Wait()
	e.verify()
	e.reopen()
	e.verify()
}

func testReopen(e *env) {
	for i := range 20 {
		e.add(i * 1000)
		e.add(i * 30_000)
		if i%4 == 0 {
			e.reopen()
		}
	}
	e.reopen()
	e.verify()
	seen := map[body.Ref]bool{}
	for _, ref := range e.alive {
		if seen[ref] {
			e.Fatalf("%+v was given twice", ref)
		}
		seen[ref] = true
	}
}

func testAbort(e *env) {
	for _, n := range lengths {
		w, _ := e.write(e.owner(), n)
		w.Abort()
		w.Abort()
		if _, err := w.Commit(ctx); err == nil {
			e.Fatal("an aborted body was committed")
		}
		w.Done()
		e.add(n)
	}
	w, data := e.write(body.Owner{Account: 99, Object: 1 << 40}, 5000)
	ref, err := w.Commit(ctx)
	if err != nil {
		e.Fatal(err)
	}
	w.Abort()
	w.Done()
	if got, err := read(e.store, ref); err != nil || !bytes.Equal(got, data) {
		e.Errorf("Abort after Commit lost the body: %v", err)
	}
	e.reopen()
	e.verify()
	e.checkClean()
}

func testDoneAborts(e *env) {
	for _, n := range []int{0, 100, 700_000} {
		w, _ := e.write(e.owner(), n)
		w.Done()
	}
	e.add(400_000)
	e.verify()
	found := 0
	e.age()
	err := e.store.Sweep(ctx, func(o body.Owner, r body.Ref) (bool, error) {
		found++
		return e.keep(o, r)
	}, e.move)
	if err != nil || found > 2 {
		e.Errorf("a sweep found %d bodies of 2: %v", found, err)
	}
}

func testContext(e *env) {
	gone, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := e.store.Create(gone, e.owner()); !errors.Is(err, context.Canceled) {
		e.Errorf("Create: %v", err)
	}
	w, _ := e.write(e.owner(), 10)
	defer w.Done()
	if _, err := w.Commit(gone); !errors.Is(err, context.Canceled) {
		e.Errorf("Commit: %v", err)
	}
	if _, err := w.Commit(ctx); err == nil {
		e.Error("a Commit after a failed one succeeded")
	}
	if _, err := e.store.Open(gone, e.alive[e.add(1)]); !errors.Is(err, context.Canceled) {
		e.Errorf("Open: %v", err)
	}
}

func testWrongRefs(e *env) {
	ref := e.alive[e.add(5000)]
	e.add(5000)
	for _, c := range []struct {
		ref  body.Ref
		want error
	}{
		{body.Ref{}, body.ErrCorrupt},
		{body.Ref{Segment: ref.Segment + 1000, Offset: ref.Offset, Length: ref.Length}, body.ErrGone},
		{body.Ref{Segment: ref.Segment, Offset: ref.Offset + 8, Length: ref.Length}, body.ErrCorrupt},
		{body.Ref{Segment: ref.Segment, Offset: ref.Offset + 1, Length: ref.Length}, body.ErrCorrupt},
		{body.Ref{Segment: ref.Segment, Offset: 1 << 62, Length: ref.Length}, body.ErrCorrupt},
		{body.Ref{Segment: ref.Segment, Offset: 1<<64 - 8, Length: ref.Length}, body.ErrCorrupt},
		{body.Ref{Segment: ref.Segment, Offset: ref.Offset, Length: ref.Length - 1}, body.ErrCorrupt},
		{body.Ref{Segment: ref.Segment, Offset: ref.Offset, Length: 1<<64 - 1}, body.ErrCorrupt},
	} {
		if r, err := e.store.Open(ctx, c.ref); !errors.Is(err, c.want) {
			e.Errorf("Open(%+v): %v, want %v", c.ref, err, c.want)
			if err == nil {
				r.Close()
			}
		}
		e.store.Release(body.Owner{}, c.ref) // a wrong hint does no harm
	}
	e.verify()
}

func testClosed(e *env) {
	w, _ := e.write(e.owner(), 10)
	if err := e.store.Close(); err != nil {
		e.Fatal(err)
	}
	if _, err := w.Commit(ctx); !errors.Is(err, body.ErrClosed) {
		e.Errorf("Commit: %v", err)
	}
	w.Done()
	if _, err := e.store.Create(ctx, e.owner()); !errors.Is(err, body.ErrClosed) {
		e.Errorf("Create: %v", err)
	}
	if _, err := e.store.Open(ctx, body.Ref{Segment: 1, Offset: 32}); !errors.Is(err, body.ErrClosed) {
		e.Errorf("Open: %v", err)
	}
	if err := e.store.Sweep(ctx, e.keep, e.move); !errors.Is(err, body.ErrClosed) {
		e.Errorf("Sweep: %v", err)
	}
	if err := e.store.Close(); !errors.Is(err, body.ErrClosed) {
		e.Errorf("Close: %v", err)
	}
}

// checkClean has every byte checked.
func (e *env) checkClean() {
	e.Helper()
	err := e.store.Check(ctx, func(o body.Owner, r body.Ref, err error) {
		e.Errorf("check: %+v %+v: %v", o, r, err)
	})
	if err != nil {
		e.Errorf("check: %v", err)
	}
}

func testCheck(e *env) {
	for i := range 10 {
		e.add(i * 60_000)
	}
	e.checkClean()
	e.reopen()
	e.checkClean()
	e.verify()
}

func testUsage(e *env) {
	sum := uint64(0)
	for i := range 10 {
		e.add(i * 60_000)
		sum += uint64(i * 60_000)
	}
	live, total := e.store.Usage()
	if live < sum || live > sum+sum/10 || total < live {
		e.Errorf("usage of %d bytes: %d live of %d", sum, live, total)
	}
	for o := range e.alive {
		e.drop(o)
	}
	if live, _ := e.store.Usage(); live != 0 {
		e.Errorf("%d bytes live when all are released", live)
	}
}
