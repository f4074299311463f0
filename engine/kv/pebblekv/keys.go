package pebblekv

import (
	"encoding/binary"
	"errors"
	"math"

	"citron/engine/kv"
)

// # Keys
//
// A key of an account is stored under the account's number, 8 bytes big
// endian, followed by the key. Keys have at least one byte, so the number with
// nothing behind it is free: it sorts before all the account's keys and is its
// head, which no caller can read or write.
//
//	head: version (1 byte, 1), fencing epoch (8 bytes, big endian),
//	      id of the last transaction (16 bytes)
const (
	accountLen  = 8
	headVersion = 1
	headLen     = 1 + 8 + 16
)

// appendAccount starts a stored key.
func appendAccount(b []byte, a kv.Account) []byte {
	return binary.BigEndian.AppendUint64(b, uint64(a))
}

// accountOf reads the account off a stored key.
func accountOf(key []byte) kv.Account {
	return kv.Account(binary.BigEndian.Uint64(key))
}

// appendFrom stores the start of a range; nothing is before the first key a
// caller can have, which leaves the head out.
func appendFrom(b []byte, a kv.Account, from []byte) []byte {
	b = appendAccount(b, a)
	if len(from) == 0 {
		return append(b, 0)
	}
	return append(b, from...)
}

// appendTo stores the end of a range; nil is the account's end. The last of
// all accounts ends where everything does, which Pebble writes as nil: ok is
// false.
func appendTo(b []byte, a kv.Account, to []byte) (_ []byte, ok bool) {
	if to != nil {
		return append(appendAccount(b, a), to...), true
	}
	if a == math.MaxUint64 {
		return nil, false
	}
	return appendAccount(b, a+1), true
}

// head is an account's head record.
type head struct {
	epoch uint64 // of the lease under which it was written; 0 until there are leases
	last  kv.TxID
}

func (h head) put(b []byte) {
	b[0] = headVersion
	binary.BigEndian.PutUint64(b[1:], h.epoch)
	copy(b[9:], h.last[:])
}

var errHead = errors.New("head record of the account is damaged")

func parseHead(b []byte) (head, error) {
	if len(b) != headLen || b[0] != headVersion {
		return head{}, errHead
	}
	return head{epoch: binary.BigEndian.Uint64(b[1:]), last: kv.TxID(b[9:])}, nil
}
