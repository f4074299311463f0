package queue

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"citron/engine/body"
	"citron/engine/kv"
	"citron/engine/kv/line"
	"citron/submission"
)

var errClosed = fmt.Errorf("%w: the queue is closed", submission.ErrTemporary)

// Queue is the durable queue. Its methods may be called concurrently.
type Queue struct {
	engine kv.Engine
	bodies body.Store
	opt    Options
	line   *line.Line[operation]
	nextID atomic.Uint64

	work     chan struct{} // wakes one who waits for a job
	workHere chan struct{} // wakes one who waits for a job of this server's domains
	done     chan struct{} // closed by Close
	timer    *time.Timer   // signals when the next domain is due

	mu       sync.Mutex
	closed   bool
	head     head
	schedule *schedule
	accounts map[uint64]hold // that an operator holds
	armed    milli           // when timer fires
	care     care
}

// Open opens the queue that an engine and a body store keep; nobody else uses
// either's part of it. It reads which domains have mail, not the mail. What may
// have been handed over when the process before ended is logged.
func Open(ctx context.Context, engine kv.Engine, bodies body.Store, opt Options) (*Queue, error) {
	q := &Queue{
		engine: engine, bodies: bodies, opt: opt.withDefaults(),
		work: make(chan struct{}, 1), workHere: make(chan struct{}, 1), done: make(chan struct{}), accounts: make(map[uint64]hold),
	}
	q.line = line.New(engine, kv.Queue, leader{q})
	q.schedule = newSchedule(&q.opt, q.signal)
	if err := q.readHead(ctx); err != nil {
		return nil, err
	}
	for _, step := range [...]func(context.Context) error{q.readHolds, q.fillAll, q.logMarks} {
		if err := step(ctx); err != nil {
			return nil, err
		}
	}
	q.timer = time.AfterFunc(time.Hour, q.ring)
	return q, nil
}

// Close ends the queue: who waits in Next gets an error. The engine and the
// body store are the caller's.
func (q *Queue) Close() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return errClosed
	}
	q.closed = true
	close(q.done)
	q.timer.Stop()
	return nil
}

// readHead reads the counters. A queue made anew begins with the number of
// milliseconds since 1970, so that an id is not given again by the next queue
// when this one was thrown away.
func (q *Queue) readHead(ctx context.Context) error {
	values, err := q.read(ctx, []byte{keyHead})
	if err != nil {
		return err
	}
	q.head = head{next: uint64(milliOf(q.opt.Now()))}
	if values[0] != nil {
		if q.head, err = decodeHead(values[0]); err != nil {
			return fmt.Errorf("%w: the head of the queue: %w; run citron verify", submission.ErrTemporary, err)
		}
	}
	q.nextID.Store(q.head.next)
	return nil
}

// read brings values, nil where there is none.
func (q *Queue) read(ctx context.Context, keys ...[]byte) (values [][]byte, err error) {
	got, err := q.view(ctx, kv.Reads{Gets: keys})
	return got.Values, err
}

// scan brings a range.
func (q *Queue) scan(ctx context.Context, r kv.Range) (kv.Pairs, error) {
	got, err := q.view(ctx, kv.Reads{Ranges: []kv.Range{r}})
	if err != nil {
		return kv.Pairs{}, err
	}
	return got.Ranges[0], nil
}

func (q *Queue) view(ctx context.Context, want kv.Reads) (got kv.Results, err error) {
	err = q.engine.View(ctx, kv.Queue, func(r kv.Reader) error {
		var err error
		got, err = r.Read(ctx, want)
		return err
	})
	return got, storageError(err)
}

// each calls fn for the pairs of a range, page by page, until it says stop.
func (q *Queue) each(ctx context.Context, r kv.Range, fn func(key, value []byte) error) error {
	r.Limit = pageSize
	for {
		page, err := q.scan(ctx, r)
		if err != nil {
			return err
		}
		for i := range page.Len() {
			if err := fn(page.Key(i), page.Value(i)); err != nil {
				if errors.Is(err, errEnough) {
					return nil
				}
				return err
			}
		}
		if page.Len() < r.Limit {
			return nil
		}
		r.From = append(page.Key(page.Len()-1), 0)
	}
}

// pageSize is how many pairs are read at a time.
const pageSize = 256

// errEnough ends a walk.
var errEnough = errors.New("enough")
