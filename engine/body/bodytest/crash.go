package bodytest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"citron/engine/body"
	"citron/engine/vfs/crashfs"
)

// testCrashes runs random histories that end, three times over, in a crash at
// a random call. After each the store must give back every body that was
// acknowledged and is referred to, and work on.
func testCrashes(t *testing.T, open Open, seeds int) {
	for seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(uint64(seed), 1))
			disk := crashfs.New()
			e := newEnv(t, open, disk)
			for range 3 {
				// Half of the histories have one worker, so that the seed
				// alone decides what happens.
				disk = e.crash(disk, rng, 1+3*(seed%2))
				e.fs, e.store = disk, nil
				e.reopen()
				e.verify()
				e.checkAlive()
			}
			e.age()
			e.sweep()
			e.verify()
			e.reopen()
			e.verify()
		})
	}
}

// crash has workers work until the power goes, and gives what is left.
func (e *env) crash(disk *crashfs.FS, rng *rand.Rand, workers int) *crashfs.FS {
	last := disk.Calls() + 1 + rng.Uint64N(250)
	fate := rand.New(rand.NewPCG(rng.Uint64(), 3))
	var after *crashfs.FS
	var once sync.Once
	disk.OnCall(func(op crashfs.Op) error {
		if op.N >= last {
			once.Do(func() { after = disk.Crash(fate) })
		}
		return nil
	})
	var all sync.WaitGroup
	var stop atomic.Bool
	for range workers {
		local := rand.New(rand.NewPCG(rng.Uint64(), 2))
		all.Go(func() {
			for !stop.Load() {
				if err := e.step(local); err != nil {
					if !errors.Is(err, crashfs.ErrCrashed) && !errors.Is(err, body.ErrStopped) {
						e.Errorf("before the crash: %v", err)
					}
					stop.Store(true)
				}
			}
		})
	}
	all.Wait()
	once.Do(func() { after = disk.Crash(fate) })
	disk.OnCall(nil)
	return after
}

// step does one thing at random.
func (e *env) step(rng *rand.Rand) error {
	switch rng.IntN(12) {
	case 0:
		return e.store.Sweep(ctx, e.keep, e.move)
	case 1, 2, 3:
		if o, ok := e.pick(); ok {
			e.drop(o)
		}
		return nil
	case 4: // committed, but no transaction followed
		w, err := e.store.Create(ctx, e.owner())
		if err != nil {
			return err
		}
		defer w.Done()
		if _, err := w.Write(random(rng.Uint64(), rng.IntN(40_000))); err != nil {
			return err
		}
		_, err = w.Commit(ctx)
		return err
	case 5: // left half-way
		w, err := e.store.Create(ctx, e.owner())
		if err != nil {
			return err
		}
		defer w.Done()
		_, err = w.Write(random(rng.Uint64(), rng.IntN(100_000)))
		return err
	case 6:
		return e.tryAdd(rng.IntN(400_000))
	}
	return e.tryAdd(rng.IntN(10_000))
}

// pick gives any body that is referred to.
func (e *env) pick() (body.Owner, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	least, found := body.Owner{}, false
	for o := range e.alive { // the least, so that chance has no part in it
		if !found || o.Object < least.Object {
			least, found = o, true
		}
	}
	return least, found
}

// checkAlive has every byte checked; what nothing refers to may be torn.
func (e *env) checkAlive() {
	e.Helper()
	err := e.store.Check(ctx, func(o body.Owner, r body.Ref, err error) {
		if r.Offset == 0 || e.alive[o] == r {
			e.Errorf("check: %+v %+v: %v", o, r, err)
		}
	})
	if err != nil {
		e.Errorf("check: %v", err)
	}
}
