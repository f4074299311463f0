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

// compressors are shared by all Encoders; each is about 1 MB.
var compressors = sync.Pool{New: func() any {
	c := new(compressor)
	c.w, _ = flate.NewWriter(c, level) // it knows the level
	return c
}}

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
	c := compressors.Get().(*compressor)
	c.out = dst
	c.w.ResetDict(c, e.history)
	c.w.Write(plain) // Write and Flush fail only if c.Write does
	c.w.Flush()
	out := c.out
	c.out = nil
	compressors.Put(c)
	e.remember(plain)
	e.size.Plain += int64(len(plain))
	e.size.Packed += int64(len(out) - len(dst))
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
