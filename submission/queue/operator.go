package queue

import (
	"context"
	"encoding/binary"
	"errors"
	"sync"

	"citron/engine/kv"
)

// What an operator does (`citron queue`).

var (
	// ErrNoMessage: no message of that id is in the queue.
	ErrNoMessage = errors.New("no such message in the queue")
	// ErrSelection: that cannot be done with such a selection.
	ErrSelection = errors.New("choose one of a message, a domain or an account")
)

// Selection says what an operation is about: just one of its fields is set.
type Selection struct {
	ID     string
	Domain string // in any spelling
	// Account is the number of one that submitted mail.
	Account *uint64
	All     bool
}

// check gives the selection with its domain as the queue has it.
func (s Selection) check(all bool) (Selection, error) {
	n := 0
	for _, set := range [...]bool{s.ID != "", s.Domain != "", s.Account != nil, s.All} {
		if set {
			n++
		}
	}
	if n != 1 || s.All && !all {
		return s, ErrSelection
	}
	if s.ID != "" && parseID(s.ID) == 0 {
		return s, ErrNoMessage
	}
	if s.Domain != "" {
		s.Domain = normalize(s.Domain)
	}
	return s, nil
}

// besideEach is how many messages an operation on many does at a time: they
// share transactions.
const besideEach = 32

// eachSelected calls fn for the messages of a selection, several at a time, and
// counts those for which it says true. Messages that come meanwhile may be
// missed. The first error ends it.
func (q *Queue) eachSelected(ctx context.Context, s Selection, fn func(id uint64, m *message) (bool, error)) (n int, err error) {
	if s.ID != "" {
		values, err := q.read(ctx, messageKey(parseID(s.ID)))
		if err != nil {
			return 0, err
		}
		if values[0] == nil {
			return 0, ErrNoMessage
		}
		m, err := decodeMessage(values[0])
		if err != nil {
			return 0, damaged("the record", parseID(s.ID), err)
		}
		done, err := fn(parseID(s.ID), m)
		if done {
			n = 1
		}
		return n, err
	}
	var mu sync.Mutex
	var beside sync.WaitGroup
	turn := make(chan struct{}, besideEach)
	walked := q.each(ctx, kv.Prefix([]byte{keyMessage}), func(key, value []byte) error {
		id := binary.BigEndian.Uint64(key[1:])
		m, failed := decodeMessage(value)
		if failed != nil {
			q.opt.Log.Error("a message of the queue cannot be read; run citron verify", "id", formatID(id), "err", failed)
			return nil
		}
		if s.Account != nil && m.account != *s.Account {
			return nil
		}
		turn <- struct{}{}
		beside.Go(func() {
			defer func() { <-turn }()
			done, failed := fn(id, m)
			mu.Lock()
			defer mu.Unlock()
			if err = errors.Join(err, failed); done {
				n++
			}
		})
		mu.Lock()
		defer mu.Unlock()
		return err
	})
	beside.Wait()
	if err == nil {
		err = walked
	}
	return n, err
}

// groupsOf gives the groups of a message, by number, page by page.
func (q *Queue) groupsOf(ctx context.Context, id uint64, fn func(s slot, g *group) error) error {
	r := limited(kv.Prefix(key64(keyGroup, id)), 16)
	for {
		page, err := q.scan(ctx, r)
		if err != nil {
			return err
		}
		for i := range page.Len() {
			g, err := decodeGroup(page.Value(i))
			if err != nil {
				return damaged("a group", id, err)
			}
			err = fn(slot{id, binary.BigEndian.Uint32(page.Key(i)[9:])}, g)
			if errors.Is(err, errEnough) {
				return nil
			}
			if err != nil {
				return err
			}
		}
		if page.Len() < r.Limit {
			return nil
		}
		r.From = append(page.Key(page.Len()-1), 0)
	}
}

// edit changes a message and its groups in one transaction; fn changes them in
// place and says whether it did. ErrNoMessage if the message is gone.
func (q *Queue) edit(ctx context.Context, id uint64, fn func(t *txn, m *message, groups []*group) (bool, error)) (done bool, err error) {
	keys, err := q.scan(ctx, kv.Prefix(key64(keyGroup, id)).NoValues())
	if err != nil {
		return false, err
	}
	o := &request{Ctx: kv.MakingRoom(ctx), Gets: [][]byte{messageKey(id)}, Weight: 512 * (keys.Len() + 1)}
	for i := range keys.Len() {
		o.Gets = append(o.Gets, keys.Key(i))
	}
	o.Run = func(t *txn) error {
		value := t.get(messageKey(id))
		if value == nil {
			return ErrNoMessage
		}
		m, err := decodeMessage(value)
		if err != nil {
			return damaged("the record", id, err)
		}
		var slots []slot
		var groups []*group
		for _, key := range o.Gets[1:] {
			if value := t.get(key); value != nil {
				g, err := decodeGroup(value)
				if err != nil {
					return damaged("a group", id, err)
				}
				slots = append(slots, slot{id, binary.BigEndian.Uint32(key[9:])})
				groups = append(groups, g)
			}
		}
		before := make([]milli, len(groups))
		for i, g := range groups {
			before[i] = g.due
		}
		if done, err = fn(t, m, groups); !done || err != nil {
			return err
		}
		for i, g := range groups {
			if g.due != before[i] && before[i] != 0 {
				t.delete(scheduleKey(g.domain, m.level, place{before[i], slots[i]}))
			}
			t.set(groupKey(slots[i]), g.append(nil))
			t.scheduleGroup(g, m.level, slots[i])
		}
		t.set(messageKey(id), m.append(nil))
		return nil
	}
	err = q.line.Do(o)
	return done && err == nil, err
}
