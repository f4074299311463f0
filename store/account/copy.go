package account

import (
	"context"
	"slices"

	"citron/engine/kv"
	"citron/store/uidset"
)

// Copy copies messages to the end of a mailbox of the account, all or none
// (RFC 9051 §6.4.7), with flags, keywords and internal date; copies share the
// stored message. UIDs that are not there are left out. Kinds: NoMailbox,
// OverQuota, Limit.
func (a *Account) Copy(ctx context.Context, by Actor, from MailboxID, uids uidset.Ranges, to MailboxID) (CopyResult, error) {
	return a.transfer(ctx, by, from, uids, to, false)
}

// Move is Copy and removal from the source in one (RFC 6851 §3.3).
func (a *Account) Move(ctx context.Context, by Actor, from MailboxID, uids uidset.Ranges, to MailboxID) (CopyResult, error) {
	return a.transfer(ctx, by, from, uids, to, true)
}

func (a *Account) transfer(ctx context.Context, by Actor, from MailboxID, uids uidset.Ranges, to MailboxID, move bool) (res CopyResult, err error) {
	v, err := a.Open(ctx, from)
	if err != nil {
		return res, err
	}
	uids = v.Set.Intersect(uids)
	if uids.Count() > uint64(a.store.opt.Step) {
		return a.transferDark(ctx, by, v, uids, to, move)
	}
	err = a.write(ctx, func(t *txn) error {
		res, err = t.transfer(by, from, uids, to, move)
		return err
	})
	return res, err
}

// transfer is a small Copy or Move in one transaction.
func (t *txn) transfer(by Actor, from MailboxID, uids uidset.Ranges, to MailboxID, move bool) (res CopyResult, err error) {
	src, err := t.box(from)
	if err != nil {
		return res, err
	}
	dst, err := t.box(to)
	if err != nil {
		return res, err
	}
	list, err := t.entries(src, src.set.Intersect(uids))
	if err != nil || len(list) == 0 {
		return res, err
	}
	if err := t.roomForCopies(dst, list, move); err != nil {
		return res, err
	}
	gone := list
	if by.Account != uint64(t.a.id) || dst.ACL != nil {
		list = slices.Clone(list)
		t.barred(dst, by).strip(list)
	}
	words, table := translate(src.Keywords, dst.Keywords, list)
	objects, err := t.objects(list)
	if err != nil {
		return res, err
	}
	w := t.edit(dst)
	w.Keywords = table
	res = t.putCopies(w, list, words)
	t.putObjects(objects)
	if move {
		src, _ = t.box(from)
		t.expunge(t.edit(src), gone)
	}
	return res, nil
}

// roomForCopies refuses copies for which there is no quota or no UID.
func (t *txn) roomForCopies(dst *box, list []Entry, move bool) error {
	if dst.UIDNext+uint64(len(list)) > 1<<32 {
		return refuse(Limit, "the mailbox has no UID left")
	}
	if move {
		return nil
	}
	size := uint64(0)
	for i := range list {
		size += uint64(list[i].Size)
	}
	return t.quota(size)
}

// putCopies writes entries at the end of a mailbox.
func (t *txn) putCopies(w *work, list []Entry, words words) (res CopyResult) {
	modseq := t.stamp()
	editor := w.set.Edit()
	for i := range list {
		e := list[i]
		res.Source.Add(e.UID)
		e.UID, e.ModSeq, e.SaveDate = UID(w.UIDNext), modseq, t.now
		e.Keywords = words.translate(e.Keywords)
		w.UIDNext++
		t.putEntry(w.ID, &e)
		editor.Add(e.UID, e.Size, e.setFlags())
		res.Dest.Add(e.UID)
	}
	t.apply(w, editor)
	w.rec.came = w.rec.came.Union(res.Dest)
	res.UIDValidity, res.ModSeq = w.UIDValidity, modseq
	return res
}

// words says what index each keyword of one table has in another; none where
// the other had no room for it.
type words []int

const none = -1

// translate makes the destination's table hold the keywords in use, as far as
// there is room: a copy is not refused for a keyword.
func translate(src, dst []string, list []Entry) (words, []string) {
	var used Keywords
	for i := range list {
		used = used.Union(list[i].Keywords)
	}
	table := dst
	w := make(words, len(src))
	for i, name := range src {
		w[i] = none
		if !used.Has(i) {
			continue
		}
		var k Keywords
		k, table = fit(table, []string{name})
		for at := range table {
			if k.Has(at) {
				w[i] = at
			}
		}
	}
	return w, table
}

func (w words) translate(k Keywords) (out Keywords) {
	if k.Empty() {
		return k
	}
	for i, to := range w {
		if to != none && k.Has(i) {
			out = out.With(to)
		}
	}
	return out
}

// objects reads the objects of entries, with a reference more for each.
func (t *txn) objects(list []Entry) (map[ObjectID]*object, error) {
	var want kv.Reads
	objects := make(map[ObjectID]*object, len(list))
	ids := make([]ObjectID, 0, len(list))
	for i := range list {
		id := list[i].Object
		if _, ok := objects[id]; ok {
			continue
		}
		objects[id] = nil
		ids = append(ids, id)
		want.Gets = append(want.Gets, objectKey(keyObject, id))
	}
	got, err := t.read(want)
	if err != nil {
		return nil, err
	}
	for i, id := range ids {
		o, err := decodeObject(got.Values[i])
		if err != nil {
			return nil, damaged("object of a message", err)
		}
		objects[id] = &o
	}
	for i := range list {
		objects[list[i].Object].refs++
	}
	return objects, nil
}

func (t *txn) putObjects(objects map[ObjectID]*object) {
	for id, o := range objects {
		key := appendKey64(t.buf[:0], keyObject, uint64(id))
		t.buf = o.append(key)
		t.set(key, t.buf[len(key):])
	}
}
