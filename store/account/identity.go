package account

import (
	"encoding/binary"
	"math/rand/v2"
	"time"
)

// newObjectID makes an identifier that no other message, thread or mailbox
// has, here or on another server.
func newObjectID(now time.Time) (id objectID) {
	binary.BigEndian.PutUint64(id[:8], uint64(now.UnixMilli())<<16|rand.Uint64()>>48)
	binary.BigEndian.PutUint64(id[8:], rand.Uint64())
	return id
}

// nextValidity gives a UIDVALIDITY above all that were ever given out:
// seconds since 1970, as long as mailboxes are made no faster than that.
func (h *head) nextValidity(now time.Time) uint32 {
	h.lastValidity = max(h.lastValidity+1, uint32(now.Unix()))
	return h.lastValidity
}
