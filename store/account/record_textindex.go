package account

import (
	"encoding/binary"
	"slices"

	"citron/engine/record"
	"citron/store/textindex"
	"citron/store/uidset"
)

// textHead is the record of an account's search index: how far it has come and
// of what it consists. It is written in the transaction that writes what it
// speaks of.
type textHead struct {
	format   uint64   // of the terms; textindex.Format
	mark     ObjectID // objects below it were looked at, but for holes
	next     uint32   // number of the next segment
	begun    uint32   // a segment half written; 0: none
	segments []textSegment
	holes    []ObjectID   // ascending; were on their way when the mark passed them
	columns  []columnMark // by mailbox
}

// textSegment is a segment of textindex.
type textSegment struct {
	number  uint32
	window  uint64 // object number / textindex.WindowSize
	objects uint32 // how many it holds
}

// columnMark says that a mailbox has a column of the objects of its UIDs, up to
// next.
type columnMark struct {
	mailbox MailboxID
	next    uint64
}

// newTextHead is that of an account of which nothing is indexed.
func newTextHead() textHead {
	return textHead{format: textindex.Format, mark: 1, next: 1}
}

func (h *textHead) append(dst []byte) []byte {
	dst = append(dst, recordVersion)
	for _, x := range [...]uint64{h.format, uint64(h.mark), uint64(h.next), uint64(h.begun), uint64(len(h.segments))} {
		dst = binary.AppendUvarint(dst, x)
	}
	for _, s := range h.segments {
		dst = binary.AppendUvarint(dst, uint64(s.number))
		dst = binary.AppendUvarint(dst, s.window)
		dst = binary.AppendUvarint(dst, uint64(s.objects))
	}
	dst = binary.AppendUvarint(dst, uint64(len(h.holes)))
	for _, o := range h.holes {
		dst = binary.AppendUvarint(dst, uint64(o))
	}
	dst = binary.AppendUvarint(dst, uint64(len(h.columns)))
	for _, c := range h.columns {
		dst = binary.AppendUvarint(dst, uint64(c.mailbox))
		dst = binary.AppendUvarint(dst, c.next)
	}
	return dst
}

// decodeTextHead reads the record; no record is an index of nothing.
func decodeTextHead(v []byte) (h textHead, err error) {
	if v == nil {
		return newTextHead(), nil
	}
	d := record.Decode(v, recordVersion)
	h.format, h.mark, h.next, h.begun = d.Uint(), ObjectID(d.Uint()), d.Uint32(), d.Uint32()
	if h.format != textindex.Format {
		return h, d.Err() // the rest may be anything
	}
	h.segments = make([]textSegment, d.Count(1))
	for i := range h.segments {
		h.segments[i] = textSegment{d.Uint32(), d.Uint(), d.Uint32()}
	}
	h.holes = make([]ObjectID, d.Count(1))
	for i := range h.holes {
		h.holes[i] = ObjectID(d.Uint())
	}
	h.columns = make([]columnMark, d.Count(1))
	for i := range h.columns {
		h.columns[i] = columnMark{MailboxID(d.Uint32()), d.Uint()}
	}
	return h, d.End()
}

// column gives the UID from which on a mailbox's column knows nothing.
func (h *textHead) column(id MailboxID) uint64 {
	for _, c := range h.columns {
		if c.mailbox == id {
			return c.next
		}
	}
	return 1
}

// setColumn moves a column's mark; 0 takes the column away.
func (h *textHead) setColumn(id MailboxID, next uint64) {
	h.columns = slices.DeleteFunc(h.columns, func(c columnMark) bool { return c.mailbox == id })
	if next > 0 {
		h.columns = append(h.columns, columnMark{id, next})
	}
}

// objectRun says that n UIDs from one on have objects that follow one another,
// too. It never changes: a UID has its object for good.
type objectRun struct {
	uid    UID
	object ObjectID
	n      uint32
}

// addRun adds an entry above those before.
func addRun(runs []objectRun, u UID, o ObjectID) []objectRun {
	if len(runs) > 0 {
		last := &runs[len(runs)-1]
		if u == last.uid+UID(last.n) && o == last.object+ObjectID(last.n) {
			last.n++
			return runs
		}
	}
	return append(runs, objectRun{u, o, 1})
}

// The column record: runs in the order of UIDs, of each the distance of its
// first UID and of its first object from the end of the run before, and its
// length.
func appendColumn(dst []byte, runs []objectRun) []byte {
	dst = append(dst, recordVersion)
	dst = binary.AppendUvarint(dst, uint64(len(runs)))
	uid, object := UID(0), ObjectID(0)
	for _, r := range runs {
		dst = binary.AppendUvarint(dst, uint64(r.uid-uid))
		dst = binary.AppendVarint(dst, int64(r.object-object))
		dst = binary.AppendUvarint(dst, uint64(r.n))
		uid, object = r.uid+UID(r.n), r.object+ObjectID(r.n)
	}
	return dst
}

// decodeColumn appends the runs of a record.
func decodeColumn(dst []objectRun, v []byte) ([]objectRun, error) {
	d := record.Decode(v, recordVersion)
	uid, object := uint64(0), ObjectID(0)
	for range d.Count(1) {
		uid += d.Uint()
		r := objectRun{UID(uid), object + ObjectID(d.Int()), d.Uint32()}
		if uid += uint64(r.n); uid > uint64(uidset.MaxUID)+1 || r.n == 0 {
			d.Fail(record.ErrMalformed)
			return dst, d.End()
		}
		object = r.object + ObjectID(r.n)
		dst = append(dst, r)
	}
	return dst, d.End()
}

var textHeadKey = []byte{keyText, 0}

// columnKey is that of a mailbox's column for the UIDs of a chunk.
func columnKey(id MailboxID, chunk uint32) []byte {
	return binary.BigEndian.AppendUint32(columnPrefix(id), chunk)
}

func columnPrefix(id MailboxID) []byte {
	return binary.BigEndian.AppendUint32([]byte{keyText, 1}, uint32(id))
}

func postingKey(segment uint32, first textindex.Term) []byte {
	return binary.BigEndian.AppendUint64(appendKey32(nil, keyPosting, segment), uint64(first))
}

// blockOf reads a pair back.
func blockOf(key, value []byte) textindex.Block {
	return textindex.Block{First: textindex.Term(be64(key[5:])), Bytes: value}
}
