package imap_test

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"citron/wire/imap"
)

// decide is what a test session does at a literal: 'i'nline, 's'ink or
// 'r'efuse; literals of more than 100 octets are sunk, those of size 7
// refused, and what cannot be inline is refused.
func decide(s *imap.Scanner) byte {
	size := s.Literal().Size
	switch {
	case size > 100:
		s.Sink()
		return 's'
	case size == 7 || s.Inline() != nil:
		s.Refuse()
		return 'r'
	}
	return 'i'
}

// trace feeds input in pieces of n octets and tells what happened, the octets
// of sunk literals in one piece each.
func trace(limits imap.Limits, input string, n int) []string {
	s := imap.Scanner{Limits: limits}
	var events []string
	var sunk strings.Builder
	note := func(format string, a ...any) { events = append(events, fmt.Sprintf(format, a...)) }
	for len(input) > 0 {
		piece := input[:min(n, len(input))]
		input = input[len(piece):]
		for {
			used, ev, err := s.Feed([]byte(piece))
			taken := piece[:used]
			piece = piece[used:]
			if err != nil {
				var e *imap.Error
				if !errors.As(err, &e) {
					panic(err)
				}
				sunk.Reset()
				note("error %v tag=%q", e.Kind, e.Tag)
				continue
			}
			switch ev {
			case imap.FrameReady:
				note("frame %q sinks=%d", s.Frame().Bytes, s.Frame().Sinks())
			case imap.LiteralStart:
				lit := s.Literal()
				before := string(s.Frame().Bytes)
				note("literal %d nonsync=%v binary=%v %c after %q", lit.Size, lit.NonSync, lit.Binary, decide(&s), before)
			case imap.SinkData:
				sunk.WriteString(taken)
			case imap.SinkEnd:
				note("sunk %q", sunk.String())
				sunk.Reset()
			}
			if ev == imap.NeedMore {
				break
			}
		}
	}
	s.Release()
	note("between=%v", s.Between())
	return events
}

var scannerTests = []struct {
	name, input string
	want        []string
}{
	{"commands", "a NOOP\r\nb CHECK\r\n", []string{`frame "a NOOP" sinks=0`, `frame "b CHECK" sinks=0`, "between=true"}},
	{"empty line", "\r\n", []string{`frame "" sinks=0`, "between=true"}},
	{"half", "a NOOP", []string{"between=false"}},
	{"literals", "A001 LOGIN {11}\r\nFRED FOOBAR {8+}\r\nfat {1}\r\r\n", []string{
		`literal 11 nonsync=false binary=false i after "A001 LOGIN {11}\r\n"`,
		`literal 8 nonsync=true binary=false i after "A001 LOGIN {11}\r\nFRED FOOBAR {8+}\r\n"`,
		`frame "A001 LOGIN {11}\r\nFRED FOOBAR {8+}\r\nfat {1}\r" sinks=0`, "between=true"}},
	{"empty literal", "a LOGIN {0+}\r\n x\r\n", []string{
		`literal 0 nonsync=true binary=false i after "a LOGIN {0+}\r\n"`, `frame "a LOGIN {0+}\r\n x" sinks=0`, "between=true"}},
	{"sink", "a APPEND x ~{101+}\r\n" + strings.Repeat("\x00", 101) + " ~{2}\r\n\x00\x00\r\n", []string{
		`literal 101 nonsync=true binary=true s after "a APPEND x ~{101+}\r\n"`, fmt.Sprintf("sunk %q", strings.Repeat("\x00", 101)),
		`literal 2 nonsync=false binary=true i after "a APPEND x ~{101+}\r\n ~{2}\r\n"`,
		`frame "a APPEND x ~{101+}\r\n ~{2}\r\n\x00\x00" sinks=1`, "between=true"}},
	{"refuse sync", "a LOGIN {7}\r\nb NOOP\r\n", []string{
		`literal 7 nonsync=false binary=false r after "a LOGIN {7}\r\n"`, `frame "b NOOP" sinks=0`, "between=true"}},
	{"refuse nonsync", "a LOGIN {7+}\r\n\r\nb x\r\n {3+}\r\n\r\n1 {5}\r\nb NOOP\r\n", []string{
		`literal 7 nonsync=true binary=false r after "a LOGIN {7+}\r\n"`, `frame "b NOOP" sinks=0`, "between=true"}},
	{"bare LF", "a NOOP\nb NOOP\r\n", []string{`error bad line tag="a"`, `frame "b NOOP" sinks=0`, "between=true"}},
	{"bare CR", "a NO\rOP\r\nb NOOP\r\n", []string{`error bad line tag="a"`, `frame "b NOOP" sinks=0`, "between=true"}},
	{"NUL", "a NO\x00OP {3+}\r\nx\r\n\r\nb NOOP\r\n", []string{`error bad line tag="a"`, `frame "b NOOP" sinks=0`, "between=true"}},
	{"NUL in literal", "a LOGIN {3+}\r\nx\x00y z\r\nb NOOP\r\n", []string{
		`literal 3 nonsync=true binary=false i after "a LOGIN {3+}\r\n"`, `error bad line tag="a"`, `frame "b NOOP" sinks=0`, "between=true"}},
	{"NUL in sink", "a APPEND x {101}\r\n\x00" + strings.Repeat("x", 100) + "\r\nb NOOP\r\n", []string{
		`literal 101 nonsync=false binary=false s after "a APPEND x {101}\r\n"`, `error bad line tag="a"`, `frame "b NOOP" sinks=0`, "between=true"}},
	{"too long", "a " + strings.Repeat("x", 600) + " {4+}\r\n1234 {2}\r\nb NOOP\r\n", []string{`error too large tag="a"`, `frame "b NOOP" sinks=0`, "between=true"}},
	{"no tag", strings.Repeat("x", 600) + "\r\nb NOOP\r\n", []string{`error too large tag=""`, `frame "b NOOP" sinks=0`, "between=true"}},
	{"overflowing size", "a LOGIN {9223372036854775808+}\r\nb NOOP\r\n", []string{
		`frame "a LOGIN {9223372036854775808+}" sinks=0`, `frame "b NOOP" sinks=0`, "between=true"}},
	{"not literals", "a {}\r\nb {+}\r\nc {1+ }\r\nd 1}\r\n", []string{`frame "a {}" sinks=0`, `frame "b {+}" sinks=0`, `frame "c {1+ }" sinks=0`, `frame "d 1}" sinks=0`, "between=true"}},
}

func TestScanner(t *testing.T) {
	limits := imap.Limits{Line: 256, Literal: 64, Frame: 512}
	for _, c := range scannerTests {
		whole := trace(limits, c.input, len(c.input))
		if len(c.want) > 0 {
			if diff := cmp.Diff(c.want, whole); diff != "" {
				t.Errorf("%s: %s", c.name, diff)
			}
		}
		for n := 1; n < 40; n++ {
			if diff := cmp.Diff(whole, trace(limits, c.input, n)); diff != "" {
				t.Errorf("%s in pieces of %d: %s", c.name, n, diff)
			}
		}
	}
}

func TestScannerDoesNotCopy(t *testing.T) {
	var s imap.Scanner
	input := []byte("a UID FETCH 1:* (FLAGS)\r\n")
	n := testing.AllocsPerRun(100, func() {
		if _, ev, err := s.Feed(input); ev != imap.FrameReady || err != nil {
			t.Fatal(ev, err)
		}
		if &s.Frame().Bytes[0] != &input[0] {
			t.Fatal("frame was copied")
		}
		s.Release()
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestScannerLines(t *testing.T) {
	s := imap.Scanner{Limits: imap.Limits{Line: 32}}
	for _, c := range []struct{ input, want string }{
		{"DONE\r\n", "DONE"}, {"dGVzdA=={5}\r\n", "dGVzdA=={5}"}, {"\r\n", ""},
	} {
		n, ev, err := s.FeedLine([]byte(c.input))
		if n != len(c.input) || ev != imap.FrameReady || err != nil || string(s.Frame().Bytes) != c.want {
			t.Errorf("%q: %d %v %v %q", c.input, n, ev, err, s.Frame().Bytes)
		}
	}
	long := []byte(strings.Repeat("x", 50) + "{9+}\r\n")
	if n, _, err := s.FeedLine(long); n != len(long) || err == nil {
		t.Errorf("long line: %d, %v", n, err)
	}
	if _, ev, err := s.Feed([]byte("b NOOP\r\n")); ev != imap.FrameReady || err != nil {
		t.Errorf("after a long line: %v, %v", ev, err)
	}
}

// TestScannerEndlessLine: a client that never ends its line costs no memory
// beyond the limit, and is heard again after it.
func TestScannerEndlessLine(t *testing.T) {
	var s imap.Scanner
	piece := []byte(strings.Repeat("x", 1000))
	failures := 0
	for range 1000 {
		if _, _, err := s.Feed(piece); err != nil {
			failures++
		}
	}
	if failures != 1 {
		t.Errorf("%d errors", failures)
	}
	if _, _, err := s.Feed([]byte("{3+}\r\nabc\r\n")); err != nil {
		t.Error(err)
	}
	if _, ev, err := s.Feed([]byte("b NOOP\r\n")); ev != imap.FrameReady || err != nil {
		t.Errorf("after the line: %v, %v", ev, err)
	}
}

func TestInlineLimits(t *testing.T) {
	s := imap.Scanner{Limits: imap.Limits{Line: 64, Literal: 50, Frame: 100}}
	if _, ev, _ := s.Feed([]byte("a LOGIN {51}\r\n")); ev != imap.LiteralStart {
		t.Fatal(ev)
	}
	var e *imap.Error
	if err := s.Inline(); !errors.As(err, &e) || e.Kind != imap.TooLarge || e.Tag != "a" {
		t.Errorf("Inline = %v", err)
	}
	s.Refuse()
	s.Feed([]byte("a LOGIN {50}\r\n"))
	if err := s.Inline(); err != nil {
		t.Error(err)
	}
	if _, ev, err := s.Feed([]byte(strings.Repeat("x", 50) + " {49}\r\n")); ev != imap.LiteralStart || err != nil {
		t.Fatal(ev, err)
	}
	if err := s.Inline(); err == nil {
		t.Error("the frame may grow without bound")
	}
}

func FuzzScanner(f *testing.F) {
	for _, c := range scannerTests {
		f.Add([]byte(c.input), 3)
	}
	for _, text := range allCommands() {
		f.Add([]byte(text+"\r\n"), 1)
	}
	limits := imap.Limits{Line: 256, Literal: 64, Frame: 512}
	f.Fuzz(func(t *testing.T, input []byte, n int) {
		if n < 1 || len(input) == 0 {
			return
		}
		whole := trace(limits, string(input), len(input))
		if diff := cmp.Diff(whole, trace(limits, string(input), n)); diff != "" {
			t.Errorf("in pieces of %d: %s", n, diff)
		}
	})
}

// TestScannerHoldsNothing: a parked session's Scanner is as it was made.
func TestScannerHoldsNothing(t *testing.T) {
	for _, input := range []string{"a NOOP\r\n", "a LOGIN {1+}\r\nx y\r\n", "a NO\x00OP\r\n", "a LOGIN {7}\r\n", "a LOGIN {7+}\r\n1234567 x\r\n"} {
		var s imap.Scanner
		for rest := []byte(input); ; {
			n, ev, _ := s.Feed(rest)
			if rest = rest[n:]; ev == imap.LiteralStart {
				decide(&s)
			} else if ev == imap.NeedMore && len(rest) == 0 {
				break
			}
		}
		if !reflect.DeepEqual(s, imap.Scanner{}) {
			t.Errorf("after %q: %+v", input, s)
		}
	}
}
