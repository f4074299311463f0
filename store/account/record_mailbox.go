package account

import (
	"encoding/binary"

	"citron/engine/record"
	"citron/store/uidset"
)

// box is a mailbox at one moment. Once published it never changes; a
// transaction works on a copy.
type box struct {
	MailboxInfo
	set        *uidset.Set // nil: not read yet, only while never written
	created    ModSeq
	chosen     bool // UIDVALIDITY came from an import
	logRecords uint32
	recentFrom UID // UIDs from here on were shown to no session as \Recent
	extents    []extent

	// Of the feed, in memory only: the modseq of the last change, of the one
	// before it, of the last one that was not of flags only, and of the last
	// that changed how many are unseen, from unseenThen.
	movedAt, movedBefore, messagesAt, unseenAt ModSeq
	unseenThen                                 uint32
}

// extent says that UIDs first … first+n-1 are dark entries 0 … n-1 of a large
// COPY or MOVE, where no entry stands under the UID itself.
type extent struct {
	first  UID
	n      uint32
	id     uint64
	modseq ModSeq
}

// last is the extent's highest UID.
func (x extent) last() UID { return x.first + UID(x.n-1) }

// Bits of the mailbox record's flag byte.
const boxChosen = 1 << 0

// append stores all but the set (chunks), the number (key) and the
// subscription.
func (b *box) append(dst []byte) []byte {
	flags := byte(0)
	if b.chosen {
		flags |= boxChosen
	}
	dst = append(dst, recordVersion, flags)
	dst = record.AppendString(dst, b.Name)
	dst = record.AppendString(dst, b.ObjectID)
	for _, x := range [...]uint64{uint64(b.UIDValidity), b.UIDNext, uint64(b.ModSeq), uint64(b.LogFloor),
		uint64(b.logRecords), uint64(b.Messages), uint64(b.Unseen), uint64(b.Deleted), b.Size,
		uint64(b.created), uint64(b.recentFrom)} {
		dst = binary.AppendUvarint(dst, x)
	}
	dst = appendStrings(dst, b.SpecialUse)
	dst = appendStrings(dst, b.Keywords)
	return appendExtents(dst, b.extents)
}

func appendExtents(dst []byte, list []extent) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(list)))
	for _, x := range list {
		dst = binary.AppendUvarint(dst, uint64(x.first))
		dst = binary.AppendUvarint(dst, uint64(x.n))
		dst = binary.AppendUvarint(dst, x.id)
		dst = binary.AppendUvarint(dst, uint64(x.modseq))
	}
	return dst
}

func decodeExtents(d *record.Decoder) (list []extent) {
	for n := d.Count(1); n > 0 && d.Err() == nil; n-- {
		x := extent{UID(d.Uint32()), d.Uint32(), d.Uint(), ModSeq(d.Uint())}
		if x.first == 0 || x.n == 0 || uint64(x.first)+uint64(x.n) > 1<<32 {
			d.Fail(record.ErrMalformed)
		}
		list = append(list, x)
	}
	return list
}

func appendStrings(dst []byte, list []string) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(list)))
	for _, s := range list {
		dst = record.AppendString(dst, s)
	}
	return dst
}

func decodeStrings(d *record.Decoder) []string {
	n := d.Count(1)
	if n == 0 {
		return nil
	}
	list := make([]string, n)
	for i := range list {
		list[i] = d.String()
	}
	return list
}

func decodeBox(id MailboxID, v []byte) (*box, error) {
	d := record.Decode(v, recordVersion)
	b := &box{MailboxInfo: MailboxInfo{ID: id}}
	b.chosen = d.Byte()&boxChosen != 0
	b.Name, b.ObjectID = d.String(), d.String()
	b.UIDValidity, b.UIDNext = d.Uint32(), d.Uint()
	b.ModSeq, b.LogFloor, b.logRecords = ModSeq(d.Uint()), ModSeq(d.Uint()), d.Uint32()
	b.Messages, b.Unseen, b.Deleted, b.Size = d.Uint32(), d.Uint32(), d.Uint32(), d.Uint()
	b.created, b.recentFrom = ModSeq(d.Uint()), UID(d.Uint32())
	b.SpecialUse = decodeStrings(&d)
	b.Keywords = decodeStrings(&d)
	b.extents = decodeExtents(&d)
	if len(b.Keywords) > MaxKeywords || b.UIDNext == 0 || b.UIDNext > 1<<32 {
		d.Fail(record.ErrMalformed)
	}
	b.movedAt, b.messagesAt, b.unseenAt, b.unseenThen = b.ModSeq, b.ModSeq, b.ModSeq, b.Unseen
	return b, d.End()
}

// counted copies what the set knows into the published counts.
func (b *box) counted() {
	b.Messages, b.Unseen, b.Deleted, b.Size = b.set.Len(), b.set.Unseen(), b.set.Deleted(), b.set.Size()
}
