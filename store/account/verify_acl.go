package account

import "citron/engine/record"

// What Verify knows of access control lists and of what spans two accounts.
// Shares are not held against the other account's lists: a stale one gives
// nothing, and a missing one is made by Repair's notices.

func (in *inspection) readACL(key, value []byte) {
	id := MailboxID(be32(key[1:]))
	list, err := decodeACL(value)
	switch b := in.boxes[id]; {
	case err != nil:
		in.bad = append(in.bad, key)
		in.say("The access control list of mailbox %d cannot be read: %v.", id, err)
	case b == nil:
		in.bad = append(in.bad, key)
		in.say("An access control list belongs to mailbox %d, which there is not.", id)
	default:
		b.ACL = list
	}
}

func (in *inspection) readAcross(key, value []byte) {
	if !acrossIntact(key, value) {
		in.bad = append(in.bad, key)
		in.say("The record %x of what spans two accounts cannot be read.", key)
	}
}

func acrossIntact(key, value []byte) bool {
	if len(key) != 10 {
		return false
	}
	d := record.Decode(value, recordVersion)
	switch key[1] {
	case acrossNotice:
		d.Uint()
	case acrossMove:
		d.Uint()
		d.Uint32()
		decodeRanges(&d)
	case acrossShare:
	default:
		return false
	}
	return d.End() == nil
}

// mendShares leaves notices for all who are granted anything, so that they are
// told again.
func (r *repair) mendShares() error {
	for _, b := range r.sortedBoxes() {
		for _, account := range b.ACL.Shares(uint64(r.id)) {
			if err := r.set(noticeKey(account), []byte{recordVersion, 0}); err != nil {
				return err
			}
		}
	}
	return nil
}
