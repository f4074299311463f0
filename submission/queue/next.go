package queue

import (
	"context"
	"encoding/binary"
	"time"

	"citron/engine/kv"
	"citron/submission"
	"citron/wire/smtp"
)

var _ submission.Work = (*Queue)(nil)

// Next implements submission.Work.
func (q *Queue) Next(ctx context.Context) (submission.Job, error) {
	return q.next(ctx, q.work, false)
}

// NextHere implements submission.Work.
func (q *Queue) NextHere(ctx context.Context) (submission.Job, error) {
	return q.next(ctx, q.workHere, true)
}

// next waits for a job, at a domain of this server if hereOnly.
func (q *Queue) next(ctx context.Context, wake <-chan struct{}, hereOnly bool) (submission.Job, error) {
	for {
		j, err := q.take(ctx, hereOnly)
		if err != nil {
			q.signal() // another may do better
			return nil, err
		}
		if j != nil {
			return j, nil
		}
		select {
		case <-wake:
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-q.done:
			return nil, errClosed
		}
	}
}

// take gives a job that is due, or nil.
func (q *Queue) take(ctx context.Context, hereOnly bool) (*job, error) {
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		now := milliOf(q.opt.Now())
		q.mu.Lock()
		if q.closed {
			q.mu.Unlock()
			return nil, errClosed
		}
		d, l := q.schedule.pick(now, hereOnly)
		if d == nil {
			q.arm(now)
			q.mu.Unlock()
			return nil, nil
		}
		if l == nil { // the clock went back
			q.schedule.place(d, now)
			q.mu.Unlock()
			continue
		}
		if d.where == unasked {
			if l = q.ask(d, now, hereOnly); l == nil {
				q.mu.Unlock()
				continue
			}
		}
		p, found, err := q.find(ctx, d, l, now)
		if q.schedule.anyReady() {
			q.signal()
		}
		q.mu.Unlock()
		if err != nil {
			return nil, err
		}
		if !found {
			continue
		}
		if j, err := q.load(ctx, d.name, l.level, p, now); j != nil || err != nil {
			return j, err
		}
	}
}

// find looks on disk for the first group of a level that is not out, and
// reserves it if it is due. It is called with q.mu held, and reads without.
func (q *Queue) find(ctx context.Context, d *domain, l *levelOf, now milli) (p place, due bool, err error) {
	from := l.at
	d.reading, l.low = true, nil
	r := kv.Range{From: scheduleKey(d.name, l.level, from), To: kv.PrefixEnd(levelKey(d.name, l.level)), Limit: 1 + len(d.out), KeysOnly: true}
	q.mu.Unlock()
	pairs, err := q.scan(ctx, r)
	q.mu.Lock()
	d.reading = false
	defer q.schedule.place(d, now)
	if err != nil {
		return place{}, false, err
	}
	found := false
	for i := 0; i < pairs.Len() && !found; i++ {
		key := pairs.Key(i)
		p = place{milli(binary.BigEndian.Uint64(key[len(key)-placeLen:])),
			slot{binary.BigEndian.Uint64(key[len(key)-12:]), binary.BigEndian.Uint32(key[len(key)-4:])}}
		found = d.out[p.slot] == nil
	}
	switch {
	case found && p.due <= now:
		due = q.schedule.reserve(d.name, p)
		l.at = p.next()
	case found:
		l.at = p
	case pairs.Len() == r.Limit: // all out; look behind them
		l.at = p.next()
	}
	if l.low != nil && (!found && pairs.Len() < r.Limit || l.low.before(l.at)) {
		l.at = *l.low
	} else if !found && pairs.Len() < r.Limit {
		d.dropLevel(l)
	}
	l.low = nil
	return p, due, nil
}

func (d *domain) dropLevel(l *levelOf) {
	for i := range d.levels {
		if d.levels[i] == l {
			d.levels = append(d.levels[:i], d.levels[i+1:]...)
			return
		}
	}
}

// load makes a job of a group that is reserved; nil if it is no longer what
// the schedule said, or its time is over.
func (q *Queue) load(ctx context.Context, domain string, level byte, p place, now milli) (*job, error) {
	values, err := q.read(ctx, scheduleKey(domain, level, p), messageKey(p.id), envelopeKey(p.id), groupKey(p.slot), markKey(p.slot))
	j := &job{q: q, slot: p.slot, level: level, domain: domain, began: now}
	if err != nil || values[0] == nil {
		q.free(domain, level, p.slot, err != nil)
		return nil, err
	}
	if err := j.decode(values); err != nil {
		// It must not stand in the way of others; the next start tries again.
		q.opt.Log.Error("a message cannot be sent", "id", formatID(p.id), "err", err)
		q.free(domain, level, p.slot, false)
		return nil, nil
	}
	if j.message.mode == smtp.ByReturn && j.message.deadline <= now {
		q.free(domain, level, p.slot, false)
		return nil, q.tend(ctx, p.id, now)
	}
	for i := range j.group.rcpts {
		if r := &j.group.rcpts[i]; r.due <= now {
			j.due = append(j.due, submission.Due{Index: int(r.index), Attempts: int(r.attempts)})
		}
	}
	return j, nil
}

// free ends the reservation of a group.
func (q *Queue) free(domain string, level byte, at slot, again bool) {
	now := milliOf(q.opt.Now())
	q.mu.Lock()
	q.schedule.free(domain, level, at, again, now)
	q.arm(now)
	q.mu.Unlock()
}

// signal wakes one who waits in Next, and one in NextHere.
func (q *Queue) signal() {
	for _, wake := range [...]chan struct{}{q.work, q.workHere} {
		select {
		case wake <- struct{}{}:
		default:
		}
	}
}

// ring is the timer's end. It is by the clock on the wall that a domain is due:
// where that went back, it is not yet, and the timer is armed again.
func (q *Queue) ring() {
	q.mu.Lock()
	q.armed = 0
	q.mu.Unlock()
	q.signal()
}

// arm has those who wait in Next woken when the next domain is due. It is
// called with q.mu held.
func (q *Queue) arm(now milli) {
	next := q.schedule.next()
	if next == 0 || q.closed || q.armed != 0 && q.armed <= next && q.armed > now {
		return
	}
	q.armed = next
	q.timer.Reset(max(after(now, next), time.Millisecond))
}
