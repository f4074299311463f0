package account

import (
	"encoding/base32"
	"encoding/binary"
	"time"

	"citron/engine/body"
	"citron/engine/record"
)

// objectID is the 128 bits of an EMAILID, THREADID or MAILBOXID: 48 bits of
// time in milliseconds and 80 random ones.
type objectID [16]byte

// object is a stored message, shared by its copies.
type object struct {
	refs     uint64 // entries and dark entries that name it
	emailID  objectID
	threadID objectID
	size     int64     // as stored; an entry has RFC822.SIZE
	arrived  time.Time // internal date at arrival
	ref      body.Ref  // zero: inline
}

// inline says that the message is in its header and inline records.
func (o *object) inline() bool { return o.ref == body.Ref{} }

func (o *object) append(dst []byte) []byte {
	dst = append(dst, recordVersion)
	dst = binary.AppendUvarint(dst, o.refs)
	dst = append(append(dst, o.emailID[:]...), o.threadID[:]...)
	dst = binary.AppendUvarint(dst, uint64(o.size))
	dst = appendDate(dst, o.arrived)
	dst = binary.AppendUvarint(dst, o.ref.Segment)
	if o.inline() {
		return dst
	}
	dst = binary.AppendUvarint(dst, o.ref.Offset)
	return binary.AppendUvarint(dst, o.ref.Length)
}

func decodeObject(v []byte) (o object, err error) {
	d := record.Decode(v, recordVersion)
	o.refs = d.Uint()
	copy(o.emailID[:], d.Take(16))
	copy(o.threadID[:], d.Take(16))
	o.size = int64(d.Uint())
	o.arrived = decodeDate(&d)
	if o.ref.Segment = d.Uint(); o.ref.Segment != 0 {
		o.ref.Offset, o.ref.Length = d.Uint(), d.Uint()
	}
	return o, d.End()
}

// objectAlphabet keeps time order and uses one case only (RFC 8474 §7).
var objectAlphabet = base32.NewEncoding("0123456789abcdefghijklmnopqrstuv").WithPadding(base32.NoPadding)

// text gives the identifier as clients see it: a letter for its kind (M email,
// T thread, F mailbox) and 26 digits.
func (id objectID) text(kind byte) string {
	var b [27]byte
	b[0] = kind
	objectAlphabet.Encode(b[1:], id[:])
	return string(b[:])
}

// The header record: version, 1 if it is the whole header, the header.
func appendHeader(dst, header []byte, whole bool) []byte {
	dst = append(dst, recordVersion, 0)
	if whole {
		dst[len(dst)-1] = 1
	}
	return append(dst, header...)
}

func decodeHeader(v []byte) (header []byte, whole bool, err error) {
	d := record.Decode(v, recordVersion)
	whole = d.Byte() == 1
	return d.Rest(), whole, d.End()
}

func decodeInline(v []byte) (rest []byte, whole bool, err error) {
	d := record.Decode(v, recordVersion)
	whole = d.Byte() == 1
	return d.Rest(), whole, d.End()
}
