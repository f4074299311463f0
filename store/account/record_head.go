package account

import (
	"encoding/binary"

	"citron/engine/record"
)

// recordVersion is the first byte of every value written here.
const recordVersion = 1

// head is the account's own record, written by every transaction.
type head struct {
	nextMailbox  MailboxID
	nextObject   ObjectID
	nextIntent   uint64
	modseq       ModSeq // of the last transaction
	logFloor     ModSeq // of the account's own log
	used         uint64 // sum of RFC822.SIZE over all mailboxes
	quota        uint64 // 0: none
	lastValidity uint32 // highest UIDVALIDITY ever given out
	deadValidity uint32 // highest UIDVALIDITY of a mailbox that is gone and held mail
}

func (h *head) append(dst []byte) []byte {
	dst = append(dst, recordVersion)
	for _, x := range [...]uint64{uint64(h.nextMailbox), uint64(h.nextObject), h.nextIntent, uint64(h.modseq),
		uint64(h.logFloor), h.used, h.quota, uint64(h.lastValidity), uint64(h.deadValidity)} {
		dst = binary.AppendUvarint(dst, x)
	}
	return dst
}

func decodeHead(v []byte) (h head, err error) {
	d := record.Decode(v, recordVersion)
	h.nextMailbox = MailboxID(d.Uint32())
	h.nextObject = ObjectID(d.Uint())
	h.nextIntent = d.Uint()
	h.modseq = ModSeq(d.Uint())
	h.logFloor = ModSeq(d.Uint())
	h.used = d.Uint()
	h.quota = d.Uint()
	h.lastValidity = d.Uint32()
	h.deadValidity = d.Uint32()
	return h, d.End()
}
