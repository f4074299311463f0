package account

import (
	"crypto/sha256"
	"encoding/binary"

	"citron/engine/kv"
	"citron/engine/record"
)

// The second byte of the keys of what is sent from the account.
const (
	outboxAttempt = 1 // an attempt, while it is remembered
	outboxWaiting = 2 // its message, until the queue has it
	outboxOrder   = 3 // when to look at it next
)

func attemptKey(name string) []byte { return append([]byte{keyOutbox, outboxAttempt}, name...) }
func waitingKey(name string) []byte { return append([]byte{keyOutbox, outboxWaiting}, name...) }

// orderKey orders attempts by the time (UTC seconds) of the next look.
func orderKey(at int64, name string) []byte {
	return append(binary.BigEndian.AppendUint64([]byte{keyOutbox, outboxOrder}, uint64(max(at, 0))), name...)
}

// orderName is the attempt of an order key.
func orderName(key []byte) string { return string(key[orderNameAt:]) }

const orderNameAt = 2 + 8

func waitingRange() kv.Range { return kv.Prefix([]byte{keyOutbox, outboxWaiting}) }

// attempt is what is remembered of an attempt to send.
type attempt struct {
	at       int64 // UTC seconds
	request  [sha256.Size]byte
	draft    DraftID
	validity uint32 // of the sent copy; 0: none
	uid      UID
	queued   string // "": not yet
}

func (r *attempt) append(dst []byte) []byte {
	dst = binary.AppendUvarint(append(dst, recordVersion), uint64(max(r.at, 0)))
	dst = append(dst, r.request[:]...)
	dst = record.AppendString(dst, r.draft.Name)
	for _, x := range [...]uint32{uint32(r.draft.Mailbox), r.draft.UIDValidity, uint32(r.draft.UID), r.validity, uint32(r.uid)} {
		dst = binary.AppendUvarint(dst, uint64(x))
	}
	return record.AppendString(dst, r.queued)
}

func decodeAttempt(v []byte) (r attempt, err error) {
	d := record.Decode(v, recordVersion)
	r.at = int64(d.Uint())
	copy(r.request[:], d.Take(sha256.Size))
	r.draft.Name = d.String()
	r.draft.Mailbox, r.draft.UIDValidity, r.draft.UID = MailboxID(d.Uint32()), d.Uint32(), UID(d.Uint32())
	r.validity, r.uid = d.Uint32(), UID(d.Uint32())
	r.queued = d.String()
	return r, d.End()
}

// shown is the attempt as callers know it.
func (r *attempt) shown(name string) Attempt {
	return Attempt{Name: name, At: unix(r.at), Queued: r.queued, UIDValidity: r.validity, UID: r.uid}
}

// waiting is the message of an attempt, which has a reference to the object,
// and its envelope.
type waiting struct {
	object   ObjectID
	envelope []byte
}

func (w *waiting) append(dst []byte) []byte {
	return append(binary.AppendUvarint(append(dst, recordVersion), uint64(w.object)), w.envelope...)
}

func decodeWaiting(v []byte) (w waiting, err error) {
	d := record.Decode(v, recordVersion)
	w.object = ObjectID(d.Uint())
	w.envelope = d.Rest()
	return w, d.End()
}
