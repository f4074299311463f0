package line_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"citron/engine/kv"
	"citron/engine/kv/line"
	"citron/engine/kv/memkv"
)

type operation = func(*txn) error

type request = line.Request[operation]

// owner writes what it is asked to, and notes what it is called for.
type owner struct {
	engine   *engine
	line     *line.Line[operation]
	batches  [][]string // the names of those in each transaction that was begun
	room     []bool     // which of them make room
	settled  []bool
	panicked int
}

// engine is memkv, with what a test wants of it.
type engine struct {
	*memkv.Engine
	fates   []memkv.Fate // of the next commits
	commit  func()       // if not nil, called before each commit
	asked   int          // calls of Outcome
	outcome []error      // of the next calls
}

var errWanted = errors.New("as the test wants it")

func (e *engine) decide(kv.Account, kv.TxID) (memkv.Fate, error) {
	if e.commit != nil {
		e.commit()
	}
	if len(e.fates) == 0 {
		return memkv.Commit, nil
	}
	fate := e.fates[0]
	e.fates = e.fates[1:]
	return fate, errWanted
}

func (e *engine) Outcome(ctx context.Context, a kv.Account, id kv.TxID) (bool, error) {
	e.asked++
	if len(e.outcome) > 0 {
		err := e.outcome[0]
		e.outcome = e.outcome[1:]
		return false, err
	}
	return e.Engine.Outcome(ctx, a, id)
}

func newOwner(fates ...memkv.Fate) *owner {
	e := &engine{fates: fates}
	e.Engine = memkv.New(memkv.Options{Decide: e.decide})
	o := &owner{engine: e}
	o.line = line.New(e, 7, o)
	return o
}

type txn struct {
	o      *owner
	tx     kv.Tx
	writes int
	names  []string
}

func (t *txn) Settled(committed bool) { t.o.settled = append(t.o.settled, committed) }

func (t *txn) set(key string) {
	t.tx.Set([]byte(key), []byte("of "+key))
	t.writes++
}

func (o *owner) Update(ctx context.Context, batch line.Batch[operation]) (line.Txn, error) {
	t := &txn{o: o}
	err := o.engine.Update(ctx, 7, func(tx kv.Tx) error {
		t.tx = tx
		if err := batch.Read(ctx, tx); err != nil {
			return err
		}
		err := batch.Run(func(r *request) (bool, error) {
			before := t.writes
			err := r.Run(t)
			return t.writes != before, err
		})
		o.batches, o.room = append(o.batches, t.names), append(o.room, kv.MakesRoom(ctx))
		if err == nil && t.writes == 0 {
			return line.ErrNothing
		}
		return err
	})
	return t, err
}

var errOwner = errors.New("the owner's kind")

func (o *owner) Error(err error) error { return fmt.Errorf("%w: %w", errOwner, err) }

func (o *owner) Panicked(p any) error {
	o.panicked++
	return fmt.Errorf("%w: panic: %v", errOwner, p)
}

// write asks for a key, named in the notes of the batch.
func write(key string) *request {
	return &request{Ctx: context.Background(), Run: func(t *txn) error {
		t.names = append(t.names, key)
		t.set(key)
		return nil
	}}
}

// has says whether a key is durable.
func (o *owner) has(t *testing.T, key string) (found bool) {
	t.Helper()
	err := o.engine.View(t.Context(), 7, func(r kv.Reader) error {
		got, err := r.Read(t.Context(), kv.Reads{Gets: [][]byte{[]byte(key)}})
		found = err == nil && got.Values[0] != nil
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func equal[V any](t *testing.T, what string, want, got V) {
	t.Helper()
	if !reflect.DeepEqual(want, got) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

// inLine has a first request at work while all others come, one after the
// other, and gives their errors when all are done. The bubble is the caller's.
func (o *owner) inLine(all ...*request) (errs []error) {
	hold, once := make(chan struct{}), sync.Once{}
	o.engine.commit = func() { once.Do(func() { <-hold }) }
	errs = make([]error, len(all))
	var wg sync.WaitGroup
	wg.Go(func() { o.line.Do(write("first")) })
	for i, r := range all {
		synctest.Wait()
		wg.Go(func() { errs[i] = o.line.Do(r) })
	}
	synctest.Wait()
	close(hold)
	wg.Wait()
	return errs
}

// sizes is how many requests each batch had.
func (o *owner) sizes() (n []int) {
	for _, b := range o.batches {
		n = append(n, len(b))
	}
	return n
}

// Who waits goes in the next batch, in order; the lead is handed over until
// nobody waits, and the next one leads at once.
func TestLeadIsHandedOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOwner()
		errs := o.inLine(write("a"), write("b"), write("c"))
		equal(t, "errors", make([]error, 3), errs)
		if err := o.line.Do(write("later")); err != nil {
			t.Error(err)
		}
		equal(t, "batches", [][]string{{"first"}, {"a", "b", "c"}, {"later"}}, o.batches)
		equal(t, "settled", []bool{true, true, true}, o.settled)
	})
}

// Many writers at once, nobody is forgotten.
func TestManyWriters(t *testing.T) {
	o := newOwner()
	var wg sync.WaitGroup
	for w := range 32 {
		wg.Go(func() {
			for i := range 50 {
				if err := o.line.Do(write(fmt.Sprint(w, "/", i))); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	place, n := map[string]int{}, 0
	for _, b := range o.batches {
		for _, name := range b {
			n++
			w, _, _ := strings.Cut(name, "/")
			if want := fmt.Sprint(w, "/", place[w]); name != want {
				t.Fatalf("%s ran before %s", name, want)
			}
			place[w]++
		}
	}
	equal(t, "ran", 32*50, n)
}

func TestBatchIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOwner()
		many := make([]*request, line.MaxBatch+1)
		for i := range many {
			many[i] = write(fmt.Sprint(i))
		}
		o.inLine(many...)
		equal(t, "by number", []int{1, line.MaxBatch, 1}, o.sizes())

		o = newOwner()
		weighs := func(key string, weight int) *request {
			r := write(key)
			r.Weight = weight
			return r
		}
		o.inLine(weighs("a", line.MaxWeight-1), weighs("b", 1), weighs("c", 1), weighs("alone", 2*line.MaxWeight), weighs("d", 1))
		equal(t, "by weight", [][]string{{"first"}, {"a", "b"}, {"c"}, {"alone"}, {"d"}}, o.batches)
	})
}

// What makes room goes by itself, marked for the engine.
func TestRoomIsMadeApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOwner()
		room := func(key string) *request {
			r := write(key)
			r.Ctx = kv.MakingRoom(r.Ctx)
			return r
		}
		o.inLine(write("a"), room("b"), room("c"), write("d"))
		equal(t, "batches", [][]string{{"first"}, {"a"}, {"b", "c"}, {"d"}}, o.batches)
		equal(t, "make room", []bool{false, false, true, false}, o.room)
	})
}

// Each has its own error; one that fails after it wrote takes all with it.
func TestErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fails := func(writes bool) *request {
			return &request{Ctx: t.Context(), Run: func(t *txn) error {
				if writes {
					t.set("half")
				}
				return errWanted
			}}
		}
		over, cancel := context.WithCancel(t.Context())
		cancel()
		late := write("late")
		late.Ctx = over
		o := newOwner()
		errs := o.inLine(write("a"), fails(false), late, write("b"))
		equal(t, "one refused, one given up", []error{nil, errWanted, context.Canceled, nil}, errs)
		equal(t, "who ran", []string{"a", "b"}, o.batches[1])
		equal(t, "b is kept", true, o.has(t, "b"))

		o = newOwner()
		errs = o.inLine(write("a"), fails(true), write("b"))
		for i, err := range errs {
			if !errors.Is(err, errWanted) || errors.Is(err, errOwner) == (i == 1) {
				t.Errorf("%d: %v", i, err)
			}
		}
		equal(t, "a, or half, is kept", false, o.has(t, "a") || o.has(t, "half"))
		equal(t, "settled", []bool{true, false}, o.settled)

		o = newOwner()
		equal(t, "nothing to write", errWanted, o.line.Do(fails(false)))
		equal(t, "nothing to write", nil, o.line.Do(&request{Ctx: t.Context(), Run: func(*txn) error { return nil }}))
		equal(t, "settled", []bool{false, false}, o.settled)
	})
}

// What all declared is read in one round trip, each gets its own.
func TestDeclaredReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOwner()
		reads := func(keys ...string) *request {
			r := write("by " + keys[0])
			for _, key := range keys {
				r.Gets = append(r.Gets, []byte(key))
			}
			return r
		}
		before := o.engine.Stats().Reads
		a, none, b := reads("first", "x"), write("none"), reads("y", "first", "first")
		o.inLine(a, none, b)
		equal(t, "round trips", 1, o.engine.Stats().Reads-before)
		first := []byte("of first")
		equal(t, "a", [][]byte{first, nil}, a.Got)
		equal(t, "none", 0, len(none.Got))
		equal(t, "b", [][]byte{nil, first, first}, b.Got)
	})
}

// A panic is an error of the batch, and of those who waited or come later; no
// transaction begins any more.
func TestPanic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOwner()
		panics := write("b")
		panics.Run = func(*txn) error { panic("as the test wants it") }
		panics.Ctx = kv.MakingRoom(panics.Ctx) // a batch of its own, which others wait for
		errs := o.inLine(write("a"), panics, write("c"))
		errs = append(errs, o.line.Do(write("later")))
		equal(t, "before the panic", nil, errs[0])
		for i, err := range errs[1:] {
			if !errors.Is(err, errOwner) || !strings.Contains(err.Error(), "panic: as the test wants it") {
				t.Errorf("%d: %v", i, err)
			}
		}
		equal(t, "told of it", 1, o.panicked)
		equal(t, "batches", [][]string{{"first"}, {"a"}}, o.batches)
	})
}

// The engine does not know what became of a transaction; its Outcome does.
func TestUnknownOutcome(t *testing.T) {
	for name, c := range map[string]struct {
		fate    memkv.Fate
		kept    bool
		refusal error
	}{
		"kept": {memkv.UnknownKept, true, nil}, "dropped": {memkv.UnknownDropped, false, errWanted},
		"refused": {memkv.Refuse, false, errWanted}, "stopped": {memkv.Stop, false, kv.ErrStopped},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOwner(c.fate)
			err := o.line.Do(write("a"))
			if !errors.Is(err, c.refusal) || (err != nil) != errors.Is(err, errOwner) {
				t.Errorf("%v, want %v", err, c.refusal)
			}
			if c.fate == memkv.Stop {
				equal(t, "asked a stopped engine", 1, o.engine.asked)
				equal(t, "settled", nil, o.settled)
				if err := o.line.Do(write("b")); !errors.Is(err, kv.ErrStopped) {
					t.Errorf("the next: %v", err)
				}
				equal(t, "no transaction before the outcome is known", 1, len(o.batches))
				return
			}
			equal(t, "settled", []bool{c.kept}, o.settled)
			equal(t, "durable", c.kept, o.has(t, "a"))
			equal(t, "the next", nil, o.line.Do(write("b")))
			equal(t, "settled, each once", []bool{c.kept, true}, o.settled)
		})
	}
}

// While the engine does not answer nothing is written; when it does, the first
// transaction is settled before the next begins.
func TestUnansweredOutcome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOwner(memkv.UnknownKept)
		o.engine.outcome = []error{errWanted, errWanted, errWanted, errWanted, errWanted, errWanted, errWanted}
		start := time.Now()
		if err := o.line.Do(write("a")); !errors.Is(err, errOwner) || !errors.Is(err, errWanted) {
			t.Errorf("%v", err)
		}
		equal(t, "asked", 5, o.engine.asked)
		equal(t, "waited", 1700*time.Millisecond, time.Since(start))
		equal(t, "settled", nil, o.settled)
		ran := write("b")
		ran.Run = func(tx *txn) error {
			equal(t, "settled before", []bool{true}, o.settled)
			tx.set("b")
			return nil
		}
		equal(t, "the next", nil, o.line.Do(ran))
		equal(t, "asked", 8, o.engine.asked)
		equal(t, "settled", []bool{true, true}, o.settled)
	})
}

func TestClosedEngine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOwner(memkv.UnknownKept)
		o.engine.outcome = []error{errWanted, kv.ErrClosed}
		if err := o.line.Do(write("a")); !errors.Is(err, kv.ErrClosed) {
			t.Errorf("while it is asked: %v", err)
		}
		equal(t, "asked", 2, o.engine.asked)
		o = newOwner()
		if err := o.engine.Close(); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := o.line.Do(write("a")); !errors.Is(err, errOwner) || !errors.Is(err, kv.ErrClosed) {
				t.Errorf("%v", err)
			}
		}
		equal(t, "settled", []bool{false, false}, o.settled)
	})
}
