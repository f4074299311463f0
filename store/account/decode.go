package account

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"
)

// recordVersion is the first byte of every value written here.
const recordVersion = 1

var errRecord = errors.New("record is malformed")

// decoder reads a value; after the first mistake it gives zeros and keeps the
// error.
type decoder struct {
	b   []byte
	err error
}

// decode begins with the version byte.
func decode(v []byte) decoder {
	d := decoder{b: v}
	switch version := d.u8(); {
	case d.err == nil && version != recordVersion:
		d.fail(fmt.Errorf("%w: version %d is not known", errRecord, version))
	}
	return d
}

func (d *decoder) fail(err error) {
	if d.err == nil {
		d.err = err
	}
	d.b = nil
}

func (d *decoder) u8() byte {
	if len(d.b) == 0 {
		d.fail(errRecord)
		return 0
	}
	c := d.b[0]
	d.b = d.b[1:]
	return c
}

func (d *decoder) uv() uint64 {
	if len(d.b) > 0 && d.b[0] < 0x80 {
		x := d.b[0]
		d.b = d.b[1:]
		return uint64(x)
	}
	x, n := binary.Uvarint(d.b)
	if n <= 0 {
		d.fail(errRecord)
		return 0
	}
	d.b = d.b[n:]
	return x
}

// uv32 is uv with an upper bound.
func (d *decoder) uv32() uint32 {
	x := d.uv()
	if x > 1<<32-1 {
		d.fail(errRecord)
		return 0
	}
	return uint32(x)
}

func (d *decoder) sv() int64 {
	x, n := binary.Varint(d.b)
	if n <= 0 {
		d.fail(errRecord)
		return 0
	}
	d.b = d.b[n:]
	return x
}

func (d *decoder) bytes(n uint64) []byte {
	if n > uint64(len(d.b)) {
		d.fail(errRecord)
		return nil
	}
	v := d.b[:n:n]
	d.b = d.b[n:]
	return v
}

func (d *decoder) str() string { return string(d.bytes(d.uv())) }

// count reads a number of things of at least one byte each.
func (d *decoder) count() int {
	n := d.uv()
	if n > uint64(len(d.b)) {
		d.fail(errRecord)
		return 0
	}
	return int(n)
}

// end is the error of the whole value, which must be used up.
func (d *decoder) end() error {
	if d.err == nil && len(d.b) > 0 {
		d.fail(fmt.Errorf("%w: %d bytes too many", errRecord, len(d.b)))
	}
	return d.err
}

func appendString(dst []byte, s string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}

// appendDate stores seconds and zone: INTERNALDATE is given back in the zone
// it came with.
func appendDate(dst []byte, t time.Time) []byte {
	_, offset := t.Zone()
	dst = binary.AppendVarint(dst, t.Unix())
	return binary.AppendVarint(dst, int64(offset/60))
}

func (d *decoder) date() time.Time {
	seconds, minutes := d.sv(), d.sv()
	return time.Unix(seconds, 0).In(zone(minutes))
}

// zone gives the location of an offset from UTC in minutes.
func zone(minutes int64) *time.Location {
	if minutes == 0 {
		return time.UTC
	}
	if i := minutes/15 + zoneSteps; minutes%15 == 0 && i >= 0 && i < int64(len(zones)) {
		return zones[i]
	}
	return time.FixedZone("", int(minutes%(24*60))*60)
}

// zones are the quarter hours from -16:00 to +16:00, made once, so that
// reading a date allocates nothing.
const zoneSteps = 64

var zones = func() (all [2*zoneSteps + 1]*time.Location) {
	for i := range all {
		all[i] = time.FixedZone("", (i-zoneSteps)*15*60)
	}
	return all
}()
