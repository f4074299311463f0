package deflate

import (
	"sync"

	"github.com/klauspost/compress/flate"
)

const (
	// History is how many bytes of what was sent an Encoder keeps to refer to:
	// some tens of responses.
	History = 10 << 10
	// level makes up for the history's being a third of what a compressor
	// would have kept. It costs 80 µs for the shortest burst.
	level = 8
)

// What looks for no repetition is enough for long bursts of what was compressed
// or encoded before, attachments mostly, and four times as fast (RFC 4978 §4).
const (
	longBurst = 32 << 10 // bytes
	// dense is how many long bursts go that way after one that shrank by less
	// than a quarter: a base64 text does by that much and no more.
	dense = 7
)

// compressors are shared by all Encoders; each is about 1 MB, those that look
// for no repetition 100 KB.
var (
	compressors      = sync.Pool{New: func() any { return newCompressor(level) }}
	denseCompressors = sync.Pool{New: func() any { return newCompressor(flate.HuffmanOnly) }}
)

func newCompressor(level int) *compressor {
	c := new(compressor)
	c.w, _ = flate.NewWriter(c, level) // it knows the level
	return c
}

// compressor is a flate.Writer and what it writes to.
type compressor struct {
	w   *flate.Writer
	out []byte
}

func (c *compressor) Write(p []byte) (int, error) {
	c.out = append(c.out, p...)
	return len(p), nil
}

// Encoder compresses what is sent. The zero value is ready.
type Encoder struct {
	history []byte
	dense   int // long bursts that are still to be taken for dense
	size    Size
}

// Size counts one direction of a conversation, in bytes.
type Size struct{ Plain, Packed int64 }

// Size is what the Encoder was given and what it made of it.
func (e *Encoder) Size() Size { return e.size }

// Append compresses plain, appends it to dst and returns that. The peer can
// read all of it at once: it ends with a sync flush. Nothing is appended for
// nothing.
func (e *Encoder) Append(dst, plain []byte) []byte {
	if len(plain) == 0 {
		return dst
	}
	out := e.compress(dst, plain)
	packed := len(out) - len(dst)
	if long := len(plain) >= longBurst; long && e.dense > 0 {
		e.dense--
	} else if long && packed > len(plain)/4*3 {
		e.dense = dense
	}
	e.remember(plain)
	e.size.Plain += int64(len(plain))
	e.size.Packed += int64(packed)
	return out
}

func (e *Encoder) compress(dst, plain []byte) []byte {
	pool := &compressors
	if len(plain) >= longBurst && e.dense > 0 {
		pool = &denseCompressors
	}
	c := pool.Get().(*compressor)
	c.out = dst
	c.w.ResetDict(c, e.history)
	c.w.Write(plain) // Write and Flush fail only if c.Write does
	c.w.Flush()
	out := c.out
	c.out = nil
	pool.Put(c)
	return out
}

// remember keeps the end of what was sent.
func (e *Encoder) remember(plain []byte) {
	if len(plain) >= History {
		e.history = append(room(e.history[:0], History, History), plain[len(plain)-History:]...)
		return
	}
	if over := len(e.history) + len(plain) - History; over > 0 {
		e.history = e.history[:copy(e.history, e.history[over:])]
	}
	e.history = append(room(e.history, len(e.history)+len(plain), History), plain...)
}

// room returns b with a capacity of at least n, in steps of powers of two up to
// most, so that what stays is at most twice what was used.
func room(b []byte, n, most int) []byte {
	if n <= cap(b) {
		return b
	}
	size := 256
	for size < n {
		size *= 2
	}
	return append(make([]byte, 0, min(size, most)), b...)
}
