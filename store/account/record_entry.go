package account

import (
	"bytes"
	"encoding/binary"

	"citron/engine/record"
)

// entryUTF8, beside the system flags, is Entry.Internationalized.
const entryUTF8 = 1 << 5

// append stores all but the UID (the key). A dark entry has modseq 0: its
// extent has it.
func (e *Entry) append(dst []byte) []byte {
	flags := byte(e.Flags)
	if e.Internationalized {
		flags |= entryUTF8
	}
	dst = append(dst, recordVersion, flags)
	dst = binary.AppendUvarint(dst, uint64(e.Object))
	dst = binary.AppendUvarint(dst, uint64(e.ModSeq))
	dst = binary.AppendUvarint(dst, uint64(e.Size))
	dst = appendDate(dst, e.InternalDate)
	dst = binary.AppendVarint(dst, e.SaveDate.Unix()-e.InternalDate.Unix())
	if e.Keywords.Empty() {
		return dst
	}
	var bits [MaxKeywords / 8]byte
	for i, w := range e.Keywords {
		binary.LittleEndian.PutUint64(bits[8*i:], w)
	}
	return append(dst, bytes.TrimRight(bits[:], "\x00")...)
}

// decode reads into e, which keeps its UID.
func (e *Entry) decode(v []byte) error {
	d := record.Decode(v, recordVersion)
	flags := d.Byte()
	e.Flags, e.Internationalized = SystemFlag(flags&^entryUTF8), flags&entryUTF8 != 0
	e.Object = ObjectID(d.Uint())
	e.ModSeq = ModSeq(d.Uint())
	e.Size = int64(d.Uint())
	e.InternalDate = decodeDate(&d)
	e.SaveDate = e.InternalDate.UTC()
	if after := d.Int(); after != 0 {
		e.SaveDate = unix(e.InternalDate.Unix() + after)
	}
	e.Keywords = Keywords{}
	for i, c := range d.Rest() {
		if i >= MaxKeywords/8 {
			return record.ErrMalformed
		}
		e.Keywords[i/8] |= uint64(c) << (i % 8 * 8)
	}
	return d.Err()
}
