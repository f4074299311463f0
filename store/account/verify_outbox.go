package account

import (
	"context"
	"maps"
	"slices"

	"citron/engine/kv"
)

// foundAttempt is what is found of an attempt to send.
type foundAttempt struct {
	record *attempt // nil: none that can be read
	// orders are its keys that say when to look at it next; it has one.
	orders  [][]byte
	waiting bool
	object  ObjectID // of the message that waits
}

// attempt gives what is found of the attempt that a key is of; nil if the key is
// of no known form.
func (in *inspection) attempt(key []byte) *foundAttempt {
	at := 2
	if len(key) > 1 && key[1] == outboxOrder {
		at = orderNameAt
	}
	if len(key) <= at || len(key) > at+MaxAttempt || key[1] < outboxAttempt || key[1] > outboxOrder {
		return nil
	}
	name := string(key[at:])
	f := in.outbox[name]
	if f == nil {
		f = new(foundAttempt)
		in.outbox[name] = f
	}
	return f
}

func (in *inspection) readOutbox(key, value []byte) {
	f := in.attempt(key)
	if f == nil {
		in.bad = append(in.bad, key)
		in.say("The key %x of the outbox is of no known form.", key)
		return
	}
	var err error
	switch key[1] {
	case outboxAttempt:
		var r attempt
		if r, err = decodeAttempt(value); err == nil {
			f.record = &r
		}
	case outboxWaiting:
		var w waiting
		if w, err = decodeWaiting(value); err == nil {
			f.waiting, f.object = true, w.object
			in.hold(w.object)
		}
	case outboxOrder:
		f.orders = append(f.orders, key)
	}
	if err != nil {
		in.bad = append(in.bad, key)
		in.say("The record %x of the outbox cannot be read: %v.", key, err)
	}
}

// hold counts a reference that is not an entry's.
func (in *inspection) hold(id ObjectID) {
	o := in.objects[id]
	if o == nil {
		o = &foundObject{}
		in.objects[id] = o
	}
	o.held++
}

// checkOutbox compares the records of attempts with each other.
func (in *inspection) checkOutbox(ctx context.Context) error {
	waits := false
	for _, name := range slices.Sorted(maps.Keys(in.outbox)) {
		f := in.outbox[name]
		waits = waits || f.waiting
		switch {
		case f.record == nil && f.waiting:
			in.say("A message waits to be queued for the attempt %q, which is not remembered.", name)
		case f.record == nil:
			in.say("The attempt %q is to be looked at, but is not remembered.", name)
		case f.waiting && f.record.queued != "":
			in.say("The message of the attempt %q waits to be queued, but was.", name)
		case !f.waiting && f.record.queued == "":
			in.say("The message of the attempt %q is neither waiting nor queued.", name)
		}
		if f.record != nil && len(f.orders) != 1 {
			in.say("The attempt %q is to be looked at %d times.", name, len(f.orders))
		}
	}
	if !waits {
		return nil
	}
	return in.engine.View(ctx, kv.Outboxes, func(rd kv.Reader) error {
		got, err := rd.Read(ctx, kv.Reads{Gets: [][]byte{outboxesKey(in.id)}})
		if in.noted = err == nil && got.Values[0] != nil; err == nil && !in.noted {
			in.say("Messages wait to be queued, but the account is not noted for that.")
		}
		return err
	})
}

// mendOutbox makes the records of attempts fit each other. What waits is sent, if
// it can be opened: somebody was told, or may have been, that it would be.
func (r *repair) mendOutbox() error {
	waits := false
	for _, name := range slices.Sorted(maps.Keys(r.outbox)) {
		f := r.outbox[name]
		if f.waiting && !r.objects[f.object].there {
			r.say("The message of the attempt %q is lost.", name)
			f.waiting, f.record = false, nil
		}
		waits = waits || f.waiting
		if err := r.mendAttempt(name, f); err != nil {
			return err
		}
	}
	if !waits || r.noted {
		return nil
	}
	return r.engine.Update(r.ctx, kv.Outboxes, func(tx kv.Tx) error {
		tx.Set(outboxesKey(r.id), []byte{recordVersion})
		return nil
	})
}

func (r *repair) mendAttempt(name string, f *foundAttempt) error {
	for _, key := range f.orders {
		if err := r.delete(key); err != nil {
			return err
		}
	}
	switch {
	case f.record == nil && f.waiting: // of what it was nobody knows any more
		f.record = &attempt{at: r.now.Unix()}
	case f.waiting:
		f.record.queued = ""
	case f.record == nil || f.record.queued == "":
		if err := r.delete(waitingKey(name)); err != nil {
			return err
		}
		return r.delete(attemptKey(name))
	}
	if err := r.set(orderKey(f.record.at, name), []byte{recordVersion}); err != nil {
		return err
	}
	return r.set(attemptKey(name), f.record.append(nil))
}
