package queue

import (
	"context"
	"encoding/binary"
	"math"

	"citron/engine/kv"
)

// The schedule on disk is read by leaps: of each priority of each domain the
// first groups, then what comes after all of them.

// fillAll reads all domains, at the start.
func (q *Queue) fillAll(ctx context.Context) error {
	for from := []byte{keySchedule}; from != nil; {
		var err error
		if from, err = q.fill(ctx, from, math.MaxInt64); err != nil {
			return err
		}
	}
	return nil
}

// fill reads a page of the schedule from a key on and says where the next
// begins; nil: that was the last. Domains with nothing before a time stay on
// disk.
func (q *Queue) fill(ctx context.Context, from []byte, until milli) (next []byte, err error) {
	page, err := q.scan(ctx, kv.Range{From: from, To: []byte{keySchedule + 1}, Limit: pageSize, KeysOnly: true})
	if err != nil {
		return nil, err
	}
	now := milliOf(q.opt.Now())
	q.mu.Lock()
	defer q.mu.Unlock()
	for i := range page.Len() {
		name, level, p, ok := parseSchedule(page.Key(i))
		if !ok {
			continue
		}
		next = kv.PrefixEnd(levelKey(name, level))
		d := q.schedule.domains[name]
		if d == nil && p.due > until {
			q.schedule.partial = true // not yet worth the room
			continue
		}
		if d == nil || !d.knows(level, p) {
			q.schedule.insert(scheduled{name, level, p}, now)
		}
	}
	if page.Len() < pageSize {
		next = nil
	}
	return next, nil
}

// knows says whether a group is out, or stands behind where it would be looked
// for.
func (d *domain) knows(n byte, p place) bool {
	if d.out[p.slot] != nil {
		return true
	}
	for _, l := range d.levels {
		if l.level == n {
			return !p.before(l.at)
		}
	}
	return false
}

// readHolds reads what an operator holds.
func (q *Queue) readHolds(ctx context.Context) error {
	return q.each(ctx, kv.Prefix([]byte{keyHold}), func(key, value []byte) error {
		h, err := decodeHold(value)
		if err != nil {
			q.opt.Log.Error("a hold of the queue cannot be read; run citron verify", "err", err)
			return nil
		}
		switch {
		case key[1] == holdDomain:
			q.schedule.held[string(key[2:])] = h
		case key[1] == holdAccount && len(key) == 10:
			q.accounts[binary.BigEndian.Uint64(key[2:])] = h
		}
		return nil
	})
}

// logMarks logs what may have been handed over without this queue having heard
// of it.
func (q *Queue) logMarks(ctx context.Context) error {
	return q.each(ctx, kv.Prefix([]byte{keyMark}), func(key, value []byte) error {
		list, err := decodeMarks(value)
		if err != nil || len(key) != 13 {
			q.opt.Log.Error("a hand-over mark of the queue cannot be read; run citron verify", "err", err)
			return nil
		}
		for _, m := range list {
			q.opt.Log.Warn("a message may have been handed over before the last stop, and will be tried again",
				"id", formatID(binary.BigEndian.Uint64(key[1:])), "host", m.host, "at", m.at.time(), "recipients", len(m.rcpts))
		}
		return nil
	})
}

// holdsAccount says whether new messages of an account are held.
func (q *Queue) holdsAccount(account uint64) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	_, held := q.accounts[account]
	return held
}
