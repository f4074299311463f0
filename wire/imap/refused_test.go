package imap

import (
	"fmt"
	"strings"
	"testing"
)

// Nothing of a refused non-synchronizing literal is taken for a command,
// whatever its size and in whatever pieces it comes (RFC 7888 §4).
func TestRefusedLiteralIsSkipped(t *testing.T) {
	for _, size := range []int{0, 1, 9, 100, 101, 8191, 8192, 1 << 20} {
		for _, piece := range []int{1, 7, 4096, 1 << 30} {
			if size > 100_000 && piece < 4096 {
				continue
			}
			literal := strings.Repeat("b LOGOUT\r\n", size/10+1)[:size]
			input := fmt.Sprintf("a LOGIN {%d+}\r\n%s {3+}\r\nxyz\r\nc NOOP\r\n", size, literal)
			if frames := refuseFirst(t, input, piece); len(frames) != 1 || frames[0] != "c NOOP" {
				t.Errorf("%d octets in pieces of %d: %q", size, piece, frames)
			}
		}
	}
}

// refuseFirst feeds input in pieces, refuses the literal announced and gives
// the commands found after it.
func refuseFirst(t *testing.T, input string, piece int) (frames []string) {
	t.Helper()
	var s Scanner
	refused := false
	for rest := []byte(input); len(rest) > 0; {
		p := rest[:min(piece, len(rest))]
		for {
			n, event, err := s.Feed(p)
			if err != nil {
				t.Fatalf("%v", err)
			}
			p, rest = p[n:], rest[n:]
			switch event {
			case FrameReady:
				frames = append(frames, string(s.Frame().Bytes))
			case LiteralStart:
				if refused {
					t.Fatalf("a literal within what was refused: %d octets", s.Literal().Size)
				}
				s.Refuse()
				refused = true
			}
			if event == NeedMore {
				break
			}
		}
	}
	return frames
}
