package smtp

import (
	"bytes"
	"testing"
)

// decodeDots feeds input in pieces of n and gives the message and what follows.
func decodeDots(t testing.TB, input []byte, n int) (message, rest []byte, done bool) {
	var d DotDecoder
	for len(input) > 0 && !done {
		var piece []byte
		var taken int
		piece, taken, done = d.Next(input[:min(n, len(input))])
		if taken == 0 && len(piece) == 0 && !done {
			t.Fatalf("no progress at %q", input)
		}
		message = append(message, piece...)
		input = input[taken:]
	}
	return message, input, done
}

func TestDotDecoder(t *testing.T) {
	tests := []struct{ in, want, rest string }{
		{".\r\n", "", ""},
		{"a\r\n.\r\nQUIT\r\n", "a\r\n", "QUIT\r\n"},
		{"..\r\n.\r\n", ".\r\n", ""},
		{"...a\r\n..b\r\n.\r\n", "..a\r\n.b\r\n", ""},
		{".a\r\n.\r\n", "a\r\n", ""},
		{"a\r\n\r\n.\r\n", "a\r\n\r\n", ""},
		// Only CRLF.CRLF ends a message: what smuggling tries.
		{"a\n.\nb\r\n.\r\n", "a\n.\nb\r\n", ""},
		{"a\n.\r\nb\r\n.\r\n", "a\n.\r\nb\r\n", ""},
		{"a\r\n.\nb\r\n.\r\n", "a\r\n\nb\r\n", ""},
		{"a\r\n.\rb\r\n.\r\n", "a\r\n\rb\r\n", ""},
		{"a\r.\r\nb\r\n.\r\n", "a\r.\r\nb\r\n", ""},
		{"a\r\n.\r\r\n.\r\n", "a\r\n\r\r\n", ""},
		{"a\r\r\n.\r\nx", "a\r\r\n", "x"},
		{"nul \x00 and \xff stay\r\n.\r\n", "nul \x00 and \xff stay\r\n", ""},
	}
	for _, tt := range tests {
		for n := 1; n <= len(tt.in); n++ {
			got, rest, done := decodeDots(t, []byte(tt.in), n)
			if !done || string(got) != tt.want || string(rest) != tt.rest {
				t.Errorf("%q in pieces of %d: %q, rest %q, done %v", tt.in, n, got, rest, done)
			}
		}
	}
}

func TestDotEncoder(t *testing.T) {
	for in, want := range map[string]string{
		"":              ".\r\n",
		"a":             "a\r\n.\r\n",
		"a\r\n":         "a\r\n.\r\n",
		".\r\n":         "..\r\n.\r\n",
		"a\r\n.\r\n..b": "a\r\n..\r\n...b\r\n.\r\n",
		"a\n.b\r\n":     "a\n.b\r\n.\r\n",
		"\r\n.\r\n":     "\r\n..\r\n.\r\n",
	} {
		for n := 1; n <= len(in)+1; n++ {
			var e DotEncoder
			var got []byte
			for rest := []byte(in); len(rest) > 0; rest = rest[min(n, len(rest)):] {
				got = e.Append(got, rest[:min(n, len(rest))])
			}
			if got = e.End(got); string(got) != want {
				t.Errorf("%q in pieces of %d: %q, want %q", in, n, got, want)
			}
		}
	}
}

// FuzzDots: pieces make no difference; stuffing and unstuffing is identity but
// for a last CRLF; and what is decoded ended with CRLF.CRLF.
func FuzzDots(f *testing.F) {
	f.Add([]byte("a\r\n..b\r\n.\r\nQUIT\r\n"), uint8(2))
	f.Add([]byte("a\n.\n\r.\r\n\r\n.\r\r\n.\r\n"), uint8(1))
	f.Fuzz(func(t *testing.T, p []byte, n uint8) {
		whole, rest, done := decodeDots(t, p, len(p)+1)
		pieces, rest2, done2 := decodeDots(t, p, int(n)+1)
		if !bytes.Equal(whole, pieces) || !bytes.Equal(rest, rest2) || done != done2 {
			t.Fatalf("%q: %q, in pieces %q", p, whole, pieces)
		}
		if end := p[:len(p)-len(rest)]; done && !bytes.HasSuffix(append([]byte("\r\n"), end...), []byte("\r\n.\r\n")) {
			t.Fatalf("%q ended a message", end)
		}
		var e DotEncoder
		stuffed := e.End(e.Append(nil, p))
		back, rest, done := decodeDots(t, stuffed, int(n)+1)
		if !done || len(rest) > 0 || !bytes.Equal(bytes.TrimSuffix(back, crlfDot[:2]), bytes.TrimSuffix(p, crlfDot[:2])) {
			t.Fatalf("%q: stuffed %q, back %q", p, stuffed, back)
		}
	})
}
