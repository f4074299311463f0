package account

import (
	"fmt"

	"citron/engine/kv"
	"citron/store/uidset"
)

// mendSets rebuilds chunks, counts, logs and graves of mailboxes, and the head's
// sum. Messages whose object is lost are taken out.
func (r *repair) mendSets() error {
	h := r.raisedHead()
	h.modseq++
	h.used = 0
	if err := r.dropLostUnseen(); err != nil {
		return err
	}
	for _, b := range r.sortedBoxes() {
		if err := r.rebuildBox(b, h.modseq); err != nil {
			return err
		}
		h.used += b.Size
	}
	return r.set([]byte{keyHead}, h.append(nil))
}

func (r *repair) rebuildBox(b *found, modseq ModSeq) error {
	old := b.chunks.Set()
	b.set = b.built.Done()
	if err := r.dropLost(b); err != nil {
		return err
	}
	b.UIDNext = max(b.UIDNext, uint64(b.set.Last())+1, uint64(old.Last())+1)
	b.ModSeq, b.LogFloor, b.logRecords = modseq, modseq, 0
	b.counted()
	if err := r.deleteRange(chunkRange(b.ID)); err != nil {
		return err
	}
	if err := r.deleteRange(kv.Prefix(appendKey32(nil, keyLog, uint32(b.ID)))); err != nil {
		return err
	}
	for number := uint32(0); number <= uint32(b.set.Last()/uidset.ChunkSize); number++ {
		if value, ok := b.set.AppendChunk(nil, number); ok {
			key := appendKey3232(nil, keyChunk, uint32(b.ID), number)
			if err := r.set(key, value); err != nil {
				return err
			}
		}
	}
	if err := r.rebury(b); err != nil {
		return err
	}
	return r.set(mailboxKey(b.ID), b.box.append(nil))
}

// dropLost takes messages out whose object there is no way to open.
func (r *repair) dropLost(b *found) error {
	var gone uidset.Ranges
	editor := b.set.Edit()
	var keys [][]byte
	err := r.each(r.ctx, keyEntry, func(key, value []byte) {
		e := Entry{UID: UID(be32(key[5:]))}
		if MailboxID(be32(key[1:])) != b.ID || e.decode(value) != nil {
			return
		}
		if o := r.objects[e.Object]; !o.there {
			gone.Add(e.UID)
			editor.Remove(e.UID, e.Size)
			keys = append(keys, key)
		}
	})
	if err == nil {
		err = r.each(r.ctx, keyDark, func(key, value []byte) {
			u, ok := b.darkUID(key)
			e := Entry{UID: u}
			if !ok || e.decode(value) != nil || r.objects[e.Object].there {
				return
			}
			gone.Add(u)
			editor.Remove(u, e.Size)
			keys = append(keys, key)
		})
	}
	if gone = uidset.Normalize(gone); err != nil || len(gone) == 0 {
		return err
	}
	r.tell(Finding{r.id, fmt.Sprintf("%s: UIDs %s are lost.", b.Name, sentence(gone))})
	b.set = editor.Done()
	for _, key := range keys {
		if err := r.delete(key); err != nil {
			return err
		}
	}
	return nil
}

// darkUID is the UID that a dark entry has in the mailbox; ok is false if it is
// of none of its extents.
func (b *found) darkUID(key []byte) (u UID, ok bool) {
	for _, x := range b.extents {
		if index := be32(key[9:]); x.id == be64(key[1:]) && index < x.n {
			return x.first + UID(index), true
		}
	}
	return 0, false
}

// dropLostUnseen takes out entries that nobody sees, of deleted mailboxes and of
// copies that were not finished, whose object there is no way to open: what
// sweeps them away would look for it.
func (r *repair) dropLostUnseen() error {
	var keys [][]byte
	lost := func(value []byte) bool {
		var e Entry
		return e.decode(value) == nil && !r.objects[e.Object].there
	}
	err := r.each(r.ctx, keyEntry, func(key, value []byte) {
		if r.boxes[MailboxID(be32(key[1:]))] == nil && lost(value) {
			keys = append(keys, key)
		}
	})
	if err == nil {
		err = r.each(r.ctx, keyDark, func(key, value []byte) {
			for _, b := range r.boxes {
				if _, seen := b.darkUID(key); seen {
					return
				}
			}
			if lost(value) {
				keys = append(keys, key)
			}
		})
	}
	for _, key := range keys {
		if err == nil {
			err = r.delete(key)
		}
	}
	return err
}

// rebury replaces a mailbox's graves by one with all that has an entry and is
// not present.
func (r *repair) rebury(b *found) error {
	var graves [][]byte
	err := r.each(r.ctx, keyGrave, func(key, value []byte) {
		if g, err := decodeGrave(value); MailboxID(be32(key[9:])) == b.ID && (err != nil || !g.mailbox) {
			graves = append(graves, key)
		}
	})
	for _, key := range graves {
		if err == nil {
			err = r.delete(key)
		}
	}
	left := b.named.Done().Ranges().Subtract(b.set.Ranges())
	if err != nil || len(left) == 0 {
		return err
	}
	g := grave{uids: left}
	return r.set(graveKey(uint64(r.now.Unix()), b.ID, b.ModSeq), g.append(nil))
}

// mendReferences counts references anew and takes objects that nobody names into
// lost+found.
func (r *repair) mendReferences() error {
	var orphans []ObjectID
	for _, id := range r.sortedObjects() {
		o := r.objects[id]
		if !o.there {
			continue
		}
		// A message that only waits to be queued may have lost its entries, too.
		if o.named == 0 && !o.lost {
			orphans = append(orphans, id)
			o.named = 1
		}
		if o.refs != o.named+o.held {
			o.refs = o.named + o.held
			if err := r.set(objectKey(keyObject, id), o.object.append(nil)); err != nil {
				return err
			}
		}
	}
	if len(orphans) == 0 {
		return nil
	}
	return r.adopt(orphans)
}

// adopt files objects into lost+found.
func (r *repair) adopt(orphans []ObjectID) error {
	h := r.raisedHead()
	h.modseq++
	var b *box
	for _, f := range r.boxes {
		if f.Name == lostFound {
			b = f.box
			b.set = f.chunks.Set()
		}
	}
	if b == nil {
		fresh := h.newBox(r.now, lostFound)
		b = &fresh
	}
	editor := b.set.Edit()
	h.used -= b.Size
	for _, id := range orphans {
		o := r.objects[id]
		e := Entry{UID: UID(b.UIDNext), Object: id, ModSeq: h.modseq, Size: o.object.size, InternalDate: o.arrived, SaveDate: r.now}
		b.UIDNext++
		editor.Add(e.UID, e.Size, 0)
		if err := r.set(entryKey(b.ID, e.UID), e.append(nil)); err != nil {
			return err
		}
	}
	b.set = editor.Done()
	b.ModSeq, b.LogFloor, b.logRecords = h.modseq, h.modseq, 0
	b.counted()
	h.used += b.Size
	if err := r.deleteRange(kv.Prefix(appendKey32(nil, keyLog, uint32(b.ID)))); err != nil {
		return err
	}
	for _, number := range editor.Touched() {
		value, _ := b.set.AppendChunk(nil, number)
		if err := r.set(appendKey3232(nil, keyChunk, uint32(b.ID), number), value); err != nil {
			return err
		}
	}
	if err := r.set(mailboxKey(b.ID), b.append(nil)); err != nil {
		return err
	}
	return r.set([]byte{keyHead}, h.append(nil))
}
