package queue

import (
	"reflect"
	"testing"

	"citron/engine/body"
	"citron/wire/smtp"
)

// roundTrips decode a value and, where that succeeds, encode and decode again.
var roundTrips = map[byte]func(v []byte) (first, second any, err error){
	keyHead: twice(decodeHead, func(h head) []byte { return h.append(nil) }),
	keyMessage: twice(decodeMessage, func(m *message) []byte {
		return m.append(nil)
	}),
	keyGroup:  twice(decodeGroup, func(g *group) []byte { return g.append(nil) }),
	keyMark:   twice(decodeMarks, func(m marks) []byte { return m.append(nil) }),
	keyOrigin: twice(decodeOrigin, func(o origin) []byte { return o.append(nil) }),
	keyHold:   twice(decodeHold, func(h hold) []byte { return h.append(nil) }),
}

func twice[T any](decode func([]byte) (T, error), encode func(T) []byte) func([]byte) (any, any, error) {
	return func(v []byte) (any, any, error) {
		first, err := decode(v)
		if err != nil {
			return nil, nil, err
		}
		second, err := decode(encode(first))
		return first, second, err
	}
}

// samples has a value of each kind with something in every field.
func samples() map[byte][]byte {
	h := head{1, 2, 3, 4}
	m := message{7, smtp.Path{Local: "a", Domain: "b"}, 9, body.Ref{Segment: 1, Offset: 32, Length: 9}, 18, 2, 3, 4, 5, 6, smtp.ByReturn, 7, 3, 1, 8}
	g := group{"example.com", 5, []rcpt{{1, 2, 3, 4, attempt{5, smtp.Status{Class: 4, Subject: 3, Detail: 2}, 451, "later", "mx"}}, {index: 2}}}
	w := marks{{5, "mx", []uint32{1, 2}}}
	o, d := origin{1, 2}, hold{3}
	return map[byte][]byte{keyHead: h.append(nil), keyMessage: m.append(nil), keyGroup: g.append(nil), keyMark: w.append(nil), keyOrigin: o.append(nil), keyHold: d.append(nil)}
}

func FuzzRecords(f *testing.F) {
	for letter, value := range samples() {
		f.Add(letter, value)
		f.Add(letter, value[:len(value)-1])
	}
	f.Fuzz(func(t *testing.T, letter byte, value []byte) {
		trip := roundTrips[letter]
		if trip == nil {
			return
		}
		first, second, err := trip(value)
		if first == nil {
			return // refused
		}
		if err != nil || !reflect.DeepEqual(first, second) {
			t.Fatalf("%+v comes back as %+v: %v", first, second, err)
		}
	})
}

// The samples are read, and none of their beginnings.
func TestRecordsComeBack(t *testing.T) {
	for letter, value := range samples() {
		if _, _, err := roundTrips[letter](value); err != nil {
			t.Errorf("%c: %v", letter, err)
		}
		for n := range value {
			if _, _, err := roundTrips[letter](value[:n]); err == nil {
				t.Errorf("%c cut to %d bytes is read", letter, n)
			}
		}
	}
}

func FuzzKeys(f *testing.F) {
	f.Add(scheduleKey("example.com", 9, place{5, slot{6, 7}}))
	f.Add(scheduleKey("", 0, place{}))
	f.Fuzz(func(t *testing.T, key []byte) {
		domain, level, p, ok := parseSchedule(key)
		if !ok || key[0] != keySchedule {
			return
		}
		if again := scheduleKey(domain, level, p); string(again) != string(key) {
			t.Fatalf("%q comes back as %q", key, again)
		}
	})
}

func FuzzID(f *testing.F) {
	f.Add("1k8997dg0")
	f.Fuzz(func(t *testing.T, s string) {
		if n := parseID(s); n != 0 && formatID(n) != s {
			t.Fatalf("%q comes back as %q", s, formatID(n))
		}
	})
}
