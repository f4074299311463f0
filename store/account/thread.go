package account

import (
	"encoding/binary"
	"slices"

	"citron/mail/message"
)

// A THREADID (RFC 8474 §5.2) is shared by messages that name each other, or a
// message not here, in Message-ID, In-Reply-To and References. The account
// remembers the thread of every identifier seen, under its 64-bit hash.

// maxAncestors bounds the identifiers of one message's ancestors that are
// looked up and remembered: the parents, the last of References and the first,
// by which even a long thread with gaps holds together.
const maxAncestors = 4

// threadIDs are the hashes of the identifiers of a message.
type threadIDs struct {
	ancestors []uint64 // parent first
	own       uint64   // 0: none
	asked     bool     // own is looked up, too: it may be awaited
}

// lookups is how many identifiers are looked up.
func (t *threadIDs) lookups() int {
	if t.asked {
		return len(t.ancestors) + 1
	}
	return len(t.ancestors)
}

func threadHashes(index []byte) (t threadIDs) {
	ix, err := message.OpenIndex(index)
	if err != nil {
		return t
	}
	ids := ix.IDs()
	for _, id := range ids.InReplyTo {
		t.add(id, maxAncestors-2)
	}
	n := len(ids.References)
	for i := n - 1; i > 0; i-- {
		t.add(ids.References[i], maxAncestors-1)
	}
	if n > 0 {
		t.add(ids.References[0], maxAncestors)
	}
	if ids.Message != "" {
		t.own = hashID(ids.Message)
	}
	return t
}

// add adds an ancestor, once, if there are fewer than limit.
func (t *threadIDs) add(id string, limit int) {
	if h := hashID(id); len(t.ancestors) < limit && !slices.Contains(t.ancestors, h) {
		t.ancestors = append(t.ancestors, h)
	}
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
// stored under each hash that was looked up. fresh is the identifier of a
// thread that begins.
func (t *txn) thread(ids *threadIDs, got [][]byte, fresh objectID) objectID {
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
		var stored []byte
		if ids.asked {
			stored = got[len(ids.ancestors)]
		}
		if id, ok := t.threadOf(ids.own, stored); ok && !known {
			thread = id
		}
		t.putThread(ids.own, thread)
	}
	if len(unseen) > 0 {
		t.await(unseen, thread)
	}
	return thread
}

// threadOf gives the thread of an identifier, stored, of this transaction or
// of one just before it. So the copies of a message that comes by two ways
// share a thread, although nobody awaited the second.
func (t *txn) threadOf(h uint64, stored []byte) (id objectID, ok bool) {
	if id, ok = t.threads[h]; ok {
		return id, true
	}
	if len(stored) == 1+len(id) && stored[0] == recordVersion {
		return objectID(stored[1:]), true
	}
	return t.a.lately.find(h)
}

// await remembers identifiers whose messages are not here.
func (t *txn) await(unseen []uint64, thread objectID) {
	for _, h := range unseen {
		t.putThread(h, thread)
	}
	if t.awaited == nil {
		t.awaited = t.a.awaited.Load()
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
func threadKeys(keys [][]byte, ids *threadIDs) [][]byte {
	buf := make([]byte, 0, 9*ids.lookups())
	for i := range ids.lookups() {
		h := ids.own
		if i < len(ids.ancestors) {
			h = ids.ancestors[i]
		}
		from := len(buf)
		buf = binary.BigEndian.AppendUint64(append(buf, keyThread), h)
		keys = append(keys, buf[from:])
	}
	return keys
}
