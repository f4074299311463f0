package account

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"citron/engine/kv"
	"citron/mail/search"
	"citron/store/textindex"
)

// The search index is derived from the mail: it is built behind it, by one
// worker for all accounts (IndexStep), in transactions of its own, up to a mark.
// What is above the mark a search looks at one by one, so that nothing waits
// for the index and nothing is missed without it. Its keys are q and v; see
// docs/key-layout.md, and package textindex for what is in them.

// Limits of the worker.
const (
	maxHoles     = 256     // beyond that, the mark waits for who is on his way
	objectsRead  = 16      // messages read in one round trip
	columnLag    = 512     // UIDs above a column's mark before it is continued
	columnStep   = 1 << 14 // UIDs that one step adds to a column
	blocksRead   = 16      // of each segment that is merged, in one round trip
	piece        = 1 << 20 // bytes of a merged segment written in one transaction
	mergeAt      = 8       // segments alike in size that are made one
	deadToLookAt = 4096    // objects swept before it is seen whose segments shrink
)

// indexing is the worker and its queue.
type indexing struct {
	queue care
	wake  chan struct{}

	step    sync.Mutex // held by the step under way
	builder *textindex.Builder
	walker  search.Walker
	batch   Batch
	calls   uint64 // of the engine, by the worker
	pace    func(context.Context) error
}

func (x *indexing) start(now time.Time) {
	x.queue.start(now)
	x.wake = make(chan struct{}, 1)
}

// soon asks for a step in an account, not before at.
func (x *indexing) soon(id kv.Account, at time.Time) {
	if x.queue.soon(id, at) {
		select {
		case x.wake <- struct{}{}:
		default:
		}
	}
}

// IndexStep does one bounded step of indexing, in the account that has waited
// longest, and says when to call it again; the zero time: when there is new
// mail. An error concerns this step; it is tried again later.
func (s *Store) IndexStep(ctx context.Context, now time.Time) (next time.Time, err error) {
	x := &s.indexing
	x.step.Lock()
	defer x.step.Unlock()
	id, ok := x.queue.take(now)
	if ok {
		more, e := s.indexAccount(ctx, id)
		switch err = e; {
		case err != nil:
			x.queue.soon(id, now.Add(retryAfter))
		case more:
			x.queue.soon(id, now)
		}
	}
	if next = x.queue.earliest(); next.IsZero() {
		x.builder = nil // and its memory
	}
	return next, err
}

// indexAccount does the first thing there is to do in an account.
func (s *Store) indexAccount(ctx context.Context, id kv.Account) (more bool, err error) {
	a, err := s.Account(ctx, id)
	if KindOf(err) == NoAccount {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer a.Close()
	b := &indexer{indexing: &s.indexing, a: a, ctx: ctx}
	if err := b.open(); err != nil {
		return false, err
	}
	for _, step := range [...]func() (bool, error){b.tidy, b.fillHoles, b.follow, b.merge, b.columns, b.dropColumns, b.shrink} {
		if more, err := step(); more || err != nil {
			return more, err
		}
	}
	return false, nil
}

// indexer is a step in an account.
type indexer struct {
	*indexing
	a      *Account
	ctx    context.Context
	head   textHead
	limit  ObjectID          // all below are durable or in flying
	flying map[ObjectID]bool // numbers given to messages not yet filed
	fresh  bool              // the index must be begun anew

	window  uint64   // of the objects in the builder
	pending []change // blocks to be written
	size    int
}

// open reads where the index stands. What is on its way must be known before
// any object is looked for.
func (b *indexer) open() error {
	got, err := b.view(kv.Reads{Gets: [][]byte{textHeadKey}})
	if err != nil {
		return err
	}
	head, err := decodeTextHead(got.Values[0])
	if err != nil || head.format != textindex.Format {
		head, b.fresh = newTextHead(), true
	}
	b.head = head
	b.limit, b.flying = b.a.arrived()
	return nil
}

// arrived gives the number below which every object is durable, or never will
// be, but for those that are on their way.
func (a *Account) arrived() (limit ObjectID, flying map[ObjectID]bool) {
	a.mu.RLock()
	limit = a.head.nextObject
	a.mu.RUnlock()
	return limit, a.flights.below(limit)
}

func (b *indexer) view(want kv.Reads) (kv.Results, error) {
	b.calls++
	return b.a.view(b.ctx, want)
}

// write writes the head, and before it what fn writes, in one transaction.
func (b *indexer) write(weight int, fn func(t *txn)) error {
	b.calls++
	err := b.a.update(b.ctx, nil, weight, func(t *txn, _ [][]byte) error {
		if b.fresh {
			t.deleteRange(kv.Prefix([]byte{keyPosting}))
			t.deleteRange(kv.Prefix([]byte{keyText}))
		}
		fn(t)
		t.set(textHeadKey, b.head.append(nil))
		return nil
	})
	if err == nil {
		b.fresh = false
	}
	return err
}

// flush writes what was gathered of a segment, with the head.
func (b *indexer) flush(fn func(t *txn)) error {
	changes := b.pending
	err := b.write(b.size, func(t *txn) {
		fn(t)
		for _, c := range changes {
			t.set(c.key, c.value)
		}
	})
	b.pending, b.size = nil, 0
	return err
}

// gather keeps a block of a segment.
func (b *indexer) gather(segment uint32, first textindex.Term, block []byte) {
	c := change{key: postingKey(segment, first), value: slices.Clone(block)}
	b.pending = append(b.pending, c)
	b.size += len(c.key) + len(c.value)
}

// tidy takes away what a crash left of a merge.
func (b *indexer) tidy() (more bool, err error) {
	if b.head.begun == 0 {
		return false, nil
	}
	return true, b.flush(func(t *txn) {
		t.deleteRange(segmentRange(b.head.begun))
		b.head.begun = 0
	})
}

// fillHoles indexes objects that were on their way when the mark passed them and
// have come, or never will.
func (b *indexer) fillHoles() (more bool, err error) {
	var landed, left []ObjectID
	for _, o := range b.head.holes {
		if !b.flying[o] && (len(landed) == 0 || windowOf(o) == windowOf(landed[0])) {
			landed = append(landed, o)
		} else {
			left = append(left, o)
		}
	}
	if len(landed) == 0 {
		return false, nil
	}
	if _, err := b.index(landed); err != nil {
		return false, err
	}
	b.head.holes = left
	return true, b.finish()
}

func windowOf(o ObjectID) uint64 { return uint64(o) / textindex.WindowSize }

// follow indexes a batch of objects from the mark on.
func (b *indexer) follow() (more bool, err error) {
	if b.head.mark >= b.limit {
		return false, nil
	}
	end := min(b.limit, ObjectID((windowOf(b.head.mark)+1)*textindex.WindowSize))
	r := kv.Range{From: objectKey(keyObject, b.head.mark), To: objectKey(keyObject, end), Limit: textindex.MaxObjects, KeysOnly: true}
	got, err := b.view(kv.Reads{Ranges: []kv.Range{r}})
	if err != nil {
		return false, err
	}
	there := make([]ObjectID, got.Ranges[0].Len())
	for i := range there {
		there[i] = ObjectID(be64(got.Ranges[0].Key(i)[1:]))
	}
	if len(there) == r.Limit {
		end = there[len(there)-1] + 1
	}
	behind := b.behind(end, there)
	if room := maxHoles - len(b.head.holes); len(behind) > room {
		end = behind[room]
		there = there[:countBelow(there, end)]
	}
	indexed, err := b.index(there)
	if err != nil || end == b.head.mark {
		return false, err
	}
	if indexed < len(there) {
		end = there[indexed]
	}
	b.head.holes = append(b.head.holes, behind[:countBelow(behind, end)]...)
	slices.Sort(b.head.holes)
	b.head.mark = end
	return true, b.finish()
}

// behind gives the objects below end that the mark would leave behind on their
// way.
func (b *indexer) behind(end ObjectID, there []ObjectID) (list []ObjectID) {
	for o := range b.flying {
		if o < b.head.mark || o >= end {
			continue
		}
		if _, is := slices.BinarySearch(there, o); !is {
			list = append(list, o)
		}
	}
	slices.Sort(list)
	return list
}

// countBelow counts the objects below o.
func countBelow(ascending []ObjectID, o ObjectID) int {
	n, _ := slices.BinarySearch(ascending, o)
	return n
}

// index reads objects of one window into the builder, until it is full, and says
// how many it has read.
func (b *indexer) index(objects []ObjectID) (n int, err error) {
	if b.builder == nil {
		b.builder = textindex.NewBuilder()
	}
	b.builder.Reset()
	if len(objects) > 0 {
		b.window = windowOf(objects[0])
	}
	for n < len(objects) && !b.builder.Full() {
		some := objects[n:min(n+objectsRead, len(objects))]
		b.calls++
		stored, err := b.a.SummariesInto(b.ctx, &b.batch, some, WantIndex|WantHeader|WantBody)
		if err != nil {
			return 0, err
		}
		for i := range stored {
			if !stored[i].Found {
				continue // swept, or never came
			}
			if err := b.read(&stored[i]); err != nil {
				return 0, err
			}
		}
		n += len(some)
	}
	return n, nil
}

// read indexes one object. One that cannot be read may be mended one day, so
// that it stays a candidate.
func (b *indexer) read(stored *Stored) error {
	b.builder.Begin(uint16(stored.Object % textindex.WindowSize))
	source := &textSource{ctx: b.ctx, a: b.a, stored: stored}
	defer source.close()
	v := &pacedVisitor{Visitor: b.builder, b: b}
	err := stored.Err
	if err == nil {
		err = b.walker.Walk(source, v)
	}
	if err == nil {
		err = b.breathe()
	}
	switch {
	case v.err != nil:
		return v.err
	case b.ctx.Err() != nil:
		return b.ctx.Err()
	case errors.Is(err, ErrGone):
		return nil
	case err != nil:
		b.builder.Wild()
		b.a.store.opt.Log.Warn("a message cannot be indexed; searches will look at it", "account", b.a.id, "object", stored.Object, "error", err)
	}
	return nil
}

func (b *indexer) breathe() error {
	if b.pace == nil {
		return b.ctx.Err()
	}
	return b.pace(b.ctx)
}

// pacedVisitor breathes between pieces.
type pacedVisitor struct {
	search.Visitor
	b   *indexer
	err error
}

// Text implements search.Visitor.
func (v *pacedVisitor) Text(piece []byte, end bool) bool {
	v.err = v.b.breathe()
	return v.err == nil && v.Visitor.Text(piece, end)
}

// finish writes what the builder holds as a segment.
func (b *indexer) finish() error {
	objects := b.builder.Objects()
	if objects > 0 {
		s := textSegment{number: b.head.next, window: b.window, objects: uint32(objects)}
		if err := b.builder.Write(func(first textindex.Term, block []byte) error {
			b.gather(s.number, first, block)
			return nil
		}); err != nil {
			return err
		}
		b.head.next++
		b.head.segments = append(b.head.segments, s)
	}
	return b.flush(func(*txn) {})
}

func segmentRange(number uint32) kv.Range { return kv.Prefix(appendKey32(nil, keyPosting, number)) }

// textBehind says that an account's index has not come to its newest objects.
func textBehind(record []byte, next ObjectID) bool {
	h, err := decodeTextHead(record)
	return err != nil || h.format != textindex.Format || h.mark < next || len(h.holes) > 0 || h.begun != 0
}
