package account

import (
	"slices"

	"citron/engine/kv"
	"citron/store/textindex"
)

// foundText is what is found of the search index of an account.
type foundText struct {
	there   bool // has a head that can be read
	other   bool // is of another format, and will be built anew
	head    textHead
	columns map[MailboxID][]objectRun
	indexed map[uint64]*textindex.Bits // by window
	counted map[uint32]int             // objects, by segment
	last    textindex.Term
	segment uint32 // of last
}

func newFoundText() foundText {
	return foundText{
		columns: make(map[MailboxID][]objectRun),
		indexed: make(map[uint64]*textindex.Bits), counted: make(map[uint32]int),
	}
}

// readText reads the head and then the columns.
func (in *inspection) readText(key, value []byte) {
	switch {
	case len(key) == 2:
		var err error
		if in.text.head, err = decodeTextHead(value); err != nil {
			in.say("The head of the search index cannot be read: %v.", err)
			return
		}
		in.text.there = in.text.head.format == textindex.Format
		in.text.other = !in.text.there
	case len(key) != 10 || key[1] != 1:
		in.say("The key %x of the search index is of no known kind.", key)
	case in.text.there:
		in.readColumn(MailboxID(be32(key[2:])), be32(key[6:]), value)
	}
}

func (in *inspection) readColumn(id MailboxID, chunk uint32, value []byte) {
	runs, err := decodeColumn(nil, value)
	if next := in.text.head.column(id); err != nil || next == 1 {
		in.say("The column %d of mailbox %d in the search index is malformed or of no mailbox: %v.", chunk, id, err)
		return
	}
	in.text.columns[id] = append(in.text.columns[id], runs...)
}

// checkColumn compares an entry with what the mailbox's column says of its UID.
func (in *inspection) checkColumn(id MailboxID, e *Entry) {
	if !in.text.there || uint64(e.UID) >= in.text.head.column(id) {
		return
	}
	runs := in.text.columns[id]
	i, _ := slices.BinarySearchFunc(runs, e.UID, func(r objectRun, u UID) int {
		if r.uid+UID(r.n-1) < u {
			return -1
		}
		return 1
	})
	if i == len(runs) || runs[i].uid > e.UID || runs[i].object+ObjectID(e.UID-runs[i].uid) != e.Object {
		in.say("The search index has UID %d of mailbox %d for another message or for none.", e.UID, id)
	}
}

func (in *inspection) readPosting(key, value []byte) {
	if in.text.other {
		return
	}
	if len(key) != 13 {
		in.say("The key %x of the search index is of no known kind.", key)
		return
	}
	number := be32(key[1:])
	s, ok := in.text.head.segment(number)
	switch {
	case !ok && number == in.text.head.begun:
		return // a crash has left it
	case !ok:
		in.say("A block of the search index belongs to segment %d, which there is not.", number)
		return
	case number != in.text.segment:
		in.text.segment, in.text.last = number, 0
	}
	last, all, err := textindex.CheckBlock(blockOf(key, value), in.text.last)
	if err != nil {
		in.say("A block of segment %d of the search index cannot be read: %v.", number, err)
		return
	}
	in.text.last = last
	in.text.counted[number] += len(all)
	if in.text.indexed[s.window] == nil {
		in.text.indexed[s.window] = new(textindex.Bits)
	}
	for _, offset := range all {
		in.text.indexed[s.window].Add(offset)
	}
}

func (h *textHead) segment(number uint32) (textSegment, bool) {
	i := slices.IndexFunc(h.segments, func(s textSegment) bool { return s.number == number })
	if i < 0 {
		return textSegment{}, false
	}
	return h.segments[i], true
}

// checkText sees whether every object below the mark is indexed.
func (in *inspection) checkText() {
	h := &in.text.head
	if !in.text.there {
		return
	}
	if in.headOK && h.mark > in.head.nextObject {
		in.say("The search index has come to object %d, but there are only those below %d.", h.mark, in.head.nextObject)
	}
	for _, s := range h.segments {
		if n := in.text.counted[s.number]; n != int(s.objects) {
			in.say("Segment %d of the search index holds %d objects, its head says %d.", s.number, n, s.objects)
		}
	}
	for _, id := range in.sortedObjects() {
		indexed := in.text.indexed[windowOf(id)]
		if id >= h.mark || !in.objects[id].there || indexed != nil && indexed.Has(uint16(id%textindex.WindowSize)) {
			continue
		}
		if !slices.Contains(h.holes, id) {
			in.say("The search index lacks object %d.", id)
		}
	}
}

// dropText takes the search index away: the server builds it anew.
func (r *repair) dropText() error {
	if err := r.deleteRange(kv.Prefix([]byte{keyPosting})); err != nil {
		return err
	}
	return r.deleteRange(kv.Prefix([]byte{keyText}))
}
