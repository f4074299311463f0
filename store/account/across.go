package account

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"citron/engine/kv"
	"citron/engine/record"
	"citron/mail/acl"
	"citron/store/uidset"
)

// What goes from one account to another is copied first: the messages are
// written anew into the other account, all in one transaction, with their
// EMAILID and THREADID (RFC 8474 §5). For a MOVE the same transaction records
// the intent to expunge them where they were, which follows at once, or after a
// crash by Maintain. So a crash leaves messages in both places for a while, and
// never in none.

// identity are the identifiers that a message brings from another account.
type identity struct{ emailID, threadID objectID }

// CopyTo copies messages to the end of a mailbox of another account, all or
// none, as Copy does within one; UIDs that are not there are left out. It tells
// how far it is (WithProgress) after every message, and every piece of a large
// one. Kinds: NoMailbox, OverQuota, Limit (of messages at a time:
// Options.MaxAcross), TooLarge, Cannot when the actor may not insert there.
func (a *Account) CopyTo(ctx context.Context, by Actor, from MailboxID, uids uidset.Ranges, other *Account, to MailboxID) (CopyResult, error) {
	return a.sendTo(ctx, by, from, uids, other, to, false)
}

// MoveTo is CopyTo and removal from the source.
func (a *Account) MoveTo(ctx context.Context, by Actor, from MailboxID, uids uidset.Ranges, other *Account, to MailboxID) (CopyResult, error) {
	return a.sendTo(ctx, by, from, uids, other, to, true)
}

func (a *Account) sendTo(ctx context.Context, by Actor, from MailboxID, uids uidset.Ranges, other *Account, to MailboxID, move bool) (res CopyResult, err error) {
	if move {
		uids = a.claim(from, uids)
		defer a.unclaim(from, uids)
	}
	v, err := a.Open(ctx, from)
	if err != nil {
		return res, err
	}
	uids = v.Set.Intersect(uids)
	if most := a.store.opt.MaxAcross; uids.Count() > uint64(most) {
		return res, refuse(Limit, fmt.Sprintf("at most %d messages can go to another account at a time", most))
	}
	items, err := a.rewritten(ctx, v, uids, other)
	if err != nil || len(items) == 0 {
		return res, err
	}
	if err := other.mayInsert(by, to); err != nil {
		abort(items)
		return res, err
	}
	var intent *moved
	if move {
		intent = &moved{account: a.id, mailbox: from, uids: uids}
	}
	put, err := other.appendAll(ctx, by, to, items, func(t *txn) {
		if intent != nil {
			intent.record(t)
		}
	})
	if err != nil {
		return res, err
	}
	if intent != nil {
		if err := other.finish(context.WithoutCancel(ctx), intent, a); err != nil {
			a.store.opt.Log.Warn("messages moved to another account are expunged later", "from", a.id, "to", other.id, "err", err)
		}
	}
	return CopyResult{UIDValidity: put.UIDValidity, Source: uids, Dest: put.UIDs, ModSeq: put.ModSeq}, nil
}

// claim leaves out the messages that somebody else is just moving to another
// account, so that they do not arrive there twice.
func (a *Account) claim(id MailboxID, uids uidset.Ranges) uidset.Ranges {
	a.mu.Lock()
	defer a.mu.Unlock()
	uids = uids.Subtract(a.leaving[id])
	if a.leaving == nil {
		a.leaving = make(map[MailboxID]uidset.Ranges)
	}
	a.leaving[id] = a.leaving[id].Union(uids)
	return uids
}

func (a *Account) unclaim(id MailboxID, uids uidset.Ranges) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.leaving[id] = a.leaving[id].Subtract(uids); len(a.leaving[id]) == 0 {
		delete(a.leaving, id)
	}
}

// mayInsert looks at the actor's rights again when all is written and only the
// commit is left: it may have taken long.
func (a *Account) mayInsert(by Actor, to MailboxID) error {
	info, ok := a.Mailbox(to)
	switch {
	case !ok:
		return ErrNoMailbox
	case !a.Rights(info, by.Account).Has(acl.Insert):
		return refuse(Cannot, "the right to put messages there was withdrawn")
	}
	return nil
}

func abort(items []AppendItem) {
	for i := range items {
		items[i].Incoming.Abort()
	}
}

// rewritten makes messages of another account out of those of this one. After
// an error nothing is left of them.
func (a *Account) rewritten(ctx context.Context, v View, uids uidset.Ranges, other *Account) (items []AppendItem, err error) {
	defer func() {
		if err != nil {
			abort(items)
			items = nil
		}
	}()
	told := func() error { return stepped(ctx, uint64(len(items)), uids.Count()) }
	size := uint64(0)
	err = a.Entries(ctx, v, uids, func(batch []Entry) error {
		for i := range batch {
			// Not only when all is written: it may be more than the disk holds.
			size += uint64(batch[i].Size)
			if q := other.Quota(); q.Limit > 0 && q.Used+size > q.Limit {
				return ErrOverQuota
			}
			in, err := a.rewrite(ctx, &batch[i], other, told)
			if err != nil {
				return err
			}
			items = append(items, AppendItem{
				Incoming: in, Flags: batch[i].Flags, Keywords: keywordNames(a, v, batch[i].Keywords), InternalDate: batch[i].InternalDate,
			})
			if err := told(); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil && uint64(len(items)) != uids.Count() {
		err = refuse(Gone, "some of the messages were expunged")
	}
	return items, err
}

// sentPiece is how much of a message is written between two looks at whether to go
// on, in bytes.
const sentPiece = 1 << 20

// rewrite streams one message into another account.
func (a *Account) rewrite(ctx context.Context, e *Entry, other *Account, told func() error) (*Incoming, error) {
	got, err := a.view(ctx, kv.Reads{Gets: [][]byte{objectKey(keyObject, e.Object)}})
	if err != nil {
		return nil, err
	}
	o, err := decodeObject(got.Values[0])
	if err != nil {
		return nil, damaged(fmt.Sprintf("object %d", e.Object), err)
	}
	m, err := a.OpenMessage(ctx, e.Object)
	if err != nil {
		return nil, err
	}
	defer m.Close()
	in, err := other.NewMessage(ctx)
	if err != nil {
		return nil, err
	}
	for at := int64(0); at < m.Size() && err == nil; at += sentPiece {
		if at > 0 {
			err = told()
		}
		if err == nil {
			_, err = io.Copy(in, io.NewSectionReader(m, at, min(sentPiece, m.Size()-at)))
			err = storageError(err)
		}
	}
	if err != nil {
		in.Abort()
		return nil, err
	}
	in.kept = &identity{o.emailID, o.threadID}
	return in, nil
}

// keywordNames spells out keywords of a mailbox, by its table of now, which is
// no shorter than that of the view.
func keywordNames(a *Account, v View, k Keywords) (names []string) {
	if k.Empty() {
		return nil
	}
	table := v.Info.Keywords
	if info, ok := a.Mailbox(v.Info.ID); ok {
		table = info.Keywords
	}
	for i, name := range table {
		if k.Has(i) {
			names = append(names, name)
		}
	}
	return names
}

// moved is the intent to expunge messages that have gone to the account in
// which it is recorded.
type moved struct {
	id      uint64
	account kv.Account // where they were
	mailbox MailboxID
	uids    uidset.Ranges
}

// record has the running transaction note the intent.
func (m *moved) record(t *txn) {
	m.id = t.head.nextIntent
	t.head.nextIntent++
	t.set(acrossKey(acrossMove, m.id), m.append(nil))
	t.after = append(t.after, func(committed bool) {
		if committed {
			t.a.store.care.soon(t.a.id, t.now)
		}
	})
}

func (m *moved) append(dst []byte) []byte {
	dst = binary.AppendUvarint(append(dst, recordVersion), uint64(m.account))
	dst = binary.AppendUvarint(dst, uint64(m.mailbox))
	return appendRanges(dst, m.uids)
}

func decodeMoved(id uint64, v []byte) (m moved, err error) {
	d := record.Decode(v, recordVersion)
	m = moved{id: id, account: kv.Account(d.Uint()), mailbox: MailboxID(d.Uint32()), uids: decodeRanges(&d)}
	return m, d.End()
}

// finish expunges the messages where they were, and drops the intent. It may be
// done more than once: UIDs and mailbox numbers are never used again.
func (a *Account) finish(ctx context.Context, m *moved, from *Account) error {
	ctx = kv.MakingRoom(ctx)
	err := from.write(ctx, func(t *txn) error {
		b, err := t.box(m.mailbox)
		if err != nil {
			return err
		}
		list, err := t.entries(b, b.set.Intersect(m.uids))
		if err == nil && len(list) > 0 {
			t.expunge(t.edit(b), list)
		}
		return err
	})
	if err != nil && !errors.Is(err, ErrNoMailbox) && !errors.Is(err, ErrGone) {
		return err
	}
	return a.write(ctx, func(t *txn) error {
		t.delete(acrossKey(acrossMove, m.id))
		return nil
	})
}

// movesTried is how many moves are tried until one can be finished.
const movesTried = 16

// finishMoves does what a crash or a failure left of a move to this account, the
// first that can be done.
func (a *Account) finishMoves(ctx context.Context) (more bool, err error) {
	r := kv.Prefix([]byte{keyAcross, acrossMove})
	r.Limit = movesTried
	got, err := a.view(ctx, kv.Reads{Ranges: []kv.Range{r}})
	if err != nil {
		return false, err
	}
	p := got.Ranges[0]
	for i := range p.Len() {
		failed := a.finishMove(ctx, be64(p.Key(i)[2:]), p.Value(i))
		if failed == nil {
			return true, nil
		}
		err = errors.Join(err, failed)
	}
	return false, err
}

func (a *Account) finishMove(ctx context.Context, id uint64, record []byte) error {
	m, err := decodeMoved(id, record)
	if err != nil {
		return damaged("record of a move", err)
	}
	from, err := a.store.Account(ctx, m.account)
	if errors.Is(err, ErrNoAccount) {
		return a.write(ctx, func(t *txn) error {
			t.delete(acrossKey(acrossMove, m.id))
			return nil
		})
	}
	if err != nil {
		return err
	}
	defer from.Close()
	return a.finish(ctx, &m, from)
}
