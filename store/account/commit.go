package account

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"citron/engine/kv"
)

// Writers of one account stand in a line. The first is the leader: it runs
// the operations of all who wait in one transaction of the engine, publishes
// when that is durable, tells each its own error and hands the lead to the
// first of those who came meanwhile.

// line is the writers waiting for an account.
type line struct {
	mu      sync.Mutex
	waiting []*request
	led     bool
	unknown *unsettled // only the leader touches it and fault
	fault   error      // a panic; nothing is written any more
}

// request is one operation.
type request struct {
	ctx    context.Context
	gets   [][]byte // keys to be read before any operation writes
	got    [][]byte
	run    func(t *txn, got [][]byte) error
	weight int // bytes it will write, about
	err    error
	told   chan bool // true: done; false: take the lead
}

// A batch holds at most so many operations and about so many bytes.
const (
	maxBatch       = 256
	maxBatchWeight = 16 << 20
)

var (
	errNothing = errors.New("nothing was written")
	errPartial = errors.New("an operation failed after it had written")
)

// update runs one operation; it returns when the operation is durable and
// published, or refused, or failed. run may be called only once, in the
// goroutine of another writer.
func (a *Account) update(ctx context.Context, gets [][]byte, weight int, run func(t *txn, got [][]byte) error) error {
	r := &request{ctx: ctx, gets: gets, run: run, weight: weight, told: make(chan bool, 1)}
	a.line.mu.Lock()
	a.line.waiting = append(a.line.waiting, r)
	lead := !a.line.led
	a.line.led = true
	a.line.mu.Unlock()
	if !lead && <-r.told {
		return r.err
	}
	a.lead()
	return r.err
}

// write is update for an operation without reads declared beforehand.
func (a *Account) write(ctx context.Context, run func(t *txn) error) error {
	return a.update(ctx, nil, 0, func(t *txn, _ [][]byte) error { return run(t) })
}

// lead commits the batch at the head of the line, whose first is the caller's
// own request. What makes room goes by itself: on a full disk it is done, and
// all else refused.
func (a *Account) lead() {
	a.line.mu.Lock()
	n, weight, makesRoom := 0, 0, kv.MakesRoom(a.line.waiting[0].ctx)
	for n < len(a.line.waiting) && n < maxBatch && (n == 0 || weight+a.line.waiting[n].weight <= maxBatchWeight) &&
		kv.MakesRoom(a.line.waiting[n].ctx) == makesRoom {
		weight += a.line.waiting[n].weight
		n++
	}
	batch := slices.Clone(a.line.waiting[:n])
	a.line.waiting = slices.Delete(a.line.waiting, 0, n)
	a.line.mu.Unlock()

	a.guarded(batch)

	a.line.mu.Lock()
	if len(a.line.waiting) > 0 {
		a.line.waiting[0].told <- false
	} else {
		a.line.led, a.line.waiting = false, nil
	}
	a.line.mu.Unlock()
	for _, r := range batch[1:] {
		r.told <- true
	}
}

// guarded is commit, and a panic in it an error of the batch: the line must
// not stand still for it. What the account has in memory may then be wrong, so
// it takes no more writes and leaves the memory; who opens it again reads what
// is durable.
func (a *Account) guarded(batch []*request) {
	defer func() {
		if p := recover(); p != nil {
			a.line.fault = &Error{Kind: Temporary, Text: ErrTemporary.Text, Cause: fmt.Errorf("panic: %v\n%s", p, debug.Stack())}
			a.store.opt.Log.Error("an operation panicked; the account is closed", "account", a.id, "err", a.line.fault)
			a.store.forget(a)
			failAll(batch, a.line.fault)
		}
	}()
	if a.line.fault != nil {
		failAll(batch, a.line.fault)
		return
	}
	a.commit(batch)
}

// commit runs a batch and gives each request its error.
func (a *Account) commit(batch []*request) {
	if _, err := a.settle(); err != nil {
		failAll(batch, err)
		return
	}
	scratch := a.store.scratch.Get().(*[]byte)
	t := &txn{a: a, ctx: context.Background(), now: a.store.opt.Now(), buf: *scratch}
	if kv.MakesRoom(batch[0].ctx) {
		t.ctx = kv.MakingRoom(t.ctx)
	}
	err := a.store.engine.Update(t.ctx, a.id, func(tx kv.Tx) error { return t.runAll(tx, batch) })
	a.store.giveBack(scratch, t.buf)
	t.buf = nil
	var unknown *kv.UnknownError
	switch {
	case err == nil:
		t.publish()
		t.settled(true)
	case errors.As(err, &unknown):
		a.line.unknown = &unsettled{txn: t, id: unknown.ID}
		a.hold()
		if done, err := a.settle(); err != nil {
			failAll(batch, err)
		} else if !done {
			failAll(batch, storageError(unknown.Cause))
		}
	default:
		t.settled(false)
		if err != errNothing {
			failAll(batch, storageError(err))
		}
	}
}

// runAll is the inside of the engine's transaction.
func (t *txn) runAll(tx kv.Tx, batch []*request) error {
	t.tx, t.head = tx, t.a.head // only the leader writes a.head
	if t.a.gone {
		failAll(batch, &Error{Kind: Gone, Text: "the account was deleted"})
		return errNothing
	}
	if err := t.readAll(batch); err != nil {
		return err
	}
	for _, r := range batch {
		if r.err = r.ctx.Err(); r.err != nil {
			continue
		}
		t.begin()
		before := t.writes
		if r.err = r.run(t, r.got); r.err == nil {
			t.end()
		} else if t.writes != before || t.op != 0 {
			return fmt.Errorf("%w: %w", errPartial, r.err)
		}
	}
	if t.writes == 0 && len(t.works) == 0 {
		return errNothing
	}
	t.flush()
	return nil
}

// readAll brings what all requests declared in one round trip.
func (t *txn) readAll(batch []*request) error {
	var want kv.Reads
	for _, r := range batch {
		want.Gets = append(want.Gets, r.gets...)
	}
	if len(want.Gets) == 0 {
		return nil
	}
	got, err := t.read(want)
	if err != nil {
		return err
	}
	at := 0
	for _, r := range batch {
		r.got = got.Values[at : at+len(r.gets)]
		at += len(r.gets)
	}
	return nil
}

// settled runs what waited for the outcome.
func (t *txn) settled(committed bool) {
	for _, fn := range t.after {
		fn(committed)
	}
	t.after = nil
}

func failAll(batch []*request, err error) {
	for _, r := range batch {
		if r.err == nil {
			r.err = err
		}
	}
}

// unsettled is a transaction whose outcome the engine could not tell.
type unsettled struct {
	*txn
	id kv.TxID
}

// settle finds out what became of an unsettled transaction, if there is one,
// and whether it is done. It asks a few times; until the engine answers, the account takes no writes.
func (a *Account) settle() (done bool, err error) {
	u := a.line.unknown
	if u == nil {
		return false, nil
	}
	pause := 20 * time.Millisecond
	for try := 0; ; try++ {
		done, err := a.store.engine.Outcome(u.ctx, a.id, u.id)
		if err == nil {
			a.line.unknown = nil
			if done {
				u.publish()
			}
			u.settled(done)
			a.Close()
			return done, nil
		}
		if errors.Is(err, kv.ErrStopped) || errors.Is(err, kv.ErrClosed) || try == 4 {
			return false, storageError(err)
		}
		time.Sleep(pause)
		pause *= 4
	}
}
