package queue

import (
	"encoding/binary"
	"fmt"
	"math"

	"citron/engine/body"
	"citron/engine/record"
	"citron/submission"
	"citron/wire/smtp"
)

// recordVersion is the first byte of every value written here.
const recordVersion = 1

// head counts what is there.
type head struct {
	next       uint64 // number of the next message
	messages   uint64
	recipients uint64 // not done
	bytes      uint64 // of messages
}

func (h *head) append(dst []byte) []byte {
	dst = append(dst, recordVersion)
	for _, n := range [...]uint64{h.next, h.messages, h.recipients, h.bytes} {
		dst = binary.AppendUvarint(dst, n)
	}
	return dst
}

func decodeHead(v []byte) (head, error) {
	d := record.Decode(v, recordVersion)
	h := head{d.Uint(), d.Uint(), d.Uint(), d.Uint()}
	return h, d.End()
}

// Why a message is held, in bits.
const (
	heldByID = 1 << iota
	heldByAccount
	heldFlags
)

// What comes with age, in bits.
const (
	passedDelay = 1 << iota
	passedDeadline
	passedFlags
)

// message is what changes about a message, and what a list shows.
type message struct {
	account  uint64
	from     smtp.Path
	size     int64
	ref      body.Ref // zero: inline
	level    byte
	pending  uint64 // recipients not done
	groups   uint32 // that there were at the beginning, numbered from 0
	received milli
	start    milli // from which its age counts
	deadline milli // RFC 2852; 0: none
	mode     smtp.ByMode
	age      milli // of its key in the index by age; 0: none
	passed   byte  // bits: what came with age and is done
	held     byte
	heldFrom milli
}

func (m *message) append(dst []byte) []byte {
	dst = append(dst, recordVersion)
	dst = binary.AppendUvarint(dst, m.account)
	dst = record.AppendString(record.AppendString(dst, m.from.Local), m.from.Domain)
	dst = binary.AppendUvarint(dst, uint64(m.size))
	dst = binary.AppendUvarint(dst, m.ref.Segment)
	if m.ref.Segment != 0 {
		dst = binary.AppendUvarint(dst, m.ref.Offset)
	}
	dst = append(dst, m.level)
	dst = binary.AppendUvarint(dst, m.pending)
	dst = binary.AppendUvarint(dst, uint64(m.groups))
	dst = binary.AppendUvarint(dst, uint64(m.received))
	dst = binary.AppendUvarint(dst, uint64(m.start))
	dst = binary.AppendUvarint(dst, uint64(m.deadline))
	dst = append(dst, byte(m.mode))
	dst = binary.AppendUvarint(dst, uint64(m.age))
	dst = append(dst, m.passed, m.held)
	return binary.AppendUvarint(dst, uint64(m.heldFrom))
}

func decodeMessage(v []byte) (*message, error) {
	d := record.Decode(v, recordVersion)
	m := &message{account: d.Uint()}
	m.from.Local = d.String()
	m.from.Domain = d.String()
	m.size = int64(d.UintUpTo(math.MaxInt64))
	if m.ref.Segment = d.Uint(); m.ref.Segment != 0 {
		m.ref.Offset, m.ref.Length = d.Uint(), uint64(m.size)
	}
	m.level = d.ByteUpTo(level(-9))
	m.pending, m.groups = d.Uint(), d.Uint32()
	m.received, m.start, m.deadline = decodeMilli(&d), decodeMilli(&d), decodeMilli(&d)
	m.mode = smtp.ByMode(d.ByteUpTo(byte(smtp.ByReturn)))
	m.age = decodeMilli(&d)
	m.passed, m.held, m.heldFrom = d.ByteUpTo(passedFlags-1), d.ByteUpTo(heldFlags-1), decodeMilli(&d)
	return m, d.End()
}

func decodeMilli(d *record.Decoder) milli { return milli(d.UintUpTo(math.MaxInt64)) }

// group is recipients of one domain that are not done.
type group struct {
	domain string
	due    milli // of its key in the schedule; 0: none, it is held
	rcpts  []rcpt
}

// rcpt is the state of a recipient.
type rcpt struct {
	index    uint32 // in Envelope.Rcpts
	attempts uint32
	told     byte // bits
	due      milli
	last     attempt // zero before the first
}

// What the sender was told of a recipient, in bits.
const (
	toldDelay = 1 << iota
	toldDeadline
	toldFlags
)

// attempt is how the last try ended.
type attempt struct {
	at     milli
	status smtp.Status
	code   int
	text   string
	host   string
}

// Texts of next hops are kept up to so many octets.
const (
	maxText = 1 << 10
	maxHost = 255
)

func (g *group) append(dst []byte) []byte {
	dst = append(dst, recordVersion)
	dst = record.AppendString(dst, g.domain)
	dst = binary.AppendUvarint(dst, uint64(g.due))
	dst = binary.AppendUvarint(dst, uint64(len(g.rcpts)))
	for i := range g.rcpts {
		r := &g.rcpts[i]
		dst = binary.AppendUvarint(dst, uint64(r.index))
		dst = binary.AppendUvarint(dst, uint64(r.attempts))
		dst = append(dst, r.told)
		dst = binary.AppendUvarint(dst, uint64(r.due))
		dst = r.last.append(dst)
	}
	return dst
}

func (a *attempt) append(dst []byte) []byte {
	if dst = binary.AppendUvarint(dst, uint64(a.at)); a.at == 0 {
		return dst
	}
	for _, n := range [...]uint64{uint64(a.status.Class), uint64(a.status.Subject), uint64(a.status.Detail), uint64(a.code)} {
		dst = binary.AppendUvarint(dst, n)
	}
	return record.AppendString(record.AppendString(dst, a.text), a.host)
}

// minRcpt is the length of the shortest recipient in a group.
const minRcpt = 5

func decodeGroup(v []byte) (*group, error) {
	d := record.Decode(v, recordVersion)
	g := &group{domain: d.String(), due: decodeMilli(&d)}
	g.rcpts = make([]rcpt, d.Count(minRcpt))
	for i := range g.rcpts {
		r := &g.rcpts[i]
		r.index, r.attempts = d.Uint32(), d.Uint32()
		r.told, r.due = d.ByteUpTo(toldFlags-1), decodeMilli(&d)
		r.last = decodeAttempt(&d)
	}
	if len(g.rcpts) == 0 {
		d.Fail(fmt.Errorf("%w: a group without recipients", record.ErrMalformed))
	}
	return g, d.End()
}

func decodeAttempt(d *record.Decoder) attempt {
	a := attempt{at: decodeMilli(d)}
	if a.at == 0 {
		return a
	}
	part := func() uint16 { return uint16(d.UintUpTo(math.MaxUint16)) }
	a.status = smtp.Status{Class: part(), Subject: part(), Detail: part()}
	a.code = int(d.UintUpTo(999))
	a.text = d.String()
	a.host = d.String()
	return a
}

// earliest is when the first recipient is due.
func (g *group) earliest() milli {
	var first milli
	for i := range g.rcpts {
		first = earlier(first, g.rcpts[i].due)
	}
	return first
}

// mark says that recipients may have been handed over.
type mark struct {
	at    milli
	host  string
	rcpts []uint32
}

// marks of one group, the oldest first.
type marks []mark

// maxMarks bounds the marks of a group; the oldest go.
const maxMarks = 16

func (list marks) append(dst []byte) []byte {
	dst = append(dst, recordVersion)
	dst = binary.AppendUvarint(dst, uint64(len(list)))
	for _, m := range list {
		dst = record.AppendString(binary.AppendUvarint(dst, uint64(m.at)), m.host)
		dst = binary.AppendUvarint(dst, uint64(len(m.rcpts)))
		for _, i := range m.rcpts {
			dst = binary.AppendUvarint(dst, uint64(i))
		}
	}
	return dst
}

func decodeMarks(v []byte) (marks, error) {
	d := record.Decode(v, recordVersion)
	list := make(marks, d.Count(3))
	for i := range list {
		list[i] = mark{at: decodeMilli(&d), host: d.String()}
		list[i].rcpts = make([]uint32, d.Count(1))
		for j := range list[i].rcpts {
			list[i].rcpts[j] = d.Uint32()
		}
	}
	return list, d.End()
}

// origin remembers what an Origin became.
type origin struct {
	id   uint64
	done milli // 0: not yet
}

func (o *origin) append(dst []byte) []byte {
	dst = binary.AppendUvarint(append(dst, recordVersion), o.id)
	return binary.AppendUvarint(dst, uint64(o.done))
}

func decodeOrigin(v []byte) (origin, error) {
	d := record.Decode(v, recordVersion)
	o := origin{id: d.Uint(), done: decodeMilli(&d)}
	return o, d.End()
}

// hold is since when a domain or an account is held.
type hold struct{ since milli }

func (h hold) append(dst []byte) []byte {
	return binary.AppendUvarint(append(dst, recordVersion), uint64(h.since))
}

func decodeHold(v []byte) (hold, error) {
	d := record.Decode(v, recordVersion)
	h := hold{decodeMilli(&d)}
	return h, d.End()
}

// damaged says that what is stored is not what was written.
func damaged(what string, id uint64, err error) error {
	return fmt.Errorf("%w: %s of message %s: %w; run citron verify", submission.ErrTemporary, what, formatID(id), err)
}
