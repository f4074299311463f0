package content

import (
	"strings"
	"testing"

	"citron/submission"
)

// FuzzMeter: however a message is cut, the same is found.
func FuzzMeter(f *testing.F) {
	f.Add("Subject: x\r\n\r\n", "a\r\nb\r", 1)
	f.Add("\r\n", strings.Repeat("x", 999)+"\r\n", 998)
	f.Add("Content-Type: message/global\r\n\r\n", "Subject: \xc3\xbc\r\n\r\n\x00\xff", 5)
	f.Fuzz(func(t *testing.T, head, body string, cut int) {
		at := 0
		if len(body) > 0 {
			at = int(uint(cut) % uint(len(body)))
		}
		measure := func(pieces ...string) submission.Content {
			m := NewMeter()
			m.Header([]byte(head))
			for _, p := range pieces {
				m.Body([]byte(p))
			}
			return m.Finish()
		}
		whole := measure(body)
		if got := measure(body[:at], body[at:]); got != whole {
			t.Fatalf("%+v, %+v", whole, got)
		}
		lines := strings.ReplaceAll(head+body, "\r\n", "\n")
		want := strings.ContainsAny(lines, "\r\x00") || strings.Count(lines, "\n") != strings.Count(head+body, "\n") ||
			strings.Count(head+body, "\r\n") != strings.Count(head+body, "\n")
		for line := range strings.SplitSeq(lines, "\n") {
			want = want || len(line) > 998
		}
		if whole.Binary != want {
			t.Fatalf("binary %v: %q", whole.Binary, head+body)
		}
	})
}
