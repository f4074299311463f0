package account

import (
	"encoding/binary"

	"citron/engine/record"
	"citron/mail/acl"
)

// appendACL stores the entries, each as twice the account's number, one more
// if it is negative, and the rights.
func appendACL(dst []byte, l acl.List) []byte {
	dst = binary.AppendUvarint(append(dst, recordVersion), uint64(len(l)))
	for _, e := range l {
		who := e.Account << 1
		if e.Negative {
			who |= 1
		}
		dst = binary.AppendUvarint(binary.AppendUvarint(dst, who), uint64(e.Rights))
	}
	return dst
}

func decodeACL(v []byte) (acl.List, error) {
	d := record.Decode(v, recordVersion)
	list := acl.List{}
	for n := d.Count(1); n > 0 && d.Err() == nil; n-- {
		who, rights := d.Uint(), d.Uint32()
		list = append(list, acl.Entry{Who: acl.Who{Account: who >> 1, Negative: who&1 != 0}, Rights: acl.Rights(min(rights, 1<<16-1))})
	}
	if !list.Sorted() {
		d.Fail(record.ErrMalformed)
	}
	return list, d.End()
}
