package record_test

import (
	"encoding/binary"
	"errors"
	"testing"
	"time"

	"citron/engine/record"
)

// value has one of each kind.
func value(at time.Time, text string, n uint64, i int64) []byte {
	b := []byte{1}
	b = binary.AppendUvarint(b, n)
	b = binary.AppendVarint(b, i)
	b = record.AppendString(b, text)
	return append(record.AppendTime(b, at), 3)
}

type read struct {
	n    uint64
	i    int64
	text string
	at   time.Time
	kind byte
}

func decode(b []byte) (read, error) {
	d := record.Decode(b, 1)
	r := read{d.Uint(), d.Int(), d.String(), d.Time(), d.ByteUpTo(3)}
	return r, d.End()
}

func TestComesBack(t *testing.T) {
	for _, at := range []time.Time{{}, time.Unix(1e9, 5).UTC(), time.Unix(-1, 999_999_999).UTC()} {
		b := value(at, "text", 1<<63, -7)
		got, err := decode(b)
		if want := (read{1 << 63, -7, "text", at, 3}); got != want || err != nil {
			t.Errorf("%+v, want %+v; %v", got, want, err)
		}
		for n := range b {
			if _, err := decode(b[:n]); !errors.Is(err, record.ErrMalformed) {
				t.Errorf("cut to %d bytes: %v", n, err)
			}
		}
		if _, err := decode(append(b, 0)); !errors.Is(err, record.ErrMalformed) {
			t.Errorf("a byte too many: %v", err)
		}
	}
	d := record.Decode([]byte{1, 0xff, 0xff, 0xff, 0xff, 0x0f}, 1)
	if n := d.Count(1); n != 0 || !errors.Is(d.End(), record.ErrMalformed) {
		t.Errorf("%d things in no bytes", n)
	}
}

func TestParts(t *testing.T) {
	d := record.Decode([]byte{1, 0x80, 0x01, 'a', 'b', 'c'}, 1)
	if n, part, rest, none := d.Uint32(), d.Take(1), d.Rest(), d.Rest(); n != 128 || string(part) != "a" || string(rest) != "bc" || none == nil || d.End() != nil {
		t.Errorf("%d, %q, %q, %v: %v", n, part, rest, none, d.End())
	}
	for name, fn := range map[string]func(d *record.Decoder) bool{
		"more than there is": func(d *record.Decoder) bool { return d.Take(6) == nil },
		"a large number":     func(d *record.Decoder) bool { return d.Uint32() == 0 },
	} {
		d := record.Decode([]byte{1, 0x80, 0x80, 0x80, 0x80, 0x10}, 1)
		if !fn(&d) || d.Rest() != nil || d.Byte() != 0 || !errors.Is(d.Err(), record.ErrMalformed) {
			t.Errorf("%s: %v", name, d.Err())
		}
	}
}

// A value without strings is read without an allocation.
func TestAllocatesNothing(t *testing.T) {
	b := value(time.Unix(1e9, 5), "text", 1<<40, -7)
	if n := testing.AllocsPerRun(100, func() {
		d := record.Decode(b, 1)
		d.Uint()
		d.Int()
		d.Bytes()
		d.Time()
		d.Rest()
		if d.End() != nil {
			t.Fatal(d.End())
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzDecoder(f *testing.F) {
	f.Add(value(time.Unix(1e9, 5), "text", 7, -7))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := decode(b)
		if err != nil {
			return
		}
		again, err := decode(append(value(r.at, r.text, r.n, r.i)[:len(value(r.at, r.text, r.n, r.i))-1], r.kind))
		if err != nil || again != r {
			t.Fatalf("%+v comes back as %+v: %v", r, again, err)
		}
	})
}
