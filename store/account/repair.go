package account

import (
	"context"
	"fmt"
	"io"
	"time"

	"citron/engine/body"
	"citron/engine/kv"
	"citron/mail/message"
)

// lostFound is where messages come that no mailbox knows any more.
const lostFound = "lost+found"

// Repair rebuilds, in accounts that Verify finds fault with, what can be
// derived from the rest: mailbox records, chunks and counts from entries,
// references, indexes and headers from messages, object records from bodies,
// quota; the search index is dropped, and built anew by the server. It deletes no message that can be opened: one that no entry names
// comes into the mailbox lost+found. Nobody else may use the store. report gets
// what was found before and what could not be mended.
func Repair(ctx context.Context, e kv.Engine, bodies body.Store, report func(Finding)) error {
	return eachAccount(ctx, e, func(id kv.Account) error {
		in, err := inspect(ctx, e, bodies, id, report)
		if err != nil || in.findings == 0 {
			return err
		}
		silent := func(Finding) {}
		for _, mend := range [...]func(*repair) error{(*repair).mendBoxes, (*repair).mendObjects, (*repair).mendSets, (*repair).mendOutbox, (*repair).mendReferences, (*repair).mendShares, (*repair).dropText} {
			if in, err = inspect(ctx, e, bodies, id, silent); err != nil {
				return err
			}
			r := &repair{inspection: in, ctx: ctx, now: time.Now(), tell: report}
			if err := mend(r); err != nil {
				return err
			}
			if err := r.write(); err != nil {
				return err
			}
		}
		_, err = inspect(ctx, e, bodies, id, report)
		return err
	})
}

// repair is one step in one account.
type repair struct {
	*inspection
	ctx  context.Context
	now  time.Time
	tell func(Finding)

	changes []change
	size    int
}

// change is a key to be set, deleted (no value) or, with to, a range deleted.
type change struct{ key, value, to []byte }

func (r *repair) set(key, value []byte) error { return r.add(change{key: key, value: value}) }
func (r *repair) delete(key []byte) error     { return r.add(change{key: key}) }
func (r *repair) deleteRange(g kv.Range) error {
	return r.add(change{key: g.From, to: g.To})
}

// add keeps a change and writes what has gathered when it is much. Each step
// can be done again, so that it need not be one transaction.
func (r *repair) add(c change) error {
	r.changes = append(r.changes, c)
	if r.size += len(c.key) + len(c.value); r.size < kv.MaxTx/4 {
		return nil
	}
	return r.write()
}

func (r *repair) write() error {
	if len(r.changes) == 0 {
		return nil
	}
	err := r.engine.Update(r.ctx, r.id, func(tx kv.Tx) error {
		for _, c := range r.changes {
			switch {
			case c.to != nil:
				tx.DeleteRange(c.key, c.to)
			case c.value == nil:
				tx.Delete(c.key)
			default:
				tx.Set(c.key, c.value)
			}
		}
		return nil
	})
	r.changes, r.size = nil, 0
	return err
}

// mendBoxes mends the head and mailbox records, and drops what cannot be read and
// is not needed.
func (r *repair) mendBoxes() error {
	for _, key := range r.bad {
		if err := r.delete(key); err != nil {
			return err
		}
	}
	names := make(map[string]bool)
	h := r.raisedHead()
	for _, b := range r.sortedBoxes() {
		if names[b.Name] {
			b.Name = fmt.Sprintf("%s/mailbox %d", lostFound, b.ID)
			if err := r.set(mailboxKey(b.ID), b.box.append(nil)); err != nil {
				return err
			}
		}
		names[b.Name] = true
	}
	if r.boxes[Inbox] == nil {
		r.homeless[Inbox] = true
	}
	for id := range r.homeless {
		b := h.newBox(r.now, fmt.Sprintf("%s/mailbox %d", lostFound, id))
		h.nextMailbox--
		if b.ID = id; id == Inbox && !names[inboxName] {
			b.Name = inboxName
		}
		if err := r.set(mailboxKey(id), b.append(nil)); err != nil {
			return err
		}
	}
	return r.set([]byte{keyHead}, h.append(nil))
}

// raisedHead is the head with every counter above all that there is.
func (r *repair) raisedHead() head {
	h := r.head
	h.nextMailbox, h.nextObject, h.nextIntent = max(h.nextMailbox, 2), max(h.nextObject, 1), max(h.nextIntent, 1)
	for _, b := range r.boxes {
		h.nextMailbox = max(h.nextMailbox, b.ID+1)
		h.modseq = max(h.modseq, b.ModSeq, b.highest)
		h.lastValidity = max(h.lastValidity, b.UIDValidity)
	}
	for id := range r.homeless {
		h.nextMailbox = max(h.nextMailbox, id+1)
	}
	for id := range r.dead {
		h.nextMailbox = max(h.nextMailbox, id+1)
	}
	for id := range r.objects {
		h.nextObject = max(h.nextObject, id+1)
	}
	for id := range r.extents {
		h.nextIntent = max(h.nextIntent, id+1)
	}
	return h
}

// mendObjects rebuilds object records, indexes and headers.
func (r *repair) mendObjects() error {
	var refs map[ObjectID]body.Ref
	for _, id := range r.sortedObjects() {
		o := r.objects[id]
		if !o.there {
			if refs == nil {
				var err error
				if refs, err = r.bodiesOf(); err != nil {
					return err
				}
			}
			if err := r.rebuild(id, o, refs); err != nil {
				return err
			}
		}
		if o.there && !o.lost && (!o.index || !o.header) {
			if err := r.parse(id, &o.object); err != nil {
				return err
			}
		}
	}
	return nil
}

// bodiesOf finds the account's bodies in the body store.
func (r *repair) bodiesOf() (map[ObjectID]body.Ref, error) {
	refs := make(map[ObjectID]body.Ref)
	return refs, r.bodies.Sweep(r.ctx, func(o body.Owner, ref body.Ref) (bool, error) {
		if o.Account == uint64(r.id) {
			refs[ObjectID(o.Object)] = ref
		}
		return true, nil
	}, func(body.Owner, body.Ref, body.Ref) (bool, error) { return false, nil })
}

// rebuild makes an object record of what an entry knows and the body that
// bears its number, or is inline. Without a body, what else is left of the
// object goes.
func (r *repair) rebuild(id ObjectID, o *foundObject, refs map[ObjectID]body.Ref) error {
	ref, ok := refs[id]
	if !ok && !o.inline {
		for _, letter := range []byte{keyObject, keyIndex, keyHeader, keyProvenance} {
			if err := r.delete(objectKey(letter, id)); err != nil {
				return err
			}
		}
		return nil
	}
	o.object = object{refs: o.named + o.held, emailID: newObjectID(r.now), arrived: o.sample.InternalDate, ref: ref}
	o.threadID = o.emailID
	if o.arrived.IsZero() {
		o.arrived = r.now
	}
	if o.object.size = int64(ref.Length); !ok {
		var err error
		if o.object.size, err = r.inlineSize(id); err != nil {
			return err
		}
	}
	o.there = true
	return r.set(objectKey(keyObject, id), o.object.append(nil))
}

// inlineSize is the length of a message that is inline.
func (r *repair) inlineSize(id ObjectID) (size int64, err error) {
	err = r.engine.View(r.ctx, r.id, func(rd kv.Reader) error {
		got, err := rd.Read(r.ctx, kv.Reads{Gets: [][]byte{objectKey(keyHeader, id), objectKey(keyInline, id)}})
		if err != nil {
			return err
		}
		rest, whole, _ := decodeInline(got.Values[1])
		if size = int64(len(rest)); !whole {
			header, _, _ := decodeHeader(got.Values[0])
			size += int64(len(header))
		}
		return nil
	})
	return size, err
}

// parse makes index and header of a message anew.
func (r *repair) parse(id ObjectID, o *object) error {
	m, err := r.open(r.ctx, id, o)
	if err != nil {
		return nil
	}
	defer m.Close()
	p := message.NewParser(message.Limits{})
	if _, err := io.Copy(p, io.NewSectionReader(m, 0, m.Size())); err != nil {
		return storageError(err)
	}
	msg := p.Finish()
	if err := r.set(objectKey(keyIndex, id), msg.AppendIndex(nil)); err != nil || o.inline() {
		return err
	}
	header, whole := msg.Header()
	return r.set(objectKey(keyHeader, id), appendHeader(nil, header, whole))
}
