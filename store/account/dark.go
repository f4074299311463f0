package account

import (
	"context"
	"fmt"

	"citron/engine/kv"
	"citron/store/uidset"
)

// A COPY or MOVE of more messages than one transaction should take is
// prepared dark: an intent, then entries and references that nobody sees, in
// steps; then one transaction gives them UIDs and a modseq and shows them. If
// it fails, or the process ends, the steps are taken back.

// darkCopy is a large Copy or Move under way.
type darkCopy struct {
	a      *Account
	by     Actor
	id     uint64 // of intent and extent
	from   MailboxID
	to     MailboxID
	move   bool
	began  ModSeq        // what changed in the source after it is looked at again
	uids   uidset.Ranges // prepared, in the order of their indices
	sizes  []int64       // by index
	flags  []uidset.Flags
	source View
	left   bool // who asked for it has gone; Maintain takes it back
}

// transferDark is a large Copy or Move of messages of a view.
func (a *Account) transferDark(ctx context.Context, by Actor, v View, uids uidset.Ranges, to MailboxID, move bool) (res CopyResult, err error) {
	d := &darkCopy{a: a, by: by, from: v.Info.ID, to: to, move: move, began: v.ModSeq(), source: v}
	if err := a.write(ctx, d.begin); err != nil {
		return res, err
	}
	err = d.prepareAll(ctx, uids)
	if err == nil {
		err = a.write(ctx, func(t *txn) (err error) {
			res, err = d.show(t)
			return err
		})
	}
	a.mu.Lock()
	delete(a.intents, d.id)
	a.mu.Unlock()
	switch {
	case d.left:
		a.store.care.soon(a.id, a.store.opt.Now())
		return CopyResult{}, err
	case err != nil:
		a.rollbackAll(kv.MakingRoom(context.WithoutCancel(ctx)), d.id)
		return CopyResult{}, err
	}
	if len(res.Dest) > 0 {
		a.store.care.soon(a.id, a.store.opt.Now())
	}
	return res, nil
}

// prepareAll prepares in steps.
func (d *darkCopy) prepareAll(ctx context.Context, uids uidset.Ranges) error {
	goal := uids.Count()
	for rest := uids; len(rest) > 0; {
		var some uidset.Ranges
		some, rest = rest.Cut(uint64(d.a.store.opt.Step))
		if err := d.a.write(ctx, func(t *txn) error { return d.prepare(t, some) }); err != nil {
			return err
		}
		if err := stepped(ctx, goal-rest.Count(), goal); err != nil {
			d.left = true
			return err
		}
	}
	return nil
}

// begin writes the intent.
func (d *darkCopy) begin(t *txn) error {
	if t.find(d.from) == nil || t.find(d.to) == nil {
		return ErrNoMailbox
	}
	d.id = t.head.nextIntent
	t.head.nextIntent++
	t.set(appendKey64(nil, keyIntent, d.id), []byte{recordVersion})
	t.a.mu.Lock()
	t.a.intents[d.id] = true
	t.a.mu.Unlock()
	return nil
}

// prepare writes dark entries for some messages. What the destination's table
// lacks of their keywords it gets now: a table may hold keywords that no
// message has.
func (d *darkCopy) prepare(t *txn, uids uidset.Ranges) error {
	src, dst := t.find(d.from), t.find(d.to)
	if src == nil || dst == nil {
		return ErrNoMailbox
	}
	list, err := t.entries(src, uids)
	if err != nil || len(list) == 0 {
		return err
	}
	t.barred(dst, d.by).strip(list)
	words, table := translate(src.Keywords, dst.Keywords, list)
	objects, err := t.objects(list)
	if err != nil {
		return err
	}
	if len(table) != len(dst.Keywords) {
		t.edit(dst).Keywords = table
	}
	for i := range list {
		e := list[i]
		key := darkKey(d.id, uint32(len(d.sizes)))
		d.uids.Add(e.UID)
		d.sizes = append(d.sizes, e.Size)
		d.flags = append(d.flags, e.setFlags())
		e.ModSeq, e.SaveDate, e.Keywords = 0, t.now, words.translate(e.Keywords)
		t.buf = e.append(t.buf[:0])
		t.set(key, t.buf)
	}
	t.putObjects(objects)
	return nil
}

// show gives the dark entries their UIDs. Of a MOVE, messages that went
// meanwhile are left out, and flags changed meanwhile are looked up.
func (d *darkCopy) show(t *txn) (res CopyResult, err error) {
	src, err := t.box(d.from)
	if err != nil {
		return res, err
	}
	dst, err := t.box(d.to)
	if err != nil {
		return res, err
	}
	if err := d.room(t, dst); err != nil {
		return res, err
	}
	late, err := d.late(t, src)
	if err != nil {
		return res, err
	}
	t.barred(dst, d.by).strip(late)
	words, table := translate(src.Keywords, dst.Keywords, late)
	t.delete(appendKey64(nil, keyIntent, d.id))
	if len(d.sizes) == 0 {
		return res, nil
	}
	still := src.set
	w, modseq := t.edit(dst), t.stamp()
	x := extent{first: UID(w.UIDNext), n: uint32(len(d.sizes)), id: d.id, modseq: modseq}
	w.Keywords, w.UIDNext = table, w.UIDNext+uint64(x.n)
	w.extents = append(w.extents[:len(w.extents):len(w.extents)], x)
	d.override(t, w, x, late, words)
	d.add(t, w, x, still, &res)
	res.UIDValidity, res.ModSeq = w.UIDValidity, modseq
	if d.move {
		src, _ = t.box(d.from)
		d.leave(t, t.edit(src), res.Source)
	}
	return res, nil
}

func (d *darkCopy) room(t *txn, dst *box) error {
	if dst.UIDNext+uint64(len(d.sizes)) > 1<<32 {
		return refuse(Limit, "the mailbox has no UID left")
	}
	if d.move {
		return nil
	}
	size := uint64(0)
	for _, n := range d.sizes {
		size += uint64(n)
	}
	return t.quota(size)
}

// late gives the entries of a MOVE whose flags changed since it began.
func (d *darkCopy) late(t *txn, src *box) ([]Entry, error) {
	if !d.move || src.ModSeq <= d.began {
		return nil, nil
	}
	got, err := t.read(kv.Reads{Ranges: []kv.Range{logRange(d.from, d.began+1, src.ModSeq+1)}})
	if err != nil {
		return nil, err
	}
	c, err := changesByLog(View{Info: &src.MailboxInfo}, got.Ranges[0])
	if err != nil {
		return nil, err
	}
	return t.entries(src, c.Changed.Intersect(d.uids))
}

// override writes late entries under the UIDs they get, and keeps their flags
// for add.
func (d *darkCopy) override(t *txn, w *work, x extent, late []Entry, words words) {
	for _, e := range late {
		index := d.uids.Rank(e.UID) - 1
		d.flags[index] = e.setFlags()
		e.UID, e.ModSeq, e.SaveDate = x.first+UID(index), x.modseq, t.now
		e.Keywords = words.translate(e.Keywords)
		t.putEntry(w.ID, &e)
	}
}

// add puts the messages into the destination's set and log.
func (d *darkCopy) add(t *txn, w *work, x extent, still *uidset.Set, res *CopyResult) {
	editor := w.set.Edit()
	var dead uidset.Ranges
	u, index := x.first, 0
	d.uids.Each(func(source UID) bool {
		if d.move && !still.Contains(source) {
			dead.Add(u)
		} else {
			editor.Add(u, d.sizes[index], d.flags[index])
			res.Source.Add(source)
			res.Dest.Add(u)
		}
		u, index = u+1, index+1
		return true
	})
	t.apply(w, editor)
	w.rec.came = w.rec.came.Union(res.Dest)
	if len(dead) > 0 {
		t.bury(w.ID, x.modseq, dead)
	}
}

// leave takes the moved messages out of the source.
func (d *darkCopy) leave(t *txn, w *work, moved uidset.Ranges) {
	editor := w.set.Edit()
	m, index := wanted{moved}, 0
	d.uids.Each(func(u UID) bool {
		if m.has(u) {
			editor.Remove(u, d.sizes[index])
		}
		index++
		return true
	})
	t.apply(w, editor)
	w.rec.gone = w.rec.gone.Union(moved)
	t.bury(w.ID, t.op, moved)
}

// rollbackAll takes an intent back; what fails now is done by Maintain.
func (a *Account) rollbackAll(ctx context.Context, id uint64) {
	for more := true; more; {
		var err error
		if more, err = a.rollback(ctx, id); err != nil {
			a.store.opt.Log.Warn("copy not taken back yet", "account", a.id, "intent", id, "err", err)
			a.store.care.soon(a.id, a.store.opt.Now().Add(retryAfter))
			return
		}
	}
}

// rollback takes one step of an intent back; more says that it was not the
// last. An intent that is not there is none of ours any more.
func (a *Account) rollback(ctx context.Context, id uint64) (more bool, err error) {
	key := appendKey64(nil, keyIntent, id)
	err = a.update(ctx, [][]byte{key}, 0, func(t *txn, got [][]byte) error {
		if got[0] == nil {
			return nil
		}
		r := kv.Prefix(appendKey64(nil, keyDark, id))
		r.Limit = t.a.store.opt.Step
		found, err := t.read(kv.Reads{Ranges: []kv.Range{r}})
		if err != nil {
			return err
		}
		p := found.Ranges[0]
		if err := t.dropEntries(p); err != nil {
			return err
		}
		if more = p.Len() == r.Limit; !more {
			t.delete(key)
		}
		return nil
	})
	return more, err
}

// dropEntries deletes entries, dark or not, and their references.
func (t *txn) dropEntries(p kv.Pairs) error {
	list := make([]Entry, p.Len())
	for i := range list {
		if err := list[i].decode(p.Value(i)); err != nil {
			return damaged(fmt.Sprintf("entry %x", p.Key(i)), err)
		}
	}
	if err := t.unreference(list); err != nil {
		return err
	}
	for i := range list {
		t.delete(p.Key(i))
	}
	return nil
}
