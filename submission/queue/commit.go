package queue

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"citron/engine/body"
	"citron/engine/kv"
	"citron/engine/vfs"
	"citron/submission"
)

// Writers stand in a line. The first is the leader: it runs the operations of
// all who wait in one transaction of the engine, publishes when that is
// durable, tells each its own error and hands the lead to the first of those
// who came meanwhile. (store/account does the same for each account.)

// line is the writers waiting.
type line struct {
	mu      sync.Mutex
	waiting []*operation
	led     bool
	unknown *unsettled // only the leader touches it and fault
	fault   error      // a panic; nothing is written any more
}

// operation is what one writer wants done.
type operation struct {
	ctx    context.Context
	gets   [][]byte // keys to be read before any operation writes
	run    func(t *txn) error
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
// published, or refused, or failed. run is called at most once, perhaps in the
// goroutine of another writer.
func (q *Queue) update(o *operation) error {
	o.told = make(chan bool, 1)
	q.line.mu.Lock()
	q.line.waiting = append(q.line.waiting, o)
	lead := !q.line.led
	q.line.led = true
	q.line.mu.Unlock()
	if !lead && <-o.told {
		return o.err
	}
	q.lead()
	return o.err
}

// lead commits the batch at the head of the line, whose first is the caller's
// own operation. What makes room goes by itself: on a full disk it is done, and
// all else refused.
func (q *Queue) lead() {
	l := &q.line
	l.mu.Lock()
	n, weight, makesRoom := 0, 0, kv.MakesRoom(l.waiting[0].ctx)
	for n < len(l.waiting) && n < maxBatch && (n == 0 || weight+l.waiting[n].weight <= maxBatchWeight) &&
		kv.MakesRoom(l.waiting[n].ctx) == makesRoom {
		weight += l.waiting[n].weight
		n++
	}
	batch := slices.Clone(l.waiting[:n])
	l.waiting = slices.Delete(l.waiting, 0, n)
	l.mu.Unlock()

	q.guarded(batch)

	l.mu.Lock()
	if len(l.waiting) > 0 {
		l.waiting[0].told <- false
	} else {
		l.led, l.waiting = false, nil
	}
	l.mu.Unlock()
	for _, o := range batch[1:] {
		o.told <- true
	}
}

// guarded is commit, and a panic in it an error of the batch: the line must not
// stand still for it. What is in memory may then be wrong, so the queue takes
// no more writes; a restart reads what is durable.
func (q *Queue) guarded(batch []*operation) {
	defer func() {
		if p := recover(); p != nil {
			q.line.fault = fmt.Errorf("%w: panic: %v", submission.ErrTemporary, p)
			q.opt.Log.Error("an operation of the queue panicked; restart to recover", "err", p, "stack", string(debug.Stack()))
			failAll(batch, q.line.fault)
		}
	}()
	if q.line.fault != nil {
		failAll(batch, q.line.fault)
		return
	}
	q.commit(batch)
}

// commit runs a batch and gives each operation its error.
func (q *Queue) commit(batch []*operation) {
	if _, err := q.settleUnknown(); err != nil {
		failAll(batch, err)
		return
	}
	t := &txn{q: q, ctx: context.Background(), now: milliOf(q.opt.Now())}
	if kv.MakesRoom(batch[0].ctx) {
		t.ctx = kv.MakingRoom(t.ctx)
	}
	err := q.engine.Update(t.ctx, kv.Queue, func(tx kv.Tx) error { return t.runAll(tx, batch) })
	var unknown *kv.UnknownError
	switch {
	case err == nil:
		t.settled(true)
	case errors.As(err, &unknown):
		q.line.unknown = &unsettled{t, unknown.ID}
		if done, err := q.settleUnknown(); err != nil {
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

// unsettled is a transaction whose outcome the engine could not tell.
type unsettled struct {
	*txn
	id kv.TxID
}

// settleUnknown finds out what became of an unsettled transaction, if there is
// one, and whether it is done. It asks a few times; until the engine answers,
// the queue takes no writes.
func (q *Queue) settleUnknown() (done bool, err error) {
	u := q.line.unknown
	if u == nil {
		return false, nil
	}
	pause := 20 * time.Millisecond
	for try := 0; ; try++ {
		done, err := q.engine.Outcome(u.ctx, kv.Queue, u.id)
		if err == nil {
			q.line.unknown = nil
			u.settled(done)
			return done, nil
		}
		if errors.Is(err, kv.ErrStopped) || errors.Is(err, kv.ErrClosed) || try == 4 {
			return false, storageError(err)
		}
		time.Sleep(pause)
		pause *= 4
	}
}

func failAll(batch []*operation, err error) {
	for _, o := range batch {
		if o.err == nil {
			o.err = err
		}
	}
}

// txn is a transaction of the engine, shared by the operations of a batch.
type txn struct {
	q    *Queue
	ctx  context.Context
	tx   kv.Tx
	now  milli
	head head
	// known holds what was read, and what was written since: an operation
	// sees what those before it did.
	known  map[string][]byte
	writes int
	after  []func(committed bool)
	lines  []scheduled
}

// scheduled is a group that a transaction put into the schedule.
type scheduled struct {
	domain string
	level  byte
	place  place
}

// runAll is the inside of the engine's transaction.
func (t *txn) runAll(tx kv.Tx, batch []*operation) error {
	t.tx, t.head, t.known = tx, t.q.head, make(map[string][]byte) // only the leader writes q.head
	if err := t.readAll(batch); err != nil {
		return err
	}
	for _, o := range batch {
		if o.err = o.ctx.Err(); o.err != nil {
			continue
		}
		before := t.writes
		if o.err = o.run(t); o.err != nil && t.writes != before {
			return fmt.Errorf("%w: %w", errPartial, o.err)
		}
	}
	if t.writes == 0 {
		return errNothing
	}
	t.set([]byte{keyHead}, t.head.append(nil))
	return nil
}

// readAll brings what all operations declared in one round trip.
func (t *txn) readAll(batch []*operation) error {
	var want kv.Reads
	for _, o := range batch {
		want.Gets = append(want.Gets, o.gets...)
	}
	if len(want.Gets) == 0 {
		return nil
	}
	got, err := t.tx.Read(t.ctx, want)
	if err != nil {
		return err
	}
	for i, key := range want.Gets {
		t.known[string(key)] = got.Values[i]
	}
	return nil
}

// get gives a value that an operation declared, as it is now; nil: none.
func (t *txn) get(key []byte) []byte {
	value, ok := t.known[string(key)]
	if !ok {
		panic(fmt.Sprintf("key %q was not declared", key))
	}
	return value
}

func (t *txn) set(key, value []byte) {
	t.tx.Set(key, value)
	t.writes++
	if _, read := t.known[string(key)]; read {
		t.known[string(key)] = value
	}
}

func (t *txn) delete(key []byte) {
	t.tx.Delete(key)
	t.writes++
	if _, read := t.known[string(key)]; read {
		t.known[string(key)] = nil
	}
}

// settled publishes what is durable, and runs what waited for the outcome.
func (t *txn) settled(committed bool) {
	if committed {
		t.q.mu.Lock()
		t.q.head = t.head
		for _, s := range t.lines {
			t.q.schedule.insert(s, t.now)
		}
		t.q.mu.Unlock()
	}
	for _, fn := range t.after {
		fn(committed)
	}
	t.after = nil
}

// storageError gives an error of the engine or the body store its kind.
func storageError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, submission.ErrTemporary), errors.Is(err, submission.ErrNoSpace), errors.Is(err, submission.ErrTooLarge),
		errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.Is(err, kv.ErrNoSpace), errors.Is(err, vfs.ErrNoSpace):
		return fmt.Errorf("%w: %w", submission.ErrNoSpace, err)
	case errors.Is(err, kv.ErrTooLarge):
		return fmt.Errorf("%w: %w", submission.ErrTooLarge, err)
	case errors.Is(err, body.ErrCorrupt):
		return fmt.Errorf("%w: the message's body is damaged: %w; run citron verify", submission.ErrTemporary, err)
	}
	return fmt.Errorf("%w: %w", submission.ErrTemporary, err)
}
