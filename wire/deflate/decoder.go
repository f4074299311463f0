package deflate

import (
	"errors"
	"io"
)

// Window is how far back a stream may refer, in bytes (RFC 1951 §2).
const Window = 32 << 10

var (
	// ErrCorrupt: the input is no DEFLATE stream.
	ErrCorrupt = errors.New("not a DEFLATE stream (RFC 1951)")
	// ErrBomb: the stream grows to more than Limits allow.
	ErrBomb = errors.New("the compressed stream grows beyond all reason")
)

// Limits say how large a stream may become: Slack + Ratio × the bytes that
// have come. DEFLATE itself ends at a ratio of 1,032.
type Limits struct {
	Ratio int64 // 0: no limit
	Slack int64 // bytes
}

// state is what a Decoder reads next.
type state uint8

const (
	readHeader   state = iota
	readStored         // the length of a stored block
	copyStored         // its octets
	readCounts         // how many code lengths a dynamic block has
	readMeta           // the lengths of the code of code lengths
	readLengths        // the code lengths
	readSymbol         // a literal, or the length of a match
	readDistance       // how far back the match is
	copyMatch          // its octets
	ended
)

// Decoder decompresses what comes. The zero value is ready, without Limits.
type Decoder struct {
	Limits Limits

	size Size
	err  error

	bits  uint32 // taken from the input and not yet used, the next one lowest
	count uint   // of bits

	state state
	final bool // the block is the last one
	// left of a stored block or a match; length of a match before its
	// distance is known.
	left, distance int

	codes  *codes // of the block; nil between blocks
	window window
}

// Size is what has come and what it was decompressed to.
func (d *Decoder) Size() Size { return d.size }

// Decode decompresses from src into dst until one of them is exhausted. If dst
// was not filled, src was taken whole and holds no more, as far as has come.
// The error is io.EOF after a final block, whose end may leave some of src, or
// ErrCorrupt, or ErrBomb, and comes again at every further call; what was
// written before it is valid.
func (d *Decoder) Decode(dst, src []byte) (written, taken int, err error) {
	if d.err != nil {
		return 0, 0, d.err
	}
	in := &input{d, src}
	for written < len(dst) {
		n, more := d.advance(in, dst[written:])
		written += n
		if !more {
			break
		}
	}
	taken = len(src) - len(in.src)
	d.size.Packed += int64(taken)
	d.size.Plain += int64(written)
	if l := d.Limits; d.err == nil && l.Ratio > 0 && d.size.Plain > l.Slack+l.Ratio*d.size.Packed {
		d.err = ErrBomb
	}
	if d.err != nil {
		d.release()
		d.window = window{}
	}
	return written, taken, d.err
}

// input is src, and the bits of d.
type input struct {
	d   *Decoder
	src []byte
}

// need has at least n bits in d.bits, n ≤ 16; false if they have not come. It
// takes no byte before it must: after the last bit of a stream no more than
// the rest of its byte is gone.
func (in *input) need(n uint) bool {
	for in.d.count < n {
		if !in.byte() {
			return false
		}
	}
	return true
}

func (in *input) byte() bool {
	if len(in.src) == 0 {
		return false
	}
	in.d.bits |= uint32(in.src[0]) << in.d.count
	in.d.count += 8
	in.src = in.src[1:]
	return true
}

// use takes n bits that are there.
func (d *Decoder) use(n uint) int {
	v := d.bits & (1<<n - 1)
	d.bits >>= n
	d.count -= n
	return int(v)
}

// fail ends the stream.
func (d *Decoder) fail() (int, bool) {
	d.err = ErrCorrupt
	return 0, false
}

// advance does one thing and says how much it wrote to dst, and whether more
// can be done now.
func (d *Decoder) advance(in *input, dst []byte) (int, bool) {
	switch d.state {
	case readHeader:
		return d.header(in)
	case readStored:
		return d.stored(in)
	case copyStored:
		return d.copyStored(in, dst)
	case readCounts, readMeta, readLengths:
		return d.dynamic(in)
	case readSymbol:
		return d.symbols(in, dst)
	case readDistance:
		return d.readDistance(in)
	case copyMatch:
		return d.copyMatch(dst), true
	}
	d.err = io.EOF
	return 0, false
}

// header reads the three bits before a block (RFC 1951 §3.2.3).
func (d *Decoder) header(in *input) (int, bool) {
	if !in.need(3) {
		return 0, false
	}
	d.final = d.use(1) == 1
	switch d.use(2) {
	case 0:
		d.use(d.count % 8) // to the byte boundary
		d.state = readStored
	case 1:
		d.codes, d.state = fixed(), readSymbol
	case 2:
		d.codes, d.state = borrowCodes(), readCounts
	default:
		return d.fail()
	}
	return 0, true
}

// endBlock goes on to the next block, or ends the stream.
func (d *Decoder) endBlock() {
	d.release()
	if d.state = readHeader; d.final {
		d.state = ended
	}
}

// stored reads the length of a stored block and its complement (§3.2.4).
func (d *Decoder) stored(in *input) (int, bool) {
	// Four bytes are more than need gives, but nothing is in d.bits yet: the
	// length is read first and waits in left, beyond what a length can be.
	if d.left == 0 {
		if !in.need(16) {
			return 0, false
		}
		d.left = d.use(16) | 1<<16
	}
	if !in.need(16) {
		return 0, false
	}
	d.left &^= 1 << 16
	if d.use(16)^0xffff != d.left {
		return d.fail()
	}
	if d.state = copyStored; d.left == 0 {
		d.endBlock()
	}
	return 0, true
}

func (d *Decoder) copyStored(in *input, dst []byte) (int, bool) {
	n := min(d.left, len(dst), len(in.src))
	if n == 0 {
		return 0, false
	}
	copy(dst, in.src[:n])
	d.window.add(in.src[:n])
	in.src = in.src[n:]
	if d.left -= n; d.left == 0 {
		d.endBlock()
	}
	return n, true
}

// symbols decodes literals until a match, the end of the block, or the end of
// what there is.
func (d *Decoder) symbols(in *input, dst []byte) (written int, more bool) {
	for written < len(dst) {
		sym, ok := in.symbol(&d.codes.literals)
		switch {
		case !ok:
			return written, false
		case sym < 256:
			dst[written] = byte(sym)
			written++
			d.window.addByte(byte(sym))
		case sym == endOfBlock:
			d.endBlock()
			return written, true
		case sym >= endOfBlock+1+len(lengths):
			d.fail()
			return written, false
		default:
			d.left, d.state = sym-endOfBlock-1, readDistance
			return written, true
		}
	}
	return written, true
}

// readDistance reads the rest of a match (§3.2.5). Until all of it is there
// left is the code of the length and distance that of the distance plus one.
func (d *Decoder) readDistance(in *input) (int, bool) {
	if d.left < extraRead {
		l := lengths[d.left]
		if !in.need(uint(l.extra)) {
			return 0, false
		}
		d.left = extraRead + int(l.base) + d.use(uint(l.extra))
		d.distance = 0
	}
	if d.distance == 0 {
		sym, ok := in.symbol(&d.codes.distances)
		switch {
		case !ok:
			return 0, false
		case sym >= len(distances):
			return d.fail()
		}
		d.distance = sym + 1
	}
	far := distances[d.distance-1]
	if !in.need(uint(far.extra)) {
		return 0, false
	}
	d.distance = int(far.base) + d.use(uint(far.extra))
	d.left -= extraRead
	if d.distance > d.window.used() {
		return d.fail()
	}
	d.state = copyMatch
	return 0, true
}

// extraRead is added to a length whose extra bits have been read.
const extraRead = 1 << 10

func (d *Decoder) copyMatch(dst []byte) int {
	n := min(d.left, len(dst))
	d.window.repeat(dst[:n], d.distance)
	if d.left -= n; d.left == 0 {
		d.state = readSymbol
	}
	return n
}

// window is the last of what was decompressed: b while it is shorter than
// Window, then a ring that begins at at.
type window struct {
	b  []byte
	at int
}

func (w *window) used() int { return len(w.b) }

func (w *window) add(p []byte) {
	if len(p) > Window {
		p = p[len(p)-Window:]
	}
	if n := min(Window-len(w.b), len(p)); n > 0 {
		w.b = append(room(w.b, len(w.b)+n, Window), p[:n]...)
		p = p[n:]
	}
	for len(p) > 0 {
		n := copy(w.b[w.at:], p)
		w.at = (w.at + n) % Window
		p = p[n:]
	}
}

func (w *window) addByte(c byte) {
	if len(w.b) < Window {
		w.b = append(room(w.b, len(w.b)+1, Window), c)
		return
	}
	w.b[w.at] = c
	w.at = (w.at + 1) % Window
}

// repeat fills dst with what stands distance back, which may overlap dst, and
// adds it.
func (w *window) repeat(dst []byte, distance int) {
	for len(dst) > 0 {
		from := w.at - distance
		if len(w.b) < Window {
			from = len(w.b) - distance
		} else if from < 0 {
			from += Window
		}
		n := min(len(dst), distance, len(w.b)-from)
		copy(dst, w.b[from:from+n])
		w.add(dst[:n])
		dst = dst[n:]
	}
}
