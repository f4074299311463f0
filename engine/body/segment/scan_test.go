package segment

import (
	"bytes"
	"errors"
	"testing"

	"citron/engine/body"
)

// image builds a segment of bodies in memory.
func image(nonce uint64, bodies ...[]byte) []byte {
	out := make([]byte, segmentHeaderSize)
	putSegmentHeader(out, 7, nonce)
	for i, b := range bodies {
		frame := make([]byte, frameSize(uint64(len(b))))
		h := header{owner: body.Owner{Account: 5, Object: uint64(i)}, length: uint64(len(b))}
		h.put(frame, nonce)
		copy(frame[frameHeaderSize:], b)
		out = append(out, frame...)
	}
	return out
}

// objects lists the objects that a scan finds.
func objects(t *testing.T, file []byte, nonce uint64) (out []uint64) {
	t.Helper()
	err := scan(bytes.NewReader(file), nonce, align(int64(len(file))), func(_ int64, h header) error {
		out = append(out, h.owner.Object)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestScanStepsOverDamage(t *testing.T) {
	const nonce = 0x1122334455667788
	bodies := [][]byte{{1, 2, 3}, bytes.Repeat([]byte("x"), 100_000), nil, []byte("end")}
	whole := image(nonce, bodies...)
	if got := objects(t, whole, nonce); len(got) != 4 {
		t.Fatalf("found %v", got)
	}
	broken := bytes.Clone(whole)
	broken[segmentHeaderSize+9] ^= 1 // the first frame's account
	if got := objects(t, broken, nonce); len(got) != 3 || got[0] != 1 {
		t.Errorf("first header damaged: found %v", got)
	}
	broken = bytes.Clone(whole)
	second := segmentHeaderSize + int(frameSize(3))
	clear(broken[second : second+4096]) // a block that was not kept
	if got := objects(t, broken, nonce); len(got) != 3 || got[1] != 2 {
		t.Errorf("a block lost: found %v", got)
	}
	if got := objects(t, whole[:second+1000], nonce); len(got) != 1 {
		t.Errorf("cut in the second body: found %v", got)
	}
}

// A message may hold what looks like frames: they count only with the nonce of
// the very segment.
func TestScanIsNotFooled(t *testing.T) {
	forged := image(42, []byte("forged"))[segmentHeaderSize:]
	file := image(43, append(bytes.Repeat([]byte{0}, 24), forged...), []byte("real"))
	file[segmentHeaderSize] ^= 1
	if got := objects(t, file, 43); len(got) != 1 || got[0] != 1 {
		t.Errorf("found %v", got)
	}
}

func TestScanPassesErrors(t *testing.T) {
	stop := errors.New("enough")
	err := scan(bytes.NewReader(image(1, nil, nil)), 1, 1<<20, func(int64, header) error { return stop })
	if err != stop {
		t.Errorf("scan: %v", err)
	}
}

// Whatever a file holds, a scan ends, stays within it and finds frames in
// order that do not overlap.
func FuzzScan(f *testing.F) {
	f.Add(image(0, []byte("a"), []byte("bc")), uint64(0))
	f.Add(image(1, nil, bytes.Repeat([]byte("CtBF"), 50)), uint64(1))
	f.Add([]byte("CITRSEG1"), uint64(0))
	torn := image(9, []byte("abc"), bytes.Repeat([]byte("d"), 500))
	f.Add(torn[:200], uint64(9))
	f.Fuzz(func(t *testing.T, file []byte, nonce uint64) {
		end := align(int64(len(file)))
		free := int64(segmentHeaderSize)
		err := scan(bytes.NewReader(file), nonce, end, func(at int64, h header) error {
			if at < free || at%alignment != 0 || at+frameHeaderSize+int64(h.length) > end {
				t.Fatalf("frame at %d of %d bytes in a file of %d, free from %d", at, h.length, end, free)
			}
			free = at + frameSize(h.length)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

func TestHeaders(t *testing.T) {
	var p [frameHeaderSize]byte
	want := header{owner: body.Owner{Account: 1, Object: 1 << 63}, length: 12345, crc: 0xdeadbeef}
	want.put(p[:], 77)
	if got, ok := parseHeader(p[:], 77); !ok || got != want {
		t.Errorf("got %+v, %v", got, ok)
	}
	if _, ok := parseHeader(p[:], 78); ok {
		t.Error("taken with another nonce")
	}
	if _, ok := parseSeal(p[:], 77); ok {
		t.Error("a body taken for a seal")
	}
	for i := range 36 {
		p[i] ^= 0x10
		if _, ok := parseHeader(p[:], 77); ok {
			t.Errorf("taken with byte %d changed", i)
		}
		p[i] ^= 0x10
	}
	header{length: maxLength + 1}.put(p[:], 77)
	if _, ok := parseHeader(p[:], 77); ok {
		t.Error("an absurd length was taken")
	}
}
