package smtp

import (
	"bytes"
	"strings"
	"testing"
)

// readLines feeds input in pieces of n octets and gives lines and errors.
func readLines(r *LineReader, input []byte, n int) (out []string) {
	for len(input) > 0 {
		piece := input[:min(n, len(input))]
		line, taken, err := r.Next(piece)
		switch {
		case err != nil:
			out = append(out, "! "+err.(Reply).Text)
		case line != nil:
			out = append(out, string(line))
		}
		input = input[taken:]
	}
	return out
}

func TestLineReader(t *testing.T) {
	long := strings.Repeat("x", 30)
	input := []byte("NOOP\r\n\r\nMAIL FROM:<a@b>\r\nbare\nCR\rinside\r\nN\x00L\r\n" + long + "\r\nQUIT\r\nrest")
	want := []string{"NOOP", "", "MAIL FROM:<a@b>", "! " + ErrLineEnd.Text, "! " + ErrLineEnd.Text, "! " + ErrNUL.Text, "! " + ErrLineTooLong.Text, "QUIT"}
	for n := 1; n <= len(input); n++ {
		r := &LineReader{Max: 20}
		got := readLines(r, input, n)
		if strings.Join(got, "|") != strings.Join(want, "|") {
			t.Fatalf("in pieces of %d: %q", n, got)
		}
		if string(r.part) != "rest" {
			t.Fatalf("in pieces of %d: kept %q", n, r.part)
		}
	}
}

func TestLineReaderIsBounded(t *testing.T) {
	var r LineReader
	for range 1000 {
		r.Next(bytes.Repeat([]byte("x"), 4096))
		if cap(r.part) > 2*MaxLine {
			t.Fatalf("keeps %d octets of an endless line", cap(r.part))
		}
	}
	if _, _, err := r.Next([]byte("\r\n")); err != ErrLineTooLong {
		t.Fatal(err)
	}
	if line, _, err := r.Next([]byte("NOOP\r\n")); string(line) != "NOOP" || err != nil {
		t.Fatalf("%q, %v", line, err)
	}
}

func TestParseCommand(t *testing.T) {
	for line, want := range map[string]string{
		"NOOP":            "NOOP|",
		"noop":            "NOOP|",
		"Mail FROM:<a@b>": "MAIL|FROM:<a@b>",
		"STARTTLS":        "STARTTLS|",
		"QUIT  ":          "QUIT|",
		"LHLO   x ":       "LHLO|x",
		"":                "|",
		"TOOLONGVERB x":   "|",
		"X-FOO":           "|",
		"NO\x00P":         "|",
		" NOOP":           "|NOOP",
	} {
		c := ParseCommand([]byte(line))
		if got := string(c.Verb()) + "|" + string(c.Args); got != want {
			t.Errorf("%q: %s, want %s", line, got, want)
		}
	}
}

func TestLineReaderAllocatesNothing(t *testing.T) {
	var r LineReader
	in := []byte("RCPT TO:<alice@example.org>\r\n")
	if n := testing.AllocsPerRun(100, func() { r.Next(in) }); n != 0 {
		t.Fatalf("%v allocations a line", n)
	}
}

// FuzzLines: pieces make no difference, and memory is bounded.
func FuzzLines(f *testing.F) {
	f.Add([]byte("LHLO foo.edu\r\nMAIL FROM:<chris@bar.com>\r\n"), uint8(3))
	f.Add([]byte("a\nb\rc\x00\r\n"), uint8(1))
	f.Fuzz(func(t *testing.T, input []byte, n uint8) {
		whole := readLines(&LineReader{Max: 64}, input, len(input)+1)
		r := &LineReader{Max: 64}
		pieces := readLines(r, input, int(n)+1)
		if strings.Join(whole, "\x01") != strings.Join(pieces, "\x01") {
			t.Fatalf("%q: %q, in pieces %q", input, whole, pieces)
		}
		for _, line := range whole {
			ParseCommand([]byte(line))
		}
	})
}
