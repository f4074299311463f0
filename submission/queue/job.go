package queue

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"citron/engine/body"
	"citron/submission"
)

// job is a group that is out.
type job struct {
	q      *Queue
	slot   slot
	level  byte
	domain string
	began  milli
	due    []submission.Due

	// As they were when the job was taken:
	message  *message
	envelope *submission.Envelope
	group    *group
	lost     marks // of processes that ended before they heard the outcome

	mu   sync.Mutex
	own  marks // of this job
	over bool
}

var errOver = errors.New("the job is over")

// decode takes what load read, from the message on.
func (j *job) decode(values [][]byte) (err error) {
	if j.message, err = decodeMessage(values[1]); err != nil {
		return damaged("the record", j.slot.id, err)
	}
	if j.envelope, err = submission.DecodeEnvelope(values[2]); err != nil {
		return damaged("the envelope", j.slot.id, err)
	}
	if j.group, err = decodeGroup(values[3]); err != nil {
		return damaged("a group", j.slot.id, err)
	}
	for i := range j.group.rcpts {
		if int(j.group.rcpts[i].index) >= len(j.envelope.Rcpts) {
			return damaged("a group", j.slot.id, errors.New("a recipient that there is not"))
		}
	}
	if values[4] != nil {
		if j.lost, err = decodeMarks(values[4]); err != nil {
			return damaged("a mark", j.slot.id, err)
		}
	}
	return nil
}

// ID implements submission.Job.
func (j *job) ID() string { return formatID(j.slot.id) }

// Envelope implements submission.Job.
func (j *job) Envelope() *submission.Envelope { return j.envelope }

// Domain implements submission.Job.
func (j *job) Domain() string { return j.domain }

// Due implements submission.Job.
func (j *job) Due() []submission.Due { return j.due }

// Open implements submission.Job.
func (j *job) Open(ctx context.Context) (submission.Body, error) {
	return j.q.open(ctx, j.slot.id, j.message)
}

// open opens a message's body. A sweep may have moved it since the record was
// read.
func (q *Queue) open(ctx context.Context, id uint64, m *message) (submission.Body, error) {
	for try := 0; ; try++ {
		if m.ref.Segment == 0 {
			values, err := q.read(ctx, bodyKey(id))
			if err != nil {
				return nil, err
			}
			if values[0] == nil {
				return nil, damaged("the body", id, body.ErrGone)
			}
			return inlineBody{bytes.NewReader(values[0])}, nil
		}
		r, err := q.bodies.Open(ctx, m.ref)
		if err == nil {
			return r, nil
		}
		if !errors.Is(err, body.ErrGone) || try == 3 {
			return nil, storageError(err)
		}
		values, err := q.read(ctx, messageKey(id))
		if err != nil {
			return nil, err
		}
		if values[0] == nil {
			return nil, fmt.Errorf("%w: message %s is gone", submission.ErrTemporary, formatID(id))
		}
		if m, err = decodeMessage(values[0]); err != nil {
			return nil, damaged("the record", id, err)
		}
	}
}

// inlineBody is a body in memory.
type inlineBody struct{ *bytes.Reader }

// Close implements io.Closer.
func (inlineBody) Close() error { return nil }

// HandOver implements submission.Job.
func (j *job) HandOver(ctx context.Context, host string, rcpts []int) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.over {
		return errOver
	}
	m := mark{at: milliOf(j.q.opt.Now()), host: host[:min(len(host), maxHost)]}
	for _, i := range rcpts {
		if !slices.ContainsFunc(j.due, func(d submission.Due) bool { return d.Index == i }) {
			return fmt.Errorf("recipient %d is not of this job", i)
		}
		m.rcpts = append(m.rcpts, uint32(i))
	}
	own := append(slices.Clone(j.own), m)
	all := append(slices.Clone(j.lost), own...)
	all = all[max(0, len(all)-maxMarks):]
	key := markKey(j.slot)
	// On a full disk, too: only what is delivered makes room.
	err := j.q.line.Do(&request{Ctx: makesRoom(ctx), Gets: [][]byte{groupKey(j.slot)}, Run: func(t *txn) error {
		if t.get(groupKey(j.slot)) == nil {
			return fmt.Errorf("%w: message %s was deleted", errOver, j.ID())
		}
		t.set(key, all.append(nil))
		return nil
	}})
	if err == nil {
		j.own = own
	}
	return err
}

// Release implements submission.Job.
func (j *job) Release() {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.over {
		return
	}
	j.over = true
	j.q.free(j.domain, j.level, j.slot, true)
}

// without gives the marks that name others than these recipients.
func (list marks) without(gone func(index uint32) bool) marks {
	var left marks
	for _, m := range list {
		m.rcpts = slices.DeleteFunc(slices.Clone(m.rcpts), gone)
		if len(m.rcpts) > 0 {
			left = append(left, m)
		}
	}
	return left
}
