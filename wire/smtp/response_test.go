package smtp

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseResponse(t *testing.T) {
	tests := []struct {
		in   string
		want Response
		n    int
		bad  bool
	}{
		{"250 OK\r\nnext", Response{Code: 250, Lines: []string{"OK"}}, 8, false},
		{"250\r\n", Response{Code: 250, Lines: []string{""}}, 5, false},
		{"250-foo.edu\r\n250-PIPELINING\r\n250 SIZE\r\n", Response{Code: 250, Lines: []string{"foo.edu", "PIPELINING", "SIZE"}}, 39, false},
		{"550 5.1.1 no such user\r\n", Response{Code: 550, Status: Status{5, 1, 1}, Lines: []string{"5.1.1 no such user"}}, 24, false},
		{"452 4.2.2\r\n", Response{Code: 452, Status: Status{4, 2, 2}, Lines: []string{"4.2.2"}}, 11, false},
		{"250 5.1.1 class differs\r\n", Response{Code: 250, Lines: []string{"5.1.1 class differs"}}, 25, false},
		{"220 1.2.3.4 ready\r\n", Response{Code: 220, Lines: []string{"1.2.3.4 ready"}}, 19, false},
		{"250-half\r\n", Response{}, 0, false},
		{"25", Response{}, 0, false},
		{"650 x\r\n", Response{}, 0, true},
		{"2x0 x\r\n", Response{}, 0, true},
		{"250_x\r\n", Response{}, 0, true},
		{"250 x\n", Response{}, 0, true},
		{"250 a\rb\r\n", Response{}, 0, true},
		{"250-a\r\n251 b\r\n", Response{}, 0, true},
		{strings.Repeat("250-a\r\n", 4000), Response{}, 0, true},
		{strings.Repeat("x", MaxResponse+1), Response{}, 0, true},
	}
	for _, tt := range tests {
		got, n, err := ParseResponse([]byte(tt.in))
		if !cmp.Equal(got, tt.want) || n != tt.n || (err != nil) != tt.bad {
			t.Errorf("%.60q: %+v, %d, %v", tt.in, got, n, err)
		}
	}
}

func TestPlain(t *testing.T) {
	for text, want := range map[string]string{
		"5.1.1 no such user": "no such user", "5.1.1 no such\n5.1.1 user": "no such user", "5.1.1": "", "4.1.1 x\n\ny": "4.1.1 x  y", "": "",
	} {
		if got := Plain(550, text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	if got := Plain(0, "0.1.2 x\ny"); got != "0.1.2 x y" {
		t.Error(got)
	}
}

func TestReply(t *testing.T) {
	r := Reply{552, Status{5, 3, 4}, "too large"}
	if got := string(r.Append(nil)); got != "552 5.3.4 too large\r\n" {
		t.Error(got)
	}
	if got := r.Error(); got != "552 5.3.4 too large" {
		t.Error(got)
	}
	if got := string(AppendLines(nil, 250, "a", "b")); got != "250-a\r\n250 b\r\n" {
		t.Error(got)
	}
}

func TestParseChunk(t *testing.T) {
	for in, want := range map[string]Chunk{"86": {86, false}, "0 LAST": {0, true}, "1000 last": {1000, true}} {
		if got, err := ParseChunk([]byte(in)); got != want || err != nil {
			t.Errorf("%q: %v, %v", in, got, err)
		}
	}
	for _, in := range []string{"", "LAST", "-1", "1 FIRST", "1 ", "1 LAST x", "9999999999999999999", "0x10"} {
		if got, err := ParseChunk([]byte(in)); err != ErrChunk {
			t.Errorf("%q: %v, %v", in, got, err)
		}
	}
	c := Chunk{Size: 5}
	if a, b := c.Take([]byte("abc")), c.Take([]byte("defg")); string(a) != "abc" || string(b) != "de" || c.Size != 0 {
		t.Errorf("%q %q %d", a, b, c.Size)
	}
}

func FuzzResponse(f *testing.F) {
	f.Add([]byte("250-foo.edu\r\n250 SIZE\r\n"))
	f.Add([]byte("452 4.2.2 <green@foo.edu> is temporarily over quota\r\n"))
	f.Fuzz(func(t *testing.T, in []byte) {
		r, n, err := ParseResponse(in)
		if err != nil || n == 0 {
			return
		}
		if len(r.Lines) == 0 || r.Code < 200 || r.Code > 599 || bytes.Count(in[:n], []byte("\n")) != len(r.Lines) {
			t.Fatalf("%q: %+v", in[:n], r)
		}
	})
}

func FuzzChunk(f *testing.F) {
	f.Add([]byte("86 LAST"))
	f.Fuzz(func(t *testing.T, args []byte) {
		c, err := ParseChunk(args)
		if err != nil {
			return
		}
		line := AppendChunk(nil, c)
		if again, err := ParseChunk(ParseCommand(line[:len(line)-2]).Args); again != c || err != nil {
			t.Fatalf("%q: %v, again %v", args, c, again)
		}
	})
}
