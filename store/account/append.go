package account

import (
	"bytes"
	"context"

	"citron/store/uidset"
)

// Append files messages, all or none, in the order given, and returns when
// they are durable. It takes the Incomings over, whatever it returns. Kinds:
// NoMailbox, OverQuota, Limit, Cannot, TooLarge, NoSpace, Temporary.
func (a *Account) Append(ctx context.Context, by Actor, id MailboxID, items []AppendItem) (res AppendResult, err error) {
	return a.appendAll(ctx, by, id, items, func(*txn) {})
}

// appendAll is Append; also writes what else belongs to the operation.
func (a *Account) appendAll(ctx context.Context, by Actor, id MailboxID, items []AppendItem, also func(*txn)) (res AppendResult, err error) {
	defer func() {
		for i := range items {
			items[i].Incoming.Abort()
		}
	}()
	keys, weight, err := a.seal(ctx, items)
	if err != nil {
		return res, err
	}
	err = a.update(ctx, keys, weight, func(t *txn, got [][]byte) error {
		if res, err = t.append(by, id, items, got, 0); err == nil {
			also(t)
		}
		return err
	})
	return res, err
}

// seal ends the messages and makes large bodies durable; it says what has to be
// read before they are appended, and about how much they will write.
func (a *Account) seal(ctx context.Context, items []AppendItem) (keys [][]byte, weight int, err error) {
	for i := range items {
		in := items[i].Incoming
		if err := in.seal(ctx); err != nil {
			return nil, 0, err
		}
		in.ids.asked = a.awaited.Load().has(in.ids.own)
		keys = threadKeys(keys, &in.ids)
		weight += in.weight()
	}
	return keys, weight, a.inherit(ctx, items)
}

// append is Append within a transaction that will free some bytes. After its
// first write it can only fail with the engine.
func (t *txn) append(by Actor, id MailboxID, items []AppendItem, got [][]byte, freed int64) (res AppendResult, err error) {
	b, err := t.box(id)
	if err != nil {
		return res, err
	}
	if err := t.room(b, items, freed); err != nil {
		return res, err
	}
	t.barred(b, by).stripItems(items)
	keywords, table, err := resolveAll(b.Keywords, items)
	if err != nil {
		return res, err
	}
	w, modseq := t.edit(b), t.stamp()
	w.Keywords = table
	editor := w.set.Edit()
	for i := range items {
		in := items[i].Incoming
		e := t.newEntry(&w.box, &items[i], keywords[i])
		e.ModSeq = modseq
		n := in.ids.lookups()
		t.putObject(&e, in, got[:n])
		t.putSources(e.Object, items[i].Sources)
		got = got[n:]
		t.putEntry(id, &e)
		t.remember(items[i].Import)
		editor.Add(e.UID, e.Size, e.setFlags())
		w.rec.came.Add(e.UID)
		res.UIDs.Add(e.UID)
	}
	t.apply(w, editor)
	res.UIDValidity, res.ModSeq = w.UIDValidity, modseq
	return res, nil
}

// room refuses messages for which there is no quota or no UID.
func (t *txn) room(b *box, items []AppendItem, freed int64) error {
	size, next := int64(0), b.UIDNext
	for i := range items {
		size += items[i].Incoming.shown
		if k := items[i].Import; len(k.Source)+len(k.ID) > maxImportKey {
			return refuse(Limit, "the name of the imported message is too long")
		}
		if wanted := uint64(items[i].UID); wanted != 0 {
			if wanted < next {
				return refuse(Cannot, "this UID is below UIDNEXT")
			}
			next = wanted
		}
		next++
	}
	if next > 1<<32 {
		return refuse(Limit, "the mailbox has no UID left")
	}
	return t.quota(uint64(max(size-freed, 0)))
}

// quota refuses size more bytes than the account may have (RFC 9208).
func (t *txn) quota(size uint64) error {
	if q := t.head.quota; q > 0 && size > 0 && t.head.used+size > q {
		return ErrOverQuota
	}
	return nil
}

// newEntry gives the message its UID and dates.
func (t *txn) newEntry(b *box, item *AppendItem, keywords Keywords) Entry {
	e := Entry{
		UID: UID(b.UIDNext), Object: item.Incoming.object, Flags: item.Flags, Keywords: keywords,
		Size: item.Incoming.shown, Internationalized: item.Incoming.msg.Internationalized(),
		InternalDate: item.InternalDate, SaveDate: item.SaveDate,
	}
	if item.UID != 0 {
		e.UID = item.UID
	}
	b.UIDNext = uint64(e.UID) + 1
	if e.InternalDate.IsZero() {
		e.InternalDate = t.now.UTC()
	}
	if e.SaveDate.IsZero() {
		e.SaveDate = t.now
	}
	if e.Object == 0 {
		e.Object = ObjectID(t.a.objects.Add(1) - 1)
	}
	return e
}

// putObject writes what is kept of the message itself.
func (t *txn) putObject(e *Entry, in *Incoming, got [][]byte) {
	o := object{refs: 1, emailID: newObjectID(t.now), size: in.size, arrived: e.InternalDate, ref: in.ref}
	if k := in.kept; k != nil {
		// RFC 8474 §5.2: messages with the same EMAILID have the same THREADID,
		// whatever the thread of later answers is here.
		o.emailID, o.threadID = k.emailID, k.threadID
		t.thread(&in.ids, got, k.threadID)
	} else {
		o.threadID = t.thread(&in.ids, got, o.emailID)
	}
	in.object = e.Object
	in.decide(t)

	key := appendKey64(t.buf[:0], keyObject, uint64(e.Object))
	t.buf = o.append(key)
	t.set(key, t.buf[len(key):])

	key = appendKey64(t.buf[:0], keyIndex, uint64(e.Object))
	t.set(key, in.index)

	header, whole := in.msg.Header()
	key = appendKey64(t.buf[:0], keyHeader, uint64(e.Object))
	t.buf = appendHeader(key, header, whole)
	t.set(key, t.buf[len(key):])

	if in.w == nil {
		key = appendKey64(t.buf[:0], keyInline, uint64(e.Object))
		t.buf = appendInline(key, *in.buf, header)
		t.set(key, t.buf[len(key):])
	}
}

// The inline record: version, 0 and what follows the header, or 1 and the
// whole message where the header record is not how it begins.
func appendInline(dst, msg, header []byte) []byte {
	if rest, ok := bytes.CutPrefix(msg, header); ok {
		return append(append(dst, recordVersion, 0), rest...)
	}
	return append(append(dst, recordVersion, 1), msg...)
}

func (t *txn) putEntry(id MailboxID, e *Entry) {
	key := appendKey3232(t.buf[:0], keyEntry, uint32(id), uint32(e.UID))
	t.buf = e.append(key)
	t.set(key, t.buf[len(key):])
}

// setFlags is what the UID set knows of an entry.
func (e *Entry) setFlags() (f uidset.Flags) {
	if e.Flags&Seen != 0 {
		f |= uidset.Seen
	}
	if e.Flags&Deleted != 0 {
		f |= uidset.Deleted
	}
	return f
}
