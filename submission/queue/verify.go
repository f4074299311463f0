package queue

import (
	"context"
	"encoding/binary"
	"fmt"

	"citron/engine/body"
	"citron/engine/kv"
	"citron/submission"
)

// Finding is one thing that is not as docs/key-layout.md says.
type Finding struct {
	Text string // a sentence
}

// Verify reads all of a queue that nobody else uses and reports what is wrong
// with it; then it reads every body. The error is of reading.
func Verify(ctx context.Context, engine kv.Engine, bodies body.Store, report func(Finding)) error {
	in := newInspection(engine, bodies, report)
	if err := in.run(ctx); err != nil {
		return err
	}
	return bodies.Check(ctx, func(o body.Owner, r body.Ref, err error) {
		in.say("The body of message %s (segment %d, offset %d) is damaged: %v.", formatID(o.Object), r.Segment, r.Offset, err)
	})
}

// Repair rebuilds what can be derived from the messages and their groups, which
// are the truth: the schedule, the index by age, that of old origins, the
// counters. It reports what it finds, as Verify does. Nothing that can be read
// is deleted.
func Repair(ctx context.Context, engine kv.Engine, bodies body.Store, report func(Finding)) error {
	in := newInspection(engine, bodies, report)
	in.repair = true
	return in.run(ctx)
}

// inspection is a walk through all keys.
type inspection struct {
	q       *Queue // for its reads
	report  func(Finding)
	repair  bool
	fixes   []fix
	found   head // counted
	highest uint64
}

// fix is a key to be written, or to go.
type fix struct {
	key, value []byte
	gone       bool
}

func newInspection(engine kv.Engine, bodies body.Store, report func(Finding)) *inspection {
	return &inspection{q: &Queue{engine: engine, bodies: bodies, opt: Options{}.withDefaults()}, report: report}
}

func (in *inspection) say(format string, args ...any) {
	in.report(Finding{fmt.Sprintf(format, args...)})
}

// run reads letter by letter, in an order in which what is derived comes after
// what it is derived from.
func (in *inspection) run(ctx context.Context) error {
	known := []byte{keyAge, keyBody, keyHold, keyEnvelope, keyGroup, keyHead, keyMessage, keyOrigin, keySchedule, keyMark, keyOldest} // ascending
	for _, step := range [...]struct {
		letter byte
		look   func(ctx context.Context, key, value []byte) error
	}{
		{keyMessage, in.message}, {keyGroup, in.group}, {keyEnvelope, in.part}, {keyBody, in.part}, {keySchedule, in.schedule},
		{keyAge, in.age}, {keyMark, in.mark}, {keyOrigin, in.origin}, {keyOldest, in.oldest}, {keyHold, in.hold},
	} {
		err := in.q.each(ctx, kv.Prefix([]byte{step.letter}), func(key, value []byte) error {
			if err := step.look(ctx, key, value); err != nil {
				return err
			}
			return in.flush(ctx, 500)
		})
		if err != nil {
			return err
		}
	}
	if err := in.head(ctx); err != nil {
		return err
	}
	from := []byte{0}
	for _, letter := range append(known, 0xff) {
		page, err := in.q.scan(ctx, kv.Range{From: from, To: []byte{letter}, Limit: 1, KeysOnly: true})
		if err != nil {
			return err
		}
		if page.Len() > 0 {
			in.say("A key %q is of no kind that is known.", page.Key(0))
		}
		from = []byte{letter + 1}
	}
	return in.flush(ctx, 1)
}

// set and drop mend what can be derived.
func (in *inspection) set(key, value []byte) {
	in.fixes = append(in.fixes, fix{key: key, value: value})
}
func (in *inspection) drop(key []byte) { in.fixes = append(in.fixes, fix{key: key, gone: true}) }

// flush writes the fixes, if there are so many.
func (in *inspection) flush(ctx context.Context, many int) error {
	if len(in.fixes) < many {
		return nil
	}
	fixes := in.fixes
	in.fixes = nil
	if !in.repair {
		return nil
	}
	return in.q.engine.Update(kv.MakingRoom(ctx), kv.Queue, func(tx kv.Tx) error {
		for _, f := range fixes {
			if f.gone {
				tx.Delete(f.key)
			} else {
				tx.Set(f.key, f.value)
			}
		}
		return nil
	})
}

// message looks at a record, its envelope, its body and its groups.
func (in *inspection) message(ctx context.Context, key, value []byte) error {
	id := binary.BigEndian.Uint64(key[1:])
	in.highest = max(in.highest, id)
	m, err := decodeMessage(value)
	if err != nil {
		in.say("The record of message %s cannot be read: %v.", formatID(id), err)
		return nil
	}
	in.found.messages++
	in.found.bytes += uint64(m.size)
	values, err := in.q.read(ctx, envelopeKey(id), ageKey(m.age, id))
	if err != nil {
		return err
	}
	e, err := submission.DecodeEnvelope(values[0])
	if err != nil {
		in.say("The envelope of message %s cannot be read: %v.", formatID(id), err)
		e = &submission.Envelope{}
	}
	if m.age != 0 && values[1] == nil {
		in.say("Message %s is missing in the index by age.", formatID(id))
		in.set(ageKey(m.age, id), nil)
	}
	if b, err := in.q.open(ctx, id, m); err != nil {
		in.say("The body of message %s cannot be opened: %v.", formatID(id), err)
	} else {
		if b.Size() != m.size {
			in.say("The body of message %s has %d octets, its record says %d.", formatID(id), b.Size(), m.size)
		}
		b.Close()
	}
	return in.groups(ctx, id, m, e)
}

// groups counts the recipients of a message.
func (in *inspection) groups(ctx context.Context, id uint64, m *message, e *submission.Envelope) error {
	seen := make(map[uint32]bool)
	err := in.q.each(ctx, kv.Prefix(key64(keyGroup, id)), func(_, value []byte) error {
		g, err := decodeGroup(value)
		if err != nil {
			return nil // group tells
		}
		for i := range g.rcpts {
			index := g.rcpts[i].index
			if seen[index] || int(index) >= len(e.Rcpts) && len(e.Rcpts) > 0 {
				in.say("Message %s has a recipient %d that its envelope has not, or has it twice.", formatID(id), index)
			}
			seen[index] = true
		}
		return nil
	})
	in.found.recipients += uint64(len(seen))
	if n := uint64(len(seen)); err == nil && m.pending != n {
		in.say("Message %s has %d recipients that are not done, its record says %d.", formatID(id), n, m.pending)
		if n > 0 {
			m.pending = n
			in.set(messageKey(id), m.append(nil))
		}
	}
	return err
}

// group looks whether a group has its message, and its key in the schedule.
func (in *inspection) group(ctx context.Context, key, value []byte) error {
	s, ok := parseSlot(key)
	g, err := decodeGroup(value)
	if err != nil || !ok {
		in.say("Group %d of message %s cannot be read: %v.", s.group, formatID(s.id), err)
		return nil
	}
	m, err := in.record(ctx, s.id)
	if err != nil {
		return err
	}
	switch {
	case m == nil:
		in.say("Group %d of message %s has no message.", s.group, formatID(s.id))
		return nil
	case (m.held != 0) != (g.due == 0):
		in.say("Group %d of message %s is held and has a time, or neither.", s.group, formatID(s.id))
		if g.due = 0; m.held == 0 {
			g.due = g.earliest()
		}
		in.set(key, g.append(nil))
	}
	if g.due == 0 {
		return nil
	}
	place := scheduleKey(g.domain, m.level, place{g.due, s})
	values, err := in.q.read(ctx, place)
	if err == nil && values[0] == nil {
		in.say("Group %d of message %s is missing in the schedule.", s.group, formatID(s.id))
		in.set(place, nil)
	}
	return err
}

// record gives a message that can be read.
func (in *inspection) record(ctx context.Context, id uint64) (*message, error) {
	values, err := in.q.read(ctx, messageKey(id))
	if err != nil || values[0] == nil {
		return nil, err
	}
	m, err := decodeMessage(values[0])
	if err != nil {
		return nil, nil
	}
	return m, nil
}

// part looks whether an envelope or a body has its message.
func (in *inspection) part(ctx context.Context, key, _ []byte) error {
	id := binary.BigEndian.Uint64(key[1:])
	m, err := in.record(ctx, id)
	if err == nil && m == nil {
		in.say("Message %s has an envelope or a body, and no record that can be read.", formatID(id))
	}
	return err
}

func (in *inspection) hold(_ context.Context, key, value []byte) error {
	if _, err := decodeHold(value); err != nil {
		in.say("The hold %q cannot be read: %v.", key, err)
	}
	return nil
}

func (in *inspection) head(ctx context.Context) error {
	values, err := in.q.read(ctx, []byte{keyHead})
	if err != nil || values[0] == nil && in.found == (head{}) {
		return err
	}
	h, err := decodeHead(values[0])
	want := in.found
	want.next = max(h.next, in.highest+1)
	switch {
	case err != nil:
		in.say("The head of the queue cannot be read: %v.", err)
		// Ids must not be given again: those of a new queue are not.
		want.next = max(want.next, uint64(milliOf(in.q.opt.Now())))
	case h != want:
		in.say("The queue has %d messages, %d recipients, %d bytes, ids below %d; its head says %d, %d, %d, %d.",
			want.messages, want.recipients, want.bytes, want.next, h.messages, h.recipients, h.bytes, h.next)
	default:
		return nil
	}
	in.set([]byte{keyHead}, want.append(nil))
	return nil
}
