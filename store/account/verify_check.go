package account

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"citron/engine/kv"
	"citron/store/uidset"
)

// checkBoxes compares mailboxes with their parts, and the head with them.
func (in *inspection) checkBoxes() {
	names, used := make(map[string]bool), uint64(0)
	for _, b := range in.sortedBoxes() {
		if names[b.Name] {
			in.say("Two mailboxes are named %s.", b.Name)
		}
		names[b.Name] = true
		used += b.Size
		in.checkBox(b)
	}
	switch {
	case !in.headOK:
		in.say("The account has no head that can be read.")
		return
	case !names[inboxName]:
		in.say("The account has no INBOX.")
	}
	if in.head.used != used {
		in.say("The account has %d bytes in its mailboxes, but the head says %d.", used, in.head.used)
	}
}

func (in *inspection) sortedBoxes() []*found {
	all := make([]*found, 0, len(in.boxes))
	for _, b := range in.boxes {
		all = append(all, b)
	}
	slices.SortFunc(all, func(a, b *found) int { return int(a.ID) - int(b.ID) })
	return all
}

func (in *inspection) checkBox(b *found) {
	set := b.chunks.Set()
	counts := [...]uint64{uint64(set.Len()), uint64(set.Unseen()), uint64(set.Deleted()), set.Size()}
	if said := [...]uint64{uint64(b.Messages), uint64(b.Unseen), uint64(b.Deleted), b.Size}; counts != said {
		in.say("%s: the record says messages, unseen, deleted, bytes %v, its chunks say %v.", b.Name, said, counts)
	}
	if last := set.Last(); uint64(last) >= b.UIDNext {
		in.say("%s: UID %d is not below UIDNEXT %d.", b.Name, last, b.UIDNext)
	}
	if b.log != b.logRecords {
		in.say("%s: the log has %d records, its mailbox says %d.", b.Name, b.log, b.logRecords)
	}
	if in.headOK && (b.ModSeq > in.head.modseq || b.ID >= in.head.nextMailbox || b.UIDValidity > in.head.lastValidity) {
		in.say("%s: modseq %d, number %d or UIDVALIDITY %d is above the head's %d, %d, %d.", b.Name,
			b.ModSeq, b.ID, b.UIDValidity, in.head.modseq, in.head.nextMailbox-1, in.head.lastValidity)
	}
	built := b.built.Done()
	if missing, _ := uidset.Diff(set, built); len(missing) > 0 {
		in.say("%s: no entry for UIDs %s.", b.Name, sentence(missing))
	}
	in.checkFlags(b, set, built)
	if left := b.named.Done().Ranges().Subtract(set.Ranges()).Subtract(b.buried); len(left) > 0 && !b.badChunk {
		in.say("%s: UIDs %s are expunged, have an entry and no grave.", b.Name, sentence(left))
	}
	if alive := set.Intersect(b.buried); len(alive) > 0 {
		in.say("%s: UIDs %s are present and in the graveyard.", b.Name, sentence(alive))
	}
}

// checkFlags compares what chunks and entries say of the same messages.
func (in *inspection) checkFlags(b *found, set, built *uidset.Set) {
	all := uidset.Ranges{{First: 0, Last: uidset.MaxUID}}
	for _, k := range [...]struct {
		kind uidset.Kind
		what string
	}{{uidset.WithSeen, `\Seen`}, {uidset.WithDeleted, `\Deleted`}} {
		a, e := set.Select(k.kind, all), built.Select(k.kind, all)
		if differ := a.Subtract(e).Union(e.Subtract(a)).Intersect(built.Ranges()).Intersect(set.Ranges()); len(differ) > 0 {
			in.say("%s: chunk and entry differ about %s of UIDs %s.", b.Name, k.what, sentence(differ))
		}
	}
	if gone, came := uidset.Diff(set, built); len(gone)+len(came) == 0 && set.Size() != built.Size() {
		in.say("%s: the chunks count %d bytes, the entries %d.", b.Name, set.Size(), built.Size())
	}
}

// sentence spells out the first few of a set.
func sentence(r uidset.Ranges) string {
	text := ""
	for i, x := range r {
		if i == 5 {
			return text + fmt.Sprintf(" and others, %d in all", r.Count())
		}
		if i > 0 {
			text += ", "
		}
		if text += fmt.Sprint(x.First); x.Last > x.First {
			text += fmt.Sprintf("-%d", x.Last)
		}
	}
	return text
}

// checkObjects compares objects with who names them and with their bodies.
func (in *inspection) checkObjects(ctx context.Context) error {
	for _, id := range in.sortedObjects() {
		o := in.objects[id]
		named := o.named + o.held
		if !o.there && named == 0 {
			in.say("Parts of object %d are there, but not its record.", id)
			continue
		}
		if !o.there {
			in.say("Object %d is not there, but %d entries or waiting messages name it.", id, named)
			continue
		}
		if named != o.refs {
			in.say("Object %d is named %d times, but counts %d references.", id, named, o.refs)
		}
		if o.named > 0 && o.object.size != o.size && !o.nul {
			in.say("Object %d has %d bytes, an entry says %d.", id, o.object.size, o.size)
		}
		if !o.index || !o.header {
			in.say("Object %d lacks its index or header.", id)
		}
		if in.headOK && id >= in.head.nextObject {
			in.say("Object %d is not below the head's next number %d.", id, in.head.nextObject)
		}
		if err := in.checkBody(ctx, id, o); err != nil {
			return err
		}
	}
	return nil
}

func (in *inspection) sortedObjects() []ObjectID {
	all := make([]ObjectID, 0, len(in.objects))
	for id := range in.objects {
		all = append(all, id)
	}
	slices.Sort(all)
	return all
}

// checkBody sees whether a message can be opened and is as long as it should
// be. What is in it, the body store's own check reads.
func (in *inspection) checkBody(ctx context.Context, id ObjectID, o *foundObject) error {
	r, err := in.open(ctx, id, &o.object)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		o.lost = true
		in.say("The body of object %d cannot be opened: %v.", id, errors.Unwrap(err))
		return nil
	}
	defer r.Close()
	if r.Size() != o.object.size {
		in.say("The body of object %d has %d bytes, it should have %d.", id, r.Size(), o.object.size)
	}
	return nil
}

func (in *inspection) open(ctx context.Context, id ObjectID, o *object) (MessageReader, error) {
	if !o.inline() {
		r, err := in.bodies.Open(ctx, o.ref)
		return r, storageError(err)
	}
	var got kv.Results
	err := in.engine.View(ctx, in.id, func(rd kv.Reader) (err error) {
		got, err = rd.Read(ctx, kv.Reads{Gets: [][]byte{objectKey(keyHeader, id), objectKey(keyInline, id)}})
		return err
	})
	if err != nil {
		return nil, storageError(err)
	}
	return openInline(id, o, got.Values[0], got.Values[1])
}
