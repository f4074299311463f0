package segment

import (
	"encoding/binary"
	"hash/crc32"
	"math"

	"citron/engine/body"
)

const (
	segmentHeaderSize = 32
	frameHeaderSize   = 40
	alignment         = 8

	segmentMagic = "CITRSEG1"
	frameMagic   = "CtBF"
	sealMagic    = "CtSL"

	// maxLength keeps every offset within a frame an int64.
	maxLength = math.MaxInt64 >> 8
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// align rounds up to where a frame may begin.
func align(n int64) int64 { return (n + alignment - 1) &^ (alignment - 1) }

// frameSize is the room a body of the given length takes.
func frameSize(length uint64) int64 { return align(frameHeaderSize + int64(length)) }

// header is what stands before a body.
type header struct {
	owner  body.Owner
	length uint64
	crc    uint32 // of the body
}

// put writes the header into p, which has room for it.
func (h header) put(p []byte, nonce uint64) { putHeader(p, frameMagic, nonce, h) }

// parseHeader reads a frame header; ok is false for anything else.
func parseHeader(p []byte, nonce uint64) (h header, ok bool) {
	return takeHeader(p, frameMagic, nonce)
}

// seal ends a segment: what it should hold.
type seal struct {
	frames uint64
	bytes  uint64 // of all frames with their headers
}

func (s seal) put(p []byte, nonce uint64) {
	putHeader(p, sealMagic, nonce, header{owner: body.Owner{Account: s.frames, Object: s.bytes}})
}

func parseSeal(p []byte, nonce uint64) (s seal, ok bool) {
	h, ok := takeHeader(p, sealMagic, nonce)
	return seal{frames: h.owner.Account, bytes: h.owner.Object}, ok
}

func putHeader(p []byte, magic string, nonce uint64, h header) {
	p = p[:frameHeaderSize]
	copy(p, magic)
	binary.LittleEndian.PutUint64(p[8:], h.owner.Account)
	binary.LittleEndian.PutUint64(p[16:], h.owner.Object)
	binary.LittleEndian.PutUint64(p[24:], h.length)
	binary.LittleEndian.PutUint32(p[32:], h.crc)
	binary.LittleEndian.PutUint32(p[36:], 0)
	binary.LittleEndian.PutUint32(p[4:], headerCRC(p, nonce))
}

func takeHeader(p []byte, magic string, nonce uint64) (header, bool) {
	if len(p) < frameHeaderSize || string(p[:4]) != magic ||
		binary.LittleEndian.Uint32(p[4:]) != headerCRC(p[:frameHeaderSize], nonce) {
		return header{}, false
	}
	h := header{
		owner: body.Owner{
			Account: binary.LittleEndian.Uint64(p[8:]),
			Object:  binary.LittleEndian.Uint64(p[16:]),
		},
		length: binary.LittleEndian.Uint64(p[24:]),
		crc:    binary.LittleEndian.Uint32(p[32:]),
	}
	return h, h.length <= maxLength
}

// headerCRC covers the nonce and all of the header but magic and itself.
func headerCRC(p []byte, nonce uint64) uint32 {
	var n [8]byte
	binary.LittleEndian.PutUint64(n[:], nonce)
	return crc32.Update(crc32.Checksum(n[:], castagnoli), castagnoli, p[8:])
}

// putSegmentHeader writes the first bytes of a segment.
func putSegmentHeader(p []byte, number, nonce uint64) {
	p = p[:segmentHeaderSize]
	clear(p)
	copy(p, segmentMagic)
	binary.LittleEndian.PutUint64(p[8:], number)
	binary.LittleEndian.PutUint64(p[16:], nonce)
	binary.LittleEndian.PutUint32(p[24:], crc32.Checksum(p[:24], castagnoli))
}

// parseSegmentHeader gives the nonce of the segment with this number.
func parseSegmentHeader(p []byte, number uint64) (nonce uint64, ok bool) {
	if len(p) < segmentHeaderSize || string(p[:8]) != segmentMagic ||
		binary.LittleEndian.Uint64(p[8:]) != number ||
		binary.LittleEndian.Uint32(p[24:]) != crc32.Checksum(p[:24], castagnoli) {
		return 0, false
	}
	return binary.LittleEndian.Uint64(p[16:]), true
}
