package account

import "encoding/binary"

// Kinds of the account's own log.
const (
	namesChanged = 1 // mailboxes were created, deleted or renamed
	subsChanged  = 2 // a name was subscribed or unsubscribed
)

// namesRecord is what one transaction did to names; the modseq is in the key.
type namesRecord struct {
	at      int64 // UTC seconds
	changes []nameChange
}

// nameChange is one name: from is empty for what is new, to for what is gone.
// A subscription of a name without a mailbox has mailbox 0.
type nameChange struct {
	mailbox  MailboxID
	from, to string
}

func (n *namesRecord) append(dst []byte) []byte {
	dst = binary.AppendUvarint(append(dst, recordVersion), uint64(n.at))
	dst = binary.AppendUvarint(dst, uint64(len(n.changes)))
	for _, c := range n.changes {
		dst = binary.AppendUvarint(dst, uint64(c.mailbox))
		dst = appendString(appendString(dst, c.from), c.to)
	}
	return dst
}

func decodeNames(v []byte) (n namesRecord, err error) {
	d := decode(v)
	n.at = int64(d.uv())
	for left := d.count(); left > 0 && d.err == nil; left-- {
		n.changes = append(n.changes, nameChange{MailboxID(d.uv32()), d.str(), d.str()})
	}
	return n, d.end()
}

// logNames records what the running operation does to names.
func (t *txn) logNames(kind byte, changes ...nameChange) {
	n := namesRecord{at: t.now.Unix(), changes: changes}
	t.set(namesKey(kind, t.stamp()), n.append(nil))
}
