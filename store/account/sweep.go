package account

import (
	"context"
	"time"

	"citron/engine/body"
	"citron/engine/kv"
	"citron/store/uidset"
)

// sweepStep is how many entries one transaction of a sweep takes.
const sweepStep = 512

// sweepGrave takes one step in the oldest grave that is due; next is when
// there is more to do (zero: nothing).
func (a *Account) sweepGrave(ctx context.Context, now time.Time) (next time.Time, err error) {
	r := kv.Prefix([]byte{keyGrave})
	r.Limit = 1
	got, err := a.view(ctx, kv.Reads{Ranges: []kv.Range{r}})
	if err != nil || got.Ranges[0].Len() == 0 {
		return time.Time{}, err
	}
	key := got.Ranges[0].Key(0)
	due := unix(int64(be64(key[1:]))).Add(a.store.opt.ExpungeGrace)
	if due.After(now) {
		return due, nil
	}
	return now, a.update(ctx, [][]byte{key}, 0, func(t *txn, got [][]byte) error {
		if got[0] == nil {
			return nil
		}
		g, err := decodeGrave(got[0])
		if err != nil {
			return damaged("graveyard record", err)
		}
		if g.mailbox {
			return t.sweepMailbox(key, &g)
		}
		return t.sweepUIDs(key, &g)
	})
}

// sweepUIDs takes the entries of the lowest UIDs of a grave.
func (t *txn) sweepUIDs(key []byte, g *grave) error {
	id := MailboxID(be32(key[9:]))
	low, rest := g.uids.Cut(sweepStep)
	var list []Entry
	if b := t.find(id); b != nil { // else the mailbox's own grave has them
		var err error
		if list, err = t.entries(b, low); err != nil {
			return err
		}
		if err := t.unreference(list); err != nil {
			return err
		}
		t.deleteEntries(b, list)
	}
	if len(rest) == 0 {
		t.delete(key)
		return nil
	}
	g.uids = rest
	t.set(key, g.append(nil))
	return nil
}

func (t *txn) deleteEntries(b *box, list []Entry) {
	for i := range list {
		u := list[i].UID
		t.delete(entryKey(b.ID, u))
		for _, x := range b.extents {
			if u >= x.first && u <= x.last() {
				t.delete(darkKey(x.id, uint32(u-x.first)))
			}
		}
	}
}

// sweepMailbox takes entries of a deleted mailbox: first those of its extents,
// each settled as in a living one, then those under UIDs.
func (t *txn) sweepMailbox(key []byte, g *grave) error {
	id := MailboxID(be32(key[9:]))
	if n := len(g.extents); n > 0 {
		x, err := t.settleExtent(id, g.extents[n-1])
		if err != nil {
			return err
		}
		if g.extents = g.extents[:n-1]; x.n > 0 {
			g.extents = append(g.extents, x)
		}
		t.set(key, g.append(nil))
		return nil
	}
	r := kv.Prefix(appendKey32(nil, keyEntry, uint32(id)))
	r.Limit = sweepStep
	got, err := t.read(kv.Reads{Ranges: []kv.Range{r}})
	if err != nil {
		return err
	}
	if err := t.dropEntries(got.Ranges[0]); err != nil {
		return err
	}
	if got.Ranges[0].Len() < r.Limit {
		t.delete(key)
	}
	return nil
}

// unreference takes a reference of each entry's object away and deletes
// objects without any.
func (t *txn) unreference(list []Entry) error {
	drop := make(map[ObjectID]uint64, len(list))
	var ids []ObjectID
	var want kv.Reads
	for i := range list {
		id := list[i].Object
		if drop[id]++; drop[id] == 1 {
			ids = append(ids, id)
			want.Gets = append(want.Gets, objectKey(keyObject, id))
		}
	}
	if len(ids) == 0 {
		return nil
	}
	got, err := t.read(want)
	if err != nil {
		return err
	}
	objects := make([]object, len(ids))
	for i := range ids {
		if objects[i], err = decodeObject(got.Values[i]); err != nil {
			return damaged("object of a message", err)
		}
	}
	for i, id := range ids {
		t.dropReferences(id, &objects[i], drop[id])
	}
	return nil
}

func (t *txn) dropReferences(id ObjectID, o *object, n uint64) {
	if o.refs > n {
		o.refs -= n
		key := appendKey64(t.buf[:0], keyObject, uint64(id))
		t.buf = o.append(key)
		t.set(key, t.buf[len(key):])
		return
	}
	t.swept++
	for _, letter := range []byte{keyObject, keyIndex, keyHeader, keyProvenance} {
		t.delete(objectKey(letter, id))
	}
	if o.inline() {
		t.delete(objectKey(keyInline, id))
		return
	}
	bodies, owner, ref := t.a.store.bodies, body.Owner{Account: uint64(t.a.id), Object: uint64(id)}, o.ref
	t.after = append(t.after, func(committed bool) {
		if committed {
			bodies.Release(owner, ref)
		}
	})
}

// settle makes entries of dark ones, some at a time, from an extent's end.
func (a *Account) settleDark(ctx context.Context) (more bool, err error) {
	var id MailboxID
	a.mu.RLock()
	for _, b := range a.boxes {
		if len(b.extents) > 0 {
			id = b.ID
		}
	}
	a.mu.RUnlock()
	if id == 0 {
		return false, nil
	}
	return true, a.write(ctx, func(t *txn) error {
		b := t.find(id)
		if b == nil || len(b.extents) == 0 {
			return nil
		}
		n := len(b.extents) - 1
		x, err := t.settleExtent(id, b.extents[n])
		if err != nil {
			return err
		}
		w := t.edit(b)
		if w.extents = w.extents[:n:n]; x.n > 0 {
			w.extents = append(w.extents, x)
		}
		return nil
	})
}

// settleExtent gives what is left of the extent. An entry under the UID's own
// key is newer than the dark one.
func (t *txn) settleExtent(id MailboxID, x extent) (extent, error) {
	n := min(uint32(sweepStep), x.n)
	uids := uidset.Ranges{{First: x.last() - UID(n-1), Last: x.last()}}
	list, err := t.entries(&box{MailboxInfo: MailboxInfo{ID: id}, extents: []extent{x}}, uids)
	if err != nil {
		return x, err
	}
	for i := range list {
		t.putEntry(id, &list[i])
	}
	t.deleteRange(kv.Range{From: darkKey(x.id, x.n-n), To: kv.PrefixEnd(darkKey(x.id, x.n-1))})
	x.n -= n
	return x, nil
}

// SweepBodies lets the body store give back what no message refers to.
func (s *Store) SweepBodies(ctx context.Context) error {
	ctx = kv.MakingRoom(ctx)
	return storageError(s.bodies.Sweep(ctx,
		func(o body.Owner, r body.Ref) (bool, error) { return s.keepBody(ctx, o, r) },
		func(o body.Owner, from, to body.Ref) (bool, error) { return s.moveBody(ctx, o, from, to) }))
}

// keepBody says whether the object's record names this very body.
func (s *Store) keepBody(ctx context.Context, owner body.Owner, r body.Ref) (alive bool, err error) {
	err = s.engine.View(ctx, kv.Account(owner.Account), func(rd kv.Reader) error {
		got, err := rd.Read(ctx, kv.Reads{Gets: [][]byte{objectKey(keyObject, ObjectID(owner.Object))}})
		if err != nil || got.Values[0] == nil {
			return err
		}
		o, err := decodeObject(got.Values[0])
		alive = o.ref == r
		return err
	})
	return alive, err
}

// moveBody makes the object's record name the body's copy.
func (s *Store) moveBody(ctx context.Context, owner body.Owner, from, to body.Ref) (moved bool, err error) {
	a, err := s.Account(ctx, kv.Account(owner.Account))
	if KindOf(err) == NoAccount {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer a.Close()
	key := objectKey(keyObject, ObjectID(owner.Object))
	err = a.update(ctx, [][]byte{key}, 0, func(t *txn, got [][]byte) error {
		// Read again: an operation before this one may have written it.
		value, err := t.get(key)
		if err != nil || value == nil {
			return err
		}
		o, err := decodeObject(value)
		if err != nil || o.ref != from {
			return err
		}
		o.ref, moved = to, true
		t.set(key, o.append(nil))
		return nil
	})
	return moved && err == nil, err
}
