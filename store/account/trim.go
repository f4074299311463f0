package account

import (
	"context"
	"time"

	"citron/engine/kv"
)

// trimStep is how many log records one step looks at.
const trimStep = 1000

// trimLogs takes away log records that are too old or too many, of the account
// or of the first mailbox that has such.
func (a *Account) trimLogs(ctx context.Context, now time.Time) (more bool, err error) {
	oldest := now.Add(-a.store.opt.LogAge).Unix()
	if more, err := a.trimNames(ctx, oldest); more || err != nil {
		return more, err
	}
	for _, info := range a.Mailboxes() {
		b := a.published(info.ID)
		if b == nil || b.logRecords == 0 {
			continue
		}
		floor, n, err := a.trimmable(ctx, b, oldest)
		if err != nil {
			return false, err
		}
		if n > 0 {
			return true, a.write(ctx, func(t *txn) error { return t.trim(b.ID, floor, n) })
		}
	}
	return false, nil
}

// trimmable counts the oldest records of a mailbox's log that may go, up to
// the modseq given.
func (a *Account) trimmable(ctx context.Context, b *box, oldest int64) (floor ModSeq, n uint32, err error) {
	r := logRange(b.ID, 0, b.ModSeq+1)
	r.Limit = trimStep
	if b.logRecords <= uint32(a.store.opt.LogRecords) {
		r.Limit = 1 // first see whether the oldest is old enough
	}
	for {
		got, err := a.view(ctx, kv.Reads{Ranges: []kv.Range{r}})
		if err != nil {
			return 0, 0, err
		}
		p := got.Ranges[0]
		for i := range p.Len() {
			rec, err := decodeLog(p.Value(i))
			if err != nil {
				return 0, 0, damaged("log of "+b.Name, err)
			}
			if rec.at >= oldest && b.logRecords-n <= uint32(a.store.opt.LogRecords) {
				return floor, n, nil
			}
			floor, n = ModSeq(be64(p.Key(i)[5:])), n+1
		}
		if n != 1 || r.Limit != 1 {
			return floor, n, nil
		}
		r.Limit, floor, n = trimStep, 0, 0
	}
}

// trim deletes the log records up to floor, of which there are n.
func (t *txn) trim(id MailboxID, floor ModSeq, n uint32) error {
	b := t.find(id)
	if b == nil || b.LogFloor >= floor || b.logRecords < n {
		return nil
	}
	w := t.edit(b)
	w.LogFloor, w.logRecords = floor, w.logRecords-n
	t.deleteRange(logRange(id, 0, floor+1))
	return nil
}

// trimNames takes away records of the account's own log that are too old or too
// many, of the first kind that has such.
func (a *Account) trimNames(ctx context.Context, oldest int64) (more bool, err error) {
	for kind := LogKind(1); kind <= logKinds; kind++ {
		old, floor, err := a.trimmableNames(ctx, kind, oldest)
		if err != nil {
			return false, err
		}
		if len(old) > 0 {
			return true, a.write(ctx, func(t *txn) error {
				for _, key := range old {
					t.delete(key)
				}
				t.head.logFloor = max(t.head.logFloor, floor)
				return nil
			})
		}
	}
	return false, nil
}

// trimmableNames gives the keys of the oldest records of a kind that may go, up
// to the modseq given.
func (a *Account) trimmableNames(ctx context.Context, kind LogKind, oldest int64) (old [][]byte, floor ModSeq, err error) {
	r := kv.Prefix([]byte{keyNames, byte(kind)})
	r.Limit = trimStep
	got, err := a.view(ctx, kv.Reads{Ranges: []kv.Range{r}})
	if err != nil {
		return nil, 0, err
	}
	p, excess := got.Ranges[0], 0
	if p.Len() == trimStep { // else there cannot be too many
		all := kv.Prefix([]byte{keyNames, byte(kind)}).NoValues()
		all.Limit = a.store.opt.LogRecords + trimStep
		counted, err := a.view(ctx, kv.Reads{Ranges: []kv.Range{all}})
		if err != nil {
			return nil, 0, err
		}
		excess = counted.Ranges[0].Len() - a.store.opt.LogRecords
	}
	for i := range p.Len() {
		rec, err := decodeNames(p.Value(i))
		if err != nil {
			return nil, 0, damaged("the account's log", err)
		}
		if rec.at >= oldest && i >= excess {
			break
		}
		old, floor = append(old, p.Key(i)), ModSeq(be64(p.Key(i)[2:]))
	}
	return old, floor, nil
}
