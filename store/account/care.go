package account

import (
	"container/heap"
	"context"
	"errors"
	"sync"
	"time"

	"citron/engine/kv"
)

// What is left for later (graves, extents, intents left over, old log) is done
// by Maintain, a bounded step at a time, in the accounts that are known to need
// it, and in all others as it comes to them.

// retryAfter is the pause after a step that failed.
const retryAfter = time.Minute

// Each page of the scan looks at scanPage accounts, one page in scanPause.
const (
	scanPage  = 100
	scanPause = time.Second
)

// care knows when which account needs a step.
type care struct {
	mu     sync.Mutex
	due    map[kv.Account]time.Time
	queue  dueQueue // of due, and of times that no longer hold
	cursor kv.Account
	scan   time.Time // when the next page is due
}

// dueQueue is a heap, the earliest first.
type dueQueue []dueAccount

type dueAccount struct {
	at time.Time
	id kv.Account
}

func (q dueQueue) Len() int           { return len(q) }
func (q dueQueue) Less(i, j int) bool { return q[i].at.Before(q[j].at) }
func (q dueQueue) Swap(i, j int)      { q[i], q[j] = q[j], q[i] }
func (q *dueQueue) Push(x any)        { *q = append(*q, x.(dueAccount)) }

func (q *dueQueue) Pop() any {
	last := (*q)[len(*q)-1]
	*q = (*q)[:len(*q)-1]
	return last
}

func (c *care) start(now time.Time) {
	c.due, c.scan = make(map[kv.Account]time.Time), now
}

// soon asks for a step in an account, not before at, and says whether nothing
// else is due before.
func (c *care) soon(id kv.Account, at time.Time) (first bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if old, ok := c.due[id]; ok && !at.Before(old) {
		return false
	}
	c.due[id] = at
	heap.Push(&c.queue, dueAccount{at, id})
	return c.queue[0].id == id
}

// earliest is when the first step is due; zero if none is.
func (c *care) earliest() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.first()
}

// take gives an account that is due.
func (c *care) take(now time.Time) (id kv.Account, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.first().After(now) || len(c.queue) == 0 {
		return 0, false
	}
	id = heap.Pop(&c.queue).(dueAccount).id
	delete(c.due, id)
	return id, true
}

// first gives the earliest time that holds and drops those that do not; zero
// if there is none.
func (c *care) first() time.Time {
	for len(c.queue) > 0 {
		if top := c.queue[0]; c.due[top.id].Equal(top.at) {
			return top.at
		}
		heap.Pop(&c.queue)
	}
	return time.Time{}
}

// next is when something is due.
func (c *care) next() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if first := c.first(); len(c.queue) > 0 && first.Before(c.scan) {
		return first
	}
	return c.scan
}

// Maintain does one bounded step of what is due and says when to call it
// again. An error concerns this step; it is tried again later.
func (s *Store) Maintain(ctx context.Context, now time.Time) (next time.Time, err error) {
	ctx = kv.MakingRoom(ctx)
	if id, ok := s.care.take(now); ok {
		err = s.tend(ctx, id, now)
	} else if !s.care.next().After(now) {
		err = s.scan(ctx, now)
	}
	return s.care.next(), err
}

// scan looks for accounts that need a step, one page.
func (s *Store) scan(ctx context.Context, now time.Time) error {
	s.care.mu.Lock()
	cursor := s.care.cursor
	s.care.mu.Unlock()
	page, err := s.engine.Accounts(ctx, cursor, scanPage)
	pause := scanPause
	switch {
	case err != nil:
		pause = retryAfter
	case len(page) == 0:
		cursor, pause = 0, s.opt.ScanEvery
	default:
		cursor = page[len(page)-1]
	}
	for _, id := range page {
		if id != 0 && id < kv.Reserved && s.needs(ctx, id, now) {
			s.care.soon(id, now)
		}
	}
	s.care.mu.Lock()
	s.care.cursor, s.care.scan = cursor, now.Add(pause)
	s.care.mu.Unlock()
	return storageError(err)
}

// needs looks at an account without loading it, and queues it for the search
// index if that is behind.
func (s *Store) needs(ctx context.Context, id kv.Account, now time.Time) (yes bool) {
	one := func(key ...byte) kv.Range {
		r := kv.Prefix(key)
		r.Limit = 1
		return r
	}
	s.engine.View(ctx, id, func(r kv.Reader) error {
		got, err := r.Read(ctx, kv.Reads{Gets: [][]byte{{keyHead}, textHeadKey}, Ranges: []kv.Range{one(keyGrave), one(keyIntent),
			one(keyAcross, acrossNotice), one(keyAcross, acrossMove), one(keyOnce), kv.Prefix([]byte{keyMailbox}),
			one(keyOutbox, outboxOrder)}})
		if err != nil {
			return err
		}
		if h, err := decodeHead(got.Values[0]); err == nil && textBehind(got.Values[1], h.nextObject) {
			s.indexing.soon(id, now)
		}
		const boxes = 5
		for i := range boxes {
			yes = yes || got.Ranges[i].Len() > 0
		}
		for i := range got.Ranges[boxes].Len() {
			b, err := decodeBox(0, got.Ranges[boxes].Value(i))
			yes = yes || err == nil && (len(b.extents) > 0 || b.logRecords > 0)
		}
		if p := got.Ranges[boxes+1]; p.Len() > 0 {
			yes = yes || !s.dueAttempt(p.Key(0)).After(now)
		}
		return nil
	})
	return yes
}

// tend does one step in an account and asks for the next.
func (s *Store) tend(ctx context.Context, id kv.Account, now time.Time) error {
	a, err := s.Account(ctx, id)
	if KindOf(err) == NoAccount {
		return nil
	}
	if err == nil {
		defer a.Close()
		var next time.Time
		if next, err = a.step(ctx, now); err == nil {
			if !next.IsZero() {
				s.care.soon(id, next)
			}
			return nil
		}
	}
	s.care.soon(id, now.Add(retryAfter))
	return err
}

// step does the first thing there is to do; next is when there is more (zero:
// nothing is known).
func (a *Account) step(ctx context.Context, now time.Time) (next time.Time, err error) {
	if more, err := a.rollbackLeft(ctx); more || err != nil {
		return now, err
	}
	if more, err := a.settleDark(ctx); more || err != nil {
		return now, err
	}
	// That another account cannot be written keeps this one from nothing.
	var across error
	for _, do := range [...]func(context.Context) (bool, error){a.tell, a.finishMoves} {
		more, err := do(ctx)
		if more && err == nil {
			return now, nil
		}
		across = errors.Join(across, err)
	}
	if next, err = a.sweepGrave(ctx, now); err != nil || next.Equal(now) {
		return next, err
	}
	if more, err := a.sweepOnce(ctx, now); more || err != nil {
		return now, err
	}
	if more, err := a.sweepAttempts(ctx, now); more || err != nil {
		return now, err
	}
	if more, err := a.trimLogs(ctx, now); more || err != nil {
		return now, err
	}
	return next, across
}

// rollbackLeft takes back what a crash left of large copies.
func (a *Account) rollbackLeft(ctx context.Context) (more bool, err error) {
	got, err := a.view(ctx, kv.Reads{Ranges: []kv.Range{kv.Prefix([]byte{keyIntent}).NoValues()}})
	if err != nil {
		return false, err
	}
	for i := range got.Ranges[0].Len() {
		id := be64(got.Ranges[0].Key(i)[1:])
		a.mu.RLock()
		ours := a.intents[id]
		a.mu.RUnlock()
		if !ours {
			_, err := a.rollback(ctx, id)
			return true, err
		}
	}
	return false, nil
}
