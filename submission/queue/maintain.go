package queue

import (
	"context"
	"errors"
	"time"

	"citron/engine/body"
	"citron/engine/kv"
)

const (
	// lookEvery is how long Maintain lets new messages wait whose age asks for
	// something soon (RFC 2852).
	lookEvery = 10 * time.Second
	// fillEvery is how often the schedule on disk is looked through when not
	// all domains are in memory.
	fillEvery = time.Minute
	// sweepEvery is how often bodies are swept.
	sweepEvery = 10 * time.Minute
	// originStep is how many origins a step forgets.
	originStep = 1000
)

// care is what Maintain has to do when; only Maintain touches it.
type care struct {
	ageFrom  []byte // where the pass through the index by age goes on
	fillFrom []byte
	fill     milli // when the next page of the schedule is read
	sweep    milli
	origins  milli
}

// Maintain does what is due of what nobody waits for, a bounded step of each,
// and says when to call it again. It is called by one goroutine at a time. An
// error concerns this step; it is tried again later.
func (q *Queue) Maintain(ctx context.Context, at time.Time) (next time.Time, err error) {
	now := milliOf(at)
	ctx = kv.MakingRoom(ctx)
	again := now.add(lookEvery)
	soonest, err := q.ageSome(ctx, now)
	again = min(again, max(soonest, now))
	if soonest == 0 {
		again = now.add(lookEvery)
	}
	if hasCome(q.care.origins, now, fillEvery) {
		more, failed := q.forgetOrigins(ctx, now)
		err = errors.Join(err, failed)
		if q.care.origins = now.add(fillEvery); more {
			q.care.origins, again = now, now
		}
	}
	if hasCome(q.care.fill, now, fillEvery) {
		err = errors.Join(err, q.fillMore(ctx, now))
		q.askAgain(now)
	}
	if hasCome(q.care.sweep, now, sweepEvery) {
		err = errors.Join(err, q.sweepBodies(ctx))
		q.care.sweep = now.add(sweepEvery)
	}
	if err != nil {
		again = now.add(lookEvery)
	}
	return again.time(), err
}

// hasCome says whether a time that was at most so far ahead has come, or the clock
// went back.
func hasCome(at, now milli, ahead time.Duration) bool { return at <= now || at > now.add(ahead) }

// fillMore brings domains into memory that found no room before.
func (q *Queue) fillMore(ctx context.Context, now milli) error {
	q.mu.Lock()
	partial := q.schedule.partial || q.care.fillFrom != nil
	if partial && q.care.fillFrom == nil {
		q.schedule.partial = false
		q.schedule.forget(now.add(fillEvery))
	}
	q.mu.Unlock()
	q.care.fill = now.add(fillEvery)
	if !partial {
		return nil
	}
	from := q.care.fillFrom
	if from == nil {
		from = []byte{keySchedule}
	}
	for range 64 {
		var err error
		if from, err = q.fill(ctx, from, now.add(2*fillEvery)); err != nil || from == nil {
			q.care.fillFrom = nil
			return err
		}
	}
	q.care.fillFrom, q.care.fill = from, now.add(time.Second)
	return nil
}

// forget drops domains with nothing to do before a time, so that others find
// room. That a domain is down is forgotten only where most of those in memory
// are: they must not keep mail for others from being seen.
func (s *schedule) forget(until milli) {
	failing := 0
	for _, d := range s.domains {
		if d.failures > 0 {
			failing++
		}
	}
	for _, d := range s.domains {
		if d.index < 0 || d.wake <= until || len(d.out) > 0 {
			continue
		}
		if d.failures > 0 {
			if failing <= s.opt.MaxDomains*3/4 {
				continue
			}
			failing--
		}
		s.partial = true
		s.take(d)
		delete(s.domains, d.name)
	}
}

// forgetOrigins drops Origins of messages that were done long ago.
func (q *Queue) forgetOrigins(ctx context.Context, now milli) (more bool, err error) {
	r := limited(kv.Prefix([]byte{keyOldest}), originStep).NoValues()
	r.To = key64(keyOldest, uint64(now.add(-q.opt.OriginMemory)))
	page, err := q.scan(ctx, r)
	if err != nil || page.Len() == 0 {
		return false, err
	}
	return page.Len() == originStep, q.line.Do(&request{Ctx: ctx, Run: func(t *txn) error {
		for i := range page.Len() {
			t.delete(page.Key(i))
			t.delete(originKey(string(page.Key(i)[9:])))
		}
		return nil
	}})
}

// sweepBodies lets the body store give back what no message refers to.
func (q *Queue) sweepBodies(ctx context.Context) error {
	return storageError(q.bodies.Sweep(ctx,
		func(o body.Owner, r body.Ref) (bool, error) { return q.keepBody(ctx, o, r) },
		func(o body.Owner, from, to body.Ref) (bool, error) { return q.moveBody(ctx, o, from, to) }))
}

// keepBody says whether a message's record names this very body.
func (q *Queue) keepBody(ctx context.Context, owner body.Owner, r body.Ref) (bool, error) {
	values, err := q.read(ctx, messageKey(owner.Object))
	if err != nil || values[0] == nil || owner.Account != uint64(kv.Queue) {
		return false, err
	}
	m, err := decodeMessage(values[0])
	if err != nil {
		return false, damaged("the record", owner.Object, err)
	}
	return m.ref == r, nil
}

// moveBody makes a message's record name the body's copy.
func (q *Queue) moveBody(ctx context.Context, owner body.Owner, from, to body.Ref) (moved bool, err error) {
	key := messageKey(owner.Object)
	err = q.line.Do(&request{Ctx: ctx, Gets: [][]byte{key}, Run: func(t *txn) error {
		value := t.get(key)
		if value == nil {
			return nil
		}
		m, err := decodeMessage(value)
		if err != nil {
			return damaged("the record", owner.Object, err)
		}
		if moved = m.ref == from; moved {
			m.ref = to
			t.set(key, m.append(nil))
		}
		return nil
	}})
	return moved && err == nil, err
}
