package account

import (
	"context"
	"maps"
	"slices"
	"time"

	"citron/engine/kv"
	"citron/store/uidset"
)

// txn is one transaction of the engine, in which one or more operations run,
// one after the other, each with a modseq of its own.
//
// An operation looks first and refuses, or writes and cannot fail any more
// except by failing the whole transaction. Heads, mailbox records and chunks
// are written once, at the end.
type txn struct {
	a   *Account
	tx  kv.Tx
	ctx context.Context
	now time.Time

	head      head
	works     []*work
	names     map[string]MailboxID   // nil: as published
	subs      map[string]bool        // nil: as published
	sharers   map[uint64]bool        // nil: as published
	threads   map[uint64]objectID    // written here
	awaited   *awaited               // nil: as published
	urlResets []urlKeyID             // to be told of
	once      map[string]bool        // records of copies filed here
	after     []func(committed bool) // when the outcome is known

	metadataUse metadataUse // nil: as published

	loggedAt ModSeq // of the last record of the account's own log; 0: none

	op     ModSeq // of the operation that runs; 0: it changed nothing yet
	writes int
	swept  uint64 // objects deleted
	gone   bool   // the account itself is deleted
	held   bool   // the outcome is unknown, and perhaps for longer than a writer waits
	buf    []byte
}

// work is a mailbox being changed.
type work struct {
	box              // the transaction's own copy
	touched []uint32 // chunks to be written
	rec     logRecord
	removed bool
	// hasMoved: the feed has something to say of it.
	hasMoved bool
}

// stamp gives the running operation its modseq.
func (t *txn) stamp() ModSeq {
	if t.op == 0 {
		t.head.modseq++
		t.op = t.head.modseq
	}
	return t.op
}

func (t *txn) set(key, value []byte) {
	t.writes++
	t.tx.Set(key, value)
}

func (t *txn) delete(key []byte) {
	t.writes++
	t.tx.Delete(key)
}

func (t *txn) deleteRange(r kv.Range) {
	t.writes++
	t.tx.DeleteRange(r.From, r.To)
}

// read is one round trip that sees the transaction's own writes.
func (t *txn) read(want kv.Reads) (kv.Results, error) {
	got, err := t.tx.Read(t.ctx, want)
	return got, storageError(err)
}

// get reads one key.
func (t *txn) get(key []byte) ([]byte, error) {
	got, err := t.read(kv.Reads{Gets: [][]byte{key}})
	if err != nil {
		return nil, err
	}
	return got.Values[0], nil
}

// find gives the mailbox as this transaction sees it, its set perhaps not
// read; nil if there is none.
func (t *txn) find(id MailboxID) *box {
	for _, w := range t.works {
		if w.ID == id {
			if w.removed {
				return nil
			}
			return &w.box
		}
	}
	return t.a.published(id)
}

// box gives the mailbox with its set. What it points to must not be changed.
func (t *txn) box(id MailboxID) (*box, error) {
	for {
		b := t.find(id)
		if b == nil {
			return nil, ErrNoMailbox
		}
		if b.set != nil {
			return b, nil
		}
		if err := t.loadSet(b); err != nil {
			return nil, err
		}
	}
}

// loadSet is Account.loadSet from within a transaction, for a mailbox that
// nobody has written since it was read.
func (t *txn) loadSet(b *box) error {
	got, err := t.read(kv.Reads{Ranges: []kv.Range{chunkRange(b.ID)}})
	if err != nil {
		return err
	}
	set, err := decodeSet(got.Ranges[0])
	if err != nil {
		return damaged("chunks of "+b.Name, err)
	}
	for _, w := range t.works {
		if &w.box == b {
			w.set = set
			return nil
		}
	}
	t.a.publishSet(b, set)
	return nil
}

// edit gives the mailbox for writing; box must have been asked for it before.
func (t *txn) edit(b *box) *work {
	for _, w := range t.works {
		if w.ID == b.ID {
			return w
		}
	}
	w := &work{box: *b}
	t.works = append(t.works, w)
	return w
}

// apply replaces the mailbox's set by what the editor made of it.
func (t *txn) apply(w *work, e *uidset.Editor) {
	before := w.set.Size()
	w.set = e.Done()
	t.head.used += w.set.Size() - before
	for _, number := range e.Touched() {
		if !slices.Contains(w.touched, number) {
			w.touched = append(w.touched, number)
		}
	}
	w.counted()
}

// begin and end enclose an operation. end writes one log record for each
// mailbox that it changed.
func (t *txn) begin() { t.op = 0 }

func (t *txn) end() {
	for _, w := range t.works {
		if w.rec.empty() || w.removed {
			continue
		}
		w.rec.at = t.now.Unix()
		w.ModSeq = t.op
		w.moved(t.op, len(w.rec.came)+len(w.rec.gone) > 0)
		w.logRecords++
		from := len(t.buf)
		t.buf = appendKey3264(t.buf, keyLog, uint32(w.ID), uint64(t.op))
		mid := len(t.buf)
		t.buf = w.rec.append(t.buf)
		t.set(t.buf[from:mid], t.buf[mid:])
		w.rec = logRecord{}
	}
}

// flush writes what all operations together have changed.
func (t *txn) flush() {
	if t.gone {
		return
	}
	for _, w := range t.works {
		if !w.removed {
			t.flushBox(w)
		}
	}
	if t.awaited != nil && t.awaited.added >= saveAwaited {
		t.awaited.added = 0
		t.buf = t.awaited.append(t.buf[:0])
		t.set([]byte{keyAwaited}, t.buf)
	}
	t.head.nextObject = max(t.head.nextObject, ObjectID(t.a.objects.Load()))
	t.buf = t.head.append(t.buf[:0])
	t.set([]byte{keyHead}, t.buf)
}

func (t *txn) flushBox(w *work) {
	for _, number := range w.touched {
		key := appendKey3232(t.buf[:0], keyChunk, uint32(w.ID), number)
		value, there := w.set.AppendChunk(key, number)
		if t.buf = value; there {
			t.set(key, value[len(key):])
		} else {
			t.delete(key)
		}
	}
	w.recentFrom = max(t.a.Recent(w.ID), 1)
	key := appendKey32(t.buf[:0], keyMailbox, uint32(w.ID))
	t.buf = w.box.append(key)
	t.set(key, t.buf[len(key):])
}

// editNames gives the name index for writing.
func (t *txn) editNames() map[string]MailboxID {
	if t.names == nil {
		t.names = maps.Clone(t.nameIndex())
	}
	return t.names
}

// nameIndex gives the name index for reading. Only the leader replaces the
// published one, and the leader is who runs this.
func (t *txn) nameIndex() map[string]MailboxID {
	if t.names != nil {
		return t.names
	}
	return t.a.names
}

// editSubs gives the subscriptions for writing.
func (t *txn) editSubs() map[string]bool {
	if t.subs == nil {
		t.subs = maps.Clone(t.a.subs)
	}
	return t.subs
}

// publish shows readers what is now durable.
func (t *txn) publish() {
	a := t.a
	for h, thread := range t.threads {
		a.lately.add(h, thread)
	}
	if t.awaited != nil {
		a.awaited.Store(t.awaited)
	}
	if t.metadataUse != nil {
		a.metadataUse = t.metadataUse
	}
	indexable := t.indexable()
	a.mu.Lock()
	a.head, a.gone = t.head, t.gone
	for _, w := range t.works {
		if w.removed {
			delete(a.boxes, w.ID)
			delete(a.recent, w.ID)
		} else {
			shown := w.box
			a.boxes[w.ID] = &shown
		}
	}
	a.follow(t.works)
	a.loggedAt = max(a.loggedAt, t.loggedAt)
	if t.subs != nil {
		a.subs = t.subs
	}
	if t.sharers != nil {
		a.shares = t.sharers
	}
	for _, k := range t.urlResets {
		a.urlResets[k]++
	}
	if t.names != nil {
		a.names = t.names
		a.sort()
	}
	if t.gone {
		a.boxes, a.names, a.sorted = map[MailboxID]*box{}, map[string]MailboxID{}, nil
	}
	a.mu.Unlock()
	if indexable {
		a.indexSoon(t.now)
	}
	a.wake()
}

// indexable says that the transaction leaves something to do for the search
// index. Only the leader asks, before it publishes.
func (t *txn) indexable() bool {
	if t.swept > 0 && t.a.swept.Add(t.swept) >= deadToLookAt || t.head.nextObject > t.a.head.nextObject {
		return true
	}
	for _, w := range t.works {
		if b := t.a.boxes[w.ID]; b != nil && w.UIDNext > b.UIDNext {
			return true
		}
	}
	return false
}
