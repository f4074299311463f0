package queue

import (
	"context"
	"encoding/binary"
)

// What is derived is looked at from its own side: is what it says so?

// parseSlot takes a key of a letter, a message and a group apart.
func parseSlot(key []byte) (slot, bool) {
	if len(key) != 13 {
		return slot{}, false
	}
	return slot{binary.BigEndian.Uint64(key[1:]), binary.BigEndian.Uint32(key[9:])}, true
}

func (in *inspection) schedule(ctx context.Context, key, _ []byte) error {
	domain, level, p, ok := parseSchedule(key)
	if !ok {
		in.say("A key of the schedule, %q, cannot be read.", key)
		in.drop(key)
		return nil
	}
	values, err := in.q.read(ctx, groupKey(p.slot), messageKey(p.id))
	if err != nil {
		return err
	}
	g, gerr := decodeGroup(values[0])
	m, merr := decodeMessage(values[1])
	if gerr != nil || merr != nil || g.domain != domain || g.due != p.due || m.level != level {
		in.say("The schedule has group %d of message %s for %s, which is not there or not then.", p.group, formatID(p.id), domain)
		in.drop(key)
	}
	return nil
}

func (in *inspection) age(ctx context.Context, key, _ []byte) error {
	if len(key) != 17 {
		in.say("A key of the index by age, %q, cannot be read.", key)
		in.drop(key)
		return nil
	}
	at, id := milli(binary.BigEndian.Uint64(key[1:])), binary.BigEndian.Uint64(key[9:])
	m, err := in.record(ctx, id)
	if err == nil && (m == nil || m.age != at) {
		in.say("The index by age has message %s, which is not there or not then.", formatID(id))
		in.drop(key)
	}
	return err
}

func (in *inspection) mark(ctx context.Context, key, value []byte) error {
	s, ok := parseSlot(key)
	if _, err := decodeMarks(value); err != nil || !ok {
		in.say("The hand-over mark of group %d of message %s cannot be read: %v.", s.group, formatID(s.id), err)
		return nil
	}
	values, err := in.q.read(ctx, groupKey(s))
	if err == nil && values[0] == nil {
		in.say("Group %d of message %s has a hand-over mark and is not there.", s.group, formatID(s.id))
		in.drop(key)
	}
	return err
}

func (in *inspection) origin(ctx context.Context, key, value []byte) error {
	o, err := decodeOrigin(value)
	if err != nil {
		in.say("The origin %q cannot be read: %v.", key[1:], err)
		return nil
	}
	in.highest = max(in.highest, o.id)
	index := oldestKey(o.done, string(key[1:]))
	values, err := in.q.read(ctx, messageKey(o.id), index)
	switch {
	case err != nil:
		return err
	case o.done == 0 && values[0] == nil:
		in.say("The origin %q is of message %s, which is gone.", key[1:], formatID(o.id))
		o.done = milliOf(in.q.opt.Now())
		in.set(key, o.append(nil))
		in.set(oldestKey(o.done, string(key[1:])), nil)
	case o.done != 0 && values[1] == nil:
		in.say("The origin %q is missing in the index of old ones.", key[1:])
		in.set(index, nil)
	}
	return nil
}

func (in *inspection) oldest(ctx context.Context, key, _ []byte) error {
	if len(key) < 9 {
		in.say("A key of the index of origins, %q, cannot be read.", key)
		in.drop(key)
		return nil
	}
	values, err := in.q.read(ctx, originKey(string(key[9:])))
	if err != nil {
		return err
	}
	if o, err := decodeOrigin(values[0]); err != nil || o.done != milli(binary.BigEndian.Uint64(key[1:])) {
		in.say("The index of origins has %q, which is not there or not of then.", key[9:])
		in.drop(key)
	}
	return nil
}
