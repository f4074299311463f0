package message

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"

	"citron/mail/message/messagetest"
)

// TestChunks: the same bytes in pieces of any size are the same message.
func TestChunks(t *testing.T) {
	for name, raw := range messagetest.Corpus(t) {
		for _, b := range [][]byte{raw, toCRLF(raw)} {
			want := indexOf(NewParser(Limits{}), b, len(b)+1)
			p := NewParser(Limits{})
			for _, size := range []int{1, 2, 3, 7, 64, 1021} {
				p.Reset()
				if got := indexOf(p, b, size); !bytes.Equal(got, want) {
					t.Errorf("%s in pieces of %d:\n%s", name, size, cmp.Diff(string(want), string(got)))
				}
			}
		}
	}
}

// indexOf writes b in pieces and gives the index.
func indexOf(p *Parser, b []byte, size int) []byte {
	for len(b) > 0 {
		n := min(size, len(b))
		p.Write(b[:n])
		b = b[n:]
	}
	return p.Finish().AppendIndex(nil)
}
