package deflate

import (
	"bytes"
	stdflate "compress/flate"
	"encoding/hex"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
)

// commands as zlib sends them, each flushed in one of its ways.
var commands = []string{
	"a SELECT INBOX\r\n", "b UID FETCH 1:* (FLAGS)\r\n", "c UID FETCH 7:* (FLAGS)\r\n", "d IDLE\r\n", "DONE\r\n",
}

var flushed = map[string][]string{
	"partial": {"4a540876f571750e51f0f473f28fe0e50208", "a02485504f170537d710670f05432b2d050d371f47f7604d5e2e8000",
		"4a46923047960008", "a014054f171f575e2e8000", "72f1f703920001"},
	"sync": {"4a540876f571750e51f0f473f28fe0e502000000ffff", "4a5208f5745170730d71f65030b4d252d070f371740fd6e4e502000000ffff",
		"4a469230479600000000ffff", "4a51f074f171e5e502000000ffff", "72f1f7039200000000ffff"},
	"full": {"4a540876f571750e51f0f473f28fe0e502000000ffff", "4a5208f5745170730d71f65030b4d252d070f371740fd6e4e502000000ffff",
		"4a5608f5745170730d71f65030b7d252d070f371740fd6e4e502000000ffff", "4a51f074f171e5e502000000ffff", "72f1f773e5e502000000ffff"},
}

// What was flushed is given at once and whole, however it was flushed and
// however it comes.
func TestDecoderGivesWhatWasFlushed(t *testing.T) {
	for flush, packets := range flushed {
		for _, cut := range []int{1, 3, 1000} {
			var d Decoder
			for i, packet := range packets {
				in, err := hex.DecodeString(packet)
				if err != nil {
					t.Fatal(err)
				}
				var got []byte
				for len(in) > 0 {
					n := min(cut, len(in))
					out, err := decodeAll(&d, in[:n], 1<<10)
					if err != nil {
						t.Fatal(err)
					}
					got, in = append(got, out...), in[n:]
				}
				if string(got) != commands[i] {
					t.Errorf("%s flush, %d bytes at a time: got %q, want %q", flush, cut, got, commands[i])
				}
			}
			// A partial flush ends within a block of fixed codes, which all share.
			if own := d.codes != nil && d.codes != fixed(); own || cap(d.window.b) > 256 {
				t.Errorf("%s: between commands %d bytes of window are kept, codes %v", flush, cap(d.window.b), own)
			}
		}
	}
}

// decodeAll decodes all of src, room bytes at a time.
func decodeAll(d *Decoder, src []byte, room int) (all []byte, err error) {
	dst := make([]byte, room)
	for {
		n, taken, err := d.Decode(dst, src)
		all, src = append(all, dst[:n]...), src[taken:]
		if err != nil || n < len(dst) {
			return all, err
		}
	}
}

// samples are plain texts of every kind of block.
func samples() [][]byte {
	noise := make([]byte, 100_000)
	random := rand.NewChaCha8([32]byte{1})
	random.Read(noise)
	return append(bursts(3, 200), nil, []byte("a"), noise, bytes.Repeat([]byte("lemonade"), 20_000),
		append(bytes.Clone(noise[:40_000]), noise[:40_000]...))
}

// All that compress/flate writes is read, in any cuts, into any room.
func TestDecoderReadsStd(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for i, plain := range samples() {
		for level := stdflate.HuffmanOnly; level <= stdflate.BestCompression; level++ {
			packed := pack(t, plain, level)
			trailer := append(packed, "plain text"...)
			var d Decoder
			var got []byte
			var err error
			for in, rest := []byte(nil), trailer; err == nil; {
				n := min(1+random.IntN(3000), len(rest))
				in, rest = append(in, rest[:n]...), rest[n:]
				dst := make([]byte, 1+random.IntN(5000))
				var written, taken int
				written, taken, err = d.Decode(dst, in)
				got, in = append(got, dst[:written]...), in[taken:]
			}
			if err != io.EOF || !bytes.Equal(got, plain) {
				t.Fatalf("sample %d, level %d: %v, %d bytes of %d", i, level, err, len(got), len(plain))
			}
			if s := d.Size(); s != (Size{int64(len(plain)), int64(len(packed))}) {
				t.Errorf("sample %d, level %d: size %v, want %d and %d", i, level, s, len(plain), len(packed))
			}
		}
	}
}

func pack(t testing.TB, plain []byte, level int) []byte {
	var out bytes.Buffer
	w, err := stdflate.NewWriter(&out, level)
	if err != nil {
		t.Fatal(err)
	}
	w.Write(plain)
	w.Close()
	return out.Bytes()
}

func TestDecoderRefuses(t *testing.T) {
	for name, stream := range map[string]string{
		"block type 3":               "07",
		"stored length":              "010100fffe",
		"distance before the start":  "030600000000",
		"length symbol 286":          "1b03",
		"too many distances":         "05ff000000",
		"nothing to repeat":          "05c081080000000000107f",
		"plain text":                 hex.EncodeToString([]byte("a NOOP\r\n")),
		"plain text of another time": hex.EncodeToString([]byte("* OK hello\r\n* OK hello\r\n")),
	} {
		in, err := hex.DecodeString(stream)
		if err != nil {
			t.Fatal(err)
		}
		var d Decoder
		_, err = decodeAll(&d, in, 100)
		if !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: %v", name, err)
		}
		if n, taken, err := d.Decode(make([]byte, 10), in); n != 0 || taken != 0 || !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: after the error %d, %d, %v", name, n, taken, err)
		}
	}
}

// A bomb ends at the limit, and within the room that was given.
func TestDecoderCutsBombs(t *testing.T) {
	bomb := pack(t, make([]byte, 50<<20), 9)
	d := Decoder{Limits: Limits{Ratio: 100, Slack: 1 << 20}}
	dst, total := make([]byte, 4096), 0
	for {
		n, taken, err := d.Decode(dst, bomb)
		total, bomb = total+n, bomb[taken:]
		if err == ErrBomb {
			break
		}
		if err != nil || total > 3<<20 {
			t.Fatalf("%v after %d bytes", err, total)
		}
	}
	honest := []byte(strings.Repeat("a UID FETCH 1:* (FLAGS)\r\n", 20_000))
	d = Decoder{Limits: d.Limits}
	if got, err := decodeAll(&d, pack(t, honest, 6), 4096); err != io.EOF || len(got) != len(honest) {
		t.Errorf("half a megabyte of the same: %d, %v", len(got), err)
	}
}

// What is kept between two pieces of input is bounded, and given up at the end.
func TestDecoderMemory(t *testing.T) {
	var d Decoder
	packed := pack(t, bytes.Join(bursts(20, 100), nil), 6)
	if _, err := decodeAll(&d, packed[:len(packed)-10], 1000); err != nil {
		t.Fatal(err)
	}
	if c := cap(d.window.b); c != Window {
		t.Errorf("%d bytes of window", c)
	}
	if _, err := decodeAll(&d, packed[len(packed)-10:], 1000); err != io.EOF {
		t.Fatal(err)
	}
	if d.codes != nil || d.window.b != nil {
		t.Error("something is kept after the end")
	}
}

// FuzzDecoder: whatever comes in whatever cuts, what is given is what
// compress/flate gives of a stream that is whole, and a beginning of it
// otherwise; memory is bounded, nothing panics.
func FuzzDecoder(f *testing.F) {
	for _, packets := range flushed {
		var all []byte
		for _, p := range packets {
			b, _ := hex.DecodeString(p)
			all = append(all, b...)
		}
		f.Add(all, uint64(3))
	}
	for _, plain := range samples() {
		f.Add(pack(f, plain[:min(len(plain), 2000)], 6), uint64(1))
		f.Add(pack(f, plain[:min(len(plain), 300)], stdflate.HuffmanOnly), uint64(2))
	}
	f.Fuzz(func(t *testing.T, stream []byte, seed uint64) {
		const most = 1 << 20
		want, wantErr := io.ReadAll(io.LimitReader(stdflate.NewReader(bytes.NewReader(stream)), most))
		random := rand.New(rand.NewPCG(seed, 0))
		var d Decoder
		var got, in []byte
		var err error
		for rest := stream; err == nil && len(got) < most; {
			n := min(1+random.IntN(64), len(rest))
			in, rest = append(in, rest[:n]...), rest[n:]
			dst := make([]byte, 1+random.IntN(1024))
			var written, taken int
			written, taken, err = d.Decode(dst, in)
			got, in = append(got, dst[:written]...), in[taken:]
			if cap(d.window.b) > Window || d.count >= 32 {
				t.Fatalf("window of %d bytes, %d bits", cap(d.window.b), d.count)
			}
			if written < len(dst) && err == nil && len(in) > 0 {
				t.Fatal("neither room nor input is exhausted")
			}
			if len(rest) == 0 && written < len(dst) {
				break
			}
		}
		got = got[:min(len(got), most)]
		if wantErr == nil && !bytes.Equal(got, want) || !bytes.HasPrefix(got, want) {
			t.Fatalf("got %d bytes, %v; compress/flate %d, %v", len(got), err, len(want), wantErr)
		}
		if wantErr == nil && len(got) < most && err != io.EOF {
			t.Fatalf("whole for compress/flate, here %v", err)
		}
	})
}

func BenchmarkDecoder(b *testing.B) {
	plain := bytes.Join(bursts(10, 100), nil)
	packed := pack(b, plain, 6)
	dst := make([]byte, 32<<10)
	b.SetBytes(int64(len(plain)))
	for b.Loop() {
		var d Decoder
		for in := packed; ; {
			_, taken, err := d.Decode(dst, in)
			if in = in[taken:]; err != nil {
				break
			}
		}
	}
}
