// Package line makes the writers of one account of an engine share its
// transactions.
//
// Updates of one account run one after the other, and each waits for a sync. So
// its writers stand in a line. The first is the leader: its goroutine commits
// what all who wait want done in one transaction, tells each its own error and
// hands the lead to the first of those who came meanwhile. What is written, and
// what is shown of it, is the owner's: the line knows only when.
//
// # Invariants
//
// One batch is at work at any time; the owner needs no lock for what only the
// transaction touches. Batches and the requests in them keep the order in which
// the writers came. A batch holds at most MaxBatch requests and, unless it is
// one alone, about MaxWeight bytes; those that make room (kv.MakingRoom) and
// those that do not are never in one.
//
// Do returns when the request is durable and the owner was told (Txn.Settled),
// or it was refused, or has failed. Of a transaction whose outcome the engine
// cannot tell (kv.UnknownError) the line asks until it is known, and lets
// nothing be written before: no writer sees a state that may be undone. If the
// engine does not answer, all are refused, and the next writer asks again.
//
// A panic is an error of those in the batch, and of all who come later: what the
// owner has in memory may be wrong. The line itself never stands still.
package line

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"citron/engine/kv"
)

// A batch holds at most so many requests and about so many bytes.
const (
	MaxBatch  = 256
	MaxWeight = 16 << 20
)

// Request is what one writer wants done; Run is the owner's own.
type Request[F any] struct {
	Ctx    context.Context
	Gets   [][]byte // keys to be read before any request of the batch writes
	Weight int      // bytes it will write, about
	Run    F        // called at most once, perhaps in another writer's goroutine

	Got [][]byte // values of Gets, as Batch.Read found them
	Err error    // what Do returns

	told chan bool // true: done; false: take the lead; nil: it led at once
}

// Owner is whose line it is. Its methods are called by the leader only.
type Owner[F any] interface {
	// Update runs the batch in one transaction of the engine, with this
	// context, and sets Err of each request that it refuses. The error is
	// the engine's: it leaves the requests without an Err to the line.
	Update(ctx context.Context, batch Batch[F]) (Txn, error)
	// Error gives an error of the engine the owner's kind.
	Error(err error) error
	// Panicked is called, once, by the function deferred at the panic. Its
	// error is that of all requests from now on.
	Panicked(p any) error
}

// Txn is a transaction that Update has run.
type Txn interface {
	// Settled is called once, when it is known whether it is durable.
	Settled(committed bool)
}

// Line is the writers of one account. Make it with New.
type Line[F any] struct {
	engine  kv.Engine
	account kv.Account
	owner   Owner[F]

	mu      sync.Mutex
	waiting Batch[F]
	led     bool

	// Only the leader touches these:
	unsettled *unsettled
	fault     error // after a panic; nothing is written any more
}

// unsettled is a transaction whose outcome the engine could not tell.
type unsettled struct {
	txn Txn
	id  kv.TxID
}

// New gives the line of an account; there must be one only.
func New[F any](engine kv.Engine, account kv.Account, owner Owner[F]) *Line[F] {
	return &Line[F]{engine: engine, account: account, owner: owner}
}

// Do has a request done and gives its error: the owner's, or that of Ctx if that
// was over when its turn came. A request is used once.
func (l *Line[F]) Do(r *Request[F]) error {
	if !l.enter(r) && <-r.told {
		return r.Err
	}
	batch := l.take()
	l.guarded(batch)
	l.handOver()
	for _, other := range batch[1:] {
		other.told <- true
	}
	return r.Err
}

// enter puts a request at the end of the line and says whether it leads.
func (l *Line[F]) enter(r *Request[F]) (leads bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if leads = !l.led; !leads {
		r.told = make(chan bool, 1)
	}
	l.led = true
	l.waiting = append(l.waiting, r)
	return leads
}

// take takes a batch from the head of the line, the leader's own request first.
// What makes room goes by itself: on a full disk it is done, and all else
// refused.
func (l *Line[F]) take() Batch[F] {
	l.mu.Lock()
	defer l.mu.Unlock()
	n, weight, makesRoom := 0, 0, kv.MakesRoom(l.waiting[0].Ctx)
	for n < len(l.waiting) && n < MaxBatch && (n == 0 || weight+l.waiting[n].Weight <= MaxWeight) &&
		kv.MakesRoom(l.waiting[n].Ctx) == makesRoom {
		weight += l.waiting[n].Weight
		n++
	}
	batch := slices.Clone(l.waiting[:n])
	l.waiting = slices.Delete(l.waiting, 0, n)
	return batch
}

// handOver gives the lead to the first of those who wait.
func (l *Line[F]) handOver() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.waiting) > 0 {
		l.waiting[0].told <- false
	} else {
		l.led, l.waiting = false, nil
	}
}

// guarded is commit, and a panic in it an error of the batch: the line must not
// stand still for it.
func (l *Line[F]) guarded(batch Batch[F]) {
	defer func() {
		if p := recover(); p != nil {
			l.fault = l.owner.Panicked(p)
			batch.fail(l.fault)
		}
	}()
	if l.fault != nil {
		batch.fail(l.fault)
		return
	}
	l.commit(batch)
}

// commit runs a batch and gives each request its error.
func (l *Line[F]) commit(batch Batch[F]) {
	if _, err := l.settle(); err != nil {
		batch.fail(err)
		return
	}
	ctx := context.Background()
	if kv.MakesRoom(batch[0].Ctx) {
		ctx = kv.MakingRoom(ctx)
	}
	txn, err := l.owner.Update(ctx, batch)
	if err == nil {
		txn.Settled(true)
		return
	}
	if unknown, ok := errors.AsType[*kv.UnknownError](err); ok {
		l.unsettled = &unsettled{txn, unknown.ID}
		if done, err := l.settle(); err != nil {
			batch.fail(err)
		} else if !done {
			batch.fail(l.owner.Error(unknown.Cause))
		}
		return
	}
	txn.Settled(false)
	if err != ErrNothing {
		batch.fail(l.owner.Error(err))
	}
}

// settle finds out what became of an unsettled transaction, if there is one,
// and whether it is done. It asks a few times; until the engine answers, nothing
// is written.
func (l *Line[F]) settle() (done bool, err error) {
	u := l.unsettled
	if u == nil {
		return false, nil
	}
	pause := 20 * time.Millisecond
	for try := 0; ; try++ {
		done, err := l.engine.Outcome(context.Background(), l.account, u.id)
		if err == nil {
			l.unsettled = nil
			u.txn.Settled(done)
			return done, nil
		}
		if errors.Is(err, kv.ErrStopped) || errors.Is(err, kv.ErrClosed) || try == 4 {
			return false, l.owner.Error(err)
		}
		time.Sleep(pause)
		pause *= 4
	}
}
