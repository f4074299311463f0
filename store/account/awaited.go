package account

import (
	"encoding/binary"

	"citron/engine/record"
)

// awaited tells of most message identifiers that no message here has named
// them yet, without a read: a Bloom filter of identifiers that were named
// before the message they belong to came. It forgets after one to two weeks;
// a message that comes later than that after its answer begins a thread of
// its own.
type awaited struct {
	since  int64 // UTC seconds: when now began
	now    [awaitedBytes]byte
	before [awaitedBytes]byte
	added  int // times something was added since it was stored
}

// saveAwaited is how often something is added before the filter is stored: what
// a restart forgets can only part a message from an answer that came before it.
const saveAwaited = 32

const (
	awaitedBytes = 256
	awaitedFor   = 7 * 24 * 3600 // seconds
)

// bits gives the two positions of a hash, which is evenly distributed.
func (*awaited) bits(h uint64) [2]uint64 {
	return [2]uint64{h % (8 * awaitedBytes), h >> 32 % (8 * awaitedBytes)}
}

// has is false only if the identifier is not awaited. A nil filter is empty.
func (a *awaited) has(h uint64) bool {
	if a == nil {
		return false
	}
	for _, bit := range a.bits(h) {
		if (a.now[bit/8]|a.before[bit/8])>>(bit%8)&1 == 0 {
			return false
		}
	}
	return true
}

// with gives a filter with some more identifiers.
func (a *awaited) with(hashes []uint64, at int64) *awaited {
	fresh := awaited{since: at}
	if a != nil {
		fresh = *a
	}
	if at-fresh.since >= awaitedFor {
		fresh.before, fresh.now, fresh.since = fresh.now, [awaitedBytes]byte{}, at
	}
	for _, h := range hashes {
		for _, bit := range fresh.bits(h) {
			fresh.now[bit/8] |= 1 << (bit % 8)
		}
	}
	fresh.added++
	return &fresh
}

func (a *awaited) append(dst []byte) []byte {
	dst = binary.AppendVarint(append(dst, recordVersion), a.since)
	return append(append(dst, a.now[:]...), a.before[:]...)
}

func decodeAwaited(v []byte) (*awaited, error) {
	a, d := new(awaited), record.Decode(v, recordVersion)
	a.since = d.Int()
	copy(a.now[:], d.Take(awaitedBytes))
	copy(a.before[:], d.Take(awaitedBytes))
	return a, d.End()
}

// lately remembers the threads of the last identifiers seen.
type lately struct {
	next    int
	hashes  [32]uint64
	threads [32]objectID
}

func (l *lately) find(h uint64) (id objectID, ok bool) {
	for i := range l.hashes {
		if l.hashes[i] == h {
			return l.threads[i], true
		}
	}
	return id, false
}

func (l *lately) add(h uint64, thread objectID) {
	l.hashes[l.next], l.threads[l.next] = h, thread
	l.next = (l.next + 1) % len(l.hashes)
}
