// Package record reads and writes the values that stand under an engine's keys:
// a version byte, then numbers as varints and strings with their lengths.
//
// Writing appends, with encoding/binary and the few functions here. Reading is
// one Decoder, which never reads beyond its bytes, never allocates more than
// they are long, and keeps its first error, so that a record is read without a
// look at each step:
//
//	d := record.Decode(value, 1)
//	r.count, r.name = d.Uint(), d.String()
//	return r, d.End()
//
// What a value is beyond that (dates with zones, ranges of UIDs) is its
// package's own, made of these.
package record

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"time"
)

// ErrMalformed: a value is not what was written.
var ErrMalformed = errors.New("record is malformed")

// Decoder reads a value; after the first mistake it gives zeros. It is a value
// that stays where it is declared: entries of mailboxes are read by the hundred
// thousand, and nothing is allocated for them.
type Decoder struct {
	b   []byte
	err error
}

// Decode begins with the version byte, which must be this one.
func Decode(value []byte, version byte) Decoder {
	d := Decoder{b: value}
	if v := d.Byte(); v != version {
		d.Fail(fmt.Errorf("%w: version %d is not known", ErrMalformed, v))
	}
	return d
}

// Fail makes the rest of the value unreadable, for a reason the caller found.
func (d *Decoder) Fail(err error) {
	if d.err == nil {
		d.err = err
	}
	d.b = nil
}

// Byte reads one byte.
func (d *Decoder) Byte() byte {
	if len(d.b) == 0 {
		d.Fail(ErrMalformed)
		return 0
	}
	c := d.b[0]
	d.b = d.b[1:]
	return c
}

// ByteUpTo reads a byte that is one of 0 to most.
func (d *Decoder) ByteUpTo(most byte) byte {
	c := d.Byte()
	if c > most {
		d.Fail(fmt.Errorf("%w: %d where there are %d kinds", ErrMalformed, c, most+1))
		return 0
	}
	return c
}

// Uint reads an unsigned varint.
func (d *Decoder) Uint() uint64 {
	if len(d.b) > 0 && d.b[0] < 0x80 { // most are one byte
		x := d.b[0]
		d.b = d.b[1:]
		return uint64(x)
	}
	x, n := binary.Uvarint(d.b)
	if n <= 0 {
		d.Fail(ErrMalformed)
		return 0
	}
	d.b = d.b[n:]
	return x
}

// UintUpTo reads an unsigned varint of at most most.
func (d *Decoder) UintUpTo(most uint64) uint64 {
	x := d.Uint()
	if x > most {
		d.Fail(fmt.Errorf("%w: %d is above %d", ErrMalformed, x, most))
		return 0
	}
	return x
}

// Uint32 reads an unsigned varint of 32 bits.
func (d *Decoder) Uint32() uint32 { return uint32(d.UintUpTo(math.MaxUint32)) }

// Int reads a signed (zigzag) varint.
func (d *Decoder) Int() int64 {
	x, n := binary.Varint(d.b)
	if n <= 0 {
		d.Fail(ErrMalformed)
		return 0
	}
	d.b = d.b[n:]
	return x
}

// Bytes reads a length and so many bytes, which are those of the value.
func (d *Decoder) Bytes() []byte { return d.Take(d.Uint()) }

// Take reads n bytes, which are those of the value; nil if there are fewer.
func (d *Decoder) Take(n uint64) []byte {
	if n > uint64(len(d.b)) {
		d.Fail(ErrMalformed)
		return nil
	}
	v := d.b[:n:n]
	d.b = d.b[n:]
	return v
}

// Rest reads all that is left, which is the value's; nil only after a mistake.
func (d *Decoder) Rest() []byte { return d.Take(uint64(len(d.b))) }

// String is Bytes, copied.
func (d *Decoder) String() string { return string(d.Bytes()) }

// Count reads the number of things that follow, of at least size bytes each.
func (d *Decoder) Count(size int) int {
	n := d.Uint()
	if n > uint64(len(d.b)/size) {
		d.Fail(ErrMalformed)
		return 0
	}
	return int(n)
}

// Time reads what AppendTime wrote.
func (d *Decoder) Time() time.Time {
	seconds, nanos := d.Int(), d.UintUpTo(uint64(time.Second-1))
	if d.err != nil {
		return time.Time{}
	}
	return time.Unix(seconds, int64(nanos)).UTC()
}

// Err is the first mistake so far.
func (d *Decoder) Err() error { return d.err }

// End is the error of the whole value, which must be used up.
func (d *Decoder) End() error {
	if d.err == nil && len(d.b) > 0 {
		d.Fail(fmt.Errorf("%w: %d bytes too many", ErrMalformed, len(d.b)))
	}
	return d.err
}

// AppendString appends a length and the bytes.
func AppendString(dst []byte, s string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}

// AppendTime appends seconds since 1970 and nanoseconds, in 6 to 10 bytes; the
// zone is not kept. The zero time comes back as zero.
func AppendTime(dst []byte, t time.Time) []byte {
	dst = binary.AppendVarint(dst, t.Unix())
	return binary.AppendUvarint(dst, uint64(t.Nanosecond()))
}
