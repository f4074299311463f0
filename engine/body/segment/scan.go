package segment

import (
	"encoding/binary"
	"io"
)

// scan walks the frames of a segment that lie before end and calls fn for
// each. What is no frame is stepped over to the next that is one: only there
// does it read more than headers.
func scan(file io.ReaderAt, nonce uint64, end int64, fn func(offset int64, h header) error) error {
	var head [frameHeaderSize]byte
	for at := int64(segmentHeaderSize); at+frameHeaderSize <= end; {
		n, err := file.ReadAt(head[:], at)
		if n < len(head) && err != io.EOF {
			return err
		}
		if h, ok := parseHeader(head[:n], nonce); ok && fits(at, h, end) {
			if err := fn(at, h); err != nil {
				return err
			}
			at += frameSize(h.length)
			continue
		}
		if at, err = search(file, nonce, at+alignment, end); err != nil {
			return err
		}
	}
	return nil
}

// fits says that the frame ends within the segment; one torn at its end does
// not.
func fits(at int64, h header, end int64) bool {
	return int64(h.length) <= end-at-frameHeaderSize
}

// search finds the next frame at from or later; end if there is none.
func search(file io.ReaderAt, nonce uint64, from, end int64) (int64, error) {
	window := make([]byte, 64<<10)
	magic := binary.LittleEndian.Uint32([]byte(frameMagic))
	for from+frameHeaderSize <= end {
		n, err := file.ReadAt(window[:min(int64(len(window)), end-from)], from)
		if err != nil && err != io.EOF {
			return 0, err
		}
		if n < frameHeaderSize {
			return end, nil
		}
		i := 0
		for ; i+frameHeaderSize <= n; i += alignment {
			if binary.LittleEndian.Uint32(window[i:]) != magic {
				continue
			}
			if h, ok := parseHeader(window[i:n], nonce); ok && fits(from+int64(i), h, end) {
				return from + int64(i), nil
			}
		}
		from += int64(i)
	}
	return end, nil
}

// countFrames counts what a scan finds.
func countFrames(file io.ReaderAt, nonce uint64, end int64) (s seal, err error) {
	err = scan(file, nonce, end, func(_ int64, h header) error {
		s.frames++
		s.bytes += uint64(frameSize(h.length))
		return nil
	})
	return s, err
}
