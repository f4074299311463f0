package account

import (
	"encoding/binary"

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
	d := decode(v)
	list := acl.List{}
	for n := d.count(); n > 0 && d.err == nil; n-- {
		who, rights := d.uv(), d.uv32()
		list = append(list, acl.Entry{Who: acl.Who{Account: who >> 1, Negative: who&1 != 0}, Rights: acl.Rights(min(rights, 1<<16-1))})
	}
	if !list.Sorted() {
		d.fail(errRecord)
	}
	return list, d.end()
}
