package account

import (
	"encoding/binary"

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
	dst = appendString(dst, b.Name)
	dst = appendString(dst, b.ObjectID)
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

func (d *decoder) extents() (list []extent) {
	for n := d.count(); n > 0 && d.err == nil; n-- {
		x := extent{UID(d.uv32()), d.uv32(), d.uv(), ModSeq(d.uv())}
		if x.first == 0 || x.n == 0 || uint64(x.first)+uint64(x.n) > 1<<32 {
			d.fail(errRecord)
		}
		list = append(list, x)
	}
	return list
}

func appendStrings(dst []byte, list []string) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(list)))
	for _, s := range list {
		dst = appendString(dst, s)
	}
	return dst
}

func (d *decoder) strings() []string {
	n := d.count()
	if n == 0 {
		return nil
	}
	list := make([]string, n)
	for i := range list {
		list[i] = d.str()
	}
	return list
}

func decodeBox(id MailboxID, v []byte) (*box, error) {
	d := decode(v)
	b := &box{MailboxInfo: MailboxInfo{ID: id}}
	b.chosen = d.u8()&boxChosen != 0
	b.Name, b.ObjectID = d.str(), d.str()
	b.UIDValidity, b.UIDNext = d.uv32(), d.uv()
	b.ModSeq, b.LogFloor, b.logRecords = ModSeq(d.uv()), ModSeq(d.uv()), d.uv32()
	b.Messages, b.Unseen, b.Deleted, b.Size = d.uv32(), d.uv32(), d.uv32(), d.uv()
	b.created, b.recentFrom = ModSeq(d.uv()), UID(d.uv32())
	b.SpecialUse = d.strings()
	b.Keywords = d.strings()
	b.extents = d.extents()
	if len(b.Keywords) > MaxKeywords || b.UIDNext == 0 || b.UIDNext > 1<<32 {
		d.fail(errRecord)
	}
	b.movedAt, b.messagesAt, b.unseenAt, b.unseenThen = b.ModSeq, b.ModSeq, b.ModSeq, b.Unseen
	return b, d.end()
}

// counted copies what the set knows into the published counts.
func (b *box) counted() {
	b.Messages, b.Unseen, b.Deleted, b.Size = b.set.Len(), b.set.Unseen(), b.set.Deleted(), b.set.Size()
}
