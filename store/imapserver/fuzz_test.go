package imapserver

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"citron/ops/conn"
)

// FuzzSession feeds a session whatever there is, in pieces: it never panics,
// never waits for input when there is none to come, and writes no more than it
// should at a time. Seeds are the client's lines of the dialogues.
func FuzzSession(f *testing.F) {
	files, _ := filepath.Glob("testdata/*.txtar")
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		var said strings.Builder
		for line := range strings.Lines(string(data)) {
			if text, ok := strings.CutPrefix(line, "C: "); ok {
				said.WriteString(strings.TrimSuffix(text, "\n") + "\r\n")
			}
		}
		f.Add([]byte(said.String()), uint8(7))
		f.Add([]byte(said.String()), uint8(255))
	}
	f.Fuzz(func(t *testing.T, input []byte, piece uint8) {
		fixture := newFixture(t)
		p := fixture.login()
		defer p.hangUp()
		for len(input) > 0 && !p.closed {
			n := min(len(input), int(piece)+1)
			p.in = append(p.in, input[:n]...)
			input = input[n:]
			for steps := 0; !p.closed && p.due(); steps++ {
				if steps > 100_000 {
					t.Fatal("session does not come to rest")
				}
				p.out = p.out[:0]
				p.step(t)
				if len(p.out) > conn.HighWater+1<<20 {
					t.Fatalf("one Step wrote %d bytes", len(p.out))
				}
			}
		}
		p.eof = true
		p.run(t)
		if !p.closed && p.wait.Until.IsZero() {
			t.Fatal("the session goes on without its peer")
		}
		if strings.Contains(fixture.log.String(), "defect") {
			t.Fatal(fixture.log.String())
		}
	})
}
