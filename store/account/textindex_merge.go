package account

import (
	"math/bits"
	"slices"

	"citron/engine/kv"
	"citron/store/textindex"
	"citron/store/uidset"
)

// merge makes one of the first eight segments of a window that are alike in
// size.
func (b *indexer) merge() (more bool, err error) {
	type class struct {
		window uint64
		level  int
	}
	alike := make(map[class][]textSegment)
	for _, s := range b.head.segments {
		c := class{s.window, level(s.objects)}
		if alike[c] = append(alike[c], s); len(alike[c]) == mergeAt {
			return true, b.join(alike[c], nil)
		}
	}
	return false, nil
}

// level is the logarithm to the base of eight.
func level(objects uint32) int { return (bits.Len32(objects) - 1) / 3 }

// join writes segments of one window as a new one, in transactions of which the
// last shows it and takes the others away.
func (b *indexer) join(parts []textSegment, alive *textindex.Bits) error {
	s := textSegment{number: b.head.next, window: parts[0].window}
	b.head.next++
	b.head.begun = s.number
	if err := b.write(0, func(*txn) {}); err != nil {
		return err
	}
	feeds := make([]textindex.Feed, len(parts))
	for i, p := range parts {
		feeds[i] = b.feed(p.number)
	}
	emit := func(first textindex.Term, block []byte) error {
		if b.gather(s.number, first, block); b.size < piece {
			return nil
		}
		return b.flush(func(*txn) {})
	}
	objects, err := textindex.Merge(feeds, alive, emit, b.breathe)
	if err != nil {
		return damaged("search index", err)
	}
	isPart := func(x textSegment) bool { return slices.Contains(parts, x) }
	b.head.segments = slices.DeleteFunc(b.head.segments, isPart)
	if s.objects = uint32(objects); objects > 0 {
		b.head.segments = append(b.head.segments, s)
	}
	b.head.begun = 0
	return b.flush(func(t *txn) {
		for _, p := range parts {
			t.deleteRange(segmentRange(p.number))
		}
	})
}

// feed reads a segment, some blocks at a time.
func (b *indexer) feed(number uint32) textindex.Feed {
	r := segmentRange(number)
	r.Limit = blocksRead
	return func() (blocks []textindex.Block, err error) {
		if r.From == nil {
			return nil, nil
		}
		got, err := b.view(kv.Reads{Ranges: []kv.Range{r}})
		if err != nil {
			return nil, err
		}
		p := got.Ranges[0]
		for i := range p.Len() {
			blocks = append(blocks, blockOf(p.Key(i), p.Value(i)))
		}
		if r.From = nil; p.Len() == r.Limit {
			r.From = append(slices.Clone(p.Key(p.Len()-1)), 0)
		}
		return blocks, nil
	}
}

// shrink writes the segments of a window anew without the objects that were
// swept, if less than half are left. It looks when many were swept here since
// the account was opened.
func (b *indexer) shrink() (more bool, err error) {
	if b.a.swept.Load() < deadToLookAt {
		return false, nil
	}
	for _, s := range b.head.segments {
		parts, objects := b.ofWindow(s.window)
		alive, err := b.alive(s.window)
		if err != nil {
			return false, err
		}
		if alive.Count() < objects/2 {
			return true, b.join(parts, alive)
		}
	}
	b.a.swept.Store(0)
	return false, nil
}

// ofWindow gives the segments of a window and how many objects they hold.
func (b *indexer) ofWindow(w uint64) (parts []textSegment, objects int) {
	for _, s := range b.head.segments {
		if s.window == w {
			parts, objects = append(parts, s), objects+int(s.objects)
		}
	}
	return parts, objects
}

// alive gives the objects of a window that there are.
func (b *indexer) alive(w uint64) (*textindex.Bits, error) {
	from := ObjectID(w * textindex.WindowSize)
	got, err := b.view(kv.Reads{Ranges: []kv.Range{
		kv.Range{From: objectKey(keyObject, from), To: objectKey(keyObject, from+textindex.WindowSize), KeysOnly: true}}})
	if err != nil {
		return nil, err
	}
	alive := new(textindex.Bits)
	for i := range got.Ranges[0].Len() {
		alive.Add(uint16(be64(got.Ranges[0].Key(i)[1:]) % textindex.WindowSize))
	}
	return alive, nil
}

// columns continues the column of a mailbox that lies behind, unless a large
// COPY into it is not settled yet.
func (b *indexer) columns() (more bool, err error) {
	for _, info := range b.a.Mailboxes() {
		next := b.head.column(info.ID)
		if info.UIDNext < next+columnLag {
			continue
		}
		view, err := b.a.Open(b.ctx, info.ID)
		if KindOf(err) == NoMailbox || err == nil && len(view.extents) > 0 {
			continue
		}
		if err != nil {
			return false, err
		}
		return true, b.continueColumn(view.Info, UID(next))
	}
	return false, nil
}

// continueColumn adds UIDs from one on. Also those that are expunged and still
// have an entry are among them: sessions not yet told may search them.
func (b *indexer) continueColumn(info *MailboxInfo, first UID) error {
	chunk := uint32(first / uidset.ChunkSize)
	last := UID(info.UIDNext - 1)
	r := kv.Range{From: entryKey(info.ID, first), To: entryEnd(info.ID, last), Limit: columnStep}
	got, err := b.view(kv.Reads{Gets: [][]byte{columnKey(info.ID, chunk)}, Ranges: []kv.Range{r}})
	if err != nil {
		return err
	}
	list, err := decodeEntries(nil, got, uidset.Ranges{{First: first, Last: last}}, nil, nil)
	if err != nil {
		return damaged("entries of "+info.Name, err)
	}
	if len(list) == columnStep {
		last = list[len(list)-1].UID
	}
	runs := make(map[uint32][]objectRun)
	if got.Values[0] != nil && first > 1 {
		if runs[chunk], err = decodeColumn(nil, got.Values[0]); err != nil {
			return damaged("column of "+info.Name, err)
		}
	}
	for i := range list {
		c := uint32(list[i].UID / uidset.ChunkSize)
		runs[c] = addRun(runs[c], list[i].UID, list[i].Object)
	}
	b.head.setColumn(info.ID, uint64(last)+1)
	return b.write(0, func(t *txn) {
		for c, r := range runs {
			t.set(columnKey(info.ID, c), appendColumn(nil, r))
		}
	})
}

// dropColumns takes away the columns of a mailbox that is gone.
func (b *indexer) dropColumns() (more bool, err error) {
	for _, c := range b.head.columns {
		if _, there := b.a.Mailbox(c.mailbox); !there {
			b.head.setColumn(c.mailbox, 0)
			return true, b.write(0, func(t *txn) { t.deleteRange(kv.Prefix(columnPrefix(c.mailbox))) })
		}
	}
	return false, nil
}
