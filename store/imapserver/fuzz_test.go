package imapserver

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"citron/engine/kv"
	"citron/ops/conn"
	"citron/store/account"
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
	fixture := newFuzzFixture(f)
	f.Fuzz(func(t *testing.T, input []byte, piece uint8) {
		fixture.renew(t)
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

// fuzzFixture is a fixture whose alice has a new account for each input: made
// in a moment, and nothing of one input is left for the next.
type fuzzFixture struct {
	*fixture
	number kv.Account
}

func newFuzzFixture(f *testing.F) *fuzzFixture {
	x := &fuzzFixture{newFixture(f), 1000}
	x.server.open = func(ctx context.Context, _ uint64) (*account.Account, error) {
		return x.store.Account(ctx, x.number)
	}
	return x
}

func (x *fuzzFixture) renew(t *testing.T) {
	x.t = t
	ctx := context.Background()
	if x.number > 1000 {
		x.check(x.store.Delete(ctx, x.number))
	}
	x.number++
	x.check(x.store.Create(ctx, x.number, account.CreateOptions{StandardFolders: true}))
	x.log.Reset()
}
