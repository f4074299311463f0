package account

import (
	"encoding/binary"

	"citron/mail/message"
)

// A THREADID (RFC 8474 §5.2) is shared by messages that name each other, or a
// message not here, in Message-ID, In-Reply-To and References. The account
// remembers the thread of every identifier seen, under its 64-bit hash.

// maxThreadIDs bounds the identifiers of one message that are remembered: the
// last of References, nearest to the message.
const maxThreadIDs = 20

// threadHashes gives the hashes of the identifiers of a message, those of its
// parent first, then its other ancestors from the nearest, at last its own.
func threadHashes(index []byte) []uint64 {
	ix, err := message.OpenIndex(index)
	if err != nil {
		return nil
	}
	ids := ix.IDs()
	hashes := make([]uint64, 0, 4)
	add := func(id string) {
		if len(hashes) < maxThreadIDs {
			hashes = append(hashes, hashID(id))
		}
	}
	for _, id := range ids.InReplyTo {
		add(id)
	}
	for i := len(ids.References) - 1; i >= 0; i-- {
		add(ids.References[i])
	}
	if ids.Message != "" {
		hashes = append(hashes, hashID(ids.Message))
	}
	return hashes
}

// hashID is FNV-1a, 64 bits.
func hashID(id string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(id) {
		h = (h ^ uint64(id[i])) * 1099511628211
	}
	return h
}

// thread gives the message's THREADID and remembers it; got holds what was
// stored under each hash. fresh is the identifier of a thread that begins.
func (t *txn) thread(hashes []uint64, got [][]byte, fresh objectID) objectID {
	thread, known := fresh, false
	for i, h := range hashes {
		if id, ok := t.threadOf(h, got[i]); ok && !known {
			thread, known = id, true
		}
	}
	for i, h := range hashes {
		if _, ok := t.threadOf(h, got[i]); ok {
			continue
		}
		if t.threads == nil {
			t.threads = make(map[uint64]objectID)
		}
		t.threads[h] = thread
		key := appendKey64(t.buf[:0], keyThread, h)
		t.buf = append(append(key, recordVersion), thread[:]...)
		t.set(key, t.buf[len(key):])
	}
	return thread
}

// threadOf gives the thread of an identifier, stored or of this transaction.
func (t *txn) threadOf(h uint64, stored []byte) (id objectID, ok bool) {
	if len(stored) == 1+len(id) && stored[0] == recordVersion {
		return objectID(stored[1:]), true
	}
	id, ok = t.threads[h]
	return id, ok
}

// threadKeys are the keys that thread wants to have been read.
func threadKeys(keys [][]byte, hashes []uint64) [][]byte {
	buf := make([]byte, 0, 9*len(hashes))
	for _, h := range hashes {
		from := len(buf)
		buf = binary.BigEndian.AppendUint64(append(buf, keyThread), h)
		keys = append(keys, buf[from:])
	}
	return keys
}
