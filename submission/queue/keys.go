package queue

import (
	"encoding/binary"
	"strconv"

	"citron/engine/kv"
)

// The first byte of every key; docs/key-layout.md describes each.
const (
	keyHead     = 'h'
	keyMessage  = 'm'
	keyEnvelope = 'e'
	keyBody     = 'b'
	keyGroup    = 'g'
	keySchedule = 's'
	keyAge      = 'a'
	keyMark     = 'w'
	keyOrigin   = 'o'
	keyOldest   = 'x' // of origins
	keyHold     = 'd'
)

// The second byte of the keys of holds.
const (
	holdDomain  = 1
	holdAccount = 2
)

// slot names a group of a message.
type slot struct {
	id    uint64
	group uint32
}

// place is where a group stands in the schedule of its domain and priority.
type place struct {
	due milli
	slot
}

func (p place) before(o place) bool {
	switch {
	case p.due != o.due:
		return p.due < o.due
	case p.id != o.id:
		return p.id < o.id
	}
	return p.group < o.group
}

// next is the place just after.
func (p place) next() place {
	if p.group++; p.group == 0 {
		p.id++
	}
	return p
}

// ID is the name of message number n: base 32, as in EMAILIDs.
func formatID(n uint64) string { return strconv.FormatUint(n, 32) }

// parseID gives the number of a name, 0 if it is none.
func parseID(s string) uint64 {
	n, err := strconv.ParseUint(s, 32, 64)
	if err != nil || formatID(n) != s {
		return 0
	}
	return n
}

func key64(letter byte, n uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte{letter}, n)
}

func messageKey(id uint64) []byte  { return key64(keyMessage, id) }
func envelopeKey(id uint64) []byte { return key64(keyEnvelope, id) }
func bodyKey(id uint64) []byte     { return key64(keyBody, id) }

func slotKey(letter byte, s slot) []byte {
	return binary.BigEndian.AppendUint32(key64(letter, s.id), s.group)
}

func groupKey(s slot) []byte { return slotKey(keyGroup, s) }
func markKey(s slot) []byte  { return slotKey(keyMark, s) }

// level is a priority as it stands in the schedule: the highest sorts first.
func level(priority int8) byte { return byte(9 - priority) }

// levelKey begins the keys of a domain's groups of one level. A domain has no
// NUL, so that none begins another's.
func levelKey(domain string, level byte) []byte {
	return append(append(append([]byte{keySchedule}, domain...), 0), level)
}

func scheduleKey(domain string, level byte, p place) []byte {
	k := binary.BigEndian.AppendUint64(levelKey(domain, level), uint64(p.due))
	k = binary.BigEndian.AppendUint64(k, p.id)
	return binary.BigEndian.AppendUint32(k, p.group)
}

// placeLen is the length of what follows the level in a key of the schedule.
const placeLen = 8 + 8 + 4

// parseSchedule takes a key of the schedule apart.
func parseSchedule(key []byte) (domain string, level byte, p place, ok bool) {
	n := len(key) - placeLen
	if n < 3 || key[n-2] != 0 {
		return "", 0, place{}, false
	}
	at := key[n:]
	return string(key[1 : n-2]), key[n-1], place{milli(binary.BigEndian.Uint64(at)),
		slot{binary.BigEndian.Uint64(at[8:]), binary.BigEndian.Uint32(at[16:])}}, true
}

func ageKey(at milli, id uint64) []byte {
	return binary.BigEndian.AppendUint64(key64(keyAge, uint64(at)), id)
}

func originKey(origin string) []byte { return append([]byte{keyOrigin}, origin...) }

func oldestKey(at milli, origin string) []byte {
	return append(key64(keyOldest, uint64(at)), origin...)
}

func holdDomainKey(domain string) []byte { return append([]byte{keyHold, holdDomain}, domain...) }

func holdAccountKey(account uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte{keyHold, holdAccount}, account)
}

func limited(r kv.Range, n int) kv.Range {
	r.Limit = n
	return r
}
