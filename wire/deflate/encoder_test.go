package deflate

import (
	"bytes"
	stdflate "compress/flate"
	"encoding/base64"
	"io"
	"math/rand/v2"
	"slices"
	"testing"
)

// stateful is what a compressor makes of bursts that lives as long as the
// connection, with a sync flush after each.
func stateful(t *testing.T, bursts [][]byte) (size int) {
	var out bytes.Buffer
	w, err := stdflate.NewWriter(&out, 6)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range bursts {
		w.Write(b)
		w.Flush()
	}
	return out.Len()
}

// What is given up for keeping no compressor: at most 5% against level 6.
func TestEncoderRatio(t *testing.T) {
	for _, shape := range []struct{ count, each int }{{300, 2}, {300, 10}, {300, 25}, {50, 100}, {10, 1000}} {
		all := bursts(shape.count, shape.each)
		var e Encoder
		var out, plain []byte
		for _, b := range all {
			out = e.Append(out, b)
			plain = append(plain, b...)
		}
		got, err := io.ReadAll(stdflate.NewReader(bytes.NewReader(out)))
		if !bytes.Equal(got, plain) || err != io.ErrUnexpectedEOF {
			t.Fatalf("read back wrong: %v", err)
		}
		best := stateful(t, all)
		t.Logf("%d bursts of %d: %.4f of the plain size, stateful %.4f", shape.count, shape.each,
			float64(len(out))/float64(len(plain)), float64(best)/float64(len(plain)))
		if float64(len(out)) > 1.05*float64(best) {
			t.Errorf("%d bytes, stateful %d: more than 5%% above", len(out), best)
		}
		if s := e.Size(); s != (Size{int64(len(plain)), int64(len(out))}) {
			t.Errorf("size %v", s)
		}
	}
}

// An attachment takes the fast way, and what comes after it is compressed as
// before.
func TestEncoderOfAttachments(t *testing.T) {
	noise := make([]byte, 3<<20)
	rand.NewChaCha8([32]byte{1}).Read(noise)
	text := []byte(base64.StdEncoding.EncodeToString(noise))
	var e Encoder
	var d Decoder
	for _, part := range slices.Concat(bursts(2, 25), slices.Collect(slices.Chunk(text, 64<<10)), bursts(20, 200)) {
		packed := e.Append(nil, part)
		if got, err := decodeAll(&d, packed, 8<<10); err != nil || !bytes.Equal(got, part) {
			t.Fatalf("read back wrong: %v", err)
		}
		if part[0] == '*' && len(packed)*4 > len(part) || len(packed)*100 > len(part)*78 {
			t.Errorf("%d bytes for %d", len(packed), len(part))
		}
	}
	if e.dense != 0 {
		t.Error("responses are still taken for an attachment")
	}
}

func BenchmarkEncoder(b *testing.B) {
	all := bursts(100, 25)
	var e Encoder
	var out []byte
	n := 0
	for b.Loop() {
		out = e.Append(out[:0], all[n%len(all)])
		b.SetBytes(int64(len(all[n%len(all)])))
		n++
	}
}
