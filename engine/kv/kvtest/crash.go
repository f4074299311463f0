package kvtest

import (
	"context"
	"errors"
	"maps"
	"math/rand/v2"
	"sync"
	"testing"

	"citron/engine/kv"
	"citron/engine/vfs/crashfs"
)

// Crash runs random histories of concurrent Updates, cuts the power at a
// random call, and after a restart checks of each account that
//   - it holds the state after one of its transactions, whole;
//   - every acknowledged transaction is in it;
//   - Outcome knows of each transaction whether it is;
//   - and that all this is still so after a second crash right after.
//
// A failing seed is named; the threads of a history are scheduled anew each
// time, so that it may take some runs to come back.
func Crash(t *testing.T, open OpenOn, seeds int) {
	// Without a crash, to know how many calls there are to choose from.
	whole := newHistory(open, 0)
	whole.run(t)
	calls := whole.fs.Calls()
	whole.check(t)
	for seed := 1; seed <= seeds && !t.Failed(); seed++ {
		h := newHistory(open, uint64(seed))
		h.crashAt = 1 + h.rng.Uint64N(calls)
		if h.rng.IntN(4) == 0 { // nearer to the beginning, where it opens
			h.crashAt = 1 + h.rng.Uint64N(calls/20)
		}
		h.run(t)
		h.check(t)
		if t.Failed() {
			t.Logf("seed %d: crash at call %d of some %d", seed, h.crashAt, calls)
		}
	}
}

const (
	crashAccounts = 4
	crashWriters  = 6
	crashUpdates  = 25 // per writer
)

// history is one run until the crash.
type history struct {
	open    OpenOn
	seed    uint64
	rng     *rand.Rand
	fs      *crashfs.FS
	crashAt uint64 // number of the call; 0: never

	once  sync.Once
	after *crashfs.FS // what the crash left

	mu       sync.Mutex
	accounts [crashAccounts][]*transaction // in the order in which they ran
}

// transaction is one that came to its commit.
type transaction struct {
	id    kv.TxID
	state Model // after it
	fate  fate
}

type fate int

const (
	unknown fate = iota // or the crash came before Update returned
	acknowledged
	refused
)

func newHistory(open OpenOn, seed uint64) *history {
	return &history{open: open, seed: seed, rng: rand.New(rand.NewPCG(seed, 77)), fs: crashfs.New()}
}

// crash cuts the power, once.
func (h *history) crash() {
	h.once.Do(func() { h.after = h.fs.Crash(rand.New(rand.NewPCG(h.seed, 78))) })
}

// run runs the history, up to the crash if there is one.
func (h *history) run(t *testing.T) {
	if h.crashAt > 0 {
		h.fs.OnCall(func(op crashfs.Op) error {
			if op.N == h.crashAt {
				h.crash()
			}
			return nil
		})
	}
	e, err := h.open(t, h.fs, 0)
	if err != nil {
		if h.crashAt == 0 || !errors.Is(err, crashfs.ErrCrashed) {
			t.Fatalf("open: %v", err)
		}
		return
	}
	var writing sync.WaitGroup
	for w := range crashWriters {
		rng := rand.New(rand.NewPCG(h.seed, uint64(w)))
		writing.Go(func() {
			for range crashUpdates {
				if !h.update(t, e, rng) {
					return
				}
			}
		})
	}
	writing.Wait()
	if h.crashAt == 0 {
		if err := e.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	}
	h.crash()
	e.Close()
}

// update runs one random transaction and notes its fate; false: no more.
func (h *history) update(t *testing.T, e kv.Engine, rng *rand.Rand) bool {
	ctx := context.Background()
	a := rng.IntN(crashAccounts)
	size := 200
	if rng.IntN(10) == 0 {
		size = 20 << 10
	}
	tr := new(transaction)
	ran := false
	err := e.Update(ctx, kv.Account(a), func(tx kv.Tx) error {
		got, err := tx.Read(ctx, kv.Reads{Ranges: []kv.Range{{}}})
		if err != nil {
			return err
		}
		h.mu.Lock()
		defer h.mu.Unlock()
		before := last(h.accounts[a])
		if err := same(got, before.Read(kv.Reads{Ranges: []kv.Range{{}}})); err != nil {
			t.Errorf("account %d is not as its last transaction left it: %v", a, err)
		}
		tr.id, tr.state = tx.ID(), maps.Clone(before)
		for range 1 + rng.IntN(8) {
			w := RandomWrite(rng, size)
			w.Do(tx)
			tr.state.Apply(w)
		}
		h.accounts[a] = append(h.accounts[a], tr)
		ran = true
		return nil
	})
	h.mu.Lock()
	defer h.mu.Unlock()
	var lost *kv.UnknownError
	switch {
	case err == nil:
		tr.fate = acknowledged
		return true
	case errors.As(err, &lost):
		if lost.ID != tr.id {
			t.Errorf("unknown outcome of %v, which is %v", lost.ID, tr.id)
		}
	case ran:
		tr.fate = refused
	case h.crashAt == 0:
		t.Errorf("Update: %v", err)
	}
	return false
}

// last is the state after the transactions that may count so far.
func last(all []*transaction) Model {
	for i := len(all) - 1; i >= 0; i-- {
		if all[i].fate != refused {
			return all[i].state
		}
	}
	return Model{}
}

// check restarts twice.
func (h *history) check(t *testing.T) {
	t.Helper()
	e := h.open.on(t, h.after, 0)
	var found [crashAccounts]Model
	for a := range h.accounts {
		found[a] = h.checkAccount(t, e, kv.Account(a))
	}
	again := h.after.Crash(rand.New(rand.NewPCG(h.seed, 79)))
	e.Close()
	e = h.open.on(t, again, 0)
	for a, state := range found {
		if err := same(readAll(t, e, kv.Account(a)), state.Read(kv.Reads{Ranges: []kv.Range{{}}})); err != nil {
			t.Errorf("account %d after a second crash: %v", a, err)
		}
	}
	e.Close()
}

func readAll(t *testing.T, e kv.Engine, a kv.Account) kv.Results {
	t.Helper()
	return read(t, e, a, kv.Reads{Ranges: []kv.Range{{}}})
}

// checkAccount finds out after which transaction the account is, and gives its
// state.
func (h *history) checkAccount(t *testing.T, e kv.Engine, a kv.Account) Model {
	t.Helper()
	all := h.accounts[a]
	got := readAll(t, e, a)
	// Two states may be equal; the latest transaction that Outcome vouches
	// for is the one to compare with.
	state, at := Model{}, -1
	acked := -1
	for i, tr := range all {
		if tr.fate == acknowledged {
			acked = i
		}
		done, err := e.Outcome(context.Background(), a, tr.id)
		if err != nil {
			t.Fatalf("Outcome: %v", err)
		}
		if done {
			state, at = tr.state, i
		}
	}
	if err := same(got, state.Read(kv.Reads{Ranges: []kv.Range{{}}})); err != nil {
		t.Errorf("account %d is not as transaction %d left it: %v", a, at, err)
	}
	if at < acked {
		t.Errorf("account %d is after transaction %d, but %d was acknowledged", a, at, acked)
	}
	if at >= 0 && all[at].fate == refused {
		t.Errorf("account %d holds transaction %d, which was refused", a, at)
	}
	return state
}
