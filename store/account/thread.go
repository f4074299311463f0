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

// threadIDs are the hashes of the identifiers of a message.
type threadIDs struct {
	ancestors []uint64 // parent first
	own       uint64   // 0: none
}

func threadHashes(index []byte) (t threadIDs) {
	ix, err := message.OpenIndex(index)
	if err != nil {
		return t
	}
	ids := ix.IDs()
	add := func(id string) {
		if len(t.ancestors) < maxThreadIDs {
			t.ancestors = append(t.ancestors, hashID(id))
		}
	}
	for _, id := range ids.InReplyTo {
		add(id)
	}
	for i := len(ids.References) - 1; i >= 0; i-- {
		add(ids.References[i])
	}
	if ids.Message != "" {
		t.own = hashID(ids.Message)
	}
	return t
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
// stored under each ancestor's hash. fresh is the identifier of a thread that
// begins. It must not be called before the operation's last refusal.
func (t *txn) thread(ids threadIDs, got [][]byte, fresh objectID) (objectID, error) {
	thread, known := fresh, false
	var unseen []uint64
	for i, h := range ids.ancestors {
		id, ok := t.threadOf(h, got[i])
		if !ok {
			unseen = append(unseen, h)
		} else if !known {
			thread, known = id, true
		}
	}
	if ids.own != 0 {
		id, ok, err := t.ownThread(ids.own)
		if err != nil {
			return thread, err
		}
		if ok && !known {
			thread = id
		}
		t.putThread(ids.own, thread)
		t.came = append(t.came, ids.own)
	}
	if len(unseen) > 0 {
		t.await(unseen, thread)
	}
	return thread, nil
}

// threadOf gives the thread of an identifier, stored or of this transaction.
func (t *txn) threadOf(h uint64, stored []byte) (id objectID, ok bool) {
	if id, ok = t.threads[h]; ok {
		return id, true
	}
	if len(stored) == 1+len(id) && stored[0] == recordVersion {
		return objectID(stored[1:]), true
	}
	return id, false
}

// ownThread gives the thread of those who named the message before it came,
// or of another copy of it that came lately. Only for what is awaited it costs
// a read.
func (t *txn) ownThread(own uint64) (id objectID, ok bool, err error) {
	if id, ok = t.a.lately.find(own); ok {
		return id, true, nil
	}
	if id, ok = t.threads[own]; ok {
		return id, true, nil
	}
	filter := t.a.awaited
	if t.awaited != nil {
		filter = t.awaited
	}
	if !filter.has(own) {
		return id, false, nil
	}
	stored, err := t.get(appendKey64(nil, keyThread, own))
	if err != nil {
		return id, false, err
	}
	id, ok = t.threadOf(own, stored)
	return id, ok, nil
}

// await remembers identifiers whose messages are not here.
func (t *txn) await(unseen []uint64, thread objectID) {
	for _, h := range unseen {
		t.putThread(h, thread)
	}
	if t.awaited == nil {
		t.awaited = t.a.awaited
	}
	t.awaited = t.awaited.with(unseen, t.now.Unix())
}

func (t *txn) putThread(h uint64, thread objectID) {
	if t.threads == nil {
		t.threads = make(map[uint64]objectID)
	}
	t.threads[h] = thread
	key := appendKey64(t.buf[:0], keyThread, h)
	t.buf = append(append(key, recordVersion), thread[:]...)
	t.set(key, t.buf[len(key):])
}

// threadKeys are the keys that thread wants to have been read.
func threadKeys(keys [][]byte, ids threadIDs) [][]byte {
	buf := make([]byte, 0, 9*len(ids.ancestors))
	for _, h := range ids.ancestors {
		from := len(buf)
		buf = binary.BigEndian.AppendUint64(append(buf, keyThread), h)
		keys = append(keys, buf[from:])
	}
	return keys
}
