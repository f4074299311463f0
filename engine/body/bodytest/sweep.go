package bodytest

import (
	"bytes"
	"errors"
	"io"
	"sync"

	"citron/engine/body"
)

// fill adds bodies small and large; every third one is to live on.
func (e *env) fill() (doomed []body.Owner) {
	e.Helper()
	for i := range 30 {
		n := 3000 + i*10
		if i%5 == 4 {
			n = 300_000
		}
		if o := e.add(n); i%3 != 0 {
			doomed = append(doomed, o)
		}
	}
	return doomed
}

func testSweepDeletes(e *env) {
	var refs []body.Ref
	for range 20 {
		o := e.add(10_000)
		refs = append(refs, e.alive[o])
		delete(e.alive, o) // no hint: the sweep must ask
	}
	e.age()
	_, before := e.store.Usage()
	e.sweep()
	for _, ref := range refs {
		if _, err := read(e.store, ref); !errors.Is(err, body.ErrGone) {
			e.Fatalf("a dead body: %v, want %v", err, body.ErrGone)
		}
	}
	if _, after := e.store.Usage(); after+200_000 > before {
		e.Errorf("usage was %d and is %d", before, after)
	}
	e.verify()
	e.reopen()
	e.verify()
}

// A Ref is never given again, even when nothing is left and the store starts
// anew: an old one must not come to mean another body.
func testSweepForgetsNoNumber(e *env) {
	given := map[body.Ref]bool{}
	for range 4 {
		for _, n := range []int{100, 5000, 300_000} {
			o := e.add(n)
			if given[e.alive[o]] {
				e.Fatalf("%+v was given twice", e.alive[o])
			}
			given[e.alive[o]] = true
			e.drop(o)
		}
		e.reopen()
		e.sweep()
		e.reopen()
	}
}

func testSweepMoves(e *env) {
	doomed := e.fill()
	e.age()
	for _, o := range doomed {
		e.drop(o)
	}
	old := map[body.Owner]body.Ref{}
	for o, ref := range e.alive {
		old[o] = ref
	}
	e.sweep()
	moved := 0
	for o, ref := range e.alive {
		if old[o] != ref {
			moved++
			if _, err := read(e.store, old[o]); !errors.Is(err, body.ErrGone) {
				e.Errorf("the old place of a moved body: %v", err)
			}
		}
	}
	if moved == 0 {
		e.Error("nothing was moved")
	}
	e.verify()
	e.checkClean()
	e.age()
	e.verify()
	e.sweep()
	e.verify()
}

func testSweepKeepsUnfinished(e *env) {
	var writers []body.Writer
	for i := range 4 {
		o := e.owner()
		w, data := e.write(o, 5000+i*200_000)
		ref, err := w.Commit(ctx)
		if err != nil {
			e.Fatal(err)
		}
		e.alive[o], e.bytes[o] = ref, data
		writers = append(writers, w)
	}
	for range 20 {
		e.drop(e.add(50_000)) // more than half is dead
	}
	asked := map[body.Ref]bool{}
	deadFor := func(o body.Owner, r body.Ref) (bool, error) {
		asked[r] = true
		return false, nil // the transaction has not referred to it yet
	}
	if err := e.store.Sweep(ctx, deadFor, e.move); err != nil {
		e.Fatal(err)
	}
	for o, ref := range e.alive {
		if asked[ref] {
			e.Errorf("%+v was asked for while its Writer was not Done", o)
		}
	}
	e.verify()
	for _, w := range writers {
		w.Done()
	}
	e.sweep()
	e.verify()
}

func testSweepKeepsOnError(e *env) {
	doomed := e.fill()
	e.age()
	for _, o := range doomed {
		e.drop(o)
	}
	away := errors.New("account is away")
	err := e.store.Sweep(ctx, func(body.Owner, body.Ref) (bool, error) { return false, away }, e.move)
	if !errors.Is(err, away) {
		e.Errorf("keep failed, Sweep gave %v", err)
	}
	e.verify()
	err = e.store.Sweep(ctx, e.keep, func(body.Owner, body.Ref, body.Ref) (bool, error) { return false, away })
	if !errors.Is(err, away) {
		e.Errorf("move failed, Sweep gave %v", err)
	}
	e.verify()
	e.sweep()
	e.verify()
}

func testSweepMoveRefused(e *env) {
	doomed := e.fill()
	e.age()
	for _, o := range doomed {
		e.drop(o)
	}
	// Each owner drops its body between the question and the move.
	err := e.store.Sweep(ctx, e.keep, func(o body.Owner, from, to body.Ref) (bool, error) {
		e.drop(o)
		return false, nil
	})
	if err != nil {
		e.Fatal(err)
	}
	e.age()
	e.sweep()
	e.verify()
}

func testSweepUnderReaders(e *env) {
	doomed := e.fill()
	readers := map[body.Owner]body.Reader{}
	for o, ref := range e.alive {
		r, err := e.store.Open(ctx, ref)
		if err != nil {
			e.Fatal(err)
		}
		readers[o] = r
	}
	for _, o := range doomed {
		e.drop(o)
	}
	e.sweep() // hints make it sweep what is still young
	e.sweep()
	for o, r := range readers {
		got, err := io.ReadAll(io.NewSectionReader(r, 0, r.Size()))
		if err != nil || !bytes.Equal(got, e.bytes[o]) {
			e.Errorf("%+v, open before the sweep: %v", o, err)
		}
		if err := r.Close(); err != nil {
			e.Error(err)
		}
	}
	e.verify()
}

func testSweepUnderWriters(e *env) {
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for j := range 30 {
				n := 2000 * (i + 1)
				if j%10 == 9 {
					n = 280_000
				}
				o := e.add(n)
				if j%4 != 0 {
					e.drop(o)
				}
			}
		})
	}
	done := make(chan struct{})
	go func() { all.Wait(); close(done) }()
	for running := true; running; {
		select {
		case <-done:
			running = false
		default:
		}
		if err := e.store.Sweep(ctx, e.keep, e.move); err != nil {
			e.Fatal(err)
		}
	}
	e.verify()
	e.reopen()
	e.sweep()
	e.verify()
	e.checkClean()
}
