package kv_test

import (
	"bytes"
	"testing"

	"citron/engine/kv"
)

func TestPrefixEnd(t *testing.T) {
	for _, c := range []struct{ prefix, end string }{
		{"a", "b"}, {"ab", "ac"}, {"a\xff", "b"}, {"a\xff\xff", "b"}, {"a\x00", "a\x01"}, {"\xff", ""}, {"\xff\xff", ""}, {"", ""},
	} {
		p := []byte(c.prefix)
		end := kv.PrefixEnd(p)
		if string(end) != c.end || (end == nil) != (c.end == "") {
			t.Errorf("after %q: %q, want %q", c.prefix, end, c.end)
		}
		if string(p) != c.prefix {
			t.Errorf("%q was changed", c.prefix)
		}
		if r := kv.Prefix(p).NoValues(); !bytes.Equal(r.From, p) || !bytes.Equal(r.To, end) || !r.KeysOnly {
			t.Errorf("%q: %+v", c.prefix, r)
		}
	}
}
